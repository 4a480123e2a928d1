"""Requests that arrive at once are stored by one call; each gets its own result."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from moderation.comment import Draft
from moderation.errors import Busy
from moderation.records import Accepted
from moderation.store.group_commit import GroupCommit
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from tests.support.world import World

NOW = 1_800_000_000_000


class Slow:
    """A store whose first calls, one for each site, do not end before they are released."""

    def __init__(self, comments: Any, problem: Exception | None = None, *, sites: int = 1) -> None:
        self.comments = comments
        self.problem = problem
        self.sites = sites
        self.go_on = threading.Event()
        self.groups: list[int] = []

    def __call__(self, site_id: str, drafts: Sequence[Draft], backlog: int, now_ms: int):
        self.groups.append(len(drafts))
        if len(self.groups) <= self.sites:
            assert self.go_on.wait(PATIENCE_SECONDS)
        elif self.problem:
            raise self.problem
        return self.comments.accept(site_id, drafts, backlog=backlog, now_ms=now_ms)


def accepted_at_once(
    group: GroupCommit, slow: Slow, sites: Sequence[str]
) -> list[tuple[list[Accepted], bool] | Exception]:
    """Return the result of each request; the first of each site delays the others of that site."""

    def ask(number: int) -> Any:
        try:
            draft = Draft(f"comment {number}", external_id=str(number))
            return group(sites[number], [draft], backlog=1000, now_ms=NOW)
        except Busy as problem:
            return problem

    with ThreadPoolExecutor(len(sites)) as pool:
        first = pool.submit(ask, 0)
        wait_until(lambda: len(slow.groups) == 1, message="the first request")
        rest = [pool.submit(ask, number) for number in range(1, len(sites))]
        others = len(sites) - slow.sites
        wait_until(
            lambda: (len(slow.groups), group.waiting()) == (slow.sites, others), message="others"
        )
        slow.go_on.set()
        return [one.result(PATIENCE_SECONDS) for one in (first, *rest)]


def test_what_waited_is_stored_together_and_each_is_told_its_own_id(world: World):
    slow = Slow(world.adapters.comments)
    stored = accepted_at_once(GroupCommit(slow), slow, [world.site.id] * 8)
    assert slow.groups == [1, 7]
    for number, (accepted, _) in enumerate(stored):
        (one,) = accepted
        assert world.adapters.comments.get(one.id).content == f"comment {number}"
    assert sum(wake for _, wake in stored) <= 1


def test_each_group_is_of_one_site(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1).id
    slow = Slow(world.adapters.comments, sites=2)
    sites = [world.site.id, other, world.site.id, other, other]
    stored = accepted_at_once(GroupCommit(slow), slow, sites)
    assert sorted(slow.groups) == [1, 1, 1, 2]
    for site, (accepted, _) in zip(sites, stored, strict=True):
        assert world.adapters.comments.get(accepted[0].id).site_id == site


def test_a_refusal_reaches_everyone_in_the_group_and_the_next_request_is_served(world: World):
    slow = Slow(world.adapters.comments, problem=Busy("full"))
    group = GroupCommit(slow)
    first, *rest = accepted_at_once(group, slow, [world.site.id] * 4)
    assert not isinstance(first, Exception)
    assert [type(one) for one in rest] == [Busy] * 3
    slow.problem = None
    accepted, _ = group(world.site.id, [Draft("later")], backlog=1000, now_ms=NOW)
    assert world.adapters.comments.get(accepted[0].id).content == "later"


def test_a_request_that_is_alone_waits_for_nobody(world: World):
    group = world.adapters.comments.accept
    accepted, wake = group(world.site.id, [Draft("alone")], backlog=1000, now_ms=NOW)
    assert wake
    with pytest.raises(Busy):
        group(world.site.id, [Draft("more")], backlog=1, now_ms=NOW)
    assert len(accepted) == 1
