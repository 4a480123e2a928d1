"""Drop-in doors: other services' protocols, served from our own scorer, policy and store.

A door is a file here, named as its member of :class:`~moderation.site.Door`, with a blueprint ``bp``
of that name; the file says how its clients are answered when something fails
(:func:`~service.doors.failures.shape_failures`).
"""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint, Flask

from moderation.site import Door
from service.context import WebContext
from service.doors import base

#: The doors' blueprints. They alone are served under any Host name: clients put keys there.
DOORS: dict[str, Blueprint] = {door: import_module(f"{__name__}.{door}").bp for door in Door}


def init_app(app: Flask) -> None:
    """Give *app* the doors at their fixed paths."""
    for blueprint in DOORS.values():
        app.register_blueprint(blueprint)


def serve(app: Flask, context: WebContext) -> None:
    """Have the doors of *app* open to the keys of *context*."""
    base.serve(app, context)
