"""What the encoder learns: goals, their weights, and a balance of sources."""

from collections import Counter

import numpy as np
import pytest

from models.datasets import LABELS, Corpus, Example
from models.encoder.lessons import (
    ASSUMED,
    KEPT,
    OWN_WEIGHT,
    REMEMBERED,
    TAUGHT,
    Teacher,
    balanced,
    cap,
    checked,
    checks,
    key,
    learned,
    lessons,
    remembered,
)
from models.training import held_out

SPAM, TOXICITY, ATTACK = (LABELS.index(name) for name in ("spam", "toxicity", "identity_attack"))


def teacher(**logit_of_each_text):
    keys = np.array([key(text) for text in logit_of_each_text], np.uint64)
    order = np.argsort(keys)
    logits = np.array([[value] * len(LABELS) for value in logit_of_each_text.values()], np.float16)
    return Teacher(keys[order], logits[order])


def test_the_key_is_of_the_first_thousand_characters():
    assert key("a" * 1_000) == key("a" * 5_000) != key("a" * 999)
    assert key("") == 0xE3B0C44298FC1C14


def test_a_teacher_says_nothing_of_what_it_was_not_shown():
    asked = teacher(known=0.0).of(["other", "known"])
    assert np.isnan(asked[0]).all()
    assert (asked[1] == 0.5).all()
    assert np.isnan(Teacher.load(None).of(["known"])).all()


def test_a_goal_is_the_teachers_and_the_labels_where_there_are_both():
    corpus = Corpus(
        (Example("known", "source", {"spam": 1.0}), Example("new", "source", {"spam": 1.0}))
    )
    found = lessons(corpus, teacher(known=0.0))
    assert found.goals[:, SPAM] == pytest.approx([TAUGHT * 0.5 + 1 - TAUGHT, 1])
    assert list(found.weights[:, SPAM]) == [1, 1]
    assert found.goals[0, TOXICITY] == 0.5
    assert found.weights[:, TOXICITY] == pytest.approx([TAUGHT, 0])


def test_an_absent_label_weighs_nothing_and_no_attack_is_weakly_not_toxic():
    corpus = Corpus((Example("text", "source", {"identity_attack": 0.0}),))
    found = lessons(corpus, Teacher.load(None))
    assert found.weights[0, ATTACK] == 1
    assert found.weights[0, TOXICITY] == pytest.approx(ASSUMED)
    assert found.goals[0, TOXICITY] == 0
    assert found.weights[0, SPAM] == 0


def test_what_it_can_do_already_is_remembered():
    """A source that is ranked well keeps half of what was said of it; a new one none."""
    examples = [
        Example(f"{source} {n}", source, {"toxicity": float(n % 2)})
        for source in ("familiar", "new")
        for n in range(10)
    ]
    given = lessons(Corpus((*examples, Example("taught", "wiki", {}))), teacher(taught=0.0))
    before = np.full((21, len(LABELS)), 0.2, np.float32)
    before[1:10:2, TOXICITY] = 0.9
    found = remembered(given, before)
    assert found.goals[0, TOXICITY] == pytest.approx(KEPT * 0.2)
    assert found.goals[1, TOXICITY] == pytest.approx(1 - KEPT + KEPT * 0.9)
    assert list(found.goals[10:20, TOXICITY]) == [0, 1] * 5
    assert found.goals[0, SPAM] == pytest.approx(0.2)
    assert found.weights[0, SPAM] == pytest.approx(REMEMBERED)
    assert (found.goals[20] == given.goals[20]).all()
    assert (found.weights[20] == given.weights[20]).all()


def test_our_own_sentences_weigh_more():
    found = lessons(Corpus((Example("text", "own: spam", {"spam": 1.0}),)), Teacher.load(None))
    assert found.weights[0, SPAM] == OWN_WEIGHT


def test_a_cap_fills_what_small_sources_leave():
    assert cap([10, 100, 1_000], 210) == 100
    assert cap([10, 100, 1_000], 30) == 10
    assert cap([5, 5], 100) == 5
    assert cap([], 100) == 0


def test_shares_and_sources_are_balanced():
    plenty = [("wiki", "en", 900), ("tweets", "en", 90), ("ml_de", "de", 500), ("ml_fr", "fr", 40)]
    plenty += [("own: spam", "en", 300), ("own: spam", "de", 300)]
    corpus = Corpus(
        tuple(
            Example(f"{source} {language} {n}", source, {"spam": 0.0}, language=language)
            for source, language, count in plenty
            for n in range(count)
        )
    )
    drawn = balanced(corpus, 300, seed=0)
    counts = Counter((one.source, one.language) for one in drawn.examples)
    assert counts["wiki", "en"] == counts["tweets", "en"]
    assert counts["own: spam", "en"] == counts["own: spam", "de"]
    assert counts["ml_fr", "fr"] == 40
    assert counts["ml_de", "de"] == 110
    assert 280 <= len(drawn) <= 300
    assert drawn == balanced(corpus, 300, seed=0)


def test_nothing_that_is_kept_aside_is_learned():
    texts = [f"text number {n}" for n in range(600)]
    german = [Example(one, "ml_de_germeval2018", {"toxicity": 0.0}, "de") for one in texts]
    measured = Example("not ours to learn", "ml_pt_hatebr", {"toxicity": 0.0}, "pt")
    data = Corpus((*german, measured))
    found = learned(data, seed=0)
    aside = checks(data, 100, seed=0)
    assert not held_out(found).any()
    assert not held_out(aside).any()
    assert not any(map(checked, found.examples))
    assert aside.examples
    assert all(map(checked, aside.examples))
    assert not {one.source for one in (found + aside).examples} & {"ml_pt_hatebr"}
