"""The Flask application: makes it, registers its blueprints, and attaches an installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from models import simhash
from models.current import Current
from models.learner import HeadLearner
from moderation import wiring
from moderation.ports import Model
from moderation.settings import Settings
from moderation.wiring import Adapters
from service import api, bodies, context, desk, doors, hosts, ops, problems, short
from service.clients import Proxies, TrustedProxies
from service.headers import REQUEST_ID, SafeHeaders, begin


def create_app(
    settings: Settings,
    *,
    adapters: Adapters | None = None,
    model: Callable[[], Model] | None = None,
) -> Flask:
    """Return the web application; *adapters* and *model* are made from *settings* unless given."""
    return serve(routed(), settings, adapters=adapters, model=model)


def routed() -> Flask:
    """Return an application with its routes, forms and pages, which serves no installation yet."""
    app = bodies.GatedFlask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.session_interface = _CookieSessions()
    problems.init_app(app)
    app.before_request(_begin)
    app.after_request(_finish)
    bodies.init_app(app)
    hosts.init_app(app, anywhere={"ops", *doors.DOORS})
    api.init_app(app)
    ops.init_app(app)
    doors.init_app(app)
    desk.init_app(app)
    return app


def serve(
    app: Flask,
    settings: Settings,
    *,
    adapters: Adapters | None = None,
    model: Callable[[], Model] | None = None,
) -> Flask:
    """Have *app*, of :func:`routed`, serve the installation of *settings*, and no other; return it.

    Everything that an application stores about an installation is set here, in its extensions and
    its configuration, so that tests can attach one application to one installation after the other.
    """
    whole = context.WebContext.of(
        adapters or wiring.connect(settings),
        current=model or Current(settings.models, encoder=settings.encoder),
        duplicates=simhash,
        learning=HeadLearner,
    )
    app.config["SECRET_KEY"] = whole.vault.derive("sessions")
    routes = partial(type(app).wsgi_app, app)
    proxies = Proxies(settings.trusted_proxies)
    app.wsgi_app = TrustedProxies(SafeHeaders(routes), proxies)  # type: ignore[method-assign]
    context.serve(app, whole)
    for part in (hosts, api, ops, doors, desk):
        part.serve(app, whole)
    if settings.short_way:
        short.serve(app, whole)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = begin(request.headers.get(REQUEST_ID, ""))


def _finish(response: Response) -> Response:
    if bodies.at_the_gate():  # the request itself comes, or is refused here
        return response
    if "request_id" in g:
        response.headers[REQUEST_ID] = g.request_id
    ops.observe(time.perf_counter() - g.get("started", time.perf_counter()), response.status_code)
    return response


class _CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions; a request without our cookie begins an empty one without any signing."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)
