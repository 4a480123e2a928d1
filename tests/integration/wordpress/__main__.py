"""``make test-wordpress``: WordPress from Debian and from npm, beside a Winnow.

As root it installs what is missing of PHP, MariaDB and faketime with apt; else they must be there. Each
WordPress is unpacked into a throw-away directory, and everything runs from there, on ports of its own:
nothing is installed on the machine. ``ARGS='plugin wp-beta'`` narrows it.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.integration.guides import tried
from tests.integration.wordpress import akismet, blog, network, plugin
from tests.support.service import running

#: Of npm's WordPresses: the newest release and the newest of all.
NEWEST = ("wp-6.5", "wp-nightly")


def main(chosen: Sequence[str]) -> int:
    """Return 0 when everything that was claimed is so, and something was."""
    if problem := blog.prepared():
        print(problem, file=sys.stderr)
        return 1
    failed, passed, versions = 0, 0, {"plugin": [], "akismet": [], "network": []}
    with tempfile.TemporaryDirectory(prefix="winnow-wordpress-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        trials = [("akismet", "debian", trial_of_akismet), ("plugin", "debian", trial_of_plugin)]
        trials.append(("network", "debian", trial_of_network))
        found = blog.builds(home / "npm") if not chosen or "debian" not in chosen else {}
        for name in NEWEST:
            if name in found:
                trials.append(("plugin", name, trial_of_plugin))
                trials.append(("network", name, trial_of_network))
        for kind, source, trial in trials:
            if set(chosen) - {kind, source}:
                continue
            place = home / f"{kind}-{source}"
            place.mkdir()
            root = (
                blog.debian(place)
                if source == "debian"
                else blog.unzipped(found[source], place / "www")
            )
            bad, good, version = trial(blog.Blog(place / "home", root))
            failed, passed = failed + bad, passed + good
            versions[kind].append(version)
    if not failed and not chosen:
        tried(
            "wordpress",
            *versions["plugin"],
            *versions["network"],
            *versions["akismet"],
            by="test-wordpress",
        )
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


def trial_of_akismet(site: blog.Blog) -> tuple[int, int, str]:
    """Try the must-use file; return how many claims failed, how many held, and of what."""
    with running(site.home / "winnow-data", WINNOW_UNDO_SECONDS="1") as winnow:
        key, secret = akismet.introduced(winnow, site)
        constants = {
            "WINNOW_URL": winnow.url,
            "WPCOM_API_KEY": key,
            "WINNOW_WEBHOOK_SECRET": secret,
        }
        with site.running(
            constants=constants, install=akismet.install, plugins=["akismet/akismet.php"]
        ):
            site.log_in()
            return tally(site, f"{blog.VERSION} {akismet.VERSION}", akismet.CLAIMS, winnow, secret)


def trial_of_plugin(site: blog.Blog) -> tuple[int, int, str]:
    """Try our own plugin."""
    with (
        running(site.home / "winnow-data", WINNOW_UNDO_SECONDS="1") as winnow,
        site.running(constants={}),
    ):
        plugin.introduced(winnow, site)
        return tally(site, blog.VERSION, plugin.CLAIMS, winnow)


def trial_of_network(site: blog.Blog) -> tuple[int, int, str]:
    """Try our own plugin in a network of two blogs."""
    with (
        running(site.home / "winnow-data", WINNOW_UNDO_SECONDS="1") as winnow,
        site.network("/pond") as pond,
    ):
        gardens = network.introduced(winnow, site, pond)
        version = blog.VERSION + " echo ', a network of blogs';"
        return tally(site, version, network.CLAIMS, winnow, *gardens)


def tally(
    site: blog.Blog, version: str, claims: Sequence[Callable[..., None]], *given: Any
) -> tuple[int, int, str]:
    """Say of each claim whether it is so."""
    versions, failed = site.run(version), 0
    print(versions, flush=True)
    for claim in claims:
        sentence = claim.__name__.replace("_", " ")
        try:
            claim(site, *given)
            print(f"  ok    {sentence}", flush=True)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the next claim is tried
            failed += 1
            where = traceback.extract_tb(problem.__traceback__)[-1]
            print(f"  FAIL  {sentence}: {problem!r} ({where.name}:{where.lineno})", flush=True)
    return failed, len(claims) - failed, versions


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
