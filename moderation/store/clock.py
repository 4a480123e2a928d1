"""The time by Redis, so that every host agrees on leases and undo windows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from moderation.store.client import Client

log = logging.getLogger(__name__)

#: How long a reading is carried forward by this process's own monotonic clock.
_FRESH_SECONDS = 1.0
#: Largest step back, in ms, of a clock that NTP keeps.
_SET_BACK_MS = 5000


class RedisClock:
    """Reads Redis TIME at most once a second and counts on from there."""

    def __init__(self, redis: Client, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Use *redis* when first asked; *monotonic* gives seconds that never go back."""
        self._redis = redis
        self._monotonic = monotonic
        self._reading: tuple[float, int] | None = None

    def now_ms(self) -> int:
        """Return Unix milliseconds. Raises StorageUnavailable."""
        monotonic = self._monotonic()
        reading = before = self._reading
        if reading is None or monotonic - reading[0] > _FRESH_SECONDS:
            seconds, micros = self._redis.time()
            reading = (self._monotonic(), seconds * 1000 + micros // 1000)
            self._reading = reading
            if before is not None and reading[1] < before[1] - _SET_BACK_MS:
                log.warning(
                    "the clock of Redis's host was set back by %d s: leases and undo windows end "
                    "early, webhooks that wait to be tried again wait so much longer",
                    (before[1] - reading[1]) // 1000,
                )
            return reading[1]
        return reading[1] + round((monotonic - reading[0]) * 1000)
