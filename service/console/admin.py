"""What came in, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request

from moderation.comment import from_ms
from moderation.insight import agrees
from service.console.base import bp, my_site, my_sites
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
