"""The processes that a supervisor forks: screening workers, an upkeep worker, the deliverer."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from moderation import dispatch, wiring
from moderation.ports import Duplicates, Model
from moderation.settings import Settings
from worker import jobs

log = structlog.get_logger(__name__)

#: A child that dies sooner than this after its start is restarted after a pause.
_SETTLED_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 10.0
#: After deaths by a signal: whoever sends many bad comments must not make the others wait.
_LONGEST_PAUSE_OF_KILLED_SECONDS = 1.0
#: So many quick deaths by a signal cost no pause.
_FREE_DEATHS = 6
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process that is to be running: what it runs, and how its last lives went."""

    name: str
    run: Callable[[], None]
    pid: int = 0
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0

    def start(self) -> None:
        """Fork, and run in the child; it dies with its parent and never returns into our stack."""
        gc.freeze()  # what was loaded before the fork stays shared: collecting would touch it
        parent = os.getpid()
        self.pid, self.started = os.fork(), time.monotonic()
        if self.pid:
            return
        status = 1
        try:
            for signum in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signum, signal.SIG_DFL)  # the parent's handlers are not ours
            _die_with(parent)
            self.run()
            status = 0
        except KeyboardInterrupt:
            status = 0
        except BaseException as problem:  # noqa: BLE001 - the child's last word; the parent restarts it
            log.error("child ended", child=self.name, problem=type(problem).__name__)  # noqa: TRY400 - a traceback may quote a comment
        finally:
            sys.stderr.flush()
            os._exit(status)

    def ended(self, now: float, *, killed: bool) -> None:
        """Note that the process is gone, and when to start it again: at once, unless it keeps dying.

        One that was *killed* may have met a bad comment: until that one is put aside after its
        third worker, the neighbours must not wait. One that ended by itself lacks something, such
        as Redis, and gets it no sooner by being started often.
        """
        lasted = now - self.started >= _SETTLED_SECONDS
        self.failures = 1 if lasted else self.failures + 1
        excess = self.failures - (_FREE_DEATHS if killed else 1)
        longest = _LONGEST_PAUSE_OF_KILLED_SECONDS if killed else _LONGEST_PAUSE_SECONDS
        pause = min(0.25 * 2**excess, longest) if excess > 0 else 0.0
        self.pid, self.start_at = 0, now + pause


class Worker(SimpleWorker):
    """An RQ worker that runs jobs in its own process, and only those we named.

    Forking for each job would cost more than the job; a comment that kills the process is what the
    supervisor and the suspects' list are for.
    """

    #: An outage of Redis is waited out by asking again this often (seconds).
    max_connection_wait_time = 1.0

    def subscribe(self) -> None:
        """Listen for no commands: whoever could send some could end workers, and nobody of ours does."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run *job* if its function is one of ours; anything else in the queue is dropped."""
        if job.func_name not in dispatch.ALLOWED:
            log.error("refused a job that is not ours", job=job.id)
            job.delete()
            return
        super().execute_job(job, queue)


def work(
    queue: str,
    settings: Settings,
    *,
    boot: str,
    model: Callable[[], Model],
    duplicates: Duplicates,
) -> None:
    """Run an RQ worker on *queue* until SIGTERM; raises when Redis goes away."""
    adapters = wiring.connect(settings)
    served = adapters.jobs.queue(queue)
    worker = Worker(
        [served],
        name=f"{queue}-{boot}-{os.getpid()}",
        connection=served.connection,
        serializer=JSONSerializer,
        log_job_description=False,
    )
    jobs.prepare(
        jobs.Context(
            adapters=adapters,
            model=model,
            duplicates=duplicates,
            holder=f"{boot}:{os.getpid()}",
            stopping=lambda: worker._stop_requested,  # noqa: SLF001 - RQ has no public word for it
        )
    )
    worker.work(logging_level="WARNING")


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent, where the kernel can (Linux)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
