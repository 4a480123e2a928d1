"""What a learner packs is what a scorer would have read, and holds no text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from models.house import BrokenHouse
from models.learner import HeadLearner
from models.scorer import Item, Scorer

PLACES = ("Berlin", "Paris", "Rome", "Oslo", "Kyoto", "Cork", "Graz", "Bern", "Lyon", "Turin")
GOOD = (
    "The song about {} made me cry.",
    "I grow tomatoes near {}.",
    "Who has that recipe from {}?",
)
BAD = ("Tarot about {}, just ask me.", "Horoscopes from {} here.", "I read palms about {}, ask me.")


@dataclass(frozen=True)
class Lesson:
    comment_id: str
    decision: str
    seen: str
    person: int
    at: int
    reading: bytes


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


@pytest.fixture(scope="module")
def lessons(scorer: Scorer) -> list[Lesson]:
    pairs = [
        (text.format(place), decision)
        for place in PLACES
        for both in zip(GOOD, BAD, strict=True)
        for text, decision in zip(both, ("approve", "spam"), strict=True)
    ]
    readings = HeadLearner(scorer).read([Item(text) for text, _ in pairs])
    return [
        Lesson(f"c{n}", decision, "held", n % 2, 1_700_000_000_000 + n * 1000, reading)
        for n, ((_, decision), reading) in enumerate(zip(pairs, readings, strict=True))
    ]


def test_a_reading_is_small_and_has_no_words(lessons: list[Lesson]):
    assert all(len(one.reading) < 500 for one in lessons)
    assert not any(b"Berlin" in one.reading or b"Tarot" in one.reading for one in lessons)


def test_a_score_moved_afterwards_is_the_one_that_the_scorer_gives(
    scorer: Scorer, lessons: list[Lesson]
):
    learner = HeadLearner(scorer)
    fit = learner.learn(lessons, current=None)
    assert (fit.accepted, fit.why) == (True, "better")
    head = learner.head(fit.head, 7)
    items = [Item("Tarot about Madrid, just ask me."), Item("Who has that recipe from Madrid?")]
    moved = learner.moved(scorer.score(items), head)
    direct = scorer.score(items, house=head)
    for one, other in zip(moved, direct, strict=True):
        assert one.labels == pytest.approx(other.labels, abs=1e-9)
        assert one.model == other.model == f"{scorer.version}+s7"


def test_the_same_lessons_give_the_same_head_in_any_order(scorer: Scorer, lessons: list[Lesson]):
    learner = HeadLearner(scorer)
    assert (
        learner.learn(lessons, current=None).head == learner.learn(lessons[::-1], current=None).head
    )


def test_what_is_alike_is_found_and_pairs_are_of_two_people(scorer: Scorer, lessons: list[Lesson]):
    learner = HeadLearner(scorer)
    people = {one.comment_id: one.person for one in lessons}
    assert all(people[one] != people[other] for one, other in learner.pairs(lessons))
    found = learner.alike(lessons[1].reading, lessons, most=3)
    assert found[0] == ("c1", pytest.approx(1.0, abs=1e-3))


def test_what_is_no_reading_and_no_head_is_told_apart(scorer: Scorer, lessons: list[Lesson]):
    learner = HeadLearner(scorer)
    assert learner.fits(lessons[0].reading)
    assert not any(map(learner.fits, (b"", b"R1", b"nonsense" * 40)))
    with pytest.raises(BrokenHouse):
        learner.head(b"nonsense", 1)


def test_a_model_without_a_basis_learns_nothing():
    class Bare:
        version = "bare"

    learner = HeadLearner(Bare())
    assert (learner.reader, learner.read([Item("x")])) == ("", [b""])
