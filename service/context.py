"""The context of views: Winnow's verbs and adapters, attached to the Flask application."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Self, cast

from flask import Flask, current_app

from moderation.comment import Comment, Draft, Status
from moderation.errors import WinnowError
from moderation.ports import Duplicates, Learner, Model
from moderation.records import Judged
from moderation.site import Site
from moderation.together import Together
from moderation.wiring import Adapters
from service.waiting import Lookout, Shares

_NAME = "winnow"
#: Most comments of a door's group, with the encoder and without. The next group waits until one is
#: judged, some 20 and 10 ms. Eight would save the encoder a twentieth of its time.
_JUDGED_AT_ONCE, _SKIMMED_AT_ONCE = 4, 32


@dataclass(frozen=True, kw_only=True)
class WebContext(Adapters):
    """Winnow's verbs and adapters, with the requests that wait for a verdict or an event."""

    waiting: Shares = field(init=False, default_factory=Shares)
    verdicts: Lookout[Comment] = field(init=False)
    news: Lookout[bool] = field(init=False)
    #: Judges what doors ask about; what several threads ask at once is read together.
    judged: Together[Sequence[tuple[Draft, Site]], list[Judged]] = field(init=False)

    def __post_init__(self) -> None:
        """Create the objects through which waiting requests share their queries."""
        verdicts = Lookout(self._settled, fastest_seconds=0.0005, slowest_seconds=0.05)
        object.__setattr__(self, "verdicts", verdicts)
        news = Lookout(self._with_news, fastest_seconds=0.2, slowest_seconds=0.2)
        object.__setattr__(self, "news", news)
        judged = Together(
            self._judged,
            most=self.at_once,
            # Read by the encoder, each comment adds its whole time to that of its neighbours.
            each=1 if self.settings.encoder else None,
            leaders=max(1, (os.cpu_count() or 1) // 2),
            turn=lambda drafts: drafts[0][1].id if drafts else "",
            weight=len,
        )
        object.__setattr__(self, "judged", judged)

    @property
    def at_once(self) -> int:
        """The most comments of doors that the model reads at once."""
        return _JUDGED_AT_ONCE if self.settings.encoder else _SKIMMED_AT_ONCE

    def _judged(self, groups: Sequence[Sequence[tuple[Draft, Site]]]) -> list[list[Judged]]:
        judged = iter(self.judge_many([one for group in groups for one in group]))
        return [[next(judged) for _ in group] for group in groups]

    def _settled(self, comment_ids: Sequence[str]) -> dict[str, Comment]:
        found = self.comments.get_many(comment_ids)
        return {one.id: one for one in found if one.status is not Status.PENDING}

    def _with_news(self, cursors: Sequence[str]) -> dict[str, bool]:
        """Return those of *cursors*, each "<site> <after>", that have newer events."""
        there = {}
        for cursor in cursors:
            site_id, _, after = cursor.partition(" ")
            try:
                if self.comments.events(site_id, after=after, limit=1):
                    there[cursor] = True
            except WinnowError:  # the waiting request asks again and reports it
                there[cursor] = True
        return there

    @classmethod
    def of(
        cls,
        adapters: Adapters,
        *,
        current: Callable[[], Model],
        duplicates: Duplicates,
        learning: Callable[[Model], Learner],
    ) -> Self:
        """Return *adapters* with the *current* model, and with the rest unless they have their own."""
        parts = {part.name: getattr(adapters, part.name) for part in fields(Adapters)}
        own = {
            "current": current,
            "duplicates": adapters.duplicates or duplicates,
            "learning": adapters.learning or learning,
        }
        return cls(**(parts | own))


def serve(app: Flask, context: WebContext) -> None:
    """Attach *context* to *app*."""
    app.extensions[_NAME] = context


def winnow() -> WebContext:
    """Return the context of the application that handles this request."""
    return cast(WebContext, current_app.extensions[_NAME])
