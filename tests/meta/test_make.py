"""`make run` says what it does while it installs, fails when that fails, and installs once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP = """#!/bin/sh
case "$*" in *require-hashes*) ;; *) exit 0 ;; esac
for name in one two three; do echo "Collecting $name==1 (from -r requirements.txt)"; done
echo "Installing collected packages: one, two, three"
{end}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment has a pip that only says what pip says."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("one==1\ntwo==1\nthree==1\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    script(tmp_path / "winnow", '#!/bin/sh\necho "winnow $1"\n')
    script(tmp_path / ".venv" / "bin" / "pip", "")
    script(tmp_path / ".venv" / "bin" / "python", PIP.format(end="echo Successfully installed"))
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def make(checkout: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["make", "run"], cwd=checkout, capture_output=True, text=True, check=False, timeout=60
    )


def test_an_installation_is_told_step_by_step_and_happens_once(checkout: Path):
    first = make(checkout).stdout.splitlines()
    assert first[0].startswith("Installing what Winnow runs on (requirements.txt): a minute")
    assert first[1:] == ["  1 of 3  one==1", "  writing 3 packages to disk", "  done", "winnow up"]
    assert make(checkout).stdout == "winnow up\n"


def test_an_installation_that_fails_starts_nothing_and_is_tried_again(checkout: Path):
    script(checkout / ".venv" / "bin" / "python", PIP.format(end="exit 1"))
    for _ in range(2):
        done = make(checkout)
        assert done.returncode == 2
        assert "winnow up" not in done.stdout
