"""How much one site may submit: a window per minute in Redis, shared by every web process."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import abort, make_response
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from moderation.store import keys
from moderation.store.client import Client, storage
from service.errors import problem


@dataclass(frozen=True)
class Limiter:
    """Counts what each site spends against one rate."""

    item: RateLimitItem
    counter: FixedWindowRateLimiter

    @classmethod
    def of(cls, rate: str, redis: Client) -> Limiter:
        """Return a limiter for a *rate* such as ``600/minute`` that counts in *redis*."""
        kept = RedisStorage(
            "redis://",
            connection_pool=redis.connection_pool,
            key_prefix=keys.LIMITS(keys.GLOBAL),
        )
        return cls(parse(rate), FixedWindowRateLimiter(kept))

    def spend(self, who: str, cost: int = 1) -> None:
        """Count *cost* against *who*; answers 429 when that is too much.

        When Redis is away this raises StorageUnavailable: nothing could be stored either.
        """
        with storage():
            if self.counter.hit(self.item, who, cost=cost):
                return
            reset = self.counter.get_window_stats(self.item, who).reset_time
        wait = max(1, round(reset - time.time()))
        answer = problem(
            429, "too-fast", f"the limit is {self.item} for each site; try again in {wait} s"
        )
        answer.headers["Retry-After"] = str(wait)
        abort(make_response(answer))
