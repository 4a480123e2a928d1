"""Requests that come at once share one call: a group commit, as databases do.

A round trip to Redis, or the model's reading of one text by itself, costs more than its share of a group.
The first of several concurrent requests carries out all that came while others were at work; alone, a
request waits for nobody.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
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


class _Line(Generic[Item, Result]):
    """What waits of one kind, by turn; the turn that has waited for longest is first."""

    def __init__(self) -> None:
        self.leaders = 0
        self._turns: OrderedDict[Hashable, deque[_Waiting[Item, Result]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def add(self, one: _Waiting[Item, Result]) -> None:
        self._turns.setdefault(one.whose, deque()).append(one)

    def next(self, after: Iterable[_Waiting[Item, Result]]) -> _Waiting[Item, Result] | None:
        """Take the oldest item of the first turn, which is the last from now on; None where nothing waits.

        Turns that had none in the group *after* which it comes are first.
        """
        if not self._turns:
            return None
        had = {one.whose for one in after}
        first = next(iter(self._turns))
        return self._of(next((whose for whose in self._turns if whose not in had), first))

    def beside(
        self, mine: _Waiting[Item, Result], *, most: int, each: int
    ) -> list[_Waiting[Item, Result]]:
        """Take what goes into a group with *mine*, one of each turn before any has two."""
        group: list[_Waiting[Item, Result]] = []
        size, had = mine.weight, Counter([mine.whose])
        if self._turns.keys() <= {mine.whose}:
            each = most
        for level in range(each):
            if size >= most:
                break
            for whose, waiting in list(self._turns.items()):
                if had[whose] == level and size + waiting[0].weight <= most:
                    had[whose] += 1
                    size += waiting[0].weight
                    group.append(self._of(whose))
        return group

    def _of(self, whose: Hashable) -> _Waiting[Item, Result]:
        waiting = self._turns.pop(whose)
        one = waiting.popleft()
        if waiting:
            self._turns[whose] = waiting
        return one


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
        each: int | None = None,
    ) -> None:
        """Give *work* at most *most* items at once, by *weight*; one that is heavier goes alone.

        A group is of one *kind*, and *leaders* groups of each kind are at work at a time: kinds do not
        wait for one another. Where more wait than fit, each *turn* (a site, say) has one item in the group
        before any has two, and the turns without any come first in the next. Of several turns a group has
        at most *each* items.
        """
        self._work, self._most, self._leaders = work, most, leaders
        self._kind, self._turn, self._weight = kind, turn, weight
        self._each = most if each is None else each
        self._lock = threading.Lock()
        self._lines: dict[Hashable, _Line[Item, Result]] = {}

    def __call__(self, item: Item) -> Result:
        """Return what *work* made of *item*.

        Raises what *work* raises: of our own errors, such as that storage is away, to everyone in the
        group. After any other the items are carried out one by one, so that it reaches its own alone.
        """
        # Here, so that an item that none of them can take fails before anybody waits for it.
        mine = _Waiting[Item, Result](item, self._kind(item), self._turn(item), self._weight(item))
        mine.turn.acquire()
        with self._lock:
            line = self._lines.setdefault(mine.kind, _Line())
            mine.leads = line.leaders < self._leaders
            if mine.leads:
                line.leaders += 1
            else:
                line.add(mine)
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
            return sum(map(len, self._lines.values()))

    def _lead(self, mine: _Waiting[Item, Result]) -> None:
        """Carry out *mine* with what else waits, then make the next waiting thread the leader."""
        group, line = [mine], self._lines[mine.kind]
        try:
            with self._lock:
                group += line.beside(mine, most=self._most, each=self._each)
            self._carry_out(group)
        except BaseException as problem:  # noqa: BLE001 - raised again by each of the group
            for one in group:
                one.problem = problem
        finally:
            with self._lock:
                following = line.next(group)
                if following is None:
                    line.leaders -= 1
                    if not line.leaders:
                        del self._lines[mine.kind]
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
