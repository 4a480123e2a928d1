"""The second factor: asked for at the sign-in, set up and taken off at one's own account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import segno
from flask import flash, redirect, session, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from moderation.actor import moderator
from moderation.errors import InvalidInput, NotFound
from moderation.factors import app_link, new_secret
from moderation.store.accounts.links import Purpose
from service.context import winnow
from service.desk import throttle
from service.desk.account import account_page, check_password
from service.desk.base import bp, desk, me, myself
from service.desk.pages import page
from service.desk.session import enter, safe, too_many
from service.desk.words import _, later


class CodeForm(FlaskForm):
    """A code of the app, or a recovery code."""

    code = StringField(later("Code"), [InputRequired(), Length(max=100)])


class AppForm(CodeForm):
    """The first code of an app, and the link that holds its secret."""

    token = HiddenField(validators=[InputRequired(), Length(max=100)])


class Confirmed(FlaskForm):
    """The password, so that a session alone changes nothing."""

    password = PasswordField(later("Current password"), [InputRequired(), Length(max=200)])


@bp.route("/sign-in/second", methods=["GET", "POST"])
def second() -> Any:
    """Ask a moderator who has given their password for a code, and begin a session."""
    form, context = CodeForm(), winnow()
    try:
        person, _link = context.follow_link(Purpose.SECOND, session.get("half", ""))
    except NotFound:
        session.pop("half", None)
        return redirect(url_for("desk.sign_in"))
    has = context.accounts.factors(person.name)
    if not form.validate_on_submit():
        return page("second.html", form=form, has=has)
    try:
        throttle.spend_code(person.name)
        context.check_code(person.name, form.code.data or "", by=moderator(person.name))
    except TooManyRequests as refused:
        return too_many(refused, "second.html", form=form, has=has)
    except NotFound:
        context.accounts.note_refused_sign_in(person.name, now_ms=context.clock.now_ms())
        detail = _("This code is wrong, too old, or was used.")
        return page("second.html", form=form, has=has, detail=detail), 401
    context.links.end(Purpose.SECOND, session.get("half", ""))
    throttle.forgive_codes(person.name)
    return enter(person, following=safe(session.get("next", "")))


@bp.post("/account/app")
def begin_app() -> Any:
    """Show the secret of a new app, which counts once a code of it was typed."""
    form = Confirmed()
    if not form.validate_on_submit():
        return account_page(form), 422
    if refused := check_password(form):
        return refused
    context, secret = winnow(), new_secret()
    sealed = context.vault.seal(secret, about=_about())
    token = context.make_link(Purpose.APP, me().name, says=sealed)
    return _app_page(AppForm(formdata=None, token=token), secret)


@bp.post("/account/app/confirm")
def confirm_app() -> Any:
    """Have the app's codes asked for from now on, and show recovery codes this once."""
    form, context = AppForm(), winnow()
    try:
        person, link = context.follow_link(Purpose.APP, form.token.data or "")
    except NotFound:
        person, link = None, None
    if person != me() or link is None:
        flash(_("This took too long. Begin again."), "problem")
        return redirect(url_for("desk.account"))
    secret = context.vault.unseal(link.says, about=_about())
    if not form.validate_on_submit():
        return _app_page(form, secret), 422
    try:
        throttle.spend_code(person.name)
        codes = context.add_app(person.name, secret, form.code.data or "", by=myself())
    except TooManyRequests as refused:
        return too_many(refused, "app.html", **_app(form, secret))
    except InvalidInput:
        form.code.errors = [_("That is not the code that the app shows now. Is its clock right?")]
        return _app_page(form, secret), 422
    context.links.end(Purpose.APP, form.token.data or "")
    end_other_sessions()
    return page("codes.html", codes=codes, begun=True)


@bp.post("/account/codes")
def renew_codes() -> Any:
    """Show new recovery codes this once; the ones before end."""
    form = Confirmed()
    if not form.validate_on_submit():
        return account_page(form), 422
    if refused := check_password(form):
        return refused
    return page("codes.html", codes=winnow().renew_codes(me().name, by=myself()))


@bp.post("/account/second/off")
def second_off() -> Any:
    """Let one's password be enough again."""
    form = Confirmed()
    if not form.validate_on_submit():
        return account_page(form), 422
    if refused := check_password(form):
        return refused
    winnow().take_off_factor(me().name, by=myself())
    flash(_("Your password is enough again."))
    return redirect(url_for("desk.account"))


def end_other_sessions() -> None:
    """End all sessions of the moderator except this one."""
    context, name = winnow(), me().name
    desk().end_others(name, context.accounts.session_epoch(name), session.get("token", ""))


def _app_page(form: AppForm, secret: str) -> str:
    return page("app.html", **_app(form, secret))


def _app(form: AppForm, secret: str) -> dict[str, Any]:
    """Return what the page shows on which an app learns its secret."""
    host = urlsplit(winnow().settings.url).hostname or ""
    link = app_link(secret, me().name, host)
    picture = segno.make(link, micro=False).svg_data_uri(scale=5, border=4, light="white")
    groups = [secret[n : n + 4] for n in range(0, len(secret), 4)]
    return {"form": form, "secret": " ".join(groups), "link": link, "picture": picture}


def _about() -> str:
    return f"app:{me().name}"
