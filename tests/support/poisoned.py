"""Winnow whose model some texts harm: ``python -m tests.support.poisoned up``, or ``worker``.

What such a text does to a worker is what the worst comment could.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from moderation.ports import Model
from service.cli import up
from worker.__main__ import main

_BLOAT_BYTES = 256 * 1024 * 1024


class Marker(StrEnum):
    """What a text has to contain, and what it does."""

    CRASH = "winnow-poison-crash"
    HANG = "winnow-poison-hang"
    BLOAT = "winnow-poison-bloat"
    RAISE = "winnow-poison-raise"


class Poisonable:
    """A model that some texts harm."""

    def __init__(self, model: Model) -> None:
        """Score by *model*."""
        self._model = model
        self.version = model.version
        self.thresholds = model.thresholds

    def score(self, items: Sequence[Any], *, hurried: bool = False) -> Sequence[Any]:
        """Return the model's scores, unless a text does what it says."""
        for item in items:
            for marker in Marker:
                if marker in item.content:
                    _harm(marker)
        return self._model.score(items, hurried=hurried)


def _harm(marker: Marker) -> None:
    match marker:
        case Marker.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        case Marker.HANG:
            # Like C code: no signal handler of Python's gets a turn to end it.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGALRM])
            time.sleep(3600)
        case Marker.BLOAT:
            hoard = bytearray(_BLOAT_BYTES)
            hoard[::4096] = b"x" * len(hoard[::4096])
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
        case Marker.RAISE:
            raise ValueError("a text that the model cannot score")


def worker(**more: Any) -> int:
    """Run the worker with such a model."""
    return main(Poisonable, **more)


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        sys.exit(worker())
    up.start(worker="tests.support.poisoned:worker")
