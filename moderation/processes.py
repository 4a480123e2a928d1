"""Processes that Winnow starts: they end with their parent, and are restarted when they end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
#: A process that ran for fewer seconds ended quickly: its next start may be delayed.
_SETTLED_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 10.0
#: Longest pause, in seconds, after deaths by a signal: comments that kill workers must delay other
#: sites' comments by no more.
_LONGEST_PAUSE_OF_KILLED_SECONDS = 1.0
#: Quick ends in a row before restarts are delayed: of a process that ended by itself, and of one that
#: was killed.
_FREE_ENDS, _FREE_DEATHS = 1, 6

# Run by a separate Python before the program; `preexec_fn` may deadlock once the parent has threads.
_LAUNCH = """
import ctypes, os, signal, sys
prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl:
    prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("Winnow ended before its process had started")
os.nice(int(sys.argv[2]))
os.execv(sys.argv[3], sys.argv[3:])
"""


def die_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when *parent* ends (Linux; elsewhere nothing).

    Called in the child, with its parent's process id. To Linux the parent is the thread that forked:
    fork from one that lives as long as the parent does.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def name_process(name: str) -> None:
    """Call this process *name* in `ps -o comm` and `top` (Linux, the first 15 characters)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()))


def tied(command: Sequence[str], *, nice: int = 0) -> list[str]:
    """Return a command that runs *command* until this process ends, at *nice* more niceness."""
    launch = [sys.executable, "-I", "-S", "-c", _LAUNCH]
    return [*launch, str(os.getpid()), str(nice), *command]


class Alarm:
    """Waits that a signal ends, such as SIGCHLD; for the main thread. The signals need a handler."""

    def __init__(self) -> None:
        """Receive signals through a pipe that the interpreter writes to."""
        self._heard, wakes = os.pipe()
        for end in (self._heard, wakes):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)

    def wait(self, seconds: float | None) -> None:
        """Return after *seconds*, None for never, or when a signal comes or came since the last call."""
        left = None if seconds is None else max(0.0, seconds)
        select.select([self._heard], [], [], left)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._heard, 4096):
                pass

    @staticmethod
    def leave() -> None:
        """Receive no more signals: the first thing that a forked child does."""
        signal.set_wakeup_fd(-1)


@dataclass(slots=True)
class Restarts:
    """When a process that ended is to be started again: at once, unless it keeps ending quickly.

    Times are :func:`time.monotonic` seconds.
    """

    #: Not to be started before.
    at: float = 0.0
    _started: float = 0.0
    _quick: int = 0

    def started(self, now: float) -> None:
        """Note that the process was started."""
        self._started = now

    def ended(self, now: float, *, killed: bool = False) -> float:
        """Note that the process ended; return the pause before its next start, in seconds.

        One that was *killed* may have met a bad comment: until that one is put aside after its
        third worker, the neighbours must not wait. One that ended by itself lacks something, such
        as Redis, and gets it no sooner by being started often.
        """
        lasted = now - self._started >= _SETTLED_SECONDS
        self._quick = 1 if lasted else self._quick + 1
        excess = self._quick - (_FREE_DEATHS if killed else _FREE_ENDS)
        longest = _LONGEST_PAUSE_OF_KILLED_SECONDS if killed else _LONGEST_PAUSE_SECONDS
        pause = min(_FIRST_PAUSE_SECONDS * 2**excess, longest) if excess > 0 else 0.0
        self.at = now + pause
        return pause
