"""Moderators: their names, roles and sites, invitations and new passwords."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectChoice, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from moderation.channels import Channel
from moderation.errors import Conflict, InvalidInput
from moderation.moderators import ALL_SITES, Moderator, Role
from moderation.store.accounts import fold
from moderation.store.accounts.links import Purpose
from service.context import winnow
from service.desk.base import (
    administrator,
    bp,
    changed_meanwhile,
    digest_of,
    me,
    my_sites,
    myself,
)
from service.desk.pages import page
from service.desk.words import _, later

#: Moderators times sites from which on one form at a time is on the page, which has one box a site.
MOST_AT_ONCE = 200
ROLES = {
    Role.MODERATOR: later("Moderator: decides on the comments of their sites"),
    Role.ADMIN: later("Admin: sees every site and administers all of them"),
}


class ModeratorForm(FlaskForm):
    """The form of a moderator's role and sites."""

    role = RadioField(
        later("Role"),
        choices=[SelectChoice(role.value, label) for role, label in ROLES.items()],
        default=Role.MODERATOR,
    )
    sites = SelectMultipleField(later("Sites"), choices=[])
    disabled = BooleanField(later("Disabled: may not sign in"))


class NewModeratorForm(ModeratorForm):
    """The form of a new moderator."""

    name = StringField(later("Name"), [InputRequired(), Length(max=100)])
    email = StringField(later("E-mail address"), [Length(max=254)])


@bp.route("/moderators", methods=["GET", "POST"])
def moderators() -> Any:
    """Show the moderators, and add one; the new password is shown this once."""
    administrator()
    form, context = _with_sites(NewModeratorForm()), winnow()
    if not form.validate_on_submit():
        return _page(form), 422 if form.errors else 200
    try:
        made, password = context.add_moderator(
            form.name.data or "",
            role=Role(form.role.data),
            sites=form.sites.data or (),
            email=(form.email.data or "").strip(),
            by=myself(),
        )
    except (Conflict, InvalidInput) as refused:
        wrong = form.email if getattr(refused, "field", None) == Channel.MAIL else form.name
        wrong.errors = [str(refused)]
        return _page(form), 422
    _send_invitation(made)
    return _page(_with_sites(NewModeratorForm(formdata=None)), made=made.name, password=password)


@bp.post("/moderators/save")
def save_moderator() -> Any:
    """Change a moderator's role and sites, or whether they may sign in."""
    administrator()
    context, form = winnow(), _with_sites(ModeratorForm())
    person = _named()
    if request.form.get("seen", seen(person)) != seen(person):
        raise Conflict(changed_meanwhile(person.name, "moderator.save"))
    if not form.validate():
        raise InvalidInput(_("choose a role and sites from those that there are"))
    changed = replace(
        person,
        role=Role(form.role.data),
        sites=tuple(form.sites.data or ()),
        disabled=form.disabled.data,
    )
    if person.name == me().name and (changed.role, changed.disabled) != (person.role, False):
        raise Conflict(_("you cannot take your own rights away; ask another administrator to"))
    context.accounts.save_moderator(changed, was=person, by=myself(), now_ms=context.clock.now_ms())
    flash(_("Saved: %(name)s.", name=person.name))
    return redirect(url_for("desk.moderators"))


@bp.post("/moderators/reset")
def reset_password() -> Any:
    """Give a moderator a new password, shown this once."""
    administrator()
    context, person = winnow(), _named()
    if person.name == me().name:
        return redirect(url_for("desk.password"))
    password = context.reset_password(person.name, by=myself())
    _send_invitation(person)
    # Answered here and not after a redirect: it must pass through no cookie and no address.
    form = _with_sites(NewModeratorForm(formdata=None))
    return _page(form, made=person.name, password=password)


@bp.post("/moderators/address")
def moderator_address() -> Any:
    """Say where links for a new password are sent to a moderator."""
    administrator()
    person = _named()
    winnow().set_address(person.name, request.form.get("email", "").strip(), by=myself())
    flash(_("Saved: %(name)s.", name=person.name))
    return redirect(url_for("desk.moderators"))


@bp.post("/moderators/second-off")
def moderator_second_off() -> Any:
    """Remove a moderator's second factor, so that the password alone signs in."""
    administrator()
    person = _named()
    winnow().take_off_factor(person.name, by=myself())
    flash(_("%(name)s signs in by the password alone again.", name=person.name))
    return redirect(url_for("desk.moderators"))


def _send_invitation(person: Moderator) -> None:
    """Send somebody who has an address their invitation, where this Winnow sends e-mail."""
    if person.email and Channel.MAIL.can_send(winnow().settings):
        winnow().invite(person.name)
        flash(_("The invitation was sent to %(address)s, too.", address=person.email))


def seen(person: Moderator) -> str:
    """Return a digest of a moderator's rights that changes when they change."""
    return digest_of({"role": person.role, "sites": person.sites, "disabled": person.disabled})


def _named() -> Moderator:
    return winnow().accounts.moderator(request.form.get("name", ""))


def _invitation(name: str) -> str:
    """Return a link by which *name* chooses a password: valid once, for three days."""
    context = winnow()
    token = context.make_link(Purpose.INVITATION, name)
    return f"{context.settings.url}{url_for('desk.invitation', token=token)}"


def _with_sites(form: Any) -> Any:
    every = SelectChoice(ALL_SITES, _("all sites, also those to come"))
    form.sites.choices = [every, *(SelectChoice(site.id, site.name) for site in my_sites())]
    return form


def _page(form: NewModeratorForm, *, made: str = "", password: str = "") -> str:
    sites = my_sites()
    return page(
        "moderators.html",
        site=sites[0] if sites else None,
        sites=sites,
        form=form,
        roles=ROLES,
        moderators=sorted(
            winnow().accounts.moderators(),
            key=lambda person: (person.name != made, -person.created_at),
        ),
        all_sites=ALL_SITES,
        most_at_once=MOST_AT_ONCE,
        changing=request.args.get("change", ""),
        secured=winnow().accounts.with_factors(),
        fold=fold,
        made=made,
        password=password,
        invitation=_invitation(made) if password else "",
        seen=seen,
    )
