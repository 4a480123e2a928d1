"""The benchmark of the desk's pages asks for each of them, at sizes that tell nothing of speed."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from benchmarks import stored


@pytest.mark.timeout(600)
def test_every_page_answers_at_every_size_and_ratios_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(stored, "ROUNDS", 1)
    before = structlog.get_config()
    try:
        stored.main(40, 80)
    finally:
        structlog.configure(**before)
        logging.disable(logging.NOTSET)
    lines = capsys.readouterr().out.splitlines()
    ratios = json.loads(lines[-1])
    assert ratios["of"] == ["40 to 80"]
    names = {
        "queue",
        "decide",
        "a rare word",
        "people",
        "a person of a tenth",
        "a campaign of many",
    }
    assert names <= set(ratios)
    assert lines[1].split() == ["waiting", "4", "8"]
