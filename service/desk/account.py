"""One's own account: e-mail address, password, second factor."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from moderation.channels import Channel
from moderation.errors import InvalidInput, NotFound
from service.context import winnow
from service.desk import throttle
from service.desk.base import bp, me, myself
from service.desk.forms import say_beside
from service.desk.pages import page
from service.desk.session import too_many
from service.desk.words import _, later


class AddressForm(FlaskForm):
    """An e-mail address, and the password, so that a session alone changes nothing."""

    email = StringField(later("E-mail address"), [Length(max=254)])
    password = PasswordField(later("Current password"), [InputRequired(), Length(max=200)])


@bp.get("/account")
def account() -> Any:
    """Show one's own account."""
    return account_page()


@bp.post("/account/address")
def change_address() -> Any:
    """Send a confirmation link to a new address, used once confirmed; an empty one removes the address."""
    form, context, name = AddressForm(), winnow(), me().name
    if not form.validate_on_submit():
        return account_page(form), 422
    if refused := check_password(form):
        return refused
    address = (form.email.data or "").strip()
    try:
        if not address:
            context.set_address(name, "", by=myself())
            flash(_("Your e-mail address is forgotten."))
        elif not Channel.MAIL.can_send(context.settings):
            raise InvalidInput(_("this Winnow sends no e-mail, so that nobody can confirm it"))
        else:
            throttle.spend_letter(name)
            context.ask_address(name, address)
            flash(_("A link was sent to %(address)s. Open it to confirm.", address=address))
    except TooManyRequests as refused:
        return too_many(refused, "account.html", **_told(form))
    except InvalidInput as problem:
        say_beside(form, problem, "email")
        return account_page(form), 422
    return redirect(url_for("desk.account"))


@bp.post("/account/links/revoke")
def revoke_links() -> Any:
    """End every link in e-mails by which one decides."""
    context = winnow()
    context.accounts.revoke_links(me().name, by=myself(), now_ms=context.clock.now_ms())
    flash(_("The links in e-mails that you have got decide nothing any more."))
    return redirect(url_for("desk.account"))


def check_password(form: Any) -> Any:
    """Return None if the password in *form* is one's own, else the page that says it is wrong."""
    context, name = winnow(), me().name
    try:
        throttle.spend_password(name)
    except TooManyRequests as refused:
        return too_many(refused, "account.html", **_told(form))
    try:
        context.accounts.check_password(name, form.password.data or "")
    except NotFound:
        form.password.errors = [_("The current password is wrong.")]
        return account_page(form), 422
    return None


def account_page(form: FlaskForm | None = None) -> str:
    """Return the page of the account; *form* is the submitted form with its errors."""
    return page("account.html", **_told(form))


def _told(form: FlaskForm | None) -> dict[str, Any]:
    address = form if isinstance(form, AddressForm) else AddressForm(formdata=None)
    if address is not form:
        address.email.data = me().email
    return {
        "address": address,
        "has": winnow().accounts.factors(me().name),
        "refused": not isinstance(form, AddressForm) and getattr(form, "errors", {}),
        "can_send": Channel.MAIL.can_send(winnow().settings),
    }
