"""Search of all comments of a site: by status, text and author."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from moderation import values
from moderation.comment import Status, to_ms
from moderation.errors import InvalidInput
from moderation.insight import unmarked
from moderation.search import LIVING, Query, query
from service.context import winnow
from service.desk.base import asked_site, bp, my_sites
from service.desk.pages import page

PAGE = 30
#: The tabs, in the order of the page.
TABS = (Status.FLAGGED, Status.APPROVED, Status.REJECTED, Status.SPAM, Status.PENDING)


@bp.get("/comments")
def recent() -> Any:
    """Show the comments of a site that match the search, the latest first."""
    site, context = asked_site(), winnow()
    cursor = request.args.get("cursor") or None
    sought, problem = _sought()
    if sought or sought.statuses != LIVING or sought.before is not None:
        found = context.comments.search(
            site.id, sought, now_ms=context.clock.now_ms(), cursor=cursor, limit=PAGE
        )
        comments, following, behind = found.items, found.next, found.behind
    else:
        newest = context.comments.recent(site.id, cursor=cursor, limit=PAGE)
        comments, following, behind = newest.items, newest.next, 0
    counts, about = _counts(site.id, sought)
    given = {name: request.args.get(name, "") for name in ("q", "author", "post", "before")}
    asked = {name: value for name, value in given.items() if value}
    return page(
        "recent.html",
        site=site,
        sites=my_sites(),
        comments=list(map(unmarked, comments)),
        next=following,
        behind=behind,
        counts=counts,
        total=sum(counts[status] for status in TABS) if counts else None,
        about=about,
        tabs=TABS,
        status=request.args.get("status", ""),
        asked=asked,
        problem=problem,
        page_size=PAGE,
    )


def _counts(site_id: str, sought: Query) -> tuple[Mapping[str, int], str]:
    """Return how many comments each tab has, and the sign before the numbers of a search.

    Those come from the index: "≈", or "≥" where it was not read to its end. Nothing for what is found
    without the index, nor for many comments that only their text could decide.
    """
    context = winnow()
    if not sought and sought.before is None:
        return context.comments.counts(site_id), ""
    if (
        sought.before is not None
        or sought.id
        or not (sought.entries() or sought.networks or sought.by_author)
    ):
        return {}, ""
    found = context.comments.tally(site_id, sought, now_ms=context.clock.now_ms())
    if not (found.whole or found.sure):
        return {}, ""
    return {
        str(status): number for status, number in found.counts.items()
    }, "≈" if found.whole else "≥"


def _sought() -> tuple[Query, str]:
    """Return the query of the form, and its errors."""
    status, before = request.args.get("status", ""), request.args.get("before", "")
    try:
        sought = query(
            request.args.get("q", ""),
            author=request.args.get("author", ""),
            post=request.args.get("post", "")[:2000],
            statuses=[Status(status)] if status in LIVING else LIVING,
            before=to_ms(values.time(before, field="before")) if before else None,
        )
    except InvalidInput as problem:
        return query(), str(problem)
    return sought, ""
