"""Sessions, private feeds and administrators' tokens: what exists, and ending each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, session, url_for

from moderation.audit import AuditLine
from moderation.errors import NotFound
from moderation.moderators import Moderator, Role
from moderation.store.accounts.desk import Session, session_id
from service.context import winnow
from service.desk.base import administrator, bp, desk, me, my_sites, myself
from service.desk.pages import page
from service.desk.words import _


@dataclass(frozen=True)
class Open:
    """One moderator's sessions and private feed."""

    person: Moderator
    sessions: list[Session]
    has_feed: bool


@bp.get("/access")
def access() -> Any:
    """Show one's own sessions and feed; show an admin those of all moderators, and the API tokens."""
    chief = me().role is Role.ADMIN
    others = [one for one in winnow().accounts.moderators() if one.name != me().name]
    return page(
        "access.html",
        sites=my_sites(),
        mine=_open(me()),
        others=[_open(one) for one in others] if chief else [],
        tokens=winnow().accounts.tokens() if chief else [],
        here=session_id(session.get("token", "")),
    )


@bp.post("/access/session")
def end_session() -> Any:
    """End one session."""
    person = _person()
    desk().end_session(person.name, request.form.get("id", ""))
    _note("session.end", person.name)
    flash(_("The session has ended."))
    return redirect(url_for("desk.access"))


@bp.post("/access/feed")
def end_feed() -> Any:
    """Revoke the address of a private feed."""
    person = _person()
    winnow().notices.close_feed(person.name)
    _note("feed.end", person.name)
    flash(_("The feed’s address no longer works."))
    return redirect(url_for("desk.access"))


@bp.post("/access/token")
def end_token() -> Any:
    """Revoke an administrator's token."""
    administrator()
    context = winnow()
    context.accounts.revoke_token(
        request.form.get("id", ""), by=myself(), now_ms=context.clock.now_ms()
    )
    flash(_("The token is revoked: it is worthless within seconds."))
    return redirect(url_for("desk.access"))


def _open(person: Moderator) -> Open:
    context = winnow()
    epoch = context.accounts.session_epoch(person.name)
    has_feed = context.notices.has_feed(person.name)
    return Open(person, desk().sessions(person.name, epoch), has_feed)


def _person() -> Moderator:
    """Return whose session or feed the form is about: one's own, or for an admin anybody's."""
    name = request.form.get("name", "")
    if name == me().name:
        return me()
    if me().role is not Role.ADMIN:
        abort(403)
    person = next((one for one in winnow().accounts.moderators() if one.name == name), None)
    if person is None:
        raise NotFound(_("there is no moderator %(name)s", name=repr(name[:100])))
    return person


def _note(action: str, name: str) -> None:
    context = winnow()
    context.accounts.note(AuditLine(context.clock.now_ms(), myself(), action, name))
