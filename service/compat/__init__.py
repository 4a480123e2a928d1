"""Drop-in doors: other services' protocols, served from our own scorer, policy and store."""

from __future__ import annotations

from flask import Flask

from service.compat import akismet, common, coral, openai, perspective
from service.context import Context


def init_app(app: Flask, context: Context) -> None:
    """Give *app* the doors at their fixed paths."""
    common.init_app(app, context)
    for door in (akismet, perspective, openai, coral):
        app.register_blueprint(door.bp)
