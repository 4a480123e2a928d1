"""Signs of life between processes: heartbeats, the watchdog's lock, and marks of the schedule.

Redis keeps an expiry as a time of day. Where the clock of its host is set back, a key lives longer by
as much; :func:`first_to` does not let such a key hold anything up, which redis-py's ``Lock`` would.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from moderation.store import keys
from moderation.store.client import Client
from moderation.store.library import Library

_G = keys.GLOBAL
#: A process whose last heartbeat is older counts as dead. It beats every five seconds, and not
#: while it scores a batch, which ends within seconds.
ALIVE_MS = 15_000
#: A name whose last heartbeat is older is forgotten.
_HEARTBEATS_KEPT_MS = 3_600_000


class Part(StrEnum):
    """What a process of ours does; none can do another's part."""

    SCREENER = "screener"
    DELIVERER = "deliverer"
    UPKEEP = "upkeep"
    WATCHDOG = "watchdog"


def _key(part: Part) -> str:
    return keys.WORKERS(_G) if part is Part.SCREENER else keys.PARTS(_G, part)


class Liveness:
    """Heartbeats, the watchdog's lock, and the marks of scheduled work."""

    def __init__(self, redis: Client) -> None:
        """Keep all of it in *redis*."""
        self._redis: Any = redis
        self._library = Library(redis)

    def beat(self, part: Part, name: str, *, ago_ms: int = 0) -> None:
        """Note that the process *name* lived *ago_ms* ago; to be called by the thread that does its work."""
        self._library("beat", _G, _key(part), name, ago_ms, _HEARTBEATS_KEPT_MS)

    def leave(self, part: Part, name: str) -> None:
        """Note that the process *name* has ended."""
        self._redis.zrem(_key(part), name)

    def alive(self, part: Part, *, since_ms: int) -> list[str]:
        """Return the names of the processes of *part* whose last heartbeat is no older."""
        return [name.decode() for name in self._redis.zrangebyscore(_key(part), since_ms, "+inf")]

    def beats(self) -> dict[str, int]:
        """Return the last heartbeat of every process, ms, by its name."""
        pipeline = self._redis.pipeline(transaction=False)
        for part in Part:
            pipeline.zrange(_key(part), 0, -1, withscores=True)
        return {name.decode(): int(at_ms) for found in pipeline.execute() for name, at_ms in found}

    def leads(self, who: str, *, lock_ms: int) -> int | None:
        """Return None if *who* is the one whose watchdog runs, of all hosts' one, for *lock_ms* on.

        Else return for how many ms another one leads unless it says so again.
        """
        key = keys.WATCHDOG(_G)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(key, who, nx=True, px=lock_ms)
        pipeline.get(key)
        pipeline.pttl(key)
        _, holder, left = pipeline.execute()
        if holder != who.encode():
            if left <= lock_ms or not first_to(self._redis, key, who, lock_ms):
                return max(0, int(left))
        else:
            self._redis.pexpire(key, lock_ms)
        return None

    def first(self, job: str, *, every_ms: int, now_ms: int) -> int:
        """Return 0 if the periodic *job* is due, which is true once; else in how many ms it is."""
        key = keys.SCHEDULED(_G, job)
        if first_to(self._redis, key, now_ms, every_ms):
            return 0
        return max(1, int(self._redis.pttl(key)))


def first_to(redis: Any, key: str, value: Any, ms: int) -> bool:
    """Set *key* to *value* for *ms* milliseconds; tell whether nobody had.

    A key that would live for longer was set before the server's clock was set back: it counts for
    nothing.
    """
    if redis.set(key, value, nx=True, px=ms):
        return True
    return bool(redis.pttl(key) > ms and redis.set(key, value, px=ms))
