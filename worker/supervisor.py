"""The supervisor: loads the scorer once, forks who uses it, restarts the dead, runs the watchdog."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from models import near
from moderation import dispatch, wiring
from moderation.errors import StorageUnavailable, WinnowError
from moderation.ports import Model
from moderation.settings import Settings
from moderation.store.liveness import Part
from worker import deliverer
from worker.children import Child, work
from worker.schedule import SCHEDULE

log = structlog.get_logger(__name__)

_TICK_SECONDS = 0.1
_WATCH_SECONDS = 1.0
#: How long workers may take to finish their batch when we are told to stop.
_DRAIN_SECONDS = 8.0
#: The watchdog's lock outlives a few missed rounds, and no more.
_LOCK_MS = 5000
#: Longest silence of a screener or deliverer: taking up a new model takes seconds, on a busy machine
#: many of them.
_PATIENCE_SECONDS = 40.0
#: Longest silence of the upkeep worker, whose jobs last half an hour at most and do not beat.
_PATIENCE_OF_UPKEEP_SECONDS = 2400.0


class Supervisor:
    """Keeps the children running and the protocol's promises: one per ``python -m worker``."""

    def __init__(self, settings: Settings, model: Callable[[], Model]) -> None:
        """Prepare the children; nothing runs before :meth:`run`."""
        self._settings = settings
        self._adapters = wiring.connect(settings)
        self._boot = secrets.token_hex(4)
        self._stopping = False
        self._next_watch = 0.0
        #: What was heard of each child last: its process, its heartbeat, and when (monotonic).
        self._heard: dict[str, tuple[int, int | None, float]] = {}
        on = partial(work, settings=settings, boot=self._boot, model=model, duplicates=near)
        self._screeners = [
            self._child(Part.SCREENER, n, partial(on, dispatch.SCREENING), _PATIENCE_SECONDS)
            for n in range(1, settings.workers + 1)
        ]
        self._others = [
            self._child(Part.UPKEEP, 1, partial(on, dispatch.UPKEEP), _PATIENCE_OF_UPKEEP_SECONDS),
            self._child(Part.DELIVERER, 1, partial(deliverer.run, settings), _PATIENCE_SECONDS),
        ]

    def _child(self, part: Part, number: int, run: Callable[..., None], patience: float) -> Child:
        name = f"{part}-{number}@{self._boot}"
        return Child(name, partial(run, part=part, name=name), part, patience)

    @property
    def children(self) -> list[Child]:
        """Every process that is to be running."""
        return [*self._screeners, *self._others]

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, then let the children finish their batches."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        log.info("workers start", boot=self._boot, workers=self._settings.workers)
        while not self._stopping:
            now = time.monotonic()
            self._bury(now)
            for child in self.children:
                if not child.pid and now >= child.restarts.at:
                    child.start()
            if now >= self._next_watch:
                self._next_watch = now + _WATCH_SECONDS
                self._watch()
            time.sleep(_TICK_SECONDS)
        self._drain()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _bury(self, now: float) -> None:
        """Collect the dead, and take back at once what a dead screener had on lease."""
        for child in self.children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            killed = os.WIFSIGNALED(status)
            log.warning("child is gone", child=child.name, pid=pid, status=status)
            child.pid = 0
            child.restarts.ended(now, killed=killed)
            # Who ended by itself gave its batch back, or lost Redis and lets the lease expire:
            # no comment is to blame for either.
            if killed and child in self._screeners:
                self._reclaim(f"{self._boot}:{pid}")

    def _reclaim(self, holder: str) -> None:
        """Take back a dead worker's leases; when Redis is away they expire by themselves."""
        comments, clock = self._adapters.comments, self._adapters.clock
        with contextlib.suppress(StorageUnavailable):
            for shard in comments.shards:
                gone = comments.reclaim(shard, holder=holder, now_ms=clock.now_ms())
                for comment_id in gone:
                    log.error("comment is quarantined: it killed three workers", comment=comment_id)
                self._wake(shard)

    def _watch(self) -> None:
        """Do the watchdog's round; a round that Redis spoils is done again a second later."""
        liveness, clock = self._adapters.liveness, self._adapters.clock
        try:
            liveness.beat(Part.WATCHDOG, f"{Part.WATCHDOG}@{self._boot}", now_ms=clock.now_ms())
            self._kill_silent(time.monotonic())
            self._kill_overdue()
            if self._adapters.liveness.leads(self._boot, lock_ms=_LOCK_MS):
                self._lead()
        except StorageUnavailable as problem:
            self._heard.clear()  # while Redis is away nobody can be heard
            log.warning("watchdog waits for Redis", problem=str(problem))
        except WinnowError as problem:
            log.error("watchdog stumbled", problem=str(problem))  # noqa: TRY400 - the sentence says it all
        except Exception as problem:  # noqa: BLE001 - whatever it stumbles over, the children go on
            log.error("watchdog stumbled", problem=type(problem).__name__)  # noqa: TRY400

    def _kill_silent(self, now: float) -> None:
        """Kill a child whose heartbeat has stopped: frozen, or stuck where nothing else looks.

        Heartbeats are held against this process's own clock, which nobody sets.
        """
        beats = self._adapters.liveness.beats()
        for child in self.children:
            pid, beat, since = self._heard.get(child.name, (0, None, now))
            if not child.pid or (pid, beat) != (child.pid, beats.get(child.name)):
                self._heard[child.name] = (child.pid, beats.get(child.name), now)
            elif now - since > child.patience:
                log.error("child is silent and is killed", child=child.name, pid=child.pid)
                os.kill(child.pid, signal.SIGKILL)

    def _kill_overdue(self) -> None:
        """Kill a worker that scores one batch for too long: Python alarms do not stop C code."""
        settings, now = self._settings, self._adapters.clock.now_ms()
        for shard in self._adapters.comments.shards:
            holders = self._adapters.comments.overdue(
                shard,
                started_before_ms=now - round(settings.batch_seconds * 1000),
                lease_ms=round(settings.lease_seconds * 1000),
            )
            for child in self._screeners:
                if child.pid and f"{self._boot}:{child.pid}" in holders:
                    log.error("worker is stuck in a batch and is killed", child=child.name)
                    os.kill(child.pid, signal.SIGKILL)

    def _lead(self) -> None:
        """Take back expired leases, tell decisions whose window closed, wake, run the schedule."""
        comments, now = self._adapters.comments, self._adapters.clock.now_ms()
        settings = self._settings
        hold_seconds = max(settings.undo_seconds, settings.bulk_undo_seconds)
        for shard in comments.shards:
            comments.reclaim(shard, lease_ms=round(settings.lease_seconds * 1000), now_ms=now)
            comments.release(shard, hold_ms=round(hold_seconds * 1000), now_ms=now)
            self._wake(shard)
        for line in SCHEDULE:
            every_ms = line.every_seconds * 1000
            if self._adapters.liveness.first(line.job, every_ms=every_ms, now_ms=now):
                self._adapters.jobs.enqueue(line.job)

    def _wake(self, shard: int) -> None:
        comments = self._adapters.comments
        if comments.has_work(shard) and comments.claim_wake(shard):
            self._adapters.jobs.wake(shard)

    def _drain(self) -> None:
        """Let the children finish what they hold; whoever takes too long is killed."""
        log.info("workers stop", boot=self._boot)
        _signal(self.children, signal.SIGTERM)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(child.pid for child in self.children) and time.monotonic() < deadline:
            for child in self.children:
                if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                    child.pid = 0
            time.sleep(_TICK_SECONDS / 2)
        late = [child for child in self.children if child.pid]
        _signal(late, signal.SIGKILL)
        for child in late:
            os.waitpid(child.pid, 0)
            if child in self._screeners:
                self._reclaim(f"{self._boot}:{child.pid}")
        with contextlib.suppress(StorageUnavailable):
            liveness = self._adapters.liveness
            liveness.leave(Part.WATCHDOG, f"{Part.WATCHDOG}@{self._boot}")
            for child in self.children:
                liveness.leave(child.part, child.name)


def _signal(children: Iterable[Child], signum: signal.Signals) -> None:
    for child in children:
        if child.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signum)
