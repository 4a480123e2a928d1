"""Every call of the API: its request, and how its answer is read. Does no I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from winnow_client.errors import Conflict, NotFound, Refused, Unavailable, WinnowError
from winnow_client.values import Answer, Comment, Event, EventPage, Past, Remembered

T = TypeVar("T")
S = TypeVar("S")

TRIES = 4
#: Comments of history in one request.
HISTORY = 200
#: Seconds that a Retry-After is obeyed for; longer ones are raised.
_MOST_PATIENCE = 30.0
_PAUSES = (0.25, 1.0, 3.0)
#: Nothing was stored; a proxy's own errors may hide an answer, so only repeatable calls try again.
_NOTHING_DONE = frozenset({429, 503})
_PERHAPS_DONE = frozenset({502, 504})


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and what reads its answer. ``repeatable``: a second one does no harm."""

    method: str
    path: str
    read: Callable[[Any], T]
    body: Any = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    patience_seconds: float = 0.0


def pause_after(call: Call[Any], problem: WinnowError, tries: int, status: int) -> float | None:
    """Return for how many seconds to wait before the next try; None to give up."""
    if tries >= TRIES or not isinstance(problem, Unavailable):
        return None
    if not call.repeatable and status not in _NOTHING_DONE:
        return None
    if problem.retry_after is not None:
        return problem.retry_after if problem.retry_after <= _MOST_PATIENCE else None
    return _PAUSES[min(tries, len(_PAUSES)) - 1] * random.uniform(0.75, 1.25)


def problem_of(response: httpx.Response) -> WinnowError | None:
    """Return what an answer says went wrong; None for a success."""
    status = response.status_code
    if response.is_success:
        return None
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if status in _NOTHING_DONE | _PERHAPS_DONE or status >= 500:
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isdigit() else None
        return Unavailable(str(body.get("detail") or f"HTTP {status}"), seconds)
    kinds = {404: NotFound, 409: Conflict}
    return kinds.get(status, Refused)(status, body)


def submit(comment: Comment, wait_seconds: int) -> Call[Answer]:
    headers = {"Prefer": f"wait={wait_seconds}"} if wait_seconds else {}
    return Call(
        "POST", "/v1/comments", Answer.of, comment.document(), headers=headers,
        repeatable=bool(comment.external_id), patience_seconds=wait_seconds,
    )  # fmt: skip


def submit_many(comments: Sequence[Comment]) -> Call[list[Answer]]:
    body = {"comments": [one.document() for one in comments]}
    named = all(one.external_id for one in comments)
    return Call("POST", "/v1/comments/batch", _answers, body, repeatable=named)


def get(comment_id: str) -> Call[Answer]:
    return Call("GET", _comment(comment_id), Answer.of)


def find(external_id: str) -> Call[list[Answer]]:
    return Call("GET", "/v1/comments", _answers, params={"external_id": external_id})


def edit(comment_id: str, comment: Comment) -> Call[Answer]:
    return Call("PUT", _comment(comment_id), Answer.of, comment.document())


def erase(comment_id: str) -> Call[None]:
    return Call("DELETE", _comment(comment_id), _nothing)


def decide(
    comment_id: str, decision: str, moderator: str, reason: str, note: str, version: int | None
) -> Call[Answer]:
    body: dict[str, Any] = {
        "decision": decision, "moderator": moderator, "reason": reason, "note": note,
    }  # fmt: skip
    if version is not None:
        body["version"] = version
    path = f"{_comment(comment_id)}/decision"
    return Call("POST", path, Answer.of, body, repeatable=False)


def undo(comment_id: str) -> Call[Answer]:
    return Call("POST", f"{_comment(comment_id)}/undo", Answer.of, repeatable=False)


def queue(cursor: str | None) -> Call[tuple[list[Answer], str | None]]:
    return Call("GET", "/v1/queue", _page, params=_without_none({"cursor": cursor}))


def remember(history: Sequence[Past]) -> Call[list[Remembered]]:
    body = {"comments": [one.document() for one in history]}
    return Call("POST", "/v1/history", _remembered, body, patience_seconds=60)


def batches(history: Iterable[Past]) -> Iterator[list[Past]]:
    left = iter(history)
    while batch := list(islice(left, HISTORY)):
        yield batch


def events(after: str | None, wait_seconds: int, limit: int) -> Call[EventPage]:
    params = {"after": after, "wait": str(wait_seconds), "limit": str(limit)}
    return Call(
        "GET", "/v1/events", _events, params=_without_none(params), patience_seconds=wait_seconds
    )


def export_author(email: str, ip: str, cursor: str | None) -> Call[tuple[list[Answer], str | None]]:
    params = {"email": email or None, "ip": ip or None, "cursor": cursor}
    return Call("GET", "/v1/authors/comments", _page, params=_without_none(params))


def erase_author(email: str, ip: str) -> Call[int]:
    body = {"email": email, "ip": ip}
    return Call("POST", "/v1/authors/erase", lambda answer: int(answer["erased"]), body)


def _comment(comment_id: str) -> str:
    return f"/v1/comments/{quote(comment_id, safe='')}"


def _without_none(params: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in params.items() if value is not None}


def _nothing(_: Any) -> None:
    return None


def _answers(body: Any) -> list[Answer]:
    return [Answer.of(one) for one in body["items"]]


def _page(body: Any) -> tuple[list[Answer], str | None]:
    return _answers(body), body["next"]


def _remembered(body: Any) -> list[Remembered]:
    names = ("external_id", "outcome", "id", "reason")
    return [Remembered(**{name: one[name] for name in names}) for one in body["items"]]


def _events(body: Any) -> EventPage:
    return EventPage(tuple(Event.of(one, one["id"]) for one in body["items"]), body["next"])
