"""A Winnow in a network that leads nowhere: ``python -m tests.support.nowhere DIRECTORY``.

A process of its own, since a network namespace is entered by a whole process. Exit status 77: this user may
not make one.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from tests.support.service import running

NOT_ALLOWED = 77
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
HAM = "My sister's children loved the soup; thank you for writing the recipe down!"
BAD = "You are a worthless idiot, see https://pills.example/buy and http://192.0.2.1/x.png"


def main(place: Path) -> int:
    """Take comments all the way: submitted, judged, decided, erased."""
    flags = _NEWNET if os.geteuid() == 0 else _NEWNET | _NEWUSER
    if ctypes.CDLL(None).unshare(flags):
        return NOT_ALLOWED
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    assert routes == [], "there is a way out"
    with running(place / "data") as winnow:
        good = winnow.judged(HAM)
        assert good["status"] == "approved", good
        bad = winnow.judged(BAD, author={"name": "x", "url": "https://spam.example"})
        assert max(bad["scores"].values()) > 0.3, bad
        winnow.cli("decide", good["id"], "reject")
        winnow.run("erase", good["id"], "--yes")
        assert winnow.ask("GET", "/readyz")[0] == 200
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
