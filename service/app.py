"""The application: adapters in, blueprints on, errors shaped."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Request, Response, g
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from models.scorer import Scorer
from moderation import wiring
from moderation.ports import Model
from moderation.settings import Settings
from moderation.wiring import Adapters
from service import api, context, desk, doors, errors, hosts, ops

log = structlog.get_logger(__name__)

#: A batch of a thousand comments of ordinary length; a single comment is bounded by its own schema.
MAX_BODY_BYTES = 16 * 1024 * 1024

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
    settings: Settings, *, adapters: Adapters | None = None, model: Model | None = None
) -> Flask:
    """Return the web application; *adapters* and *model* are made from *settings* unless given."""
    adapters = adapters or wiring.connect(settings)
    model = model or Scorer.load(Path(settings.model) if settings.model else None)
    whole = context.Context.of(adapters, model)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["SECRET_KEY"] = adapters.vault.derive("sessions")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.session_interface = _CookieSessions()
    answers = _SafeHeaders(_WholeAnswers(app.wsgi_app))
    app.wsgi_app = _TrustedProxies(answers, settings.trusted_proxies)  # type: ignore[method-assign]
    context.init_app(app, whole)
    errors.init_app(app)
    app.before_request(_begin)
    app.after_request(_finish)
    hosts.init_app(app, settings, anywhere={"ops", *doors.DOORS})
    api.init_app(app, whole)
    ops.init_app(app, whole)
    doors.init_app(app, whole)
    desk.init_app(app, whole)
    return app


def _begin() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    ops.observe(time.perf_counter() - g.get("started", time.perf_counter()), response.status_code)
    return response


class _WholeAnswers:
    """Hands the server each answer whole: one to iterate over is passed between two threads."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        answer = self._app(environ, start_response)
        try:
            return list(answer)
        finally:
            answer.close()


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


class _TrustedProxies:
    """Believes X-Forwarded-For and -Proto from the proxies we were told to trust, and no other."""

    def __init__(self, app: Any, trusted: Iterable[str]) -> None:
        self._app = app
        self._trusted = [ipaddress.ip_network(one, strict=False) for one in trusted]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        if self._trusts(environ.get("REMOTE_ADDR", "")) and forwarded:
            chain = [part.strip() for part in forwarded.split(",")]
            # From the right, the first address that is no proxy of ours is the client's.
            client = next((one for one in reversed(chain) if not self._trusts(one)), chain[0])
            environ["REMOTE_ADDR"] = client
            if environ.get("HTTP_X_FORWARDED_PROTO", "").strip() in {"http", "https"}:
                environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"].strip()
        return self._app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._trusted)
