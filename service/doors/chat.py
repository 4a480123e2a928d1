"""Chat completions, as comment systems ask a language model whether a comment is spam.

Sources: twikoojs/twikoo (utils/spam.js), waline-plugin-llm-reviewer 0.0.5 of npm. Both send the system
prompt, and the comment as the user's message. Twikoo reads ``{"spam": true}`` and publishes after three
errors, so that whatever is wrong here but the key is answered as spam, which its owner finds in its list.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Status
from moderation.site import Door, Site
from service.bodies import vouched
from service.doors.base import judge, parsed, record, site_of, spend, warned
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("chat", __name__)

_MODEL = "winnow"
_LONGEST_NAME, _LONGEST_URL = 200, 2000
#: What Twikoo puts into the user's message. The comment may hold such lines itself: the last count.
_TWIKOO = re.compile(r"Comment: (.*)\nNickname: ([^\n]*)\nWebsite: ([^\n]*)(.*)", re.DOTALL)
#: Words of a system prompt that asks for one of them, as Waline's plugin and its users' own prompts do.
_ONE_OF = frozenset({"approved", "spam"})
_JSON = re.compile(r"\{\s*[\"']?spam[\"']?\s*:")


class AnswerFormat(StrEnum):
    """How a client wants its answer."""

    JSON = "json"
    WORD = "word"


#: What each way says of a comment that may be published, of one that is held, and of spam.
ANSWERS: Mapping[AnswerFormat, tuple[str, str, str]] = {
    AnswerFormat.JSON: ('{"spam": false}', '{"spam": true}', '{"spam": true}'),
    AnswerFormat.WORD: ("approved", "waiting", "spam"),
}


@bp.before_request
def _identify() -> None:
    """Ask for the key before the body, which may be large, is read."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    site = site_of(key, Door.CHAT) if scheme.lower() == "bearer" else None
    if site is None:
        raise Refusal("Incorrect API key provided.", status=401, code="invalid_api_key")
    g.site = site
    vouched()


@bp.post("/v1/chat/completions")
def completions() -> Response:
    """Judge the comment that the user's messages hold; held on any doubt."""
    site: Site = g.site
    body = parsed(request.get_data())
    if body is None:
        raise Refusal("We could not parse the JSON body of your request.")
    g.way = _way(body)
    spend(site)
    draft = _draft(_text_of(body, "user"))
    if draft is None or body.get("stream"):
        return _completion(g.way, held=True)
    (judged,) = judge([draft], site)
    if site.record_doors:
        record(site, draft, judged, via=Door.CHAT)
    return _completion(
        g.way,
        held=judged.status is not Status.APPROVED,
        spam=judged.status in {Status.REJECTED, Status.SPAM},
    )


def _failed(failure: Failure) -> Response:
    """Hold the comment, since clients publish after an error; only a wrong key is answered as an error."""
    if failure.cause is Cause.REFUSED:
        kind, code = "invalid_request_error", failure.detail.get("code")
        error = {"message": failure.message, "type": kind, "param": None, "code": code}
        return _json({"error": error}, failure.status)
    return _completion(g.get("way", AnswerFormat.JSON), held=True)


shape_failures(bp, _failed)


def _way(body: Mapping[str, Any]) -> AnswerFormat:
    """Return how the client wants its answer; JSON if in doubt, which one-word clients hold."""
    prompt = _text_of(body, "system", "developer") or ""
    if body.get("response_format") or _JSON.search(prompt):
        return AnswerFormat.JSON
    return (
        AnswerFormat.WORD
        if set(re.findall(r"\w+", prompt.lower())) >= _ONE_OF
        else AnswerFormat.JSON
    )


def _text_of(body: Mapping[str, Any], *roles: str) -> str | None:
    """Return the texts of messages of *roles*, joined; None where one of them is not all text."""
    messages = body.get("messages")
    said: list[str] = []
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, Mapping) or message.get("role") not in roles:
            continue
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for part in parts:
            text = part.get("text") if isinstance(part, Mapping) else None
            if not isinstance(text, str):
                return None
            said.append(text)
    return "\n".join(said)


def _draft(text: str | None) -> Draft | None:
    """Return the comment in *text*; None if there is none or it is too long."""
    if text is None or not text.strip() or len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES:
        return None
    fields = _TWIKOO.fullmatch(text)
    if fields is None:
        return Draft(content=text)
    content, name, url, rest = fields.groups()
    author = Author(name=name[:_LONGEST_NAME], url=url[:_LONGEST_URL])
    # What follows the last field, or is more than a field holds, is nobody's but the commenter's.
    content += rest + name[_LONGEST_NAME:] + url[_LONGEST_URL:]
    return Draft(content=content, author=author) if content.strip() else None


def _completion(way: AnswerFormat, *, held: bool, spam: bool = False) -> Response:
    passes, waits, is_spam = ANSWERS[way]
    content = is_spam if spam else waits if held else passes
    message = {"role": "assistant", "content": content, "refusal": None}
    return _json(
        warned(
            {
                "id": f"chatcmpl-{secrets.token_hex(12)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": _MODEL,
                "choices": [
                    {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            }
        )
    )


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
