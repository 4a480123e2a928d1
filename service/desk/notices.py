"""A moderator's reminders that comments wait: by a channel, or by a private feed."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from moderation import texts, values
from moderation.channels import Channel
from moderation.comment import rfc3339
from moderation.records import Order
from moderation.reminders import INTERVALS
from service.context import winnow
from service.desk.base import bp, me, my_sites
from service.desk.pages import page
from service.desk.words import _

#: Entries of a feed, of each site and in all.
ENTRIES = 50


@bp.route("/notices", methods=["GET", "POST"])
def notices() -> Any:
    """Show and change one's own reminders."""
    kept, name, address = winnow().notices, me().name, ""
    if request.method == "POST":
        act = request.form.get("act", "")
        if act == "open":
            token = kept.open_feed(name)
            address = f"{winnow().settings.url}{url_for('desk.feed', token=token)}"
        elif act == "close":
            kept.close_feed(name)
            flash(_("The feed’s address no longer works."))
            return redirect(url_for("desk.notices"))
        else:
            hours = request.form.get("hours", "")
            kept.subscribe(
                name,
                {one: request.form.get(one, "").strip() for one in Channel},
                values.whole_or(0, hours, most=max(INTERVALS)),
                (_hour("quiet_from"), _hour("quiet_to")),
            )
            flash(_("Saved."))
            return redirect(url_for("desk.notices"))
    return page(
        "notices.html",
        wish=kept.subscription(name),
        intervals=INTERVALS,
        address=address,
        channels=list(Channel),
        settings=winnow().settings,
    )


def _hour(name: str) -> int:
    return values.whole_or(0, request.form.get(name, ""), most=23)


@bp.get("/feed/<token>")
def feed(token: str) -> Answer:
    """Return the flagged comments of the feed owner's sites, without text, as Atom (RFC 4287)."""
    context = winnow()
    g.moderator = context.accounts.moderator(context.notices.feed_owner(token))
    if g.moderator.disabled:
        return Response(status=404)
    found = [
        (site, comment)
        for site in my_sites()
        for comment in context.comments.queue(site.id, order=Order.NEWEST, limit=ENTRIES).items
    ]
    found.sort(key=lambda pair: pair[1].updated_at or pair[1].created_at, reverse=True)
    latest = found[0][1].updated_at if found else None
    text = render_template(
        "desk/feed.xml",
        entries=found[:ENTRIES],
        base=context.settings.url,
        updated=rfc3339(latest) if latest else "1970-01-01T00:00:00.000Z",
        rfc3339=rfc3339,
    )
    answer = Response(texts.for_xml(text), content_type="application/atom+xml; charset=utf-8")
    answer.add_etag()
    return answer.make_conditional(request)
