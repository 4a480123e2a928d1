"""Log lines say what happened and where, and never what somebody wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT

PROGRAM = """
import logging, structlog, sys
from pathlib import Path
from moderation import logs
from moderation.settings import Settings

logs.configure(Settings(data_dir=Path("."), log_format=sys.argv[1]))

def reads(words):
    try:
        int(words)
    except ValueError as problem:
        raise KeyError(words) from problem

for log in (structlog.get_logger("ours"), logging.getLogger("a library")):
    try:
        reads("what a reader wrote")
    except KeyError as problem:
        log.error("bug", exc_info=problem)
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_told_by_its_place_and_kind_without_its_message(form: str, tmp_path: Path):
    """Messages of exceptions quote values, and values are readers' words."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True,
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "what a reader wrote" not in done.stderr
    for word in ("KeyError", "ValueError", "in reads"):
        assert done.stderr.count(word) >= 2, done.stderr
    if form == "json":
        assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["bug", "bug"]
