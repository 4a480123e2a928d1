"""Overview, a site's settings with what-if, webhooks, the model, and the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from flask import flash, redirect, request, url_for

from moderation.comment import Comment, from_ms
from moderation.errors import InvalidInput
from moderation.insight import what_if
from moderation.lists import WordList
from moderation.policy import Mode, Policy, Thresholds
from moderation.scores import Label
from moderation.site import Site
from moderation.store.deliveries import State
from service.console.base import administrator, bp, me, my_site, my_sites
from service.console.pages import page
from service.context import winnow

#: Past comments that a what-if looks at.
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
    agreed = sum(_agrees(one.verdict.action, one.decision) for one in kept if one.verdict)
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


@bp.route("/sites/<site_id>/settings", methods=["GET", "POST"])
def settings(site_id: str) -> Any:
    """Show and change a site's policy; `try` says what a change would do before it is saved."""
    administrator()
    site, context = my_site(site_id), winnow()
    policy, outlook = site.policy, None
    defaults = _defaults()
    if request.method == "POST":
        policy = _policy(site.policy)
        if request.form.get("act") == "save":
            context.accounts.save_site(
                replace(site, policy=policy), by=me().name, now_ms=context.clock.now_ms()
            )
            flash("The policy is saved; comments from now on are judged by it.")
            return redirect(url_for("desk.settings", site_id=site.id))
        outlook = what_if(_past(site), site.policy, policy, defaults)
    return page(
        "settings.html",
        site=site,
        policy=policy,
        outlook=outlook,
        defaults=defaults,
        labels=list(Label),
        modes=list(Mode),
        keys=context.accounts.keys(site.id),
        audit=[one for one in context.accounts.audit(limit=500) if one.subject == site.id][:20],
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


@bp.get("/model")
def model() -> Any:
    """Show the model: its version, its measurements, and where people disagreed with it most."""
    context = winnow()
    card = getattr(context.model, "card", {}) if context.model else {}
    wrong = [
        one
        for site in my_sites()
        for one in context.comments.decisions(site.id, limit=500)
        if not one.undone and one.verdict and not _agrees(one.verdict.action, one.decision)
    ]
    wrong.sort(key=lambda one: -max((one.scores.labels if one.scores else {"": 0}).values()))
    version = context.model.version if context.model else "none"
    return page("model.html", version=version, card=card, wrong=wrong[:20])


@bp.get("/audit")
def audit() -> Any:
    """Show who changed what, and who signed in."""
    administrator()
    return page("audit.html", lines=winnow().accounts.audit(limit=200), from_ms=from_ms)


def _agrees(action: str, decision: str) -> bool:
    """Tell whether the machine leaned the way the person went; a flag leans to neither."""
    return action == "flag" or (action == "allow") == (decision == "approve")


def _defaults() -> Thresholds:
    model = winnow().model
    if model is None:
        return Thresholds({}, {})
    return Thresholds(model.thresholds["flag"], model.thresholds["reject"])


def _past(site: Site) -> list[Comment]:
    comments, cursor = winnow().comments, None
    found: list[Comment] = []
    while len(found) < LOOKED_AT:
        some = comments.recent(site.id, cursor=cursor, limit=200)
        found += some.items
        cursor = some.next
        if cursor is None:
            break
    return list(islice(found, LOOKED_AT))


def _policy(old: Policy) -> Policy:
    """Return the policy that the form describes. Raises InvalidInput that names the field."""
    form = request.form
    words = tuple(line.strip() for line in form.get("blocked_words", "").splitlines())
    WordList(words)
    flag: dict[str, float] = {}
    reject: dict[str, float] = {}
    for label in Label:
        for bars, name in ((flag, f"flag_{label}"), (reject, f"reject_{label}")):
            text = form.get(name, "").strip()
            if text:
                bars[str(label)] = _share(text, name)
    return replace(
        old,
        mode=Mode(form.get("mode", old.mode)) if form.get("mode") in set(Mode) else old.mode,
        flag_at=flag,
        reject_at=reject,
        blocked_words=tuple(filter(None, words)),
        blocked_domains=tuple(form.get("blocked_domains", "").split()),
        hold_first_comment="hold_first_comment" in form,
        hold_unknown_language="hold_unknown_language" in form,
        hold_links_over=_number(form.get("hold_links_over", "")),
        hold_near_duplicates=_number(form.get("hold_near_duplicates", "")),
    )


def _share(text: str, name: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 101:
        raise InvalidInput(f"{name} is a percentage of 0 to 100 (101: never)", field=name)
    return percent / 100


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
