"""Comments from before Winnow, over HTTP: what ``winnow import`` does with a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from flask import request

from moderation.errors import Busy, InvalidInput
from moderation.records import Accepted, Past
from moderation.site import Site
from service import importers
from service.api import schemas
from service.api.base import SITE, api, asked_site, spend
from service.api.describe import JSON, NDJSON, RequestRefused, loose
from service.context import winnow
from service.problems import problem

#: Comments that are scored together; bounds the memory of a request.
_TOGETHER = 64
#: Requests of this process whose comments are scored at once, and seconds for which others wait.
_AT_ONCE, _PATIENCE_SECONDS = 2, 5.0
_TURNS = threading.BoundedSemaphore(_AT_ONCE)
#: Seconds after which a request begins to score no more.
_LONGEST_SECONDS = 5.0


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
    line. Each is kept under its own time and status, with scores; no event is sent. What nobody has
    decided yet waits in the queue. Each is taken or refused on its own, and one that is here
    already is the `same`: send a request again, or a whole history, after any failure. Scoring ends
    after five seconds and then answers 503: the same request again goes on where it ended.
    """
    site = asked_site()
    history = _history()
    found = [importers.checked(f"comment {n}", given) for n, given in enumerate(history, 1)]
    spend(len(found))
    usable = [one for one in found if isinstance(one, importers.Taken)]
    with _turn():
        kept = _remembered([one.past for one in usable], site)
    outcomes = iter(kept)
    return {
        "items": [
            _refused(given, one.reason)
            if isinstance(one, importers.Unusable)
            else _kept(one, next(outcomes))
            for given, one in zip(history, found, strict=True)
        ]
    }


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for a turn to have history scored. Raises Busy if it takes too long."""
    if not _TURNS.acquire(timeout=_PATIENCE_SECONDS):
        raise Busy(f"{_AT_ONCE} requests with history are at work; send this one again")
    try:
        yield
    finally:
        _TURNS.release()


def _remembered(history: Sequence[Past], site: Site) -> list[Accepted]:
    """Return the results of *history*. Raises Busy once it takes too long; comments kept so far stay."""
    kept = winnow().recognise(history, site=site)
    new = [n for n, one in enumerate(kept) if one is None]
    end = time.monotonic() + _LONGEST_SECONDS
    for start in range(0, len(new), _TOGETHER):
        if start and time.monotonic() >= end:
            raise Busy(
                f"{len(history) - len(new) + start} of {len(history)} are kept by now; send the "
                "request again, and it goes on",
                retry_after=1,
            )
        few = new[start : start + _TOGETHER]
        for n, one in zip(
            few, winnow().remember([history[n] for n in few], site=site), strict=True
        ):
            kept[n] = one
    return [one for one in kept if one is not None]


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
