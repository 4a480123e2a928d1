"""The overview: comments received and decided, by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from moderation.comment import Status, from_ms
from moderation.insight import machines_own, summary
from moderation.records import KeptDecision, Order
from service.context import winnow
from service.desk.base import asked_site, bp, my_sites
from service.desk.pages import page

#: Decisions that the summary of people and machine is counted from, and those that are shown.
LOOKED_AT, SHOWN = 1000, 20
DAYS, SHORTEST = 14, 7


@bp.get("/overview")
def overview() -> Any:
    """Show by day how many comments came in, and how many the machine and people decided."""
    context, site, sites = winnow(), asked_site(), my_sites()
    comments = context.comments
    today = from_ms(context.clock.now_ms()).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    daily = comments.daily(site.id, [day.isoformat() for day in days])
    # The chart begins at the first comment, and has a week at least.
    first = next((n for n, day in enumerate(days) if daily[day.isoformat()]), len(days))
    days = days[min(first, len(days) - SHORTEST) :]
    counts = comments.counts(site.id)
    waiting = counts[Status.FLAGGED]
    oldest = comments.queue(site.id, order=Order.OLDEST, limit=1).items if waiting else ()
    decisions = comments.decisions(site.id, limit=LOOKED_AT)
    return page(
        "overview.html",
        site=site,
        sites=sites,
        days=[(day, daily[day.isoformat()]) for day in days],
        busy=any(daily.values()),
        most=max([1, *(judged(counts) for counts in daily.values())]),
        counts=counts,
        waiting=waiting,
        since=(oldest[0].updated_at or oldest[0].created_at) if oldest else None,
        summary=summary(decisions),
        own=machines_own,
        decisions=_as_published(
            [one for one in decisions if not one.undone and one.verdict][:SHOWN]
        ),
    )


def _as_published(decisions: Sequence[KeptDecision]) -> list[KeptDecision]:
    """Return *decisions* with the text that was approved, where a moderator had changed the author's."""
    changed = [one.comment_id for one in decisions if one.changed]
    now = {one.id: one.draft for one in winnow().comments.get_many(changed)} if changed else {}
    return [replace(one, draft=now.get(one.comment_id, one.draft)) for one in decisions]


def judged(counts: dict[str, int]) -> int:
    """Return the number of verdicts in a day's counts."""
    return sum(counts.get(action, 0) for action in ("allow", "flag", "reject"))
