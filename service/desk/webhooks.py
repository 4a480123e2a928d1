"""A site's webhooks: endpoints, deliveries and their results, and redelivery."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from moderation import values
from moderation.delivery import Delivery, DeliveryState
from moderation.endpoint import Endpoint, EndpointKind
from moderation.errors import InvalidInput
from moderation.events import SUBSCRIBABLE, EventType
from moderation.site import MAX_DAYS, Site
from service.context import winnow
from service.desk.base import (
    administrator,
    bp,
    changed_meanwhile,
    digest_of,
    my_site,
    my_sites,
    myself,
)
from service.desk.pages import page
from service.desk.words import _, later, ngettext

KINDS = {
    EndpointKind.WEBHOOK: later("Webhook, signed after Standard Webhooks"),
    EndpointKind.AKISMET: later("WordPress’s Akismet plugin: its /wp-json/akismet/v1/webhook"),
}


class EndpointForm(FlaskForm):
    """The form of an endpoint: URL, events and options."""

    url = StringField(later("Address"), [InputRequired(), Length(max=2000)])
    description = StringField(later("What it is for"), [Length(max=200)])
    events = SelectMultipleField(
        later("Tell when a comment was"),
        [InputRequired(later("Choose at least one."))],
        choices=[SelectChoice(event.value, later(event.label)) for event in SUBSCRIBABLE],
        default=[EventType.APPROVED.value],
    )
    kind = RadioField(
        later("Kind"),
        choices=[SelectChoice(kind.value, label) for kind, label in KINDS.items()],
        default=EndpointKind.WEBHOOK.value,
    )
    enabled = BooleanField(later("Enabled"), default=True)
    full_payload = BooleanField(later("Send the comment’s text and author’s name"), default=True)
    allow_private = BooleanField(later("May lie in this machine or its private network"))
    #: Digest of the endpoint that the form was rendered from: a save is refused if it changed since.
    seen = HiddenField()


@bp.get("/sites/<site_id>/webhooks")
def webhooks(site_id: str) -> Any:
    """Show a site's endpoints, and its latest deliveries or those of the filter, with their results."""
    administrator()
    site, context = my_site(site_id), winnow()
    endpoints = context.accounts.endpoints(site.id)
    word, comment_id = request.args.get("state", ""), request.args.get("comment", "").strip()
    state = DeliveryState(word) if word in set(DeliveryState) else None
    return page(
        "webhooks.html",
        site=site,
        sites=my_sites(),
        endpoints=[
            (
                endpoint,
                context.deliveries.log(
                    endpoint, state=state, comment_id=comment_id or None, limit=20
                ),
                context.deliveries.failing_since(site.id, endpoint.id),
                context.deliveries.waiting(endpoint),
            )
            for endpoint in endpoints
        ],
        states=list(DeliveryState),
        came_of=came_of,
        state=state,
        comment_id=comment_id,
    )


def came_of(delivery: Delivery) -> str:
    """Return the result of a delivery as one sentence."""
    tries = len(delivery.attempts)
    last = delivery.attempts[-1] if tries else {}
    answer = str(last.get("error") or last.get("status") or "")
    match delivery.state:
        case DeliveryState.DELIVERED:
            return ngettext(
                "delivered at the first attempt.", "delivered at attempt %(n)s.", tries, n=tries
            )
        case DeliveryState.FAILED:
            return ngettext(
                "given up after %(n)s attempt: %(answer)s.",
                "given up after %(n)s attempts: %(answer)s.",
                tries, n=tries, answer=answer,
            )  # fmt: skip
        case DeliveryState.DROPPED:
            return _("dropped: the endpoint was removed or disabled before it was delivered.")
        case _ if tries:
            return ngettext(
                "failed %(n)s time, will be tried again: %(answer)s.",
                "failed %(n)s times, will be tried again: %(answer)s.",
                tries, n=tries, answer=answer,
            )  # fmt: skip
    return _("not tried yet.")


@bp.post("/endpoints/<endpoint_id>/redeliver-failed")
def redeliver_failed(endpoint_id: str) -> Any:
    """Send again all that failed within the last days."""
    administrator()
    context = winnow()
    endpoint, now = context.accounts.endpoint(endpoint_id), context.clock.now_ms()
    days = values.whole_or(1, request.form.get("days", ""), least=1, most=MAX_DAYS)
    count = context.deliveries.redeliver_failed(
        endpoint, since_ms=now - days * 86_400_000, now_ms=now
    )
    flash(_("%(number)s failed deliveries are due again.", number=count))
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


@bp.post("/endpoints/<endpoint_id>/redeliver")
def redeliver(endpoint_id: str) -> Any:
    """Send a delivery again."""
    administrator()
    context = winnow()
    endpoint = context.accounts.endpoint(endpoint_id)
    context.deliveries.redeliver(
        endpoint, request.form.get("event", "")[:64], now_ms=context.clock.now_ms()
    )
    flash(_("The delivery is due again."))
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


@bp.post("/endpoints/<endpoint_id>/test")
def test_endpoint(endpoint_id: str) -> Any:
    """Send a test event to an endpoint."""
    administrator()
    context = winnow()
    endpoint = context.accounts.endpoint(endpoint_id)
    context.deliveries.send_test(endpoint, now_ms=context.clock.now_ms())
    flash(_("A test event is on its way; reload to see the result."))
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


@bp.post("/endpoints/<endpoint_id>/enable")
def enable(endpoint_id: str) -> Any:
    """Send to a disabled endpoint again."""
    administrator()
    context = winnow()
    kept = context.accounts.endpoint(endpoint_id)
    context.change_endpoint(replace(kept, enabled=True), was=kept, by=myself(), admin=True)
    flash(_("The endpoint is enabled again; failed deliveries can be sent again below."))
    return redirect(url_for("desk.webhooks", site_id=kept.site_id))


@bp.route("/sites/<site_id>/endpoints", methods=["GET", "POST"])
def add_endpoint(site_id: str) -> Any:
    """Add an endpoint, whose signing secret is shown this once."""
    administrator()
    site, form, context = my_site(site_id), EndpointForm(), winnow()
    if not form.validate_on_submit():
        return _endpoint_page(site, form), 422 if form.errors else 200
    try:
        endpoint = context.add_endpoint(
            _described(form, Endpoint("", site.id, "")), by=myself(), admin=True
        )
    except InvalidInput as refused:
        form.url.errors = [str(refused)]
        return _endpoint_page(site, form), 422
    # Answered here and not after a redirect: it must pass through no cookie and no address.
    secret = endpoint.secrets[-1].value
    return _endpoint_page(site, EndpointForm(None, obj=endpoint), endpoint, secret=secret)


@bp.route("/endpoints/<endpoint_id>", methods=["GET", "POST"])
def endpoint(endpoint_id: str) -> Any:
    """Show and change an endpoint's URL and events."""
    administrator()
    context = winnow()
    kept = context.accounts.endpoint(endpoint_id)
    site = my_site(kept.site_id)
    form = EndpointForm(obj=kept)
    if not form.validate_on_submit():
        return _endpoint_page(site, form, kept), 422 if form.errors else 200
    if form.seen.data and form.seen.data != _digest(kept):
        look = _("Look at your values again, and save.")
        problem = f"{changed_meanwhile(kept.id, 'endpoint.save')} {look}"
        return _endpoint_page(site, form, kept, problem=problem), 409
    try:
        context.change_endpoint(_described(form, kept), was=kept, by=myself(), admin=True)
    except InvalidInput as refused:
        form.url.errors = [str(refused)]
        return _endpoint_page(site, form, kept), 422
    flash(_("Saved. It can be reverted on the audit page."))
    return redirect(url_for("desk.webhooks", site_id=site.id))


@bp.post("/endpoints/<endpoint_id>/rotate")
def rotate_secret(endpoint_id: str) -> Any:
    """Give an endpoint a new secret, shown this once; the old one signs beside it for a day."""
    administrator()
    context = winnow()
    kept = context.accounts.endpoint(endpoint_id)
    site = my_site(kept.site_id)
    secret = context.rotate_secret(kept.id, by=myself())
    return _endpoint_page(site, EndpointForm(None, obj=kept), kept, secret=secret)


@bp.post("/endpoints/<endpoint_id>/remove")
def remove_endpoint(endpoint_id: str) -> Any:
    """Send nothing more to an endpoint."""
    administrator()
    context = winnow()
    kept = context.accounts.endpoint(endpoint_id)
    site = my_site(kept.site_id)
    context.accounts.remove_endpoint(kept.id, by=myself(), now_ms=context.clock.now_ms())
    flash(_("The endpoint is removed; what was due to it is dropped."))
    return redirect(url_for("desk.webhooks", site_id=site.id))


def _endpoint_page(
    site: Site,
    form: EndpointForm,
    kept: Endpoint | None = None,
    *,
    secret: str = "",
    problem: str = "",
) -> str:
    if kept and not form.errors:
        form.seen.data = _digest(kept)
    return page(
        "endpoint.html",
        site=site,
        sites=my_sites(),
        form=form,
        endpoint=kept,
        secret=secret,
        problem=problem,
    )


def _digest(endpoint: Endpoint) -> str:
    stored = asdict(endpoint)
    # Fields that no form changes: the API sets secrets and headers, the deliverer failing_since.
    for name in ("secrets", "headers", "failing_since"):
        del stored[name]
    return digest_of(stored)


def _described(form: EndpointForm, old: Endpoint) -> Endpoint:
    return replace(
        old,
        url=(form.url.data or "").strip(),
        description=form.description.data or "",
        events=tuple(event for event in EventType if event in form.events.data),
        kind=EndpointKind(form.kind.data),
        enabled=form.enabled.data,
        full_payload=form.full_payload.data,
        allow_private=form.allow_private.data,
    )
