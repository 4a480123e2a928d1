"""Training learns, repeats itself to the byte, and keeps what it measures with apart."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL

from models import artifacts, training
from models.datasets import LABELS, MEASURE_ONLY, Corpus, Example, example
from models.encoder import Encoded
from models.heads import FEATURES, LOGITS
from models.scorer import Item, Scorer

#: Two trainings, the first by a fixture: processors that others share take minutes for each.
pytestmark = pytest.mark.timeout(1200)


def test_the_same_data_and_seed_give_the_same_numbers(corpus, encoder, small):
    again = training.train(corpus, encoder, SMALL)
    assert (again.weights == small.weights).all()
    assert (again.joined == small.joined).all()
    assert (again.alone == small.alone).all()
    assert again.manifest == small.manifest


def test_what_the_encoder_said_is_read_again_from_the_cache(encoder, tmp_path):
    class Deaf:
        version = encoder.version

    texts = ["one", "two", "one"]
    said = training.encoded(texts, encoder, cache=tmp_path)
    again = training.encoded(texts, Deaf(), cache=tmp_path)
    assert (again[1] == said[1]).all()
    assert np.allclose(again[0], said[0], atol=1e-2)


def test_what_may_only_be_measured_with_is_never_learned_from(small):
    assert not MEASURE_ONLY & set(small.manifest["sources"])


def test_a_small_model_already_tells_good_from_bad(small, encoder):
    good, bad = Scorer(small, encoder).score(
        [Item("thanks, the second example helped me"), Item("you stupid idiot")]
    )
    assert bad.labels["toxicity"] > good.labels["toxicity"]


def test_quantising_changes_no_score_worth_mentioning(small):
    """Whole numbers of 16 bits stand for the weights; the sums must not notice."""
    assert np.abs(small.weights[:, :-1].astype(int)).max() <= training.LARGEST_WEIGHT


def good_of(count, **groups):
    return training.Good(np.ones(count, bool), np.ones(count), groups)


def test_thresholds_keep_the_budget_over_all_labels_together():
    probabilities = np.random.default_rng(3).uniform(0, 0.99, size=(4_000, len(LABELS)))
    chosen = training.thresholds(probabilities, good_of(4_000))
    for name, budget in training.BUDGETS.items():
        assert 0 < reached(probabilities, chosen[name]).mean() <= budget


def test_thresholds_keep_the_budget_in_a_small_group_too():
    """A kind of comment that scores higher than the rest must not pay for the average."""
    draw = np.random.default_rng(3)
    probabilities = draw.uniform(size=(4_000, len(LABELS))) ** 2
    few = np.arange(4_000) < 200
    probabilities[few, 0] = draw.uniform(0.6, 0.9, 200)
    chosen = training.thresholds(probabilities, good_of(4_000, few=few))
    share = reached(probabilities, chosen["flag"])[few].mean()
    assert share <= training.GROUP_SLACK * training.BUDGETS["flag"] + 1 / 200


def reached(probabilities, levels):
    return (probabilities >= np.array([levels[label] for label in LABELS])).any(axis=1)


def test_no_source_weighs_more_than_its_cap():
    sources = np.array(["a"] * 10 + ["b"] * 1_000)
    chosen = training.weights(sources, 100)
    assert chosen[:10].tolist() == [1.0] * 10
    assert chosen[10:].sum() == pytest.approx(100)


def test_the_kept_tenth_depends_on_the_text_alone():
    texts = [Example(f"text {number}", "a", {}) for number in range(500)]
    there = training.held_out(Corpus(tuple(texts)))
    assert (training.held_out(Corpus(tuple(texts[::-1])))[::-1] == there).all()
    assert 0.05 < there.mean() < 0.15


def test_nothing_that_says_the_same_as_a_kept_comment_is_learned():
    """Neither a twin in disguise nor another spelling: the kept tenth must be news to the heads."""

    def numbers(examples):
        return {re.sub(r"\D", "", one.text) for one in examples}

    said = [Example(f"Text number {number}", "a", {"spam": 1.0}) for number in range(500)]
    shouted = [replace(one, text=f"{one.text.upper()}!", source="b") for one in said]
    data = Corpus((*said, *shouted))
    learned = training.training_corpus(data, training.Recipe(own=0, own_english=0, disguised=1.0))
    trained = [
        one
        for one, kept in zip(learned.examples, training.held_out(learned), strict=True)
        if not kept
    ]
    assert {"a", "b", "disguised: a", "disguised: b"} == {one.source for one in trained}
    assert not numbers(training.tenth_of(data).examples) & numbers(trained)


@pytest.mark.parametrize(
    "row, concluded",
    [
        ({"source": "x", "labels": {"toxic": 0.67}}, {"toxicity": 1.0}),
        (
            {"source": "x", "labels": {"identity_attack": 1}},
            {"identity_attack": 1.0, "toxicity": 1.0},
        ),
        ({"source": "x", "labels": {"identity_attack": 0}}, {"identity_attack": 0.0}),
        ({"source": "x", "labels": {"spam": 0}}, {"spam": 0.0}),
    ],
)
def test_an_absent_label_stays_absent(row, concluded):
    """That nobody asked is not a no; but an attack on a group is toxic."""
    assert example({"text": "t", **row}).labels == concluded


def test_a_comment_that_its_owner_kept_is_taken_for_civil():
    kept = example({"text": "t", "source": "blog_haacked_ham", "labels": {"spam": 0}})
    assert set(kept.labels) == set(LABELS)
    assert not any(kept.labels.values())


class Says:
    """An encoder that says the same of every text."""

    def __init__(self, version: str, value: float) -> None:
        self.version, self._value = version, value
        self.manifest = {"made": "by a test"}

    def read(self, texts):
        count = len(texts)
        features = np.full((count, FEATURES), self._value, np.float32)
        logits = np.full((count, LOGITS), self._value, np.float32)
        return Encoded(features, logits, np.arange(count))


def test_heads_are_given_another_export_that_says_the_same():
    artifact = artifacts.load()
    adopted, moved = training.adopted(artifact, Says("old", 0.5), Says("new", 0.5))
    assert (moved, adopted.manifest["encoder"]) == (0, "new")
    assert adopted.manifest["encoder_made"] == "by a test"


def test_heads_are_not_given_an_encoder_that_says_something_else():
    with pytest.raises(artifacts.BrokenArtifact, match="fit new heads"):
        training.adopted(artifacts.load(), Says("old", 0.5), Says("new", 1.5))
