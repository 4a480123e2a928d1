"""The Redis client: what a server that cannot serve means to its callers."""

from __future__ import annotations

import contextlib
import socket

import pytest
import redis

from moderation.errors import StorageUnavailable
from moderation.store.client import connect
from tests.support.cluster import cluster
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


def test_a_node_of_a_cluster_that_is_gone_is_storage_that_is_away():
    with cluster() as ports:
        client = connect(f"redis://127.0.0.1:{ports[0]}", cluster=True)
        lost = next(
            key for key in map(str, range(99)) if client.get_node_from_key(key).port == ports[1]
        )
        with redis.Redis(port=ports[1]) as node, contextlib.suppress(redis.ConnectionError):
            node.shutdown(nosave=True)
        with pytest.raises(StorageUnavailable):
            client.pipeline(transaction=False).set(lost, 1).execute()
        with pytest.raises(StorageUnavailable):
            client.set(lost, 1)


def test_a_server_that_hangs_is_asked_once_and_not_nine_times():
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        client = connect(f"redis://127.0.0.1:{hanging.getsockname()[1]}", timeout=0.2)
        with pytest.raises(StorageUnavailable):
            client.get("a")
        hanging.setblocking(False)
        connections = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                hanging.accept()[0].close()
                connections += 1
        assert connections == 1


def test_a_connection_begins_without_telling_the_server_of_its_library():
    with serving() as server:
        client = connect(server.url)
        client.get("a")
        asked = client.info("commandstats")
        assert not [name for name in asked if name.startswith("cmdstat_client|setinfo")]
        assert client.client_info()["lib-name"] == ""
