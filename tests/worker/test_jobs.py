"""The scheduled jobs: each serves every row, and one bad row stops no other."""

from __future__ import annotations

import pytest

from moderation import rows
from moderation.errors import StorageUnavailable
from moderation.store import keys
from moderation.store.keys import GLOBAL
from tests.support.world import PlainDuplicates, World
from worker import jobs


@pytest.fixture
def prepared(world: World) -> World:
    jobs.prepare(jobs.Context(world.adapters, lambda: world.model, PlainDuplicates(), "test:1"))
    return world


@pytest.mark.parametrize("job", [jobs.purge, jobs.trim_events])
def test_a_site_that_cannot_be_read_stops_no_job(prepared: World, job):
    """One that a newer Winnow wrote, say: it is passed over and named in the log."""
    prepared.adapters.redis.hset(keys.SITES(GLOBAL), "0", '{"doors": ["of the future"]}')
    assert job() == 0
    assert prepared.adapters.accounts.sites() == [prepared.site]


def test_an_endpoint_that_cannot_be_read_keeps_no_other_sites_events(prepared: World):
    accounts, redis = prepared.adapters.accounts, prepared.adapters.redis
    bad = accounts.add_site("bad", now_ms=1)
    redis.hset(keys.ENDPOINTS(GLOBAL), "e", '{"id": "e", "sealed": "nonsense"}')
    redis.sadd(keys.SITE_ENDPOINTS(GLOBAL, bad.id), "e")
    assert jobs.trim_events() == 0


def test_each_row_is_served_whatever_another_raises():
    def act(row: int) -> int:
        if row == 2:
            raise RuntimeError
        return row

    assert rows.each({"a": 1, "b": 2, "c": 3}, act, job="test") == 4


def test_without_storage_no_row_is_tried():
    tried = []

    def act(row: int) -> int:
        tried.append(row)
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        rows.each({"a": 1, "b": 2}, act, job="test")
    assert tried == [1]
