"""Synapse's spam checks by HTTP, after synapse-http-antispam 0.5.1: ``check_event_for_spam`` and ``ping``.

A 2xx lets the event pass; everything else refuses it, and its JSON reaches the sender. A room cannot hold a
message for a person: what a moderator should see is refused as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Post, Status
from moderation.site import Door
from service.bodies import vouched
from service.doors.common import judge, parsed, record, site_of, spend
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("matrix", __name__, url_prefix="/matrix")

_LONGEST_NAME = 200
#: Kinds whose ``body`` is the name of a file, and a caption only where ``filename`` says another.
_FILES = ("m.image", "m.file", "m.audio", "m.video")


@bp.before_request
def _identify() -> None:
    """Ask for the key before the body is read."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    site = site_of(key, Door.MATRIX) if scheme.lower() == "bearer" else None
    if site is None:
        raise Refusal("this is no door key of a site that has this door open", status=401)
    g.site = site
    vouched()


@bp.post("/ping")
def ping() -> Response:
    """Answer the module's own test."""
    return _json({"id": _body().get("id"), "status": "ok"})


@bp.post("/check_event_for_spam")
def check_event_for_spam() -> Response:
    """Let an event pass, or refuse it. What holds no text that we can read passes."""
    event = _body().get("event")
    if not isinstance(event, Mapping):
        raise Refusal("there is no event")
    drafts = _drafts(event)
    if not drafts:
        return _json({})
    spend(g.site)
    # A client shows one of them, and nobody knows which: the first that does not pass counts.
    found = list(zip(drafts, judge(drafts, g.site), strict=True))
    refused = (pair for pair in found if pair[1].status is not Status.APPROVED)
    draft, judged = next(refused, found[0])
    if g.site.record_doors:
        record(g.site, draft, judged, via=Door.MATRIX)
    if judged.status is Status.APPROVED:
        return _json({})
    return _error(403, "M_FORBIDDEN", "This message was not accepted.")


def _failed(failure: Failure) -> Response:
    """Refuse the event: the module takes anything but a 2xx for a no."""
    code = "M_LIMIT_EXCEEDED" if failure.cause is Cause.TOO_FAST else "M_UNKNOWN"
    text = failure.message if failure.cause is Cause.REFUSED else "Try again later."
    return _error(failure.status if failure.status >= 400 else 500, code, text)


shape_failures(bp, _failed)


def _body() -> dict[str, Any]:
    body = parsed(request.get_data())
    if body is None:
        raise Refusal("the body is no JSON object")
    return body


def _drafts(event: Mapping[str, Any]) -> list[Draft]:
    """Return each text of an event; none where there is none, such as in an encrypted room."""
    content = event.get("content")
    if event.get("type") != "m.room.message" or not isinstance(content, Mapping):
        return []
    texts = list(dict.fromkeys(text for text in _texts(content) if text.strip()))
    if any(len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES for text in texts):
        raise Refusal("the message is too long")
    room, sender = (str(event.get(name) or "")[:_LONGEST_NAME] for name in ("room_id", "sender"))
    return [
        Draft(content=text, author=Author(name=sender), post=Post(title=room)) for text in texts
    ]


def _texts(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what clients may show: text and HTML, before and after an edit; of a kind unknown, too."""
    for version in (content, content.get("m.new_content")):
        if not isinstance(version, Mapping):
            continue
        body, named = version.get("body"), version.get("filename")
        is_name = version.get("msgtype") in _FILES and (not isinstance(named, str) or named == body)
        for text in ("" if is_name else body, version.get("formatted_body")):
            if isinstance(text, str):
                yield text


def _error(status: int, code: str, message: str) -> Response:
    return _json({"errcode": code, "error": message}, status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
