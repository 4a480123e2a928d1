"""The benchmarks of growth do what they say, at sizes that tell nothing of speed."""

from __future__ import annotations

import json

import structlog

from benchmarks import growth
from benchmarks._comments import LENGTH, many


def test_many_drafts_are_all_different(monkeypatch):
    monkeypatch.setattr("benchmarks._comments._WRITTEN", 50)
    made = list(many(120))
    assert len(made) == 120
    assert len({draft.external_id for draft in made}) == 120
    assert len({draft.content for draft in made}) == 120
    assert len({draft.author.email for draft in made}) > 100
    assert all(len(draft.content) == LENGTH for draft in made)


def test_growth_prints_costs_and_ratios(monkeypatch, capsys):
    for name, value in {"RUNS": 1, "COMMENTS": 64, "FILLED_AT_ONCE": 50}.items():
        monkeypatch.setattr(growth, name, value)
    before = structlog.get_config()
    try:
        growth.main([100, 200])
    finally:
        structlog.configure(**before)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    report = json.loads(last)
    assert report["sizes"] == [100, 200]
    assert all(report[name] > 0 for name in ("valkey", "submit", "screen", "aof", "memory"))
