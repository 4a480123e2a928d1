"""Headers of every response: the request id, and restrictions on browsers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import structlog

#: Names a request in the logs; a client or proxy may choose it.
REQUEST_ID = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


def id_of(named: str) -> str:
    """Return *named* where it may be the id of a request, else a new id."""
    return named if _REQUEST_ID.fullmatch(named) else secrets.token_hex(8)


def begin(named: str) -> str:
    """Return the id of the request that this thread begins with: *named* where it may be one.

    It stands in each line that the thread logs from now on.
    """
    return begin_all([named])[0]


def begin_all(named: Sequence[str]) -> list[str]:
    """Return the ids of requests that this thread begins with together, as `begin` does.

    None of several stands in the log.
    """
    made = secrets.token_hex(8 * len(named))  # one question to the system's source of randomness
    request_ids = [
        one if _REQUEST_ID.fullmatch(one) else made[16 * n : 16 * n + 16]
        for n, one in enumerate(named)
    ]
    # Threads are reused: clear the log context of the thread's last request.
    structlog.contextvars.clear_contextvars()
    if len(request_ids) == 1:
        structlog.contextvars.bind_contextvars(request=request_ids[0])
    return request_ids


class SafeHeaders:
    """Gives each answer the headers of :data:`SAFE`, save those that it sets itself."""

    def __init__(self, app: Any) -> None:
        """Give them to what *app* answers."""
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer the request."""

        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            own = {name.title() for name, _ in headers}
            missing = [pair for pair in SAFE.items() if pair[0].title() not in own]
            return start_response(status, headers + missing, *problem)

        return self._app(environ, start)
