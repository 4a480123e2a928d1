"""Sites' own heads in one process: looked up every second, unpacked once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cachetools import LRUCache

from moderation.feedback import lessons
from moderation.ports import Learner, Lesson
from moderation.store.learning import Learning

log = logging.getLogger(__name__)

#: Longest time for which a head judges that was replaced, or rolled back, in seconds.
CHECK_SECONDS = 1.0
#: Sites whose heads are remembered, and decisions with each; a site takes some 100 KB with all.
_MOST, _LESSONS = 500, 300


@dataclass(slots=True)
class _Known:
    number: int
    head: object | None
    looked: float


class Houses:
    """Gives the head that judges for a site; None where the shared model judges alone."""

    def __init__(self, store: Learning, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know none yet."""
        self._store = store
        self._clock = clock
        self._known: LRUCache[str, _Known] = LRUCache(_MOST)
        self._lock = threading.Lock()

    def of(self, site_ids: Iterable[str], *, learner: Learner) -> dict[str, object]:
        """Return the heads of those sites that have one. Raises StorageUnavailable."""
        wanted, now = list(dict.fromkeys(site_ids)), self._clock()
        with self._lock:
            known: dict[str, _Known | None] = {one: self._known.get(one) for one in wanted}
        old = [one for one, had in known.items() if had is None or now - had.looked > CHECK_SECONDS]
        for site_id, number in self._store.current_heads(old).items():
            had = known[site_id]
            head = (
                had.head if had and had.number == number else self._read(site_id, number, learner)
            )
            known[site_id] = fresh = _Known(number, head, now)
            with self._lock:
                self._known[site_id] = fresh
        return {site_id: had.head for site_id, had in known.items() if had and had.head is not None}

    def _read(self, site_id: str, number: int, learner: Learner) -> object | None:
        packed = self._store.head(site_id, number) if number else None
        if packed is None:
            return None
        try:
            head: object = learner.head(packed, number, self._lessons(site_id, number))
            return head
        except ValueError as problem:
            log.error("head s%s of site %s can't be read: %s", number, site_id, problem)  # noqa: TRY400
            return None

    def _lessons(self, site_id: str, number: int) -> list[Lesson]:
        """Return the latest decisions of those who had a part in a head."""
        versions = self._store.progress(site_id).versions
        people = next((one.made.people for one in versions if one.number == number), {})
        known = self._store.feedback(site_id, readings=True, newest=_LESSONS)
        return lessons([one for one in known if one.person in people])
