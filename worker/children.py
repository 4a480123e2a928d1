"""The processes that a supervisor forks: screening workers, an upkeep worker, the deliverer."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from moderation import wiring
from moderation.ports import Duplicates, Learner, Model
from moderation.processes import Alarm, Restarts, die_with
from moderation.store.liveness import Part
from worker import jobs
from worker.pulse import Pulse
from worker.schedule import ALLOWED

log = structlog.get_logger(__name__)

#: RQ waits for a job 15 s less than this, and then beats. A stop signal ends the wait.
_WORKER_TTL_SECONDS = 25
#: Between two heartbeats for RQ while no job begins. RQ forgets a worker 85 s after the last, and nothing
#: of ours reads them.
_RQ_BEAT_SECONDS = 40.0


@dataclass
class Child:
    """One process that is to be running, and what it runs."""

    name: str
    run: Callable[[], None]
    part: Part
    #: Seconds without a heartbeat after which it counts as frozen.
    patience: float
    pid: int = 0
    restarts: Restarts = field(default_factory=Restarts)

    def start(self) -> None:
        """Fork, and run in the child; it dies with its parent and never returns into our stack."""
        gc.freeze()  # memory from before the fork stays shared: collecting would touch it
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid:
            self.restarts.started(time.monotonic())
            return
        status = 1
        try:
            Alarm.leave()
            for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(signum, signal.SIG_DFL)  # the parent's handlers are not ours
            die_with(parent)
            self.run()
            status = 0
        except KeyboardInterrupt:
            status = 0
        except BaseException as problem:  # noqa: BLE001 - the child's last word; the parent restarts it
            log.error("child ended", child=self.name, problem=type(problem).__name__)  # noqa: TRY400 - a traceback may quote a comment
        finally:
            sys.stderr.flush()
            os._exit(status)


class Worker(SimpleWorker):
    """An RQ worker that runs jobs in its own process, and only those we named.

    Forking for each job would cost more than the job; a comment that kills the process is what the
    supervisor and the suspects' list are for.
    """

    #: An outage of Redis is waited out by asking again this often (seconds).
    max_connection_wait_time = 1.0
    pulse: Pulse
    _next_rq_beat = 0.0

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that this worker lives, to Winnow and, less often, to RQ.

        RQ asks for it between waits for a job. Unchanged, it would make three round trips each time.
        """
        self.pulse.beat()
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        now = time.monotonic()
        if timeout is None and now < self._next_rq_beat:
            return
        with self.connection.pipeline(transaction=False) as together:
            super().heartbeat(timeout, together)
            together.execute()
        self._next_rq_beat = now + _RQ_BEAT_SECONDS

    def subscribe(self) -> None:
        """Listen for no commands: a client of Redis could send some to end workers, and nobody of ours does."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run *job* if its function is one of ours; anything else in the queue is dropped."""
        if job.func_name not in ALLOWED:
            log.error("refused a job that is not ours", job=job.id)
            job.delete()
            return
        super().execute_job(job, queue)


def work(
    queue: str,
    adapters: wiring.Adapters,
    *,
    part: Part,
    name: str,
    boot: str,
    model: Callable[[], Model],
    duplicates: Duplicates,
    learning: Callable[[Model], Learner],
) -> None:
    """Run an RQ worker on *queue* until SIGTERM; raises when Redis goes away."""
    adapters = replace(adapters, current=model, duplicates=duplicates, learning=learning)
    served = adapters.jobs.queue(queue)
    worker = Worker(
        [served],
        name=f"{queue}-{boot}-{os.getpid()}",
        connection=served.connection,
        serializer=JSONSerializer,
        log_job_description=False,
        worker_ttl=_WORKER_TTL_SECONDS,
    )
    worker.pulse = pulse = Pulse(part, name, liveness=adapters.liveness)
    pulse.beat()

    def stopping() -> bool:
        # Asked between batches, and while it listens for comments: by the thread that screens.
        pulse.beat()
        return bool(worker._stop_requested)  # noqa: SLF001 - RQ has no public word for it

    jobs.prepare(
        jobs.JobContext(
            adapters=adapters,
            holder=f"{boot}:{os.getpid()}",
            stopping=stopping,
        )
    )
    worker.work(logging_level="WARNING")
