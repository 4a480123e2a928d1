"""All open connections: what each address holds, which are late, which are closed to make room.

A new connection takes the place of an old one: the address that holds most gives first, and
of its connections those that never brought a whole request, then those that are slowest. An honest
client behind the same address as a flood is so served, since its requests take milliseconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from service.front.bounds import Bounds

if TYPE_CHECKING:
    from service.front.connection import Connection
    from service.front.pool import Request


class Stage(IntEnum):
    """Where a connection stands."""

    #: No byte of the next request is here.
    IDLE = 0
    #: A part of its head is here.
    HEAD = 1
    #: The app is asked whether a large body may come, or the body waits for room.
    GATE = 2
    BODY = 3
    #: The request waits for a thread or has one.
    WORK = 4
    #: The answer is being taken.
    ANSWER = 5
    #: Refused: what still comes is thrown away while the client reads why.
    LINGER = 6


class RefusalCause(StrEnum):
    """Why a connection was ended or a request refused; the label of a metric."""

    LATE = "late"
    CROWDED = "crowded"
    BUSY = "busy"
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"


class Room:
    """Bytes that large bodies may take at once: half of it at most for one address."""

    def __init__(self, size: int) -> None:
        """Have room for *size* bytes."""
        self._size = size
        self._taken: dict[Request, int] = {}
        self._queue: dict[Request, tuple[int, Callable[[], None]]] = {}

    def ask(self, request: Request, cost: int, then: Callable[[], None]) -> None:
        """Call *then* once *cost* bytes are free for *request*; at once where they are."""
        self._queue[request] = (min(cost, self._size // 2), then)
        self._serve()

    def leave(self, request: Request) -> None:
        """Give back what *request* holds, or its place in the queue."""
        held = self._taken.pop(request, None)
        asked = self._queue.pop(request, None)
        if held is not None or asked is not None:
            self._serve()

    def _serve(self) -> None:
        taken = sum(self._taken.values())
        by_who: Counter[str] = Counter()
        for request, cost in self._taken.items():
            by_who[request.who] += cost
        served = []
        for request, (cost, then) in self._queue.items():
            if by_who[request.who] + cost > self._size // 2:
                continue
            if taken + cost > self._size:
                break  # or small ones would pass a large one for ever
            self._taken[request] = cost
            taken += cost
            by_who[request.who] += cost
            served.append((request, then))
        for request, _ in served:
            del self._queue[request]
        for _, then in served:
            then()


class Crowd:
    """Every connection of one server. All calls come from its event loop."""

    def __init__(self, bounds: Bounds) -> None:
        """Keep connections within *bounds*."""
        self.bounds = bounds
        self.refused: Counter[RefusalCause] = Counter(dict.fromkeys(RefusalCause, 0))
        self.unkeyed = Room(bounds.unkeyed_bytes)
        self.keyed = Room(bounds.keyed_bytes)
        #: Bytes of small bodies that are not here whole.
        self.arriving_bytes = 0
        #: Set while there is a connection.
        self.somebody = asyncio.Event()
        self._all: dict[Connection, None] = {}
        self._by_address: dict[str, dict[Connection, None]] = {}
        self._arriving: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._all)

    def enter(self, one: Connection) -> None:
        """Take in a new connection; others make room if it is one too many."""
        if not self._all:
            self.somebody.set()
        self._all[one] = None
        bounds = self.bounds
        if not one.from_proxy:
            mine = self._by_address.setdefault(one.address, {})
            mine[one] = None
            if len(mine) > bounds.connections_of_one:
                self._make_room(mine, one)
        if len(self._all) > bounds.connections:
            self._make_room(self._all, one)

    def leave(self, one: Connection) -> None:
        """Forget a connection that is closed."""
        self._all.pop(one, None)
        if not self._all:
            self.somebody.clear()
        self._drop(self._by_address, one.address, one)

    def arrives(self, one: Connection, who: str) -> None:
        """Note that a request of *who* has begun and is not here whole."""
        mine = self._arriving.setdefault(who, {})
        mine[one] = None
        if len(mine) > self.bounds.arriving_of_one:
            next(iter(mine)).refuse_late(RefusalCause.CROWDED)

    def arrived(self, one: Connection, who: str) -> None:
        """Note that it is here, or never will be."""
        self._drop(self._arriving, who, one)

    def took_bytes(self, count: int) -> None:
        """Count bytes of small bodies; the oldest are ended when there are too many."""
        self.arriving_bytes += count
        if self.arriving_bytes > self.bounds.arriving_bytes:
            late = sorted(
                ((len(mine), one) for mine in self._arriving.values() for one in mine),
                key=lambda found: (-found[0], found[1].since),
            )
            for _, one in late:
                if self.arriving_bytes < self.bounds.arriving_bytes * 3 // 4:
                    break
                one.refuse_late(RefusalCause.CROWDED)

    def sweep(self, now: float) -> None:
        """End connections that are late, and the largest of the answers that nobody takes."""
        unread, left = 0, self.bounds.sweep_most
        for one in list(self._all):
            if left and one.is_late(now):
                left -= 1
                one.refuse_late(RefusalCause.LATE)
            elif one.stage is Stage.ANSWER:
                unread += one.unread()
        if unread > self.bounds.unread_bytes:
            for one in sorted(self._all, key=lambda one: -one.unread()):
                if unread <= self.bounds.unread_bytes * 3 // 4:
                    break
                unread -= one.unread()
                self.refused[RefusalCause.CROWDED] += 1
                one.abort()

    def everyone(self) -> list[Connection]:
        """Return every open connection."""
        return list(self._all)

    def _make_room(self, among: dict[Connection, None], new: Connection) -> None:
        """Close the worst sixteenth of *among*, never *new* and never one at work."""
        candidates = [one for one in among if one is not new and not one.at_work()]
        share = {who: len(mine) for who, mine in self._by_address.items()}
        candidates.sort(key=lambda one: (-share.get(one.address, 1), one.worth(), one.since))
        for one in candidates[: max(1, len(among) // 16)]:
            self.refused[RefusalCause.CROWDED] += 1
            one.abort()

    @staticmethod
    def _drop(table: dict[str, dict[Connection, None]], who: str, one: Connection) -> None:
        mine = table.get(who)
        if mine is not None:
            mine.pop(one, None)
            if not mine:
                del table[who]
