"""A moderator's own tally: what they decided, how fast, and whether others decide alike. Nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from moderation.agreement import Colleague
from moderation.comment import from_ms
from moderation.feedback import person_of
from service.context import winnow
from service.desk.base import bp, desk, me, my_sites, myself
from service.desk.pages import page

log = structlog.get_logger(__name__)

#: Days of the page's chart.
DAYS = 14


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """Decisions of today and of the last seven days, and the usual seconds for one if known."""

    today: int
    week: int
    median_seconds: float | None
    by_day: tuple[tuple[datetime, int], ...]


def own_tally() -> DeskFigures:
    """Return the signed-in moderator's recent decisions at the desk, by UTC day."""
    now = winnow().clock.now_ms()
    found = desk().tally(me().name, now_ms=now)
    days = [from_ms(now).astimezone(UTC) - timedelta(days=n) for n in reversed(range(DAYS))]
    counts = [(day, found.by_day.get(f"{day:%Y%m%d}", 0)) for day in days]
    week = f"{days[-7]:%Y%m%d}"
    return DeskFigures(counts[-1][1], found.since(week), found.median_seconds, tuple(counts))


@bp.get("/tally")
def tally() -> Any:
    """Show a moderator their own figures."""
    sites = my_sites()
    compared = [(site, mine) for site in sites if (mine := _among_colleagues(site.id))]
    return page("tally.html", sites=sites, own=own_tally(), compared=compared)


def _among_colleagues(site_id: str) -> Colleague | None:
    """Return how one's decisions on a site compare with others' on like comments; None if unknown."""
    try:
        found = winnow().colleagues(site_id)
    except Exception as problem:  # noqa: BLE001 - the page must work without it
        log.warning("not compared", site=site_id, problem=type(problem).__name__)
        return None
    mine = person_of(myself())
    return next((one for one in found if one.person == mine and one.compared), None)
