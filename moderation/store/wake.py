"""How comments find a worker that is awake: the wake key, the job, the bell and the watchdog.

What each is for:

* A screening **job** (dispatch.py) starts screening: RQ bounds it and replaces its worker. It costs
  some twenty round trips and 3 ms, more than screening a comment.
* The **wake key** says that a job was asked for, or that one listens, so that of a thousand comments
  one asks. It expires, so that a job that was lost is asked for again.
* The **bell**, a list of one entry at most, wakes a job that has nothing left and listens (BLPOP), so
  that a comment which comes within seconds of the last one needs no job at all: its verdict takes a
  fifth of the CPU time (ADR 23, `benchmarks.latency`).
* The **watchdog** (worker/supervisor.py) asks for a job where comments wait and none was asked for:
  the process that accepted them died, or RQ lost the job.
"""

from __future__ import annotations

from moderation.store import keys
from moderation.store.liveness import first_to
from moderation.store.sharded import Sharded

#: Should a worker die that listens, others are woken this long after it would have ended.
_WAKE_SLACK_MS = 500


class Wake(Sharded):
    """The wake-up key and the bell of each shard."""

    def has_work(self, shard: int) -> bool:
        """Tell whether comments of *shard* wait for a worker."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zcard(keys.RING(shard))
        pipeline.llen(keys.SUSPECTS(shard))
        return any(pipeline.execute())

    def claim_wake(self, shard: int) -> bool:
        """Tell whether the caller is the one to enqueue a screening job now."""
        return first_to(self._redis, keys.WAKE(shard), 1, 3000)

    def listen(self, shard: int, *, seconds: float) -> bool:
        """Wait until comments of *shard* come, or until the time given ends; tell whether they did.

        Meanwhile they wake no other worker.
        """
        self._redis.set(keys.WAKE(shard), 1, px=round(seconds * 1000) + _WAKE_SLACK_MS)
        return self._redis.blpop([keys.BELL(shard)], timeout=seconds) is not None

    def woken(self, shard: int) -> None:
        """Let the next comment wake a worker again: called first thing by a screening job."""
        self._redis.delete(keys.WAKE(shard))
