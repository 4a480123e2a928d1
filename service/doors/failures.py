"""Failures at a door, classified once; each door answers them in its clients' form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, TooManyRequests

from moderation.errors import WinnowError

log = structlog.get_logger(__name__)


class Cause(StrEnum):
    """Why a door gives no verdict."""

    #: The door itself refused the request: a :class:`Refusal`.
    REFUSED = "refused"
    TOO_FAST = "too-fast"
    TOO_LARGE = "too-large"
    #: Whatever else the HTTP layer refused.
    HTTP = "http"
    #: Storage or the scorer is away; trying again makes sense.
    AWAY = "away"
    #: A bug of ours.
    BROKEN = "broken"


class Refusal(Exception):
    """Raised by a door when a request is not one of its protocol's."""

    def __init__(self, message: str, *, status: int = 400, **detail: Any) -> None:
        """Carry the message, the status, and whatever else the protocol's error says."""
        super().__init__(message)
        self.status, self.detail = status, detail


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a door gives no verdict, with the HTTP status that says so."""

    cause: Cause
    status: int
    message: str
    detail: dict[str, Any]
    retry_after: str | None = None


def failure_of(error: Exception) -> Failure:
    """Return what *error* means at any door."""
    match error:
        case Refusal():
            return Failure(Cause.REFUSED, error.status, str(error), error.detail)
        case HTTPException():
            causes = {TooManyRequests: Cause.TOO_FAST, RequestEntityTooLarge: Cause.TOO_LARGE}
            answer = error.get_response()
            return Failure(
                causes.get(type(error), Cause.HTTP),
                answer.status_code,
                str(error.description or ""),
                {},
                answer.headers.get("Retry-After"),
            )
        case WinnowError():
            return Failure(Cause.AWAY, 503, "the service is away for the moment", {})
        case _:
            return Failure(Cause.BROKEN, 500, "an error of ours; it was logged", {})


def shape_failures(bp: Blueprint, shape: Callable[[Failure], Response]) -> None:
    """Answer whatever a view of *bp* raises in the door's own *shape*, with ``Retry-After`` if known.

    No client may take the answer for a pass: *shape* is given nothing but the failure.
    """

    @bp.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        failure = failure_of(error)
        if failure.cause in {Cause.AWAY, Cause.BROKEN}:
            log.error("door failed", door=bp.name, problem=type(error).__name__)
        answer = shape(failure)
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = failure.retry_after
        return answer
