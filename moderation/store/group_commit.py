"""Comments that arrive at once are stored by one call (:mod:`moderation.together`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moderation.comment import Draft
from moderation.records import Accepted
from moderation.together import Together

#: Drafts that one call stores at most, unless one request alone brings more.
_MOST = 64

#: Site, drafts, backlog and time -> the result of each, and whether to wake a worker.
Store = Callable[[str, Sequence[Draft], int, int], tuple[list[Accepted], bool]]


@dataclass(frozen=True, slots=True)
class _Request:
    """One request's drafts."""

    site_id: str
    drafts: Sequence[Draft]
    backlog: int
    now_ms: int


class GroupCommit:
    """Stores drafts, several threads' at once."""

    def __init__(self, store: Store) -> None:
        """Store by *store*."""
        self._store = store
        self._together = Together(
            self._store_all,
            most=_MOST,
            kind=lambda request: request.site_id,
            weight=lambda request: len(request.drafts),
        )
        #: Return how many requests wait for their group.
        self.waiting = self._together.waiting

    def __call__(
        self, site_id: str, drafts: Sequence[Draft], *, backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        """Store *drafts*, all or none; of a group, the first caller is to wake a worker.

        Raises what *store* raises, to everyone in the group.
        """
        return self._together(_Request(site_id, drafts, backlog, now_ms))

    def _store_all(self, group: Sequence[_Request]) -> list[tuple[list[Accepted], bool]]:
        first = group[0]
        drafts = [draft for one in group for draft in one.drafts]
        accepted, wake = self._store(first.site_id, drafts, first.backlog, first.now_ms)
        rest = iter(accepted)
        return [([next(rest) for _ in one.drafts], wake and one is first) for one in group]
