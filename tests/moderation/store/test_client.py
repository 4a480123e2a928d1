"""The Redis client: what a server that cannot serve means to its callers."""

from __future__ import annotations

import pytest

from moderation.errors import StorageUnavailable
from moderation.store.client import connect
from tests.support.valkey import serving


def test_a_primary_that_became_a_replica_is_away_until_it_is_one_no_more():
    """Failover demotes the old primary: what is sent to it must be answered 503, not 500."""
    with serving() as server:
        client = connect(server.url)
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StorageUnavailable):
            client.set("a", 1)
        with pytest.raises(StorageUnavailable) as refused:
            client.pipeline(transaction=False).set("a", "a note").execute()
        assert "a note" not in str(refused.value)
        client.config_set("replica-serve-stale-data", "no")
        with pytest.raises(StorageUnavailable):
            client.get("a")
        client.execute_command("REPLICAOF", "NO", "ONE")
        client.set("a", 1)


def test_memory_that_is_full_is_storage_that_is_away():
    with serving() as server:
        client = connect(server.url)
        client.config_set("maxmemory", 1)
        with pytest.raises(StorageUnavailable):
            client.set("a", 1)
