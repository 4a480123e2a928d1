"""Rate limits by site: a fixed window per minute in Redis, shared by all web processes.

A process takes from the window in small shares, so that not every request asks Redis.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from limits import RateLimitItem, parse
from limits.storage import RedisClusterStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from moderation.store import keys
from moderation.store.client import Client, ClusterClient, storage

#: Divisor of the limit that gives a share; a process may leave one share of a window unused.
_SHARES = 100
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Limiter:
    """Counts requests of each site against one rate."""

    item: RateLimitItem
    counter: FixedWindowRateLimiter
    _shares: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, rate: str, redis: Client) -> Limiter:
        """Return a limiter for a *rate* such as ``600/minute`` that counts in *redis*."""
        return cls(parse(rate), FixedWindowRateLimiter(_storage(redis)))

    def spend(self, who: str, cost: int = 1) -> None:
        """Count *cost* against *who*. Raises TooManyRequests, shaped by the door or the API.

        When Redis is away this raises StorageUnavailable, at the latest with the next share.
        """
        if self.spend_share(who, cost):
            return
        with storage():
            share = max(cost, self.item.amount // _SHARES)
            if self.counter.hit(self.item, who, cost=share):
                if share > cost:
                    self._keep_share(who, share - cost)
                return
            reset = self.counter.get_window_stats(self.item, who).reset_time
        wait = max(1, round(reset - time.time()))
        # An exception and no response, since each door has its own format of errors.
        raise TooManyRequests(
            f"the limit is {self.item} for each site; try again in {wait} s", retry_after=wait
        )

    def forgive(self, who: str) -> None:
        """Reset the count of *who*."""
        with storage():
            self.counter.clear(self.item, who)

    def spend_share(self, who: str, cost: int = 1) -> bool:
        """Take *cost* from this process's share for *who*; return False, and take nothing, if it is too small."""
        with self._lock:
            left, until = self._shares.get(who, (0, 0.0))
            if left < cost or time.time() >= until:
                return False
            self._shares[who] = (left - cost, until)
            return True

    def _keep_share(self, who: str, left: int) -> None:
        until = self.counter.get_window_stats(self.item, who).reset_time
        with self._lock:
            if len(self._shares) >= _REMEMBERED:
                self._shares.clear()
            self._shares[who] = (left, until)


class _Storage(RedisStorage):
    """The library's storage, which would load a client for Valkey beside that for Redis: 3 MB."""

    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}  # noqa: RUF012 - as the library has it


class _ClusterStorage(RedisClusterStorage):
    """The same over a Cluster."""

    DEPENDENCIES = {"redis": RedisClusterStorage.DEPENDENCIES["redis"]}  # noqa: RUF012 - as above


def _storage(redis: Any) -> RedisStorage:
    """Return the library's storage over *redis*; for a Cluster it makes a second client."""
    prefix = keys.LIMITS(keys.GLOBAL)
    if not isinstance(redis, ClusterClient):
        return _Storage("redis://", connection_pool=redis.connection_pool, key_prefix=prefix)
    node = redis.get_default_node()  # type: ignore[no-untyped-call]
    options = redis.nodes_manager.connection_kwargs
    login = {name: options[name] for name in ("username", "password") if options.get(name)}
    url = f"redis+cluster://{node.host}:{node.port}"
    return _ClusterStorage(url, key_prefix=prefix, **login)
