"""Errors as RFC 9457 problem details, and their documentation."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from moderation import errors

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Status and short name of each WinnowError; the first class that matches is used.
_PROBLEMS: tuple[tuple[type[errors.WinnowError], HTTPStatus, str], ...] = (
    (errors.DuplicateExternalId, HTTPStatus.CONFLICT, "duplicate-external-id"),
    (errors.StaleVersion, HTTPStatus.CONFLICT, "stale-version"),
    (errors.IllegalMove, HTTPStatus.CONFLICT, "illegal-move"),
    (errors.UndoTooLate, HTTPStatus.CONFLICT, "undo-too-late"),
    (errors.Conflict, HTTPStatus.CONFLICT, "conflict"),
    (errors.CursorExpired, HTTPStatus.GONE, "cursor-expired"),
    (errors.NotFound, HTTPStatus.NOT_FOUND, "not-found"),
    (errors.InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input"),
    (errors.SiteBusy, HTTPStatus.TOO_MANY_REQUESTS, "site-busy"),
    (errors.Busy, HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    (errors.StorageUnavailable, HTTPStatus.SERVICE_UNAVAILABLE, "storage-unavailable"),
    (errors.WinnowError, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
)

#: Every problem for the documentation: its name, status and meaning.
PROBLEMS: tuple[tuple[str, int, str], ...] = (
    ("malformed", 400, "The body is not what its content type says."),
    ("wrong-key", 401, "No key was sent, or one that is not known or was revoked."),
    ("forbidden", 403, "The key is good, but not for this."),
    ("not-found", 404, "There is no such thing, or it belongs to another site."),
    ("method-not-allowed", 405, "See the Allow header."),
    ("duplicate-external-id", 409, "Another text has this external_id; `comment_id` names it."),
    ("stale-version", 409, "The comment moved on meanwhile; `version` is where it stands now."),
    ("illegal-move", 409, "The comment cannot go there from where it is."),
    ("undo-too-late", 409, "The undo window has closed; decide again to reverse a decision."),
    ("conflict", 409, "The name is taken, or the state of things forbids it."),
    ("cursor-expired", 410, "The feed no longer reaches back to this cursor."),
    ("too-large", 413, "The body is larger than we read."),
    ("unsupported-media-type", 415, "Send the content type that the message names."),
    ("unknown-host", 421, "The Host name is not one of ours; the message says where to set it."),
    ("invalid-input", 422, "`errors` names each field and what is wrong with it."),
    ("too-fast", 429, "Over the site's rate, or its share of waiting requests; see Retry-After."),
    ("site-busy", 429, "The site has too many comments waiting; wait for Retry-After seconds."),
    ("internal", 500, "A bug of ours; it was logged."),
    ("busy", 503, "Too many comments wait to be screened; nothing was stored."),
    ("storage-unavailable", 503, "Redis is away, full or read-only; nothing was stored."),
)

#: Short names of errors that Flask raises, by status.
_NAMES = {
    400: "malformed",
    401: "wrong-key",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-input",
    429: "too-fast",
    500: "internal",
    503: "unavailable",
}


#: In the environ: what the short way (service/short.py) met when it carried out the request.
FAILED = "winnow.failed"


def raise_failed() -> None:
    """Raise the exception of the short way (service/short.py), if it failed on this request."""
    failed: Exception | None = request.environ.get(FAILED)
    if failed is not None:
        raise failed


def problem(status: int, name: str, detail: str, **more: Any) -> Response:
    """Return a problem document. ``type`` is a path of the documentation; *more* are its members."""
    document = {
        "type": f"/docs#problem-{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        **more,
    }
    return Response(json.dumps(document) + "\n", int(status), mimetype=MEDIA_TYPE)


def problem_of(error: errors.WinnowError) -> Response:
    """Return the problem document of one of our own errors."""
    status, name = next(
        (status, name) for kind, status, name in _PROBLEMS if isinstance(error, kind)
    )
    more: dict[str, Any] = {}
    if isinstance(error, errors.DuplicateExternalId):
        more["comment_id"] = error.comment_id
    if isinstance(error, errors.StaleVersion):
        more["version"] = error.current
    if isinstance(error, errors.InvalidInput) and error.field:
        more["errors"] = [{"field": error.field, "detail": str(error)}]
    answer = problem(status, name, str(error), **more)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("refused", problem=name, path=_path())
    return answer


def problem_of_http(error: HTTPException) -> Response:
    """Return the problem document of an HTTPException, with its headers."""
    status = error.code or 500
    name = _NAMES.get(status, "error")
    answer = problem(status, name, str(error.description or HTTPStatus(status).phrase))
    for key, value in error.get_headers():
        if key.lower() in {"allow", "retry-after", "www-authenticate"}:
            answer.headers[key] = value
    return answer


def _path() -> str:
    """Return the path of the request, with tokens that are part of some paths replaced."""
    secret = (request.view_args or {}).get("token")
    return request.path.replace(secret, "…") if secret else request.path


def problem_of_bug(error: Exception) -> Response:
    """Return a problem document without details, and log the exception."""
    log.error("bug", kind=type(error).__name__, path=_path(), exc_info=error)
    return problem(500, "internal", "something went wrong on our side; it was logged")


def init_app(app: Flask) -> None:
    """Answer every error of *app* with a problem document, unless a blueprint has its own handler."""
    app.register_error_handler(errors.WinnowError, problem_of)
    app.register_error_handler(HTTPException, problem_of_http)
    app.register_error_handler(Exception, problem_of_bug)
