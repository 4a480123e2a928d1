"""Signs of life between processes: heartbeats, the watchdog's lock, and marks of the schedule.

Redis keeps an expiry as a time of day. Where the clock of its host is set back, a key lives longer by
as much; :func:`first_to` does not let such a key hold anything up, which redis-py's ``Lock`` would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from moderation.records import Agenda
from moderation.store import keys
from moderation.store.client import Client
from moderation.store.library import Library

_G = keys.GLOBAL
#: A process whose last heartbeat is older counts as dead. It beats every five seconds, every ten while there
#: is nothing to do, and not while it scores a batch, which ends within seconds.
ALIVE_MS = 20_000
#: A name whose last heartbeat is older is forgotten.
_HEARTBEATS_KEPT_MS = 3_600_000


class Part(StrEnum):
    """What a process of ours does; none can do another's part."""

    SCREENER = "screener"
    DELIVERER = "deliverer"
    UPKEEP = "upkeep"
    WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watchdog finds in one round.

    Attributes
    ----------
    now_ms : int
        The time of Redis.
    another_leads_ms : int or None
        None if who asked leads; else for how many ms another one does unless it says so again.
    beats : dict
        The last heartbeat of every process, ms, by its name.
    agendas : sequence of Agenda
        What is to be done in each shard.
    """

    now_ms: int
    another_leads_ms: int | None
    beats: dict[str, int]
    agendas: Sequence[Agenda]


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

    def watch(
        self,
        name: str,
        *,
        who: str,
        lock_ms: int,
        shards: Iterable[int],
        lease_ms: int,
        hold_ms: int,
    ) -> Watched:
        """Beat as the watchdog *name* and return what it has to know, in one round trip.

        *who* is to be the one whose watchdog runs, of all hosts' one, for *lock_ms* on. *lease_ms* and *hold_ms*
        are the longest there are.
        """
        asked = [
            _key(Part.WATCHDOG), name, _HEARTBEATS_KEPT_MS,
            keys.WATCHDOG(_G), who, lock_ms, *map(_key, Part),
        ]  # fmt: skip
        latest = (2 * lease_ms, 2 * hold_ms)
        (now_ms, left_ms, *beats), *agendas = self._library.together(
            [("watch", _G, asked), *(("agenda", shard, latest) for shard in shards)]
        )
        pairs = [pair for part in beats for pair in zip(part[::2], part[1::2], strict=True)]
        return Watched(
            now_ms=now_ms,
            another_leads_ms=None if left_ms < 0 else left_ms,
            beats={one.decode(): int(float(at_ms)) for one, at_ms in pairs},
            agendas=[
                Agenda(bool(work), *(int(at) if at else None for at in times))
                for work, *times in agendas
            ],
        )

    def first(self, jobs: Mapping[str, int], *, now_ms: int) -> dict[str, int]:
        """Return of each periodic job 0 if it is due, which is true once; else in how many ms it is.

        *jobs* has their intervals, ms.
        """
        asked = [word for job, every in jobs.items() for word in (keys.SCHEDULED(_G, job), every)]
        return dict(zip(jobs, self._library("first", _G, now_ms, *asked), strict=True))


def first_to(redis: Any, key: str, value: Any, ms: int) -> bool:
    """Set *key* to *value* for *ms* milliseconds; tell whether nobody had.

    A key that would live for longer was set before the server's clock was set back: it counts for
    nothing.
    """
    if redis.set(key, value, nx=True, px=ms):
        return True
    return bool(redis.pttl(key) > ms and redis.set(key, value, px=ms))
