"""The verbs, bound: edges name neither the store nor a worker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from moderation.comment import Decision, Draft, Status
from moderation.errors import StorageUnavailable
from moderation.workflow.screening import Limits
from tests.support.actors import ADA, BLOG
from tests.support.world import World


@dataclass
class Wakes:
    """Counts what it is asked to wake."""

    shards: list[int] = field(default_factory=list)

    def wake(self, shard: int) -> None:
        self.shards.append(shard)


@pytest.fixture
def wakes() -> Wakes:
    return Wakes()


@pytest.fixture
def winnow(world: World, wakes: Wakes):
    return replace(world.adapters, jobs=wakes)


def rest(world: World) -> None:
    """Let the next comment wake a worker again."""
    world.screen()


def test_undoing_a_decision_on_a_pending_comment_wakes_a_worker(world: World, winnow, wakes: Wakes):
    (accepted,) = winnow.submit([Draft("hello")], site=world.site)
    winnow.review(accepted.id, Decision.SPAM, by=ADA)
    rest(world)
    wakes.shards.clear()
    assert winnow.undo(accepted.id, by=ADA).status is Status.PENDING
    assert wakes.shards == [0]
    world.screen()
    assert winnow.comments.get(accepted.id).status is Status.APPROVED


def test_undoing_a_decision_on_a_held_comment_wakes_nobody(world: World, winnow, wakes: Wakes):
    held = world.comment("toxicity=0.6")
    winnow.review(held.id, Decision.SPAM, by=ADA)
    assert winnow.undo(held.id, by=ADA).status is Status.FLAGGED
    assert wakes.shards == []


def test_each_verb_that_makes_a_comment_pending_wakes_a_worker(world: World, winnow, wakes: Wakes):
    held = world.comment("toxicity=0.6")
    for step in (
        lambda: winnow.submit([Draft("new")], site=world.site),
        lambda: winnow.retry(held.id, by=ADA),
        lambda: winnow.edit(held.id, Draft("toxicity=0.7"), by=BLOG),
    ):
        wakes.shards.clear()
        step()
        assert wakes.shards == [0]
        rest(world)


def test_a_decision_may_be_undone_for_as_long_as_the_settings_say(world: World, winnow):
    one, other = world.comment("toxicity=0.6 one"), world.comment("toxicity=0.6 other")
    decided = winnow.review(one.id, Decision.SPAM, by=ADA)
    longer = winnow.review(other.id, Decision.SPAM, by=ADA, hold_seconds=1000)
    assert longer.undo_until > decided.undo_until


def test_without_a_model_nothing_is_judged(world: World):
    bare = replace(world.adapters, current=None, duplicates=None)
    for step in (
        lambda: bare.judge([Draft("x")], site=world.site),
        lambda: bare.score([Draft("x")], site=world.site),
        lambda: bare.screen(0, holder="test:1", limits=Limits(linger_seconds=0)),
        lambda: bare.remember([], site=world.site),
    ):
        with pytest.raises(StorageUnavailable):
            step()
