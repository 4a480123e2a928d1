"""The context of views: Winnow's verbs and adapters, attached to the Flask application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Self, cast

from flask import Flask, current_app

from moderation.comment import Comment, Status
from moderation.errors import WinnowError
from moderation.ports import Duplicates, Learner, Model
from moderation.wiring import Adapters
from service.waiting import Lookout, Shares

_NAME = "winnow"


@dataclass(frozen=True, kw_only=True)
class WebContext(Adapters):
    """Winnow's verbs and adapters, with the requests that wait for a verdict or an event."""

    waiting: Shares = field(init=False, default_factory=Shares)
    verdicts: Lookout[Comment] = field(init=False)
    news: Lookout[bool] = field(init=False)

    def __post_init__(self) -> None:
        """Create the objects through which waiting requests share their queries."""
        verdicts = Lookout(self._settled, fastest_seconds=0.0005, slowest_seconds=0.05)
        object.__setattr__(self, "verdicts", verdicts)
        news = Lookout(self._with_news, fastest_seconds=0.2, slowest_seconds=0.2)
        object.__setattr__(self, "news", news)

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
