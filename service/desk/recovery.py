"""Getting in again without a password: a link by e-mail, an invitation, and confirming an address.

Opening a link changes nothing: mail scanners do so, too.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, session, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from moderation.channels import Channel
from moderation.errors import NotFound
from moderation.store.accounts.links import Purpose
from service.context import winnow
from service.desk import throttle
from service.desk.base import bp
from service.desk.pages import page
from service.desk.session import SHORTEST_PASSWORD, let_in, too_many
from service.desk.words import _, later

#: What makes a link where no e-mail is sent.
COMMAND = "./winnow moderator reset-link NAME"


class LostPassword(FlaskForm):
    """Who wants a new password."""

    who = StringField(later("Name or e-mail address"), [InputRequired(), Length(max=254)])


class FirstPassword(FlaskForm):
    """A password of one's own, twice."""

    new = PasswordField(later("New password"), [InputRequired(), Length(SHORTEST_PASSWORD, 200)])
    again = PasswordField(
        later("New password again"), [EqualTo("new", later("The two do not match."))]
    )


@bp.route("/lost-password", methods=["GET", "POST"])
def lost_password() -> Any:
    """Have a link sent by which a new password is chosen; say the same to everybody."""
    form, context = LostPassword(), winnow()
    if not Channel.MAIL.can_send(context.settings):
        return page("lost_password.html", form=None, command=COMMAND)
    if not form.validate_on_submit():
        return page("lost_password.html", form=form)
    who = form.who.data or ""
    try:
        throttle.spend_reset(who)
    except TooManyRequests as refused:
        return too_many(refused, "lost_password.html", form=form)
    context.ask_reset(who)
    return page("lost_password.html", form=form, asked=True)


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> Any:
    """Let somebody choose another password by a link; they then sign in as usual."""
    form, context = FirstPassword(), winnow()
    try:
        person, _link = context.follow_link(Purpose.RESET, token)
        if not form.validate_on_submit():
            return page("reset.html", form=form, name=person.name)
        context.choose_password(Purpose.RESET, token, form.new.data or "")
    except NotFound:
        return _ended(_("This link was used, or is too old. Ask for another."))
    session.clear()
    flash(_("Your password is changed, and every session was signed out. Sign in with it."))
    return redirect(url_for("desk.sign_in"))


@bp.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> Any:
    """Let an invited moderator choose a password, and let them in."""
    form, context = FirstPassword(), winnow()
    try:
        person, _link = context.follow_link(Purpose.INVITATION, token)
        if not form.validate_on_submit():
            return page("invitation.html", form=form, name=person.name)
        person = context.choose_password(Purpose.INVITATION, token, form.new.data or "")
    except NotFound:
        return _ended(_("This invitation was used, or is too old. Ask for another."))
    return let_in(person, following=url_for("desk.queue"))


@bp.route("/address/<token>", methods=["GET", "POST"])
def address(token: str) -> Any:
    """Ask for one press by which an address becomes its owner's."""
    form, context = FlaskForm(), winnow()
    try:
        person, link = context.follow_link(Purpose.ADDRESS, token)
        if not form.validate_on_submit():
            return page("address.html", name=person.name, address=link.says)
        context.confirm_address(token)
    except NotFound:
        return _ended(_("This link was used, or is too old. Ask for another."))
    return page("address.html", name=person.name, address=link.says, confirmed=True)


def _ended(detail: str) -> Any:
    return page("problem.html", title=_("Not found"), detail=detail, here=True), 404
