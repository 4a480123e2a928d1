"""The application: adapters in, blueprints on, errors shaped."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from models import near
from models.current import Current
from models.learner import Learner
from moderation import wiring
from moderation.ports import Model
from moderation.settings import Settings
from moderation.wiring import Adapters
from service import api, bodies, context, desk, doors, errors, hosts, ops
from service.clients import Proxies, TrustedProxies

log = structlog.get_logger(__name__)

#: Names a request in the logs; a client or proxy may choose it.
REQUEST_ID = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


def create_app(
    settings: Settings,
    *,
    adapters: Adapters | None = None,
    model: Callable[[], Model] | None = None,
) -> Flask:
    """Return the web application; *adapters* and *model* are made from *settings* unless given."""
    whole = context.Context.of(
        adapters or wiring.connect(settings),
        current=model or Current(settings.models, encoder=settings.encoder),
        duplicates=near,
        learning=Learner,
    )
    app = bodies.GatedFlask(__name__, static_folder=None)
    app.config["SECRET_KEY"] = whole.vault.derive("sessions")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.session_interface = _CookieSessions()
    proxies = Proxies(settings.trusted_proxies)
    app.wsgi_app = TrustedProxies(_SafeHeaders(app.wsgi_app), proxies)  # type: ignore[method-assign]
    context.init_app(app, whole)
    errors.init_app(app)
    app.before_request(_begin)
    app.after_request(_finish)
    bodies.init_app(app)
    hosts.init_app(app, settings, anywhere={"ops", *doors.DOORS})
    api.init_app(app, whole)
    ops.init_app(app, whole)
    doors.init_app(app, whole)
    desk.init_app(app, whole)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    named = request.headers.get(REQUEST_ID, "")
    g.request_id = named if _REQUEST_ID.fullmatch(named) else secrets.token_hex(8)
    # Threads serve one request after the other: what the last one bound is not this one's.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _finish(response: Response) -> Response:
    if bodies.at_the_gate():  # the request itself comes, or is refused here
        return response
    if "request_id" in g:
        response.headers[REQUEST_ID] = g.request_id
    ops.observe(time.perf_counter() - g.get("started", time.perf_counter()), response.status_code)
    return response


class _SafeHeaders:
    """Gives each answer the headers above, save those that it has of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            own = {name.title() for name, _ in headers}
            missing = [pair for pair in _HEADERS.items() if pair[0].title() not in own]
            return start_response(status, headers + missing, *problem)

        return self._app(environ, start)


class _CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions; a request without our cookie begins an empty one without any signing."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)
