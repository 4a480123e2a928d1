"""Synapse's spam checks by HTTP, after synapse-http-antispam 0.5.1: ``check_event_for_spam`` and ``ping``.

A 2xx lets the event pass; everything else refuses it, and its JSON reaches the sender. A room cannot hold a
message for a person: what a moderator should see is refused as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Post, Status
from moderation.site import Door
from service.bodies import vouched
from service.doors.common import judge, parsed, record, site_of, spend
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("matrix", __name__, url_prefix="/matrix")

_LONGEST_NAME = 200
_READ = ("m.text", "m.notice", "m.emote", None)


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
    draft = _draft(event)
    if draft is None:
        return _json({})
    spend(g.site)
    (judged,) = judge([draft], g.site)
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


def _draft(event: Mapping[str, Any]) -> Draft | None:
    """Return the message of an event; None where there is none, such as in an encrypted room."""
    content = event.get("content")
    if event.get("type") != "m.room.message" or not isinstance(content, Mapping):
        return None
    changed = content.get("m.new_content")
    if isinstance(changed, Mapping):  # an edit: what stands there from now on
        content = changed
    text, kind = content.get("body"), content.get("msgtype")
    if not isinstance(text, str) or not text.strip() or not _is_read(kind):
        return None
    if len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES:
        raise Refusal("the message is too long")
    room, sender = (str(event.get(name) or "")[:_LONGEST_NAME] for name in ("room_id", "sender"))
    return Draft(content=text, author=Author(name=sender), post=Post(title=room))


def _is_read(kind: Any) -> bool:
    """Whether a message of that kind is what its sender wrote, and no file's name."""
    return kind in _READ  # a tuple: what JSON brings may not be hashable


def _error(status: int, code: str, message: str) -> Response:
    return _json({"errcode": code, "error": message}, status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
