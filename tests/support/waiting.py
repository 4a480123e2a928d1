"""Wait on a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], timeout: float = 10.0, message: str = "the condition"
) -> T:
    """Return the first true value of *condition*; fail the test when none comes in *timeout*."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"gave up after {timeout:g} s of waiting for {message}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
