"""Jobs over RQ: queue names, dotted job paths, and the wake-up."""

from __future__ import annotations

import logging

import redis
from rq import Queue
from rq.exceptions import InvalidJobOperation
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

#: One queue per worker class; a worker that listened to several could lose a job when killed.
SCREENING = "winnow-screening"
UPKEEP = "winnow-upkeep"

#: Jobs that are asked for; scheduled ones are in worker/schedule.py.
SCREEN_PENDING = "worker.jobs.screen_pending"
LEARN = "worker.jobs.learn"
CLEAN_UP = "worker.jobs.clean_up"
ERASE = "worker.jobs.erase"
LETTERS = "worker.jobs.write_letters"
REMIND = "worker.jobs.remind"
#: Jobs that are enqueued by name.
ASKED_FOR = (SCREEN_PENDING, LEARN, CLEAN_UP, ERASE, LETTERS, REMIND)

_TTL_SECONDS = 30
#: A purge of many million comments goes on in the next round where this cut it off.
_UPKEEP_SECONDS = 1800


class Jobs:
    """Jobs over RQ."""

    def __init__(self, connection: redis.Redis) -> None:
        """Keep jobs on *connection*, which need not be where comments are."""
        self._screening = Queue(SCREENING, connection=connection, serializer=JSONSerializer)
        self._upkeep = Queue(UPKEEP, connection=connection, serializer=JSONSerializer)

    def queue(self, name: str) -> Queue:
        """Return the queue of that name; each has its own workers."""
        return {SCREENING: self._screening, UPKEEP: self._upkeep}[name]

    def wake(self, shard: int) -> None:
        """Ask for one screening job; failing to is no error, since the watchdog asks again."""
        try:
            self._screening.enqueue_call(
                SCREEN_PENDING,
                args=(shard,),
                result_ttl=0,
                ttl=_TTL_SECONDS,
                failure_ttl=_TTL_SECONDS,
            )
        except (redis.RedisError, InvalidJobOperation, OSError) as problem:
            log.warning("no worker was woken: %s", type(problem).__name__)

    def enqueue(self, path: str, *args: str) -> None:
        """Ask for one job of upkeep, by its dotted path."""
        self._upkeep.enqueue_call(
            path,
            args=args,
            timeout=_UPKEEP_SECONDS,
            result_ttl=0,
            ttl=3600,
            failure_ttl=_TTL_SECONDS,
        )

    def ping(self) -> None:
        """Return if jobs can be enqueued. Raises redis-py's errors when not."""
        self._screening.connection.ping()
