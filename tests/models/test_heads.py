"""Heads join what is known in one sum a label, and windows in one row a comment."""

import numpy as np
import pytest

from models.datasets import LABELS
from models.fitting import Fitter
from models.heads import FEATURES, LOGITS, WORST_FOR_SPAM, Inputs, pooled
from models.signals import SIGNALS

COUNT = 60


@pytest.fixture
def inputs():
    draw = np.random.default_rng(1)
    return Inputs(
        draw.normal(size=(COUNT, len(LABELS))),
        draw.uniform(size=(COUNT, len(SIGNALS))),
        draw.normal(3, 2, size=(COUNT, FEATURES)).astype(np.float32),
        draw.normal(size=(COUNT, LOGITS)).astype(np.float32),
        np.arange(COUNT),
    )


@pytest.fixture
def targets():
    target = (np.arange(COUNT) % 2).astype(float)
    return [(target, np.ones(COUNT))] * len(LABELS)


def test_of_several_windows_the_worst_counts_for_abuse_and_the_mean_too_for_spam():
    rows = np.array([[1, 1], [5, 5], [2, 2]], np.float32)
    first, second = pooled(rows, np.array([0, 0, 1]))
    assert first.tolist() == [WORST_FOR_SPAM * 5 + (1 - WORST_FOR_SPAM) * 3, 5]
    assert second.tolist() == [2, 2]


def test_no_signal_speaks_to_a_label_of_abuse(inputs, targets):
    """Links, digits and letters of whatever alphabet are no abuse."""
    heads = Fitter.of(inputs).fit(np.arange(COUNT), targets, 1.0)
    assert not heads.of_signals()[:, 1:].any()
    assert heads.of_signals()[:, 0].any()


def test_words_alone_say_nothing_of_an_attack_on_a_group(inputs, targets):
    heads = Fitter.of(inputs).fit(np.arange(COUNT), targets, 1.0)
    ngrams = heads.table[FEATURES + LOGITS :][: len(LABELS)]
    assert not ngrams[:, LABELS.index("identity_attack")].any()
    assert ngrams[0, 0]


def test_the_scaling_of_inputs_is_folded_into_the_weights(inputs, targets):
    """What scikit-learn would say of the scaled inputs is what the sums say of the raw ones."""
    fitter = Fitter.of(inputs)
    sums = fitter.fit(np.arange(COUNT), targets, 100.0).sums(inputs)
    agrees = (sums[:, 0] > 0) == (targets[0][0] == 1)
    assert agrees.mean() > 0.9


def test_a_label_that_nobody_told_apart_says_nothing(inputs):
    never = [(np.zeros(COUNT), np.ones(COUNT))] * len(LABELS)
    assert not Fitter.of(inputs).fit(np.arange(COUNT), never, 1.0).sums(inputs).any()
