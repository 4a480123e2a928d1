"""Comments from before Winnow, over HTTP: what ``winnow import`` does with a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from moderation.errors import InvalidInput
from moderation.records import Accepted
from service import importers
from service.api import schemas
from service.api.base import SITE, api, asked_site, spend
from service.api.describe import JSON, NDJSON, RequestRefused, loose
from service.context import winnow
from service.problems import problem

#: Comments that are scored together; bounds the memory of a request.
_TOGETHER = 64


@api.route(
    "POST",
    "/history",
    tag="Comments",
    body=schemas.HistoryIn,
    answers={200: schemas.HistoryOut},
    query=(SITE,),
)
def remember_history() -> Any:
    """Bring in up to 500 comments from before Winnow, as the blog left them.

    As `{"comments": [...]}`, as a bare array, or as NDJSON (`application/x-ndjson`), one comment a
    line. Each is kept under its own time and status, with scores; nobody is told. What nobody has
    decided yet waits in the queue. Each is taken or refused on its own, and one that is here
    already is the `same`: send a request again, or a whole history, after any failure.
    """
    site = asked_site()
    history = _history()
    found = [importers.checked(f"comment {n}", given) for n, given in enumerate(history, 1)]
    spend(len(found))
    usable = [one for one in found if isinstance(one, importers.Taken)]
    kept: list[Accepted] = []
    for start in range(0, len(usable), _TOGETHER):
        few = usable[start : start + _TOGETHER]
        kept += winnow().remember([one.past for one in few], site=site)
    outcomes = iter(kept)
    return {
        "items": [
            _refused(given, one.reason)
            if isinstance(one, importers.Unusable)
            else _kept(one, next(outcomes))
            for given, one in zip(history, found, strict=True)
        ]
    }


def _history() -> list[Any]:
    """Return the comments of the body, unread as yet."""
    body = request.get_data()
    if request.mimetype == NDJSON:
        lines = [line for line in body.splitlines() if line.strip()]
        _check_number(len(lines))
        return [loose(line, where=f"line {n}: ") for n, line in enumerate(lines, 1)]
    if request.mimetype != JSON:
        detail = f"send the history as {JSON} or {NDJSON}"
        raise RequestRefused(problem(415, "unsupported-media-type", detail))
    given = loose(body)
    if isinstance(given, Mapping) and set(given) == {"comments"}:
        given = given["comments"]
    if not isinstance(given, list):
        raise InvalidInput('send {"comments": [...]} or a bare array', field="comments")
    _check_number(len(given))
    return given


def _check_number(count: int) -> None:
    if not 1 <= count <= schemas.MAX_HISTORY:
        detail = f"a request brings 1 to {schemas.MAX_HISTORY} comments"
        raise InvalidInput(detail, field="comments")


def _kept(taken: importers.Taken, accepted: Accepted) -> dict[str, Any]:
    return {
        "external_id": taken.past.draft.external_id,
        "outcome": accepted.outcome,
        "id": accepted.id,
        "status": accepted.status,
        "reason": None,
        "lost": list(taken.lost),
    }


def _refused(given: Any, reason: str) -> dict[str, Any]:
    named = given.get("external_id") if isinstance(given, Mapping) else None
    return {
        "external_id": str(named)[:200] if isinstance(named, str | int) else None,
        "outcome": "refused",
        "id": None,
        "status": None,
        "reason": reason,
        "lost": [],
    }
