"""The moderator's desk: pages that work without JavaScript, and better with it.

A page is a module here with its views on ``base.bp``, and a template of the same name.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask

from moderation.comment import from_ms
from moderation.store.accounts.desk import Desk
from service.context import WebContext
from service.desk import base, reasons, throttle, words

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # whose views fill the blueprint


def init_app(app: Flask) -> None:
    """Give *app* the desk under /desk, and a root that leads there."""
    app.config.update(
        SESSION_COOKIE_NAME="winnow",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,  # the API has keys; base.py protects the desk's own forms
    )
    base.csrf.init_app(app)
    words.init_app(app)
    app.add_template_filter(reasons.because, "because")
    app.add_template_global(reasons.likely, "likely")
    app.add_template_global(base.blog_link, "blog_link")
    app.add_template_filter(reasons.explained, "explained")
    app.add_template_filter(reasons.moved, "moved")
    app.add_template_filter(base.cut, "cut")
    app.add_template_filter(base.shown, "shown")
    app.add_template_filter(base.in_words, "in_words")
    app.add_template_filter(base.when, "when")
    app.add_template_filter(from_ms, "at")
    app.register_error_handler(404, base.lost)
    app.register_error_handler(405, base.lost)
    app.register_blueprint(base.bp)
    app.add_url_rule("/", "root", base.root)


def serve(app: Flask, context: WebContext) -> None:
    """Have the desk of *app* know the sessions of *context*, and limit its sign-ins."""
    app.config["SESSION_COOKIE_SECURE"] = context.settings.url.startswith("https://")
    app.extensions[base.DESK] = Desk(context.redis)
    throttle.serve(app, context)
