"""What the desk keeps: what can be undone, and one queue made of many."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.comment import Comment, Decision
from moderation.records import Order
from moderation.store.accounts.desk import Desk
from moderation.workflow.screening import Limits
from tests.support.world import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.adapters.redis)


def test_what_can_be_undone_is_a_stack_that_forgets_what_is_over_or_taken_back(desk: Desk):
    desk.remember("ada", Decision.SPAM, ["a", "b"], until_ms=30_000, now_ms=1_000)
    desk.remember("ada", Decision.APPROVE, ["c"], until_ms=7_000, now_ms=2_000)
    desk.remember("ada", Decision.REJECT, ["d"], until_ms=8_000, now_ms=3_000)
    desk.remember("eve", Decision.REJECT, ["e"], until_ms=8_000, now_ms=3_000)
    undoable = desk.undoable("ada", now_ms=3_000)
    assert [(one.decision, sorted(one.comment_ids)) for one in undoable] == [
        ("reject", ["d"]), ("approve", ["c"]), ("spam", ["a", "b"]),
    ]  # fmt: skip
    desk.forget("ada", ["d"])
    assert [one.decision for one in desk.undoable("ada", now_ms=7_500)] == ["spam"]
    assert desk.undoable("ada", now_ms=31_000) == []


@pytest.mark.parametrize("order", list(Order))
def test_the_queues_of_many_sites_are_one_in_order_without_repeats_or_gaps(
    world: World, order: Order
):
    accounts, comments = world.adapters.accounts, world.adapters.comments
    sites = [world.site, *(accounts.add_site(f"blog {n}", now_ms=n) for n in range(3))]
    for site in sites:
        world.submit(*[f"toxicity=0.{50 + n % 9} of {site.name} {n}" for n in range(12)], site=site)
    for shard in comments.shards:
        world.adapters.screen(shard, holder="test:1", limits=Limits(linger_seconds=0))
    ids = [site.id for site in sites]
    assert comments.waiting(ids) == dict.fromkeys(ids, 12)
    found, cursor = [], None
    while True:
        page = comments.queues(ids, order=order, cursor=cursor, limit=7)
        found += [one.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    alone = [one.id for site in ids for one in comments.queue(site, limit=50).items]
    assert (len(found), sorted(found)) == (48, sorted(alone))
    whole = comments.queues(ids, order=order, limit=50).items
    assert found == [one.id for one in whole]


def test_a_comment_is_an_authors_first_until_they_write_another(world: World):
    def first(*asked: Comment) -> set[str]:
        now = world.adapters.clock.now_ms()
        return world.adapters.comments.first_comments(asked, now_ms=now)

    bob, eve = (world.comment("hello", email=f"{name}@mail.example") for name in ("bob", "eve"))
    nobody = world.comment("hello")
    assert first(bob, eve, nobody) == {bob.id, eve.id}
    second = world.comment("again", email="bob@mail.example")
    assert first(bob, second, eve) == {eve.id}


def test_whether_it_is_their_first_is_asked_once_of_each_author(world: World):
    wrote = [world.comment("hello", email=f"{n % 7}@mail.example") for n in range(20)]
    comments, redis = world.adapters.comments, world.adapters.redis

    def calls() -> int:
        statistics: Any = redis.info("commandstats")
        return int(statistics["cmdstat_fcall"]["calls"])

    before = calls()
    assert comments.first_comments(wrote, now_ms=world.adapters.clock.now_ms()) == set()
    assert calls() - before == 7
