"""Signs of life: one leads, jobs fall due once, and a clock that was set back holds nothing up."""

from __future__ import annotations

from moderation.store import keys
from moderation.store.liveness import Part, Watched
from tests.support.world import World

LOCK_MS, LEASE_MS, HOLD_MS, HOUR_MS = 8000, 10_000, 10_000, 3_600_000


def watch(world: World, who: str) -> Watched:
    return world.adapters.liveness.watch(
        f"watchdog {who}", who=who, lock_ms=LOCK_MS,
        shards=world.adapters.comments.shards, lease_ms=LEASE_MS, hold_ms=HOLD_MS,
    )  # fmt: skip


def reads(world: World) -> int:
    """Return the requests that the server has read, this one among them."""
    return int(world.adapters.redis.info("stats")["total_reads_processed"])


def test_one_of_several_leads_and_the_others_know_for_how_long(world: World):
    assert watch(world, "a").another_leads_ms is None
    left_ms = watch(world, "b").another_leads_ms
    assert left_ms is not None
    assert 0 < left_ms <= LOCK_MS
    assert watch(world, "a").another_leads_ms is None


def test_a_lock_that_a_clock_set_back_made_last_is_taken_over(world: World):
    world.adapters.redis.set(keys.WATCHDOG(keys.GLOBAL), "gone", px=HOUR_MS)
    assert watch(world, "a").another_leads_ms is None


def test_a_round_of_the_watchdog_is_one_round_trip(world: World):
    """Each further question would be asked every five seconds of an installation that rests."""
    world.adapters.liveness.beat(Part.SCREENER, "b")  # which also gives the server the library
    before = reads(world)
    watched = watch(world, "a")
    assert reads(world) == before + 2
    assert set(watched.beats) == {"b", "watchdog a"}
    assert abs(watched.beats["b"] - watched.now_ms) < 5000
    assert [agenda.work for agenda in watched.agendas] == [False]


def test_a_round_says_when_the_first_lease_ends(world: World):
    world.submit("one")
    comments = world.adapters.comments
    assert watch(world, "a").agendas[0].work
    now = world.adapters.clock.now_ms()
    comments.take(0, "b:1", size=1, lease_ms=LEASE_MS, now_ms=now)
    (agenda,) = watch(world, "a").agendas
    assert not agenda.work
    assert agenda.lease_ends == now + LEASE_MS


def test_a_lease_that_a_clock_set_back_made_last_ends_at_once(world: World):
    world.submit("one")
    later = world.adapters.clock.now_ms() + HOUR_MS
    world.adapters.comments.take(0, "b:1", size=1, lease_ms=LEASE_MS, now_ms=later)
    watched = watch(world, "a")
    (agenda,) = watched.agendas
    assert agenda.lease_ends is not None
    assert agenda.lease_ends <= watched.now_ms


def test_a_periodic_job_falls_due_once_and_then_in_its_time(world: World):
    liveness = world.adapters.liveness
    assert liveness.first({"job": HOUR_MS}, now_ms=1) == {"job": 0}
    found = liveness.first({"job": HOUR_MS, "other": HOUR_MS}, now_ms=2)
    assert HOUR_MS / 2 < found["job"] <= HOUR_MS
    assert found["other"] == 0


def test_a_mark_of_the_schedule_that_a_clock_set_back_made_last_counts_for_nothing(world: World):
    liveness = world.adapters.liveness
    liveness.first({"job": 2 * HOUR_MS}, now_ms=1)
    assert liveness.first({"job": HOUR_MS}, now_ms=2) == {"job": 0}


def test_a_beat_is_noted_by_the_time_of_redis_in_one_round_trip(world: World):
    redis, liveness = world.adapters.redis, world.adapters.liveness
    liveness.beat(
        Part.SCREENER, "gone", ago_ms=2 * HOUR_MS
    )  # which also gives the server the library
    before = reads(world)
    liveness.beat(Part.SCREENER, "a")
    assert reads(world) == before + 2  # the last is the question itself
    seconds, _ = redis.time()
    assert abs(watch(world, "w").beats["a"] - seconds * 1000) < 5000
    assert liveness.alive(Part.SCREENER, since_ms=0) == ["a"]
