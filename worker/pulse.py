"""Heartbeats: said by the thread that does the work, so that they stop when the work does."""

from __future__ import annotations

import contextlib
import socket
import time

from moderation.errors import StorageUnavailable
from moderation.store.liveness import Liveness, Part

#: A third of the silence after which a process counts as dead.
_BEAT_SECONDS = 5.0


def named(work: str, *, boot: str) -> str:
    """Return the name of a process for its heartbeats: its *work*, its host, and what started it."""
    return f"{work}@{socket.gethostname()}-{boot}"


def is_here(name: str) -> bool:
    """Tell whether the process of that name runs on this host."""
    return name.partition("@")[2].rpartition("-")[0] == socket.gethostname()


class Pulse:
    """The heartbeats of one process, one every few seconds."""

    def __init__(self, part: Part, name: str, *, liveness: Liveness) -> None:
        """Beat as *name*, which does *part*."""
        self._part, self._name = part, name
        self._liveness = liveness
        self._next = 0.0

    def beat(self) -> None:
        """Store a heartbeat of this thread; while Redis is away none is stored, which is no error."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _BEAT_SECONDS
        with contextlib.suppress(StorageUnavailable):
            self._liveness.beat(self._part, self._name)
