"""Akismet's statistics of a site, from its daily counters."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from moderation.comment import Decision, from_ms
from moderation.site import Site
from moderation.verdict import Action
from service.context import winnow

MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")
#: Days are kept a little longer than this.
_MOST_DAYS = 366
_SINCE = {"60-days": 60, "6-months": 183}
_COUNTED = ("spam", "ham", "missed_spam", "false_positives")
_COLUMNS = "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked"
#: Seconds that a person takes to look at one spam, for "time saved".
_SECONDS_A_SPAM = 5
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class SiteListing:
    """The answer to key-sites: the one site of a key, if any, in a month."""

    month: str
    site: Site | None
    wanted: str = ""
    limit: int = 500
    offset: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as JSON says it: numbers as strings, as Akismet's sample has them."""
        lines = self._lines()
        shown = lines[self.offset : self.offset + self.limit]
        return {self.month: shown, "limit": self.limit, "offset": self.offset, "total": len(lines)}

    def as_csv(self, key: str) -> str:
        """Return the answer as CSV, with *key* in its first line."""
        listing = self.as_dict()
        head = (
            f"Active sites for {key} during {self.month} "
            f"(limit:{self.limit}, offset: {self.offset}, total: {listing['total']})"
        )
        rows = [",".join(map(_cell, line.values())) for line in listing[self.month]]
        return "\n".join([head, _COLUMNS, *rows])

    def _lines(self) -> list[dict[str, Any]]:
        if self.site is None:
            return []
        name = urlsplit(self.site.url).hostname or self.site.name
        if self.wanted not in name:
            return []
        first = date.fromisoformat(f"{self.month}-01")
        total = _total(_days(self.site, first, (first + timedelta(days=31)).replace(day=1)))
        counts = {key: str(total[key]) for key in ("api_calls", *_COUNTED)}
        return [{"site": name, **counts, "is_revoked": False}]


def since(asked: str, site: Site) -> dict[str, Any]:
    """Return what get-stats answers for `60-days`, `6-months`, `year` or `all` (a year is kept)."""
    after = _today() + timedelta(days=1)
    months: dict[str, dict[str, Counter[str]]] = {}
    for day, counts in _days(site, after - timedelta(_SINCE.get(asked, _MOST_DAYS)), after).items():
        months.setdefault(day[:7], {})[day] = counts
    totals = {month: _total(days) for month, days in months.items()}
    total = _total(totals)
    wrong, checked = total["missed_spam"] + total["false_positives"], total["spam"] + total["ham"]
    return {
        **{name: total[name] for name in _COUNTED},
        "accuracy": round(100 * max(0.0, 1 - wrong / checked), 2) if checked else 0.0,
        "time_saved": total["spam"] * _SECONDS_A_SPAM,
        "breakdown": {
            month: {**{name: counts[name] for name in _COUNTED}, "blogs": 1, "da": f"{month}-01"}
            for month, counts in totals.items()
            if counts.total()
        },
    }


def used_this_month(site: Site) -> int:
    """Return how many comments a site had checked since the month began."""
    today = _today()
    return _total(_days(site, today.replace(day=1), today + timedelta(days=1)))["api_calls"]


def this_month() -> str:
    """Return the month of now, YYYY-MM."""
    return month_of(winnow().clock.now_ms())


def month_of(now_ms: int) -> str:
    """Return the UTC month of a time, YYYY-MM."""
    return f"{from_ms(now_ms):%Y-%m}"


def _today() -> date:
    return from_ms(winnow().clock.now_ms()).date()


def _days(site: Site, first: date, after: date) -> dict[str, Counter[str]]:
    """Return a site's comments by outcome on each day before *after*, in Akismet's words."""
    days = [str(first + timedelta(days=n)) for n in range((after - first).days)]
    return {
        day: Counter(
            {
                "api_calls": listing.get("accepted", 0),
                "spam": listing.get(Action.REJECT, 0) + listing.get(Action.FLAG, 0),
                "ham": listing.get(Action.ALLOW, 0),
                "missed_spam": listing.get(f"decided:{Decision.SPAM}", 0),
                "false_positives": listing.get(f"decided:{Decision.APPROVE}", 0),
            }
        )
        for day, listing in winnow().comments.daily(site.id, days).items()
    }


def _total(counted: dict[str, Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in counted.values():
        total.update(counts)
    return total


def _cell(value: object) -> str:
    """Return a cell of a CSV that no spreadsheet takes for a formula."""
    text = str(value).replace('"', '""')
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return f'"{text}"' if any(sign in text for sign in ',"\n') else text
