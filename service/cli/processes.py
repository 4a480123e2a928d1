"""Processes that `up` keeps running: started, restarted when they die, gone when `up` is gone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from moderation.installation import CODE
from moderation.processes import Restarts, tied

log = structlog.get_logger(__name__)


@dataclass
class Process:
    """One program to keep running; ``nice`` is how far it steps back for the others."""

    name: str
    command: Sequence[str]
    nice: int = 0
    stop_seconds: float = 10.0
    _running: subprocess.Popen[bytes] | None = None
    _restarts: Restarts = field(default_factory=Restarts)

    @property
    def pid(self) -> int | None:
        """Its process id, None while it does not run."""
        return self._running.pid if self._running is not None else None

    def tend(self, environ: dict[str, str]) -> bool:
        """Start the program if it does not run and its pause is over; tell whether it was started."""
        now = time.monotonic()
        if self._running is not None:
            status = self._running.poll()
            if status is None:
                return False
            self._running = None
            pause = self._restarts.ended(now)
            log.warning(
                "process ended and is restarted", process=self.name, status=status, pause=pause
            )
        if now < self._restarts.at:
            return False
        self._restarts.started(now)
        self._running = subprocess.Popen(
            tied(self.command, nice=self.nice),
            stdin=subprocess.DEVNULL,
            env=environ,
            # Ctrl-C is for `up`, which stops everyone in order.
            start_new_session=True,
        )
        return True

    def stop(self) -> None:
        """Ask the program to end, wait, and end it if it does not."""
        running, self._running = self._running, None
        if running is None or running.poll() is not None:
            return
        running.terminate()
        try:
            running.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            log.warning("process does not stop and is killed", process=self.name)
            _signal_group(running.pid, signal.SIGKILL)
            running.wait()


def python(*arguments: str) -> list[str]:
    """Return the command that runs Python with our own packages and nobody else's."""
    return [sys.executable, "-P", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for programs of ours, wherever they were called from."""
    paths = [str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


# -- what an earlier `up` left behind ------------------------------------------------------------


def remember(path: Path, processes: Sequence[Process]) -> None:
    """Write down which processes run, so that the next start finds what a kill -9 left."""
    running = {process.pid: _birth(process.pid) for process in processes if process.pid}
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(running), encoding="utf-8")
    fresh.replace(path)


def stop_orphans(path: Path, *, seconds: float = 12.0) -> None:
    """End whatever is still running of what was remembered at *path*."""
    try:
        remembered = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    # A pid may have gone to somebody else's process meanwhile: its birth tells.
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
        os.killpg(pid, signum)


def _birth(pid: int) -> str:
    """Return what tells a process from a later one with its number; empty when there is none."""
    with contextlib.suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = told.rpartition(")")[2].split()
        return "" if state == "Z" else rest[18]
    if Path("/proc/self").exists():
        return ""
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False
        )
        return asked.stdout.decode(errors="replace").strip()
    return ""
