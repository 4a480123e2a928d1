"""The time by Redis, so that every host agrees on leases and undo windows."""

from __future__ import annotations

import time

from moderation.store.client import Client

#: How long a reading is carried forward by this process's own monotonic clock.
_FRESH_SECONDS = 1.0


class RedisClock:
    """Reads Redis TIME at most once a second and counts on from there."""

    def __init__(self, redis: Client) -> None:
        """Use *redis* when first asked."""
        self._redis = redis
        self._reading: tuple[float, int] | None = None

    def now_ms(self) -> int:
        """Return Unix milliseconds. Raises StorageUnavailable."""
        monotonic = time.monotonic()
        reading = self._reading
        if reading is None or monotonic - reading[0] > _FRESH_SECONDS:
            seconds, micros = self._redis.time()
            reading = (time.monotonic(), seconds * 1000 + micros // 1000)
            self._reading = reading
            return reading[1]
        return reading[1] + round((monotonic - reading[0]) * 1000)
