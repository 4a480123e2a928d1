"""The native JSON API, version 1."""

from __future__ import annotations

from flask import Flask

from service.api import accounts, comments, documentation, history, learning
from service.api.base import CALLERS, LIMITER, api
from service.api.describe import Refused
from service.auth import Callers
from service.context import Context
from service.limits import Limiter

__all__ = [
    "accounts",
    "comments",
    "history",
    "init_app",
    "learning",
]  # importing the views fills the catalogue


def init_app(app: Flask, context: Context) -> None:
    """Give *app* the routes under /v1, their OpenAPI document and its readable form."""
    app.extensions[CALLERS] = Callers()
    app.extensions[LIMITER] = Limiter.of(context.settings.site_rate, context.redis)
    app.register_error_handler(Refused, lambda refused: refused.answer)
    app.register_blueprint(api.bp)
    documentation.init_app(app)
