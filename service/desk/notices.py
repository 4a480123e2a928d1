"""A moderator's reminders that comments wait: by a channel, or by a private feed."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g, redirect, render_template, request, url_for
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as Answer

from moderation import texts, values
from moderation.channels import Channel
from moderation.comment import rfc3339
from moderation.dispatch import REMIND
from moderation.errors import InvalidInput
from moderation.records import Order
from moderation.reminders import INTERVALS, MOST, UTC, Subscription, zones
from service.context import winnow
from service.desk import throttle
from service.desk.base import bp, me, my_sites
from service.desk.pages import page
from service.desk.words import _

#: Entries of a feed, of each site and in all.
ENTRIES = 50


@bp.route("/notices", methods=["GET", "POST"])
def notices() -> Any:
    """Show and change one's own reminders."""
    kept, name, address, problem, typed = winnow().notices, me().name, "", "", None
    if request.method == "POST":
        act = request.form.get("act", "")
        wish_id = request.form.get("id", "")
        if act == "open":
            token = kept.open_feed(name)
            address = f"{winnow().settings.url}{url_for('desk.feed', token=token)}"
        elif act == "close":
            kept.close_feed(name)
            return _done(_("The feed’s address no longer works."))
        elif act == "remove":
            kept.unsubscribe(name, wish_id)
            return _done(_("Removed."))
        elif act == "test":
            try:
                throttle.spend_test(name)
            except TooManyRequests as refused:
                return _done(
                    _(
                        "Too many attempts. Try again in %(number)s seconds.",
                        number=str(refused.retry_after),
                    )
                )
            kept.ask_test(name, wish_id)
            winnow().jobs.enqueue(REMIND)
            return _done(_("A message is on its way; the result is shown below in a moment."))
        else:
            typed = _typed(wish_id)
            try:
                kept.subscribe(name, typed, now_ms=winnow().clock.now_ms())
            except InvalidInput as refused:
                problem = str(refused)
            else:
                return _done(_("Saved."))
    shown = page(
        "notices.html",
        wishes=kept.subscriptions(name),
        typed=typed,
        fresh=Subscription(channel=Channel.MAIL, address=""),
        problem=problem,
        intervals=INTERVALS,
        zones=sorted(zones()),
        most=MOST,
        address=address,
        has_feed=kept.has_feed(name),
        channels=list(Channel),
        my_sites=my_sites(),
        settings=winnow().settings,
        now=winnow().clock.now_ms(),
    )
    return (shown, 422) if problem else shown


def _done(sentence: str) -> Answer:
    flash(sentence)
    return redirect(url_for("desk.notices"))


def _typed(wish_id: str) -> Subscription:
    """Return the wish that the form describes; without an address, the one that it had stays."""
    form = request.form
    was = winnow().notices.subscription(me().name, wish_id) if wish_id else None
    named = form.get("channel", "")
    channel = was.channel if was else Channel(named) if named in set(Channel) else Channel.MAIL
    address = form.get("address", "").strip()
    seen = {site.id for site in my_sites()}
    return Subscription(
        channel=channel,
        address=address or (was.address if was else ""),
        id=wish_id,
        sites=tuple(one for one in dict.fromkeys(form.getlist("site")) if one in seen),
        minutes=values.whole_or(0, form.get("minutes", ""), most=max(INTERVALS)),
        quiet=(_hour("quiet_from"), _hour("quiet_to")),
        zone=form.get("zone", "").strip() or UTC,
        quotes="quotes" in form,
        sent_ms=was.sent_ms if was else 0,
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
