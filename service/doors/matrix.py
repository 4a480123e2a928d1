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
from service.doors.base import judge, parsed, record, site_of, spend
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("matrix", __name__, url_prefix="/matrix")

_LONGEST_NAME = 200
#: Kinds whose ``body`` is the name of a file, and a caption only where ``filename`` says another.
_FILES = ("m.image", "m.file", "m.audio", "m.video")
#: What no client shows as text: the first is read by nobody in between, the second changes who is in the room.
_UNREAD = ("m.room.encrypted", "m.room.member")
#: Where an event of any type may hold text: its body, and the blocks of extensible events (MSC 1767).
_TEXTS = (
    "body",
    "formatted_body",
    "m.text",
    "org.matrix.msc1767.text",
    "org.matrix.msc1767.html",
    "org.matrix.msc1767.message",
)
#: And where an event of one type does.
_OF_TYPE = {
    "m.room.topic": ("topic", "m.topic", "org.matrix.msc3765.topic"),
    "m.room.name": ("name",),
    "m.room.redaction": ("reason",),
    "m.beacon_info": ("description",),
    "org.matrix.msc3672.beacon_info": ("description",),
}
#: Blocks of which a client shows everything at once, so that their texts are read as one.
_POLLS = ("m.poll", "org.matrix.msc3381.poll.start")
#: Texts of one event that are judged; a client sends two or three.
_MOST_TEXTS = 10


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
    """Let an event pass, or refuse it: a message, an edit, a poll, a topic. Without a text it passes."""
    event = _body().get("event")
    if not isinstance(event, Mapping):
        raise Refusal("there is no event")
    drafts = _drafts(event)
    if not drafts:
        return _json({})
    spend(g.site, len(drafts))
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
    """Return each text of an event; an empty list for an event without text, as in an encrypted room."""
    content, kind = event.get("content"), event.get("type")
    if not isinstance(kind, str) or kind in _UNREAD or not isinstance(content, Mapping):
        return []
    texts = list(dict.fromkeys(text for text in _texts(kind, content) if text.strip()))
    if len(texts) > _MOST_TEXTS:
        raise Refusal("the message has too many texts")
    if any(len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES for text in texts):
        raise Refusal("the message is too long")
    room, sender = (str(event.get(name) or "")[:_LONGEST_NAME] for name in ("room_id", "sender"))
    # Homeservers vouch for the sender, so that a site may trust or block one; a longer id would be cut to another's.
    known = sender if sender == event.get("sender") else ""
    author = Author(name=sender, id=known)
    return [Draft(content=text, author=author, post=Post(title=room)) for text in texts]


def _texts(kind: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what clients may show: each form of the text, before and after an edit."""
    for version in (content, content.get("m.new_content")):
        if not isinstance(version, Mapping):
            continue
        body, named = version.get("body"), version.get("filename")
        is_name = version.get("msgtype") in _FILES and (not isinstance(named, str) or named == body)
        for name in (*_TEXTS, *_OF_TYPE.get(kind, ())):
            if not (name == "body" and is_name):
                yield from _forms(version.get(name))
        for name in _POLLS:
            yield "\n".join(dict.fromkeys(_poll(version.get(name))))
    if kind == "m.reaction" and isinstance(related := content.get("m.relates_to"), Mapping):
        key = related.get("key")
        if isinstance(key, str) and any(map(str.isalnum, key)):  # every other child is a picture
            yield key


def _forms(block: Any) -> Iterator[str]:
    """Yield each form of a block of text: a string, or a list of them by media type."""
    if isinstance(block, str):
        yield block
    elif isinstance(block, Mapping):
        for name in _TEXTS:
            if isinstance(form := block.get(name), str):
                yield form
            elif isinstance(form, list):
                yield from _listed(form)
    elif isinstance(block, list):
        yield from _listed(block)


def _listed(forms: list[Any]) -> Iterator[str]:
    for form in forms:
        if isinstance(form, Mapping) and isinstance(body := form.get("body"), str):
            yield body


def _poll(block: Any) -> Iterator[str]:
    """Yield the question of a poll and its answers."""
    if isinstance(block, Mapping):
        yield from _forms(block.get("question"))
        answers = block.get("answers")
        for answer in answers if isinstance(answers, list) else ():
            yield from _forms(answer)


def _error(status: int, code: str, message: str) -> Response:
    return _json({"errcode": code, "error": message}, status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
