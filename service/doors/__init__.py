"""Drop-in doors: other services' protocols, served from our own scorer, policy and store."""

from __future__ import annotations

from flask import Flask

from service.context import Context
from service.doors import akismet, common, coral, openai, perspective

#: The doors' blueprints by name. They alone are served under any Host name: clients put keys there.
DOORS = {door.bp.name: door.bp for door in (akismet, perspective, openai, coral)}


def init_app(app: Flask, context: Context) -> None:
    """Give *app* the doors at their fixed paths."""
    common.init_app(app, context)
    for blueprint in DOORS.values():
        app.register_blueprint(blueprint)
