"""Requests that wait for a verdict or an event: bounded by tenant, and outside of the thread pool.

A view that waits lends its thread's place to another (service/front/pool.py), and one thread looks for
all that wait.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from flask import has_request_context, request

from service.front.pool import LEND

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

#: Requests that wait at a time, of all tenants. One tenant has at most as many as are left for others.
MOST_WAITING = 256
#: Retry-After, in seconds, for requests of a tenant that has its share of waiting requests.
RETRY_SECONDS = 2


class Shares:
    """Counts and bounds the waiting requests of each tenant.

    A tenant may take as many places as stay free: one alone has half of them, two have a third
    each, so that a new tenant always finds some.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        """Begin with *most* free places."""
        self._most = most
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, tenant: str) -> Iterator[bool]:
        """Hold a place for *tenant* while the block runs; False when it has none left."""
        with self._lock:
            taken = self._held.total()
            has = self._held[tenant] < self._most - taken
            if has:
                self._held[tenant] += 1
        try:
            yield has and _lent()
        finally:
            if has:
                with self._lock:
                    self._held[tenant] -= 1
                    if not self._held[tenant]:
                        del self._held[tenant]


@dataclass(eq=False)
class _Waiter(Generic[Found]):
    key: str
    since: float
    found: Found | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Lookout(Generic[Found]):
    """Polls for the results that requests wait for: often for new requests, less often for older ones."""

    def __init__(
        self,
        look: Callable[[Sequence[str]], Mapping[str, Found]],
        *,
        fastest_seconds: float,
        slowest_seconds: float,
    ) -> None:
        """Poll by *look*, which takes keys and returns the results of those that have one."""
        self._look = look
        self._fastest, self._slowest = fastest_seconds, slowest_seconds
        self._waiting: list[_Waiter[Found]] = []
        self._lock = threading.Lock()
        self._works = False

    def wait(self, key: str, seconds: float) -> Found | None:
        """Return the result of *key* once there is one; None after *seconds*."""
        waiter = _Waiter[Found](key, time.monotonic())
        with self._lock:
            self._waiting.append(waiter)
            starts, self._works = not self._works, True
        if starts:
            threading.Thread(target=self._work, name="lookout", daemon=True).start()
        waiter.done.wait(seconds)
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return waiter.found

    def _work(self) -> None:
        while True:
            with self._lock:
                waiting = list(self._waiting)
                self._works = bool(waiting)
            if not waiting:
                return
            youngest = time.monotonic() - max(waiter.since for waiter in waiting)
            time.sleep(min(max(youngest / 5, self._fastest), self._slowest))
            try:
                there = self._look(list(dict.fromkeys(waiter.key for waiter in waiting)))
            except Exception as problem:  # noqa: BLE001 - they wait on, and are answered in the end
                log.warning(
                    "cannot look for what requests wait for", problem=type(problem).__name__
                )
                time.sleep(self._slowest)
                continue
            for waiter in waiting:
                if waiter.key in there:
                    waiter.found = there[waiter.key]
                    with self._lock:
                        if waiter in self._waiting:
                            self._waiting.remove(waiter)
                    waiter.done.set()


def _lent() -> bool:
    """Let another request use this one's place in the pool while it waits; True outside of a pool."""
    lend = request.environ.get(LEND) if has_request_context() else None
    return lend is None or bool(lend())
