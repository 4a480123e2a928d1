"""Signing in and out."""

from __future__ import annotations

import hashlib
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from flask import current_app, flash, redirect, request, session, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from moderation.actor import Actor, ActorKind, moderator
from moderation.audit import AuditLine
from moderation.errors import NotFound
from service.context import winnow
from service.desk.base import bp, desk, me, myself
from service.desk.pages import page
from service.desk.words import _, later
from service.limits import Limiter

log = structlog.get_logger(__name__)

LIMITER = "winnow_sign_in_limiter"
SHORTEST_PASSWORD = 10


class SignIn(FlaskForm):
    """Name and password."""

    name = StringField(later("Name"), [InputRequired(), Length(max=100)])
    password = PasswordField(later("Password"), [InputRequired(), Length(max=200)])


class NewPassword(FlaskForm):
    """The old password, and the new one twice."""

    old = PasswordField(later("Current password"), [InputRequired(), Length(max=200)])
    new = PasswordField(later("New password"), [InputRequired(), Length(SHORTEST_PASSWORD, 200)])
    again = PasswordField(
        later("New password again"), [EqualTo("new", later("The two do not match."))]
    )


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    """Ask for name and password, and begin a session."""
    form = SignIn()
    if not form.validate_on_submit():
        return page("sign_in.html", form=form)
    context, name = winnow(), form.name.data or ""
    limiter = cast(Limiter, current_app.extensions[LIMITER])
    try:
        limiter.spend(f"address:{request.remote_addr}")
        limiter.spend(f"name:{hashlib.sha256(name.casefold().encode()).hexdigest()[:32]}")
    except TooManyRequests as refused:
        wait = str(refused.retry_after)
        detail = _("Too many attempts. Try again in %(number)s seconds.", number=wait)
        return page("sign_in.html", form=form, detail=detail), 429, {"Retry-After": wait}
    now = context.clock.now_ms()
    try:
        person = context.accounts.check_password(name, form.password.data or "")
    except NotFound:
        stranger = Actor(ActorKind.STRANGER, name[:100])
        context.accounts.note(AuditLine(now, stranger, "sign-in.refused", "desk"))
        return page("sign_in.html", form=form, detail=_("Wrong name or password.")), 401
    epoch = context.accounts.session_epoch(person.name)
    session.clear()
    session["token"] = desk().begin(person.name, epoch, now_ms=now)
    context.accounts.note(AuditLine(now, moderator(person.name), "sign-in", "desk"))
    return redirect(_safe(request.args.get("next", "")))


@bp.post("/sign-out")
def sign_out() -> Response:
    """End this session."""
    desk().end(session.get("token", ""))
    session.clear()
    return redirect(url_for("desk.sign_in"))


@bp.route("/password", methods=["GET", "POST"])
def password() -> Any:
    """Change one's own password; every session ends, and a new one begins here."""
    form, context = NewPassword(), winnow()
    if not form.validate_on_submit():
        return page("password.html", form=form)
    name, now = me().name, context.clock.now_ms()
    try:
        context.accounts.check_password(name, form.old.data or "")
    except NotFound:
        return page("password.html", form=form, detail=_("The current password is wrong.")), 401
    context.accounts.set_password(name, form.new.data or "", by=myself(), now_ms=now)
    session["token"] = desk().begin(name, context.accounts.session_epoch(name), now_ms=now)
    flash(_("Your password is changed; other sessions were signed out."))
    return redirect(url_for("desk.queue"))


def _safe(target: str) -> str:
    """Return *target* if it is a page of the desk; an open redirect helps phishers."""
    parts = urlsplit(target)
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/desk/")
    return target if inside and "\\" not in target else url_for("desk.queue")
