"""``make test-hostile``: attack a service that runs, or one that is started for it.

    python -m tests.hostile --url http://127.0.0.1:8025 --key wk_...

Only ever attack your own. It takes two minutes, opens 4,200 connections (see `ulimit -n`), and
exits with 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.hostile.suite import Suite, Target
from tests.support.service import running


def main() -> int:
    """Run the suite; return the exit status."""
    wanted = argparse.ArgumentParser(description="Attack a Winnow of your own.")
    wanted.add_argument("--url", help="where it runs; none: one is started")
    wanted.add_argument("--key", default="", help="a site's API key, for the honest client")
    wanted.add_argument("--scale", type=float, default=1.0, help="1: 2,000 of each")
    wanted.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    options = wanted.parse_args()
    if options.url:
        parts = urlsplit(options.url)
        target = Target(parts.hostname or "127.0.0.1", parts.port or 80, options.key)
        return _run(Suite(target, options.scale, options.seconds))
    with tempfile.TemporaryDirectory() as data, running(Path(data) / "data") as winnow:
        target = Target("127.0.0.1", winnow.port, winnow.key, winnow.pids)
        return _run(Suite(target, options.scale, options.seconds))


def _run(suite: Suite) -> int:
    suite.run()
    print(f"{len(suite.failed)} did not hold" if suite.failed else "everything held")
    return bool(suite.failed)


if __name__ == "__main__":
    sys.exit(main())
