"""A site's keys: listing, adding and revoking them."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectChoice, StringField
from wtforms.validators import Length, NumberRange, Optional

from moderation.credentials import KeyKind
from moderation.errors import NotFound
from moderation.site import MAX_DAYS, Site
from service.context import winnow
from service.desk.base import administrator, bp, my_site, my_sites, myself
from service.desk.pages import page
from service.desk.words import _, later

_DAY_MS = 86_400_000
KINDS = {
    KeyKind.API: later("API: for a blog that calls Winnow’s own API"),
    KeyKind.DOOR: later("Door: for WordPress and other clients of the drop-in doors"),
}


class KeyForm(FlaskForm):
    """A new key."""

    kind = RadioField(
        later("Kind"),
        choices=[SelectChoice(kind.value, label) for kind, label in KINDS.items()],
        default=KeyKind.API,
    )
    name = StringField(later("Name"), [Length(max=100)])
    days = IntegerField(later("Expires after, in days"), [Optional(), NumberRange(1, MAX_DAYS)])


@bp.route("/sites/<site_id>/keys", methods=["GET", "POST"])
def keys(site_id: str) -> Any:
    """Show a site's keys, and add one; the new key is shown this once."""
    administrator()
    site, form, context = my_site(site_id), KeyForm(), winnow()
    if not form.validate_on_submit():
        return _page(site, form), 422 if form.errors else 200
    now, days = context.clock.now_ms(), form.days.data
    key, text = context.accounts.add_key(
        site.id,
        KeyKind(form.kind.data),
        name=(form.name.data or "").strip(),
        expires_at=now + days * _DAY_MS if days else None,
        by=myself(),
        now_ms=now,
    )
    # Answered here and not after a redirect: the key must pass through no cookie and no address.
    return _page(site, KeyForm(formdata=None), made=key.id, text=text)


@bp.post("/sites/<site_id>/keys/revoke")
def revoke_key(site_id: str) -> Any:
    """Revoke a key of a site."""
    administrator()
    site, context = my_site(site_id), winnow()
    wanted = request.form.get("key", "")
    key = next((key for key in context.accounts.keys(site.id) if key.id == wanted), None)
    if key is None:
        raise NotFound(_("this site has no such key, or not any more"))
    context.accounts.revoke_key(key.id, by=myself(), now_ms=context.clock.now_ms())
    flash(_("The key %(hint)s is revoked: it is worthless within seconds.", hint=key.hint))
    return redirect(url_for("desk.keys", site_id=site.id))


def _page(site: Site, form: KeyForm, *, made: str = "", text: str = "") -> str:
    context = winnow()
    return page(
        "site_keys.html",
        site=site,
        sites=my_sites(),
        form=form,
        keys=context.accounts.keys(site.id),
        now=context.clock.now_ms(),
        made=made,
        text=text,
    )
