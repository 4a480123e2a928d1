"""What every test may ask for.

Every test process loads this file, and most tests want none of it: what a fixture needs is imported
when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import redis

    from moderation.store.embedded import EmbeddedValkey
    from tests.support.world import World


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[EmbeddedValkey]:
    """The server that all tests of this process share; take `redis_url` for a clean one."""
    from tests.support.valkey import serving  # noqa: PLC0415 - as said above

    with serving() as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: EmbeddedValkey) -> str:
    """The URL of a server that holds nothing."""
    import redis  # noqa: PLC0415 - as said above

    valkey_server.start()  # a test may have killed it
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of a server that holds nothing; it answers bytes."""
    import redis  # noqa: PLC0415 - as said above

    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def world_of(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make a fresh Winnow of these settings, with one site, its key, and an administrator's token."""
    from tests.support.world import make_world  # noqa: PLC0415 - as said above

    with ExitStack() as worlds:
        yield lambda **settings: worlds.enter_context(make_world(redis_url, tmp_path, **settings))


@pytest.fixture
def world(world_of: Callable[..., World]) -> World:
    """A fresh Winnow with one site, its key, and an administrator's token."""
    return world_of()
