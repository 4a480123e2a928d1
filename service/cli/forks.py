"""Processes that `up` forks and keeps running: restarted when they die, gone when `up` is gone.

They are forked from one process that has loaded the model and all modules, so that they share its
memory and a restarted process is ready at once.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from moderation.installation import CODE
from moderation.processes import Alarm, Restarts, die_with, name_process

log = structlog.get_logger(__name__)

_STOP_TICK_SECONDS = 0.02
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Files of the parent that a fork must not hold: the lock of the data directory, connections.
_MOST_FILES = 1 << 20


@dataclass
class Process:
    """One program to keep running; ``nice`` is its niceness, higher for less processor time.

    *run* is called in a fork and returns the exit status.
    """

    name: str
    run: Callable[[], int]
    nice: int = 0
    stop_seconds: float = 10.0
    #: Its process id, None while it does not run.
    pid: int | None = None
    _restarts: Restarts = field(default_factory=Restarts)

    def tend(self) -> bool:
        """Start the program if it does not run and its pause is over; return whether it was started."""
        now = time.monotonic()
        if self.pid is not None:
            status = self._ended()
            if status is None:
                return False
            pause = self._restarts.ended(now)
            log.warning(
                "process ended and is restarted", process=self.name, status=status, pause=pause
            )
        if now < self._restarts.at:
            return False
        self._restarts.started(now)
        self._fork()
        return True

    def due(self) -> float | None:
        """Return when the program is to be started (monotonic seconds); None while it runs."""
        return self._restarts.at if self.pid is None else None

    def stop(self) -> None:
        """Ask the program to end, wait, and end it if it does not."""
        if self.pid is None or self._ended() is not None:
            return
        pid = self.pid
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        while self._ended() is None:
            if time.monotonic() > deadline:
                log.warning("process does not stop and is killed", process=self.name)
                _signal_group(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                self.pid = None
                return
            time.sleep(_STOP_TICK_SECONDS)

    def _ended(self) -> int | None:
        """Return the exit status if the process ended, None while it runs; clears the process id."""
        assert self.pid is not None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def _fork(self) -> None:
        gc.freeze()  # collecting would touch, and so copy, shared memory
        sys.stdout.flush()
        parent = os.getpid()
        # Blocked: a signal before the child has set its own handlers would run the parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        self.pid = os.fork()
        if self.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            return
        status = 1
        try:
            Alarm.leave()
            os.setsid()  # Ctrl-C is for `up`, which stops everyone in order
            for signum in (*_STOPS, signal.SIGCHLD):
                signal.signal(signum, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            os.closerange(3, _MOST_FILES)
            with open(os.devnull) as nothing:  # noqa: PTH123 - a descriptor is wanted
                os.dup2(nothing.fileno(), 0)
            die_with(parent)
            os.nice(self.nice)
            name_process(f"winnow-{self.name}")
            status = self.run()
        except KeyboardInterrupt:
            status = 0
        except BaseException as problem:
            log.exception("process ends", process=self.name, kind=type(problem).__name__)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def python(*arguments: str) -> list[str]:
    """Return the command that runs Python with Winnow's packages alone on its path."""
    return [sys.executable, "-P", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for Winnow's own programs, independent of the working directory."""
    paths = [str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


# -- what an earlier `up` left behind ------------------------------------------------------------


def remember(path: Path, processes: Sequence[Process]) -> None:
    """Write the running processes to *path*, so that the next start can end those that a kill -9 left."""
    running = {process.pid: _birth(process.pid) for process in processes if process.pid}
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(running), encoding="utf-8")
    fresh.replace(path)


def stop_orphans(path: Path, *, seconds: float = 12.0) -> None:
    """End those processes listed at *path* that still run."""
    try:
        remembered = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    # A process id may have been reused by another program: the start time shows it.
    orphans = [int(pid) for pid, birth in remembered.items() if birth == _birth(int(pid)) != ""]
    for pid in orphans:
        log.warning("stopping what an earlier Winnow left running", pid=pid)
        _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(map(_birth, orphans)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in orphans:
        if _birth(pid):
            _signal_group(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _signal_group(pid: int, signum: signal.Signals) -> None:
    """Signal a process and its children, which it leads as their session's first."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(pid, signum)
        except ProcessLookupError:  # it was forked this moment
            os.kill(pid, signum)


def _birth(pid: int) -> str:
    """Return the start time of a process, which tells it from a later one with its id; "" for none."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = stat.rpartition(")")[2].split()
        return "" if state == "Z" else rest[18]
    if Path("/proc/self").exists():
        return ""
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False
        )
        return asked.stdout.decode(errors="replace").strip()
    return ""
