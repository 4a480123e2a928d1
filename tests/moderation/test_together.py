"""What several threads want at once is done in one call, and each is given its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from moderation.errors import StorageUnavailable
from moderation.together import Together
from tests.support.waiting import PATIENCE_SECONDS, wait_until


class Slow:
    """Work that doubles its input, and whose first calls end only when released."""

    def __init__(self, held: int = 1) -> None:
        self.held = held
        self.go_on = threading.Event()
        self.groups: list[list[str]] = []

    def __call__(self, items: Sequence[str]) -> list[str]:
        self.groups.append(list(items))
        if len(self.groups) <= self.held:
            assert self.go_on.wait(PATIENCE_SECONDS)
        if "away" in items:
            raise StorageUnavailable("it is away")
        if "bad" in items:
            raise ValueError("this one is bad")
        return [item * 2 for item in items]


def done(together: Together[str, str], slow: Slow, items: Sequence[str]) -> list[Future[str]]:
    """Return what each of *items* came to; the first ones hold up the rest."""
    with ThreadPoolExecutor(len(items)) as pool:
        asked = []
        for number, item in enumerate(items):
            asked.append(pool.submit(together, item))
            wait_until(
                lambda so_far=number + 1: len(slow.groups) + together.waiting() >= so_far,
                message="its turn",
            )
        slow.go_on.set()
    return asked


def test_what_comes_meanwhile_is_done_together_and_each_is_given_its_own():
    slow = Slow()
    found = done(Together(slow, most=8), slow, ["a", "b", "c"])
    assert slow.groups == [["a"], ["b", "c"]]
    assert [one.result() for one in found] == ["aa", "bb", "cc"]


def test_a_group_has_room_for_each_turn_before_any_has_two():
    slow = Slow()
    together = Together(slow, most=3, turn=lambda item: item[0])
    done(together, slow, ["a0", "a1", "a2", "a3", "a4", "b1", "c1"])
    assert sorted(slow.groups[1]) == ["a1", "b1", "c1"]
    assert sorted(slow.groups[2]) == ["a2", "a3", "a4"]


def test_turns_that_a_group_has_no_room_for_come_first_in_the_next():
    """However much the others send, a turn waits for as many groups as hold one item of each."""
    slow = Slow()
    together = Together(slow, most=2, turn=lambda item: item[0])
    done(together, slow, ["a0", "a1", "a2", "a3", "b1", "b2", "b3", "c1"])
    assert slow.groups == [["a0"], ["b1", "a1"], ["c1", "b2"], ["a2", "b3"], ["a3"]]


def test_a_turn_that_had_a_group_waits_for_those_that_had_none():
    """A quiet site waits for the rest of one group, though the flood's next was there before it."""
    slow = Slow()
    together = Together(slow, most=1, turn=lambda item: item[0])
    done(together, slow, ["a0", "a1", "a2", "b1"])
    assert slow.groups == [["a0"], ["b1"], ["a1"], ["a2"]]


def test_where_several_turns_wait_a_group_is_as_small_as_wished():
    """A quiet site waits for the rest of one group, and for few beside it in its own."""
    slow = Slow()
    together = Together(slow, most=4, each=1, turn=lambda item: item[0])
    done(together, slow, ["a0", "a1", "a2", "a3", "a4", "a5", "b1"])
    assert slow.groups == [["a0"], ["b1", "a1"], ["a2", "a3", "a4", "a5"]]


def test_several_groups_are_at_work_where_there_are_several_leaders():
    slow = Slow(held=2)
    together = Together(slow, most=8, leaders=2)
    done(together, slow, ["a", "b", "c", "d"])
    assert slow.groups[:2] == [["a"], ["b"]]
    assert sorted(item for group in slow.groups[2:] for item in group) == ["c", "d"]
    assert together("e") == "ee"


def test_that_storage_is_away_reaches_everyone_in_the_group_and_nobody_else():
    slow = Slow()
    found = done(Together(slow, most=2), slow, ["a", "b", "away", "d"])
    assert [one.exception() is None for one in found] == [True, False, False, True]
    assert slow.groups == [["a"], ["b", "away"], ["d"]]


def test_an_item_that_breaks_the_work_takes_nothing_from_its_neighbours():
    slow = Slow()
    found = done(Together(slow, most=3), slow, ["a", "b", "bad", "d", "e"])
    assert [one.exception() is None for one in found] == [True, True, False, True, True]
    assert slow.groups == [["a"], ["b", "bad", "d"], ["b"], ["bad"], ["d"], ["e"]]


@pytest.mark.parametrize("of", ["kind", "turn", "weight"])
def test_an_item_that_cannot_be_grouped_fails_alone_and_keeps_nobody_waiting(of: str):
    def picky(item: str) -> int:
        return 1 if item != "odd" else 1 // 0

    slow = Slow()
    together = Together(slow, most=2, **{of: picky})
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together, "a")
        wait_until(lambda: slow.groups, message="the first")
        odd, other = pool.submit(together, "odd"), pool.submit(together, "b")
        wait_until(lambda: together.waiting() == 1 or first.done(), message="the other")
        slow.go_on.set()
        assert (first.result(PATIENCE_SECONDS), other.result(PATIENCE_SECONDS)) == ("aa", "bb")
        assert isinstance(odd.exception(PATIENCE_SECONDS), ZeroDivisionError)


def test_kinds_do_not_wait_for_one_another():
    """A site whose storage does not answer holds up no other site."""
    slow = Slow()
    together = Together(slow, most=8, kind=lambda item: item[0])
    with ThreadPoolExecutor(3) as pool:
        held = pool.submit(together, "a0")
        wait_until(lambda: slow.groups, message="the first")
        behind = pool.submit(together, "a1")
        wait_until(lambda: together.waiting() == 1, message="one behind it")
        try:
            assert pool.submit(together, "b0").result(PATIENCE_SECONDS) == "b0b0"
            assert not held.done()
        finally:
            slow.go_on.set()
        assert (held.result(PATIENCE_SECONDS), behind.result(PATIENCE_SECONDS)) == ("a0a0", "a1a1")
    assert slow.groups == [["a0"], ["b0"], ["a1"]]


def test_what_is_heavier_than_a_group_goes_alone():
    slow = Slow()
    found = done(Together(slow, most=2, weight=len), slow, ["a", "heavy", "b", "c"])
    assert slow.groups == [["a"], ["heavy"], ["b", "c"]]
    assert [one.result() for one in found][1] == "heavyheavy"


def test_whoever_is_alone_waits_for_nobody():
    with pytest.raises(ValueError, match="bad"):
        Together(Slow(held=0), most=2)("bad")
    assert Together(Slow(held=0), most=2)("a") == "aa"
