"""Wait on a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds for which a test waits for what is bound to come. Not a claim about speed: where several suites
#: share two slow cores, whatever takes 0.1 s alone may take 10.
PATIENCE_SECONDS = 60.0


def wait_until(
    condition: Callable[[], T], timeout: float = PATIENCE_SECONDS, message: str = "the condition"
) -> T:
    """Return the first true value of *condition*; fail the test when none comes in *timeout* seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"gave up after {timeout:g} s of waiting for {message}; it was {value!r:.500}"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
