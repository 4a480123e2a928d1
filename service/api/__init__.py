"""The native JSON API, version 1."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed

from service.api import accounts, comments, documentation, history, learning
from service.api.base import CALLERS, LIMITER, api
from service.api.describe import RequestRefused
from service.auth import Callers
from service.context import WebContext
from service.limits import Limiter

__all__ = [
    "accounts",
    "comments",
    "history",
    "init_app",
    "learning",
    "serve",
]  # importing the views fills the catalogue


def init_app(app: Flask) -> None:
    """Give *app* the routes under /v1, their OpenAPI document and its readable form."""
    app.register_error_handler(RequestRefused, lambda refused: refused.answer)
    app.register_blueprint(api.bp)
    _keep_to_fixed_paths(app)
    documentation.init_app(app)


def serve(app: Flask, context: WebContext) -> None:
    """Have the API of *app* know the callers of *context*, and what each may spend."""
    app.extensions[CALLERS] = Callers()
    app.extensions[LIMITER] = Limiter.of(context.settings.site_rate, context.redis)


def _keep_to_fixed_paths(app: Flask) -> None:
    """Have a fixed path such as ``/comments/batch`` take the methods of its rules alone.

    The router would also offer those of ``/comments/<comment_id>``, with "batch" for an id.
    """
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{api.bp.name}.") and not rule.arguments:
            methods.setdefault(rule.rule, set()).update(rule.methods or ())

    @app.before_request
    def keep_to_own_methods() -> Response | None:
        own = methods.get(request.path)
        if own is None:
            return None
        if request.method == "OPTIONS":
            return Response(headers={"Allow": ", ".join(sorted(own))})
        if request.method not in own:
            raise MethodNotAllowed(sorted(own))
        return None
