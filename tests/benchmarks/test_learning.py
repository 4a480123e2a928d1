"""What decisions are worth is tried through the API: on own sentences, since the data may be away."""

from __future__ import annotations

import json

import pytest

from benchmarks import learning


@pytest.mark.timeout(600)
def test_decisions_help_outsiders_and_rogues_change_little_and_all_of_it_is_taken_back(
    monkeypatch, capsys
):
    monkeypatch.setattr(learning, "AFTER", (50, 90))
    learning.main(["--ranked", "40", "--decided", "190"])
    *sites, means = map(json.loads, capsys.readouterr().out.splitlines())
    (measured,) = [figures for one in sites for figures in one.values()]
    assert measured["50: judges"]
    assert measured["50: gain"] > 0.015
    assert max(measured["50: frozen drop"], measured["90: frozen drop"]) <= 0.002
    assert measured["an outsider changes"] == "nothing"
    assert measured["rogue: reversed decisions"] == 90
    # Those sentences are near-duplicates of one another and count once: too few to set aside.
    assert measured["rogue: gain"] > -0.05
    assert measured["rogue left out: head equal"]
    assert measured["rolled back, verdicts equal"]
    assert means["an outsider changes nothing"] == means["rolled back, verdicts equal true"] == 1
