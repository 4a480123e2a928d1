"""The metrics of evaluation have the values of their definitions."""

import random

import numpy as np
import pytest

from models import evaluation
from models.augmentation import EVASIONS, KINDS, disguised, filled, generated


def test_honest_probabilities_have_no_calibration_error():
    said = np.repeat([0.2, 0.8], 1_000)
    true = np.concatenate([np.arange(1_000) < 200, np.arange(1_000) < 800]).astype(float)
    assert evaluation.calibration_error(said, true) == pytest.approx(0, abs=1e-9)
    assert evaluation.calibration_error(said, 1 - true) == pytest.approx(0.6)


def test_saying_the_mean_has_no_skill():
    true = np.array([0.0, 0, 0, 1])
    assert evaluation.brier_skill(np.full(4, 0.25), true) == pytest.approx(0)
    assert evaluation.brier_skill(true, true) == 1


def test_recall_is_taken_where_one_percent_of_ham_is_flagged():
    ham = np.linspace(0, 1, 1_001)
    assert evaluation.recall_at(np.array([0.5, 0.995]), ham) == 0.5


def test_a_worse_figure_stops_a_promotion():
    assert evaluation.worse({"auc": 0.9}, {"auc": 0.91}) == ["auc"]
    assert evaluation.worse({"auc": 0.9}, {"auc": 0.902}) == []


def test_generated_comments_fill_every_slot_and_repeat_with_the_seed():
    one, other = generated(20, seed=4), generated(20, seed=4)
    assert one.examples == other.examples
    assert not [text for text in (e.text for e in one.examples) if "{" in text]
    assert {example.source for example in one.examples} == {f"own: {kind.name}" for kind in KINDS}


@pytest.mark.parametrize("way", sorted(EVASIONS))
def test_every_disguise_changes_the_words(way):
    assert disguised("you stupid idiot", way, 1.0, random.Random(1)) != "you stupid idiot"


def test_a_template_is_filled_to_the_bottom():
    assert "{" not in filled("{threatframe} {spamurl}", random.Random(2))
