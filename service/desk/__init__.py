"""The moderator's desk: pages that work without JavaScript, and better with it."""

from __future__ import annotations

from flask import Flask

from moderation.comment import from_ms
from moderation.store.desk import Desk
from service.context import Context
from service.desk import (
    access,
    admin,
    audit,
    base,
    keys,
    model,
    moderators,
    notices,
    queue,
    reasons,
    search,
    session,
    settings,
    sites,
    throttle,
    webhooks,
    words,
)

__all__ = [
    "access",
    "admin",
    "audit",
    "init_app",
    "keys",
    "model",
    "moderators",
    "notices",
    "queue",
    "search",
    "session",
    "settings",
    "sites",
    "webhooks",
]  # importing the views fills the blueprint


def init_app(app: Flask, context: Context) -> None:
    """Give *app* the desk under /desk, and a root that leads there."""
    app.config.update(
        SESSION_COOKIE_NAME="winnow",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=context.settings.url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,  # the API has keys; base.py protects the desk's own forms
    )
    app.extensions[base.DESK] = Desk(context.redis)
    throttle.init_app(app, context)
    base.csrf.init_app(app)
    words.init_app(app)
    app.add_template_filter(reasons.because, "because")
    app.add_template_global(reasons.likely, "likely")
    app.add_template_global(base.blog_link, "blog_link")
    app.add_template_filter(reasons.explained, "explained")
    app.add_template_filter(reasons.moved, "moved")
    app.add_template_filter(base.shown, "shown")
    app.add_template_filter(base.told, "told")
    app.add_template_filter(base.when, "when")
    app.add_template_filter(from_ms, "at")
    app.register_blueprint(base.bp)
    app.add_url_rule("/", "root", base.root)
