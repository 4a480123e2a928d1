"""Overview and webhooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for

from moderation.comment import from_ms
from moderation.insight import agrees
from moderation.store.deliveries import State
from service.console.base import administrator, bp, me, my_site, my_sites
from service.console.pages import page
from service.context import winnow

#: Decisions that the agreement of people and machine is counted from.
LOOKED_AT = 1000
DAYS = 14


@bp.get("/overview")
def overview() -> Any:
    """Show what came in, what was decided by machine and by people, day by day."""
    context, sites = winnow(), my_sites()
    site = my_site(request.args["site"]) if request.args.get("site") else sites[0]
    today = from_ms(context.clock.now_ms()).date()
    days = [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(DAYS))]
    daily = context.comments.daily(site.id, days)
    decisions = context.comments.decisions(site.id, limit=LOOKED_AT)
    kept = [one for one in decisions if not one.undone and one.verdict is not None]
    agreed = sum(agrees(one.verdict.action, one.decision) for one in kept if one.verdict)
    return page(
        "overview.html",
        site=site,
        sites=sites,
        days=[(day, daily[day]) for day in days],
        most=max([1, *(counts.get("accepted", 0) for counts in daily.values())]),
        counts=context.comments.counts(site.id),
        decided=len(kept),
        agreed=agreed,
        decisions=kept[:20],
    )


@bp.get("/sites/<site_id>/webhooks")
def webhooks(site_id: str) -> Any:
    """Show a site's endpoints and what came of the latest deliveries, or of those asked for."""
    administrator()
    site, context = my_site(site_id), winnow()
    endpoints = context.accounts.endpoints(site.id)
    word, comment_id = request.args.get("state", ""), request.args.get("comment", "").strip()
    state = State(word) if word in set(State) else None
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
        from_ms=from_ms,
        states=list(State),
        state=state,
        comment_id=comment_id,
    )


@bp.post("/endpoints/<endpoint_id>/redeliver-failed")
def redeliver_failed(endpoint_id: str) -> Any:
    """Send again all that failed within the last days."""
    administrator()
    context = winnow()
    endpoint, now = context.accounts.endpoint(endpoint_id), context.clock.now_ms()
    days = _number(request.form.get("days", "")) or 1
    count = context.deliveries.redeliver_failed(
        endpoint, since_ms=now - days * 86_400_000, now_ms=now
    )
    flash(f"{count} failed deliveries are due again.")
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
    flash("The delivery is due again.")
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


@bp.post("/endpoints/<endpoint_id>/test")
def test_endpoint(endpoint_id: str) -> Any:
    """Send a test event to an endpoint."""
    administrator()
    context = winnow()
    endpoint = context.accounts.endpoint(endpoint_id)
    context.deliveries.send_test(endpoint, now_ms=context.clock.now_ms())
    flash("A test event is on its way; reload to see what came of it.")
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


@bp.post("/endpoints/<endpoint_id>/enable")
def enable(endpoint_id: str) -> Any:
    """Send to a disabled endpoint again."""
    administrator()
    context = winnow()
    endpoint = replace(
        context.accounts.endpoint(endpoint_id), enabled=True, disabled_reason="", failing_since=None
    )
    context.accounts.save_endpoint(endpoint, by=me().name, now_ms=context.clock.now_ms())
    flash("The endpoint is enabled again; failed deliveries can be sent again below.")
    return redirect(url_for("desk.webhooks", site_id=endpoint.site_id))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
