"""The time by Redis, so that every host agrees on leases and undo windows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from moderation.store.client import Client

log = logging.getLogger(__name__)

#: How long a reading is carried forward by this process's own monotonic clock.
_FRESH_SECONDS = 1.0
#: Clocks that are kept right by NTP go back by less.
_SET_BACK_MS = 5000


class RedisClock:
    """Reads Redis TIME at most once a second and counts on from there."""

    def __init__(self, redis: Client, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Use *redis* when first asked; *monotonic* gives seconds that never go back."""
        self._redis = redis
        self._monotonic = monotonic
        self._reading: tuple[float, int] | None = None
        self._latest_ms = 0

    def now_ms(self) -> int:
        """Return Unix milliseconds, no less than before. Raises StorageUnavailable.

        Redis's answer may reach a busy process late: the time stands still then until it is past what was
        returned. Only a clock that was set back goes back.
        """
        now_ms = self._read_ms()
        if not now_ms < self._latest_ms < now_ms + _SET_BACK_MS:
            self._latest_ms = now_ms
        return self._latest_ms

    def _read_ms(self) -> int:
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
