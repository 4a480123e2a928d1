"""The supervisor: loads the scorer once, forks who uses it, restarts the dead, runs the watchdog."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import structlog

from models import simhash
from models.learner import HeadLearner
from moderation import dispatch, wiring
from moderation.errors import StorageUnavailable, WinnowError
from moderation.ports import Model
from moderation.processes import Alarm
from moderation.records import Agenda
from moderation.settings import Settings
from moderation.store.liveness import Part, Watched
from worker import deliverer
from worker.children import Child, work
from worker.pulse import named
from worker.schedule import SCHEDULE

log = structlog.get_logger(__name__)

#: Seconds between two rounds of the watchdog: where something is due or went wrong, and at rest.
_SHORTEST_ROUND_SECONDS, _LONGEST_ROUND_SECONDS = 1.0, 5.0
#: Least time between two rounds, however much is due.
_LEAST_SECONDS = 0.05
_DRAIN_TICK_SECONDS = 0.05
#: Longest time for which a periodic job is believed not to be due.
_ASK_AGAIN_SECONDS = 60.0
#: Seconds that workers have to finish their batch after SIGTERM.
_DRAIN_SECONDS = 8.0
#: The watchdog's lock outlives a late round, and no more.
_LOCK_MS = 8000
#: Longest silence of a screener or deliverer: taking up a new model takes seconds, on a busy machine
#: many of them.
_PATIENCE_SECONDS = 40.0
#: Longest silence of the upkeep worker, whose jobs last half an hour at most and do not beat.
_PATIENCE_OF_UPKEEP_SECONDS = 2400.0


class Supervisor:
    """Keeps the children running and the protocol's promises: one per ``python -m worker``."""

    def __init__(
        self,
        settings: Settings,
        model: Callable[[], Model],
        parts: frozenset[Part] = frozenset(Part),
    ) -> None:
        """Prepare the children that do *parts*; nothing runs before :meth:`run`."""
        self._settings = settings
        self._adapters = wiring.connect(settings)
        self._boot = secrets.token_hex(4)
        self._name = named(Part.WATCHDOG, boot=self._boot)
        self._stopping = False
        self._next_watch = 0.0
        #: When each periodic job is asked for again (monotonic seconds).
        self._not_before: dict[str, float] = {}
        #: The longest lease and the longest undo window that there are.
        self._lease_ms = _ms(settings.lease_seconds)
        self._hold_ms = _ms(max(settings.undo_seconds, settings.bulk_undo_seconds))
        self._shortest_ms = _ms(
            min(
                settings.lease_seconds, settings.batch_seconds, settings.undo_seconds,
                settings.bulk_undo_seconds, _LONGEST_ROUND_SECONDS,
            )
        )  # fmt: skip
        #: Latest state of each child: its process, its heartbeat, and when it came (monotonic).
        self._heard: dict[str, tuple[int, int | None, float]] = {}
        # For the children: made before the fork, so that they share what making it takes, and never used here.
        unused = wiring.connect(settings)
        on = partial(
            work,
            adapters=unused,
            boot=self._boot,
            model=model,
            duplicates=simhash,
            learning=HeadLearner,
        )
        self._screeners = [
            self._child(Part.SCREENER, n, partial(on, dispatch.SCREENING), _PATIENCE_SECONDS)
            for n in range(1, settings.workers + 1)
            if Part.SCREENER in parts
        ]
        others = [
            self._child(Part.UPKEEP, 1, partial(on, dispatch.UPKEEP), _PATIENCE_OF_UPKEEP_SECONDS),
            self._child(Part.DELIVERER, 1, partial(deliverer.run, unused), _PATIENCE_SECONDS),
        ]
        self._others = [child for child in others if child.part in parts]

    def _child(self, part: Part, number: int, run: Callable[..., None], patience: float) -> Child:
        name = named(f"{part}-{number}", boot=self._boot)
        return Child(name, partial(run, part=part, name=name), part, patience)

    @property
    def children(self) -> list[Child]:
        """Every process that is to be running."""
        return [*self._screeners, *self._others]

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, then let the children finish their batches."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it ends a wait; _bury asks who it was
        alarm = Alarm()
        log.info("workers start", boot=self._boot, workers=self._settings.workers)
        while not self._stopping:
            now = time.monotonic()
            self._bury(now)
            for child in self.children:
                if not child.pid and now >= child.restarts.at:
                    child.start()
            if now >= self._next_watch:
                self._next_watch = now + self._watch()
            starts = [child.restarts.at for child in self.children if not child.pid]
            alarm.wait(min([self._next_watch, *starts]) - time.monotonic())
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
                comments.woken(shard)  # it may have been the one that listened
                self._wake(shard)

    def _watch(self) -> float:
        """Do the watchdog's round; return in how many seconds the next one is.

        A lease, batch or undo window that begins after this round lasts as long as the shortest one at least:
        the watchdog may sleep until then. A round that Redis spoils is done again a second later.
        """
        try:
            watched = self._adapters.liveness.watch(
                self._name,
                who=self._boot,
                lock_ms=_LOCK_MS,
                shards=self._adapters.comments.shards,
                lease_ms=self._lease_ms,
                hold_ms=self._hold_ms,
            )
            began = time.monotonic()
            self._kill_silent(began, watched.beats)
            at = self._look(watched)
            return max(_LEAST_SECONDS, (at - watched.now_ms) / 1000 - (time.monotonic() - began))
        except StorageUnavailable as problem:
            self._heard.clear()  # while Redis is away nobody can be heard
            log.warning("watchdog waits for Redis", problem=str(problem))
        except WinnowError as problem:
            log.error("watchdog stumbled", problem=str(problem))  # noqa: TRY400 - the sentence says it all
        except Exception as problem:  # noqa: BLE001 - whatever it stumbles over, the children go on
            log.error("watchdog stumbled", problem=type(problem).__name__)  # noqa: TRY400
        return _SHORTEST_ROUND_SECONDS

    def _kill_silent(self, now: float, beats: Mapping[str, int]) -> None:
        """Kill a child whose heartbeat has stopped: frozen, or stuck where nothing else looks.

        Heartbeats are held against this process's own clock, which nobody sets.
        """
        for child in self.children:
            pid, beat, since = self._heard.get(child.name, (0, None, now))
            if not child.pid or (pid, beat) != (child.pid, beats.get(child.name)):
                self._heard[child.name] = (child.pid, beats.get(child.name), now)
            elif now - since > child.patience:
                log.error("child is silent and is killed", child=child.name, pid=child.pid)
                os.kill(child.pid, signal.SIGKILL)

    def _look(self, watched: Watched) -> int:
        """Do the watchdog's due work in each shard; return when to look next, Unix ms.

        Every supervisor kills its own stuck workers; the one that leads takes back leases that
        ended, tells decisions whose window closed, wakes workers and runs the schedule.
        """
        now, leads = watched.now_ms, watched.another_leads_ms is None
        times = [now + max(_ms(_SHORTEST_ROUND_SECONDS), self._shortest_ms)]
        if watched.another_leads_ms is not None:
            times.append(now + watched.another_leads_ms)
        for shard, agenda in zip(self._adapters.comments.shards, watched.agendas, strict=True):
            if agenda.lease_ends is not None:
                self._kill_overdue(shard, now)
                times.append(now + _ms(_SHORTEST_ROUND_SECONDS))
            if leads:
                times += self._lead(shard, agenda, now)
        if leads:
            self._run_schedule(now)
        return min(times)

    def _lead(self, shard: int, agenda: Agenda, now: int) -> Iterator[int]:
        """Do what one supervisor of all does for a shard; yield when something of it is due next."""
        comments = self._adapters.comments
        if agenda.lease_ends is not None and agenda.lease_ends <= now:
            comments.reclaim(shard, lease_ms=self._lease_ms, now_ms=now)
        if agenda.window_closes is not None:
            if agenda.window_closes <= now:
                comments.release(shard, hold_ms=self._hold_ms, now_ms=now)
            yield max(now, agenda.window_closes)
        if agenda.learning_due is not None:
            if agenda.learning_due <= now:
                self._learn(shard, now)
            yield max(now, agenda.learning_due)
        if agenda.work:
            self._wake(shard)
            yield now + _ms(_SHORTEST_ROUND_SECONDS)

    def _learn(self, shard: int, now: int) -> None:
        """Enqueue a job for each site that has something new to learn."""
        for site_id in self._adapters.comments.claim_learning(shard, now_ms=now):
            self._adapters.jobs.enqueue(dispatch.LEARN, site_id)

    def _kill_overdue(self, shard: int, now: int) -> None:
        """Kill a worker that scores one batch for too long: Python alarms do not stop C code."""
        settings = self._settings
        holders = self._adapters.comments.overdue(
            shard,
            started_before_ms=now - _ms(settings.batch_seconds),
            lease_ms=self._lease_ms,
        )
        for child in self._screeners:
            if child.pid and f"{self._boot}:{child.pid}" in holders:
                log.error("worker is stuck in a batch and is killed", child=child.name)
                os.kill(child.pid, signal.SIGKILL)

    def _run_schedule(self, now: int) -> None:
        """Enqueue each periodic job that is due."""
        began = time.monotonic()
        every = {
            line.path: line.every_seconds * 1000
            for line in SCHEDULE
            if began >= self._not_before.get(line.path, 0.0)
        }
        if not every:
            return
        for path, left_ms in self._adapters.liveness.first(every, now_ms=now).items():
            if left_ms == 0:
                self._adapters.jobs.enqueue(path)
            wait_seconds = min((left_ms or every[path]) / 1000, _ASK_AGAIN_SECONDS)
            self._not_before[path] = began + wait_seconds

    def _wake(self, shard: int) -> None:
        comments = self._adapters.comments
        if comments.has_work(shard) and comments.claim_wake(shard):
            self._adapters.jobs.wake(shard)

    def _drain(self) -> None:
        """Let the children finish their work; kill those that take longer than allowed."""
        log.info("workers stop", boot=self._boot)
        _signal(self.children, signal.SIGTERM)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(child.pid for child in self.children) and time.monotonic() < deadline:
            for child in self.children:
                if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                    child.pid = 0
            time.sleep(_DRAIN_TICK_SECONDS)
        late = [child for child in self.children if child.pid]
        _signal(late, signal.SIGKILL)
        for child in late:
            os.waitpid(child.pid, 0)
            if child in self._screeners:
                self._reclaim(f"{self._boot}:{child.pid}")
        with contextlib.suppress(StorageUnavailable):
            liveness = self._adapters.liveness
            liveness.leave(Part.WATCHDOG, self._name)
            for child in self.children:
                liveness.leave(child.part, child.name)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _signal(children: Iterable[Child], signum: signal.Signals) -> None:
    for child in children:
        if child.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signum)
