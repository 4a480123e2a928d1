"""Requests that come at once share one call: a group commit, as databases do.

A round trip to Redis, or the model's reading of one text by itself, costs more than its share of a group.
The first of several concurrent requests carries out all that came while others were at work; alone, a
request waits for nobody.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from moderation.errors import WinnowError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Item, Result]):
    """One thread's item, and its result."""

    item: Item
    kind: Hashable
    whose: Hashable
    weight: int
    leads: bool = False
    #: Released once, by the thread that carries it out or makes this one the leader. An Event would
    #: take three locks.
    turn: threading.Lock = field(default_factory=threading.Lock)
    results: list[Result] = field(default_factory=list)
    problem: BaseException | None = None


class Together(Generic[Item, Result]):
    """Carries out several threads' items by one call."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: int,
        leaders: int = 1,
        kind: Callable[[Item], Hashable] = lambda _: None,
        turn: Callable[[Item], Hashable] = lambda _: None,
        weight: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        """Give *work* at most *most* items at once, by *weight*; one that is heavier goes alone.

        A group is of one *kind*, and *leaders* groups of each kind are at work at a time: kinds do not
        wait for one another. Where more wait than fit, each *turn* (a site, say) has one item in the group
        before any has two.
        """
        self._work, self._most, self._leaders = work, most, leaders
        self._kind, self._turn, self._weight = kind, turn, weight
        self._lock = threading.Lock()
        self._queue: list[_Waiting[Item, Result]] = []
        self._leading: Counter[Hashable] = Counter()

    def __call__(self, item: Item) -> Result:
        """Return what *work* made of *item*.

        Raises what *work* raises: of our own errors, such as that storage is away, to everyone in the
        group. After any other the items are carried out one by one, so that it reaches its own alone.
        """
        # Here, so that an item that none of them can take fails before anybody waits for it.
        mine = _Waiting[Item, Result](item, self._kind(item), self._turn(item), self._weight(item))
        mine.turn.acquire()
        with self._lock:
            mine.leads = self._leading[mine.kind] < self._leaders
            if mine.leads:
                self._leading[mine.kind] += 1
            else:
                self._queue.append(mine)
        if not mine.leads:
            mine.turn.acquire()
        if not mine.results and mine.problem is None:
            self._lead(mine)
        if mine.problem is not None:
            raise mine.problem
        return mine.results[0]

    def waiting(self) -> int:
        """Return how many items wait for their group."""
        with self._lock:
            return len(self._queue)

    def _lead(self, mine: _Waiting[Item, Result]) -> None:
        """Carry out *mine* with what else waits, then make the next waiting thread the leader."""
        group = [mine]
        try:
            with self._lock:
                group = self._group(mine)
            self._carry_out(group)
        except BaseException as problem:  # noqa: BLE001 - raised again by each of the group
            for one in group:
                one.problem = problem
        finally:
            with self._lock:
                following = next((one for one in self._queue if one.kind == mine.kind), None)
                if following is not None:
                    self._queue.remove(following)
                elif self._leading[mine.kind] > 1:
                    self._leading[mine.kind] -= 1
                else:
                    del self._leading[mine.kind]
            for one in group[1:]:
                one.turn.release()
            if following is not None:
                following.turn.release()

    def _carry_out(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = self._work([one.item for one in group])
        except Exception as problem:
            if len(group) == 1 or isinstance(problem, WinnowError):
                raise
            for one in group:
                try:
                    self._carry_out([one])
                except Exception as own:  # noqa: BLE001 - raised again by whose it is
                    one.problem = own
            return
        for one, result in zip(group, results, strict=True):
            one.results.append(result)

    def _group(self, mine: _Waiting[Item, Result]) -> list[_Waiting[Item, Result]]:
        """Take from the queue calls of the same kind as *mine*, in fair turn, while there is room."""
        group, rest, size, had = [mine], [], mine.weight, Counter([mine.whose])
        places: list[tuple[int, _Waiting[Item, Result]]] = []
        for one in self._queue:
            places.append((had[one.whose], one))
            had[one.whose] += 1
        for _, one in sorted(places, key=lambda place: place[0]):
            if one.kind == mine.kind and size + one.weight <= self._most:
                group.append(one)
                size += one.weight
            else:
                rest.append(one)
        self._queue = rest
        return group
