"""Comments that arrive at once are stored by one call: a group commit, as databases do.

A round trip to Redis costs a request more than everything else it does. The first of several
concurrent requests stores for all that came while it waited; alone, a request waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from moderation.comment import Draft
from moderation.records import Accepted

#: Drafts that one call stores at most, unless one request alone brings more.
_MOST = 64

#: Site, drafts, backlog and time -> what became of each, and whether to wake a worker.
Store = Callable[[str, Sequence[Draft], int, int], tuple[list[Accepted], bool]]


@dataclass(eq=False, slots=True)
class _Waiting:
    """One request's drafts, and what became of them."""

    site_id: str
    drafts: Sequence[Draft]
    backlog: int
    now_ms: int
    leads: bool = False
    #: Released once, by the thread that has stored the drafts or that makes this one the leader. An
    #: Event would take three locks.
    turn: threading.Lock = field(default_factory=threading.Lock)
    answer: tuple[list[Accepted], bool] | None = None
    problem: BaseException | None = None


class GroupCommit:
    """Stores drafts, several threads' at once."""

    def __init__(self, store: Store) -> None:
        """Store by *store*."""
        self._store_all = store
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._led = False

    def __call__(
        self, site_id: str, drafts: Sequence[Draft], *, backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        """Store *drafts*, all or none; of a group, the first one is told to wake a worker.

        Raises what *store* raises, to everyone in the group.
        """
        mine = _Waiting(site_id, drafts, backlog, now_ms)
        mine.turn.acquire()
        with self._lock:
            self._queue.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            mine.turn.acquire()
        if mine.answer is None and mine.problem is None:
            self._lead(mine)
        if mine.problem is not None:
            raise mine.problem
        if mine.answer is None:  # pragma: no cover - a group answers or fails
            raise AssertionError("a group forgot one of its own")
        return mine.answer

    def _lead(self, mine: _Waiting) -> None:
        """Store what waits for the site of *mine*, then hand the lead to whoever waits next."""
        with self._lock:
            group = self._group(mine)
        try:
            self._store(group)
        except BaseException as problem:  # noqa: BLE001 - raised again by each of the group
            for one in group:
                one.problem = problem
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._led = following is not None
            for one in group[1:]:
                one.turn.release()
            if following is not None:
                following.turn.release()

    def _group(self, mine: _Waiting) -> list[_Waiting]:
        """Take from the queue *mine* and what else goes to its site, while there is room."""
        group, rest, count = [mine], [], len(mine.drafts)
        for one in self._queue:
            if one is mine:
                continue
            if one.site_id == mine.site_id and count + len(one.drafts) <= _MOST:
                group.append(one)
                count += len(one.drafts)
            else:
                rest.append(one)
        self._queue = rest
        return group

    def _store(self, group: list[_Waiting]) -> None:
        first = group[0]
        drafts = [draft for one in group for draft in one.drafts]
        accepted, wake = self._store_all(first.site_id, drafts, first.backlog, first.now_ms)
        at = 0
        for one in group:
            one.answer = accepted[at : at + len(one.drafts)], wake and one is first
            at += len(one.drafts)
