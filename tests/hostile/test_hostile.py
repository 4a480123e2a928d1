"""The suite at a small size: `make test-hostile` runs the full one.

Other tests run beside it, so that a ratio of waits says nothing here. A client that is held up by bad
connections waits for as long as those may take: ten seconds and more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.suite import Suite, Target
from tests.support.service import running


@pytest.mark.timeout(600)
def test_the_service_holds_against_a_small_crowd(tmp_path: Path):
    with running(tmp_path / "data") as winnow:
        target = Target("127.0.0.1", winnow.port, winnow.key, winnow.pids)
        suite = Suite(target, scale=0.05, seconds=2, good_ms=5000)
        suite.run()
        assert not suite.failed
