"""Signs of life: one leads, jobs fall due once, and a clock that was set back holds nothing up."""

from __future__ import annotations

from moderation.store import keys
from moderation.store.liveness import Part
from tests.support.world import World

LOCK_MS, HOUR_MS = 8000, 3_600_000


def test_one_of_several_leads_and_the_others_know_for_how_long(world: World):
    liveness = world.adapters.liveness
    assert liveness.leads("a", lock_ms=LOCK_MS) is None
    assert 0 < liveness.leads("b", lock_ms=LOCK_MS) <= LOCK_MS
    assert liveness.leads("a", lock_ms=LOCK_MS) is None


def test_a_lock_that_a_clock_set_back_made_last_is_taken_over(world: World):
    world.adapters.redis.set(keys.WATCHDOG(keys.GLOBAL), "gone", px=HOUR_MS)
    assert world.adapters.liveness.leads("a", lock_ms=LOCK_MS) is None


def test_a_periodic_job_falls_due_once_and_then_in_its_time(world: World):
    liveness = world.adapters.liveness
    assert liveness.first("job", every_ms=HOUR_MS, now_ms=1) == 0
    assert HOUR_MS / 2 < liveness.first("job", every_ms=HOUR_MS, now_ms=2) <= HOUR_MS
    assert liveness.first("other", every_ms=HOUR_MS, now_ms=2) == 0


def test_a_beat_is_noted_by_the_time_of_redis_in_one_round_trip(world: World):
    redis, liveness = world.adapters.redis, world.adapters.liveness
    liveness.beat(
        Part.SCREENER, "gone", ago_ms=2 * HOUR_MS
    )  # which also gives the server the library
    reads = redis.info("stats")["total_reads_processed"]
    liveness.beat(Part.SCREENER, "a")
    assert (
        redis.info("stats")["total_reads_processed"] == reads + 2
    )  # the last is the question itself
    seconds, _ = redis.time()
    assert abs(liveness.beats()["a"] - seconds * 1000) < 5000
    assert liveness.alive(Part.SCREENER, since_ms=0) == ["a"]
