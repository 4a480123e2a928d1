"""Waiting requests are bounded by tenant; a refused one gets a Retry-After."""

from __future__ import annotations

import select
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from moderation.credentials import KeyKind
from service.context import winnow
from service.waiting import Lookout, Shares
from tests.support.front import Wire, fronting
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from tests.support.world import World


def hold(shares: Shares, tenant: str, stack: ExitStack, most: int = 1000) -> int:
    """Take places until there is none; return how many."""
    return next(n for n in range(most) if not stack.enter_context(shares.place(tenant)))


def test_one_tenant_leaves_half_of_the_places_and_each_next_one_finds_some():
    shares = Shares(60)
    with ExitStack() as stack:
        taken = [hold(shares, tenant, stack) for tenant in "abcd"]
        assert taken[0] == 30
        assert taken == sorted(taken, reverse=True)
        assert all(taken)
    assert not shares._held


def test_what_is_there_wakes_those_who_wait_for_it_and_no_others():
    there: dict[str, int] = {}
    looks = []

    def look(keys):
        looks.append(sorted(keys))
        return {key: there[key] for key in keys if key in there}

    lookout = Lookout(look, fastest_seconds=0.001, slowest_seconds=0.01)
    with ThreadPoolExecutor(2) as pool:
        a, b = (pool.submit(lookout.wait, key, PATIENCE_SECONDS) for key in "ab")
        wait_until(lambda: ["a", "b"] in looks)
        assert lookout.wait("c", 0.05) is None
        assert [a.done(), b.done()] == [False, False]
        there["a"] = 1
        assert a.result(PATIENCE_SECONDS) == 1
        assert not b.done()
        there["b"] = 2
        assert b.result(PATIENCE_SECONDS) == 2
    wait_until(lambda: not lookout._works)


def test_a_look_that_fails_keeps_nobody_from_the_next():
    failures = iter([OSError(), OSError()])

    def look(keys):
        problem = next(failures, None)
        if problem:
            raise problem
        return dict.fromkeys(keys, 1)

    assert Lookout(look, fastest_seconds=0, slowest_seconds=0.001).wait("a", PATIENCE_SECONDS) == 1


def long_poll(world: World, key: str, path: str, port: int) -> Wire:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    return Wire(port).send(head)


def test_long_polls_of_one_site_leave_threads_and_places_for_another(world: World):
    """With two threads and eight places: a site's twenty polls hold half of the places."""
    other = world.adapters.accounts.add_site("other", now_ms=1)
    now = world.adapters.clock.now_ms()
    _, key = world.adapters.accounts.add_key(other.id, KeyKind.API, now_ms=now)
    with world.app.app_context():
        context = winnow()
    object.__setattr__(context, "waiting", Shares(8))
    with fronting(world.app, threads=2) as front:
        path = "/v1/events?wait=10&after=9999999999999"
        polls = [long_poll(world, world.key, path, front.port) for _ in range(20)]
        wait_until(lambda: context.waiting._held.total() == 4)
        wait_until(lambda: sum(map(_answered, polls)) == 16)
        status, headers, _ = next(one for one in polls if _answered(one)).answer()
        assert (status, headers["retry-after"]) == (429, "2")
        mine = long_poll(world, key, "/v1/events?wait=10", front.port)
        wait_until(lambda: context.waiting._held[other.id] == 1)
        world.comment("hello", site=other)
        status, _, body = mine.answer()
        assert status == 200
        assert b"comment.approved" in body


def _answered(one: Wire) -> bool:
    """Tell whether something came back, without reading it."""
    return bool(select.select([one.socket], [], [], 0)[0])


def test_whoever_finds_no_place_is_accepted_and_told_when_to_look(world: World):
    with world.app.app_context():
        object.__setattr__(winnow(), "waiting", Shares(0))
    answer = world.ask("POST", "/v1/comments", {"content": "x"}, headers={"Prefer": "wait=9"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")
