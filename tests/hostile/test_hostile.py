"""The suite at a small size: `make test-hostile` runs the full one."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.suite import Suite, Target
from tests.support.service import running


def test_the_service_holds_against_a_small_crowd(tmp_path: Path):
    with running(tmp_path / "data") as winnow:
        suite = Suite(
            Target("127.0.0.1", winnow.port, winnow.key, winnow.pids), scale=0.05, seconds=2
        )
        suite.run()
        assert not suite.failed
