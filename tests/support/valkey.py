"""Real Valkey servers for tests: one per test process, and others as a test asks for them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import redis

from moderation.store.embedded import EmbeddedValkey


@contextmanager
def serving(
    fsync: Literal["everysec", "always"] = "everysec", data_dir: Path | None = None
) -> Iterator[EmbeddedValkey]:
    """Run a server of its own, in *data_dir* or a fresh directory that is removed afterwards."""
    directory = data_dir or Path(tempfile.mkdtemp(prefix="winnow-test-"))
    server = EmbeddedValkey(directory, fsync, None)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if data_dir is None:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[EmbeddedValkey]:
    """The server that all tests of this process share; take `redis_url` for a clean one."""
    with serving() as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: EmbeddedValkey) -> str:
    """The URL of a server that holds nothing."""
    valkey_server.start()  # a test may have killed it
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of a server that holds nothing; it answers bytes."""
    with redis.Redis.from_url(redis_url) as client:
        yield client
