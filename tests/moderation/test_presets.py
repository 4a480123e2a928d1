"""Presets: how many harmless comments each holds, by the card's own counts."""

from __future__ import annotations

import json

import pytest

from models.artifacts import SHIPPED
from moderation.policy import NEVER, Thresholds
from moderation.presets import FACTORS, Preset, bars_of, beyond

BINS = {"spam": [[0.02, 0.01, 9000], [0.35, 0.4, 500], [0.65, 0.7, 400], [0.95, 0.98, 2000]]}
OWN = Thresholds({"spam": 0.6, "threat": 0.3}, {"spam": 0.95, "threat": NEVER})


def test_balanced_is_the_models_own():
    assert bars_of(Preset.BALANCED, defaults=OWN, bins=BINS) == ({}, {})


@pytest.mark.parametrize("preset", [Preset.LENIENT, Preset.STRICT])
def test_a_preset_holds_so_many_times_as_many_harmless_comments(preset: Preset):
    hold, _ = bars_of(preset, defaults=OWN, bins=BINS)
    held = beyond(BINS["spam"], hold["spam"]) / beyond(BINS["spam"], OWN.flag["spam"])
    assert held == pytest.approx(FACTORS[preset][0], rel=0.15)


def test_what_the_card_does_not_count_keeps_the_models_own():
    hold, reject = bars_of(Preset.STRICT, defaults=OWN, bins=BINS)
    assert "threat" not in hold
    assert "threat" not in reject


def test_the_shipped_model_s_presets_are_in_order_and_hold_before_they_reject():
    """For every label and both ways of reading."""
    answer = json.loads((SHIPPED / "manifest.json").read_text())
    bins = {label: one["bins"] for label, one in answer["metrics"]["calibration"].items()}
    ways = answer["ways"].values() if isinstance(answer["ways"], dict) else answer["ways"]
    for way in ways:
        own = Thresholds(way["thresholds"]["flag"], way["thresholds"]["reject"])
        bars = {}
        for preset in Preset:
            flag, reject = bars_of(preset, defaults=own, bins=bins)
            bars[preset] = Thresholds({**own.flag, **flag}, {**own.reject, **reject})
            assert bars[preset].crossed() == []
        for label in own.flag:
            for name in ("flag", "reject"):
                strict, balanced, lenient = (
                    getattr(bars[one], name)[label]
                    for one in (Preset.STRICT, Preset.BALANCED, Preset.LENIENT)
                )
                assert strict <= balanced <= lenient, (label, name)
