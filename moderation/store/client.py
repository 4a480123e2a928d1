"""Redis clients whose failures are StorageUnavailable, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.cluster
from redis import exceptions
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from moderation.errors import StorageUnavailable, WritesRefused

#: Nobody answers, or no node of a Cluster that could.
_AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterError,
    exceptions.SlotNotCoveredError,
)
#: Server answers that mean "not now", not "wrong": those that redis-py knows by a class, whose code it
#: takes off, and the beginnings of the others. All but the first forbid writing alone.
_REFUSALS = (exceptions.MasterDownError, exceptions.TryAgainError)
_WRITES_REFUSED = (exceptions.OutOfMemoryError, exceptions.ReadOnlyError)
_OTHER_WRITES_REFUSED = ("MISCONF", "NOREPLICAS")
_TIMEOUT_SECONDS = 5.0
#: Of every client: redis-py would read its own package's metadata for each connection, and tell the server
#: name and version in two round trips. Nobody reads them; the reading alone copies 1 MB of a fork's memory.
UNNAMED: dict[str, Any] = {"driver_info": None}


@contextmanager
def storage() -> Iterator[None]:
    """Turn what redis-py raises when the server cannot serve into StorageUnavailable."""
    try:
        yield
    except exceptions.AuthenticationError as problem:
        raise StorageUnavailable(
            f"Redis refuses the user or password of its URL (WINNOW_REDIS_URL): {problem}"
        ) from problem
    except _AWAY as problem:
        raise StorageUnavailable(f"Redis is away: {type(problem).__name__}") from problem
    except exceptions.ResponseError as problem:
        # In a pipeline the message begins with the command, whose arguments must not be logged.
        said = str(problem).rpartition("caused error: ")[2]
        if isinstance(problem, _WRITES_REFUSED) or said.startswith(_OTHER_WRITES_REFUSED):
            raise WritesRefused(f"Redis refuses to write: {said}") from problem
        if isinstance(problem, _REFUSALS):
            raise StorageUnavailable(f"Redis cannot serve now: {said}") from problem
        raise


class _Pipeline(redis.client.Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - redis-py's own
        with storage():
            return super().execute(raise_on_error)


class Client(redis.Redis):
    """A redis-py client for bytes whose failures are StorageUnavailable."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command."""
        with storage():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> redis.client.Pipeline:  # noqa: FBT001, FBT002
        """Return a pipeline whose failures are StorageUnavailable, too."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _ClusterPipeline(redis.cluster.ClusterPipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - redis-py's own
        with storage():
            return super().execute(raise_on_error)


class ClusterClient(redis.cluster.RedisCluster):
    """The same for a Cluster."""

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> _ClusterPipeline:
        """Return a pipeline whose failures are StorageUnavailable, too."""
        pipeline = super().pipeline(transaction, shard_hint)  # type: ignore[no-untyped-call]
        pipeline.__class__ = _ClusterPipeline  # redis-py has no word for which class it is of
        return pipeline  # type: ignore[no-any-return]

    def determine_slot(self, *args: Any) -> int | None:
        """Return the slot of a command; of our functions without asking a server for their keys."""
        if args[0] == "FCALL":
            return self.keyslot(args[3])  # type: ignore[no-any-return, no-untyped-call]
        return super().determine_slot(*args)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command."""
        with storage():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


def connect(url: str, *, cluster: bool = False, timeout: float = _TIMEOUT_SECONDS) -> Client:
    """Return a client for *url*; it connects when first used.

    A command whose connection is refused or breaks is sent again at most twice, within half a second:
    every function of ours may run twice. One that is not answered within *timeout* seconds is not:
    a server that hangs would be waited for nine times, three by the command for each of three by the
    connection.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 30,
        **UNNAMED,
    }
    if cluster:
        return ClusterClient.from_url(url, **options)  # type: ignore[return-value]
    retry = Retry(
        ExponentialBackoff(cap=0.25, base=0.05), 2, supported_errors=(exceptions.ConnectionError,)
    )
    client: Client = Client.from_url(url, retry=retry, **options)  # type: ignore[assignment]
    return client
