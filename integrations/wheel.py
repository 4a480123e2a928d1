"""``make client-packages``: a wheel of one of our packages, built from a copy of its sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def build(package: Path, directory: Path) -> None:
    """Write the wheel of *package* into *directory*; pip fetches the build's own tool."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(package, Path(place) / "source")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "wheel"]
        subprocess.run([*pip, "--no-deps", "-w", str(directory), str(copy)], check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
