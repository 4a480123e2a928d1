"""Limits on the size of request bodies, by route, and the check of keys before a large one is read.

The terminator asks before a body that is longer than a few kilobytes is read: the request passes
once without its body, up to where its view would be called. By then the length was held against the
table below, and the blueprint has asked for its key, session or token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from service.front.pool import GATE, OPEN

KIB, MIB = 1024, 1024 * 1024
#: Largest body of a route that the table does not name, in bytes.
DEFAULT_BYTES = 16 * KIB
#: A comment of 64 KiB, each of whose characters JSON or a form may write in six bytes.
COMMENT_BYTES = 512 * KIB
#: The longest lists that a policy may have, as JSON or a form writes them.
POLICY_BYTES = 8 * MIB
#: A thousand comments of ordinary length.
BATCH_BYTES = 16 * MIB

#: Fields of a form of ours: a bulk decision names 500 comments.
MAX_FIELDS = 2000
#: Bytes of a body by endpoint. Only what needs a key or a session may have megabytes.
LIMITS: Mapping[str, int] = {
    "api.submit_comment": COMMENT_BYTES,
    "api.edit_comment": COMMENT_BYTES,
    "api.revise": COMMENT_BYTES,
    "api.submit_batch": BATCH_BYTES,
    "api.remember_history": BATCH_BYTES,
    "api.decide_many": 64 * KIB,
    "api.change_site": POLICY_BYTES,
    "desk.settings": POLICY_BYTES,
    "desk.decide": 64 * KIB,
    "desk.undo": 64 * KIB,
    "desk.revise": COMMENT_BYTES,
    "perspective.analyze": 128 * KIB,
    "perspective.suggest_score": 128 * KIB,
    "openai.moderations": 4 * MIB,
    "chat.completions": COMMENT_BYTES,
    "matrix.check_event_for_spam": COMMENT_BYTES,
    "akismet.comment_check": COMMENT_BYTES,
    "akismet.submit_spam": COMMENT_BYTES,
    "akismet.submit_ham": COMMENT_BYTES,
    "coral.moderate": COMMENT_BYTES,
}


class GatedFlask(Flask):
    """Flask that skips the view when a request only asks whether its body may be sent."""

    def dispatch_request(self) -> Any:
        """Call the view, or answer that the body may be sent."""
        if at_the_gate() and request.routing_exception is None:
            return Response(status=204, headers={OPEN: "keyed" if g.get("keyed") else "open"})
        return super().dispatch_request()


def at_the_gate() -> bool:
    """Tell whether this request only asks whether its body may be sent."""
    return bool(request.environ.get(GATE))


def vouched() -> None:
    """Note that a key, a session or a token was sent with this request and is good."""
    g.keyed = True


def limit_of(endpoint: str | None) -> int:
    """Return how many bytes a body for *endpoint* may have."""
    return LIMITS.get(endpoint or "", DEFAULT_BYTES)


def check_fields() -> None:
    """Refuse a form with more than MAX_FIELDS fields before it is parsed, to bound memory."""
    if request.mimetype == "application/x-www-form-urlencoded":
        count = request.get_data().count(b"&")
        if count > MAX_FIELDS:
            raise RequestEntityTooLarge(f"the form may have {MAX_FIELDS:,} fields at most")


def table(app: Flask) -> Callable[[str, str], int]:
    """Return a function from method and path to the limit of *app* in bytes."""
    routes = app.url_map.bind("")

    def limit(method: str, path: str) -> int:
        try:
            endpoint, _ = routes.match(path, method)
        except HTTPException:
            return DEFAULT_BYTES
        return limit_of(endpoint)

    return limit


def init_app(app: Flask) -> None:
    """Check the length of every request to *app* against the table."""
    app.config["MAX_CONTENT_LENGTH"] = DEFAULT_BYTES

    @app.before_request
    def refuse_large_bodies() -> None:
        limit = limit_of(request.endpoint)
        request.max_content_length = limit
        if (request.content_length or 0) > limit:
            raise RequestEntityTooLarge(f"the body may have {limit:,} bytes at most here")
