"""Signing in and out."""

from __future__ import annotations

from typing import Any

import structlog
from flask import flash, redirect, request, session, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from moderation import values
from moderation.actor import moderator
from moderation.audit import AuditLine
from moderation.errors import NotFound
from moderation.moderators import Moderator
from moderation.store.accounts.links import Purpose
from service.context import winnow
from service.desk import throttle
from service.desk.base import bp, desk, me, myself
from service.desk.pages import page
from service.desk.words import _, language, later

log = structlog.get_logger(__name__)

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
    try:
        throttle.spend_sign_in(name)
    except TooManyRequests as refused:
        return too_many(refused, "sign_in.html", form=form)
    now = context.clock.now_ms()
    try:
        person = context.accounts.check_password(name, form.password.data or "")
    except NotFound:
        context.accounts.note_refused_sign_in(name, now_ms=now)
        return page("sign_in.html", form=form, detail=_("Wrong name or password.")), 401
    return let_in(person, following=safe(request.args.get("next", "")))


def let_in(person: Moderator, *, following: str) -> Response:
    """Begin a session of a moderator who chose or gave their password, or first ask for their second factor."""
    context = winnow()
    if not context.accounts.has_factors(person.name):
        return enter(person, following=following)
    session.clear()
    session["half"] = context.make_link(Purpose.SECOND, person.name)
    session["next"] = following
    return redirect(url_for("desk.second"))


def enter(person: Moderator, *, following: str) -> Response:
    """Begin a session of *person* and lead them on; whatever this browser had before ends."""
    context, now = winnow(), winnow().clock.now_ms()
    session.clear()
    session["token"] = _begun(person.name, context.accounts.session_epoch(person.name), now_ms=now)
    context.accounts.note(AuditLine(now, moderator(person.name), "sign-in", "desk"))
    if person.language != (spoken := language()):
        context.accounts.note_language(person.name, spoken)
    answer = redirect(following)
    throttle.remember(person.name, answer, now_ms=now)
    return answer


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
        throttle.spend_password(name)
    except TooManyRequests as refused:
        return too_many(refused, "password.html", form=form)
    try:
        context.accounts.check_password(name, form.old.data or "")
    except NotFound:
        return page("password.html", form=form, detail=_("The current password is wrong.")), 401
    context.accounts.set_password(name, form.new.data or "", by=myself(), now_ms=now)
    session["token"] = _begun(name, context.accounts.session_epoch(name), now_ms=now)
    flash(_("Your password is changed; other sessions were signed out."))
    answer = redirect(url_for("desk.queue"))
    throttle.remember(name, answer, now_ms=now)
    return answer


def _begun(name: str, epoch: int, *, now_ms: int) -> str:
    """Return the token of a new session, of which its owner will see from where it was begun."""
    browser = request.headers.get("User-Agent", "")
    return desk().begin(
        name, epoch, now_ms=now_ms, address=request.remote_addr or "", browser=browser
    )


def too_many(refused: TooManyRequests, template: str, **fields: Any) -> Any:
    """Return the page of a form again: it was sent too often."""
    wait = str(refused.retry_after)
    detail = _("Too many attempts. Try again in %(number)s seconds.", number=wait)
    return page(template, **fields, detail=detail), 429, {"Retry-After": wait}


def safe(target: str) -> str:
    """Return *target* if it is a page of the desk, else the queue's."""
    return values.page_within("/desk/", target) or url_for("desk.queue")
