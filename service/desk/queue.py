"""The queue, and deciding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from moderation import values
from moderation.comment import Comment, Decision, Status, from_ms
from moderation.errors import StaleVersion, WinnowError
from moderation.insight import unmarked
from moderation.lists import domains_in
from moderation.moderators import Role
from moderation.reasons import SENTENCES
from moderation.records import Order
from moderation.scores import Label
from moderation.search import of_author, of_domain
from moderation.site import Site
from service.context import winnow
from service.desk.base import (
    NoSites,
    administrator,
    bp,
    desk,
    me,
    my_comment,
    my_site,
    my_sites,
    myself,
)
from service.desk.pages import page
from service.desk.reasons import moved
from service.desk.tally import own_tally
from service.desk.words import _, decided, ngettext, who, word

PAGE = 30
#: Most comments whose status a page of the queue may ask for in one request.
POLLED = 100
#: Parameters of the queue's URL, and those that are remembered in the session.
VIEWED = ("site", "label", "why", "author", "post", "q", "age", "order", "shape")
#: Most flagged comments that a filter reads, in order; the page says where it stopped early.
SCANNED = 2000
#: Highest version that a form may send; the API has the same bound.
MOST_VERSIONS = 2**53
#: Comments that one bulk decision may name, and that its preview lists.
BULK, PREVIEWED = 500, 100
#: Statuses of comments that a bulk decision decides on.
UNDECIDED = (Status.FLAGGED, Status.PENDING)
#: Searches for the comments that link to a domain, of a thousand comments each, at most.
_SEARCHES = 3

#: Codes of reasons to hold a comment that are no label; choices of the filter.
CODES = tuple(
    code for code in SENTENCES if code not in {*Label, "clean", "staff", "author_trusted"}
)
REASONS = ("off-topic", "abusive", "advertising", "repeated", "personal data", "illegal")


class Shape(StrEnum):
    """Layout of the queue: cards, rows, or by default rows where the screen is wide enough."""

    AUTO = "auto"
    CARDS = "cards"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Filters:
    """The filter, order and layout of the queue that the moderator asked for."""

    label: str = ""
    reason: str = ""
    author: str = ""
    post: str = ""
    text: str = ""
    age_hours: int = 0

    def __bool__(self) -> bool:
        """Whether any filter is set."""
        return self != Filters()

    def fits(self, comment: Comment) -> bool:
        """Tell whether *comment* passes the filter."""
        draft, verdict = comment.draft, comment.verdict
        author = f"{draft.author.name} {draft.author.email} {draft.author.ip}".casefold()
        post = f"{draft.post.title} {draft.post.url}".casefold()
        codes = {reason.code for reason in verdict.reasons} if verdict else {"unscored"}
        now = from_ms(winnow().clock.now_ms())
        return (
            (not self.label or (verdict is not None and verdict.label == self.label))
            and (not self.reason or self.reason in codes)
            and self.author.casefold() in author
            and self.post.casefold() in post
            and self.text.casefold() in draft.content.casefold()
            and (not self.age_hours or now - comment.created_at < timedelta(hours=self.age_hours))
        )


@bp.get("/")
@bp.get("/queue")
def queue() -> Any:
    """Show the flagged comments of all sites or of one, by default in order of priority."""
    if request.args.get("clear"):
        desk().keep_view(me().name, _shaped(request.args))
        return redirect(url_for("desk.queue"))
    sites = my_sites()
    if not sites:
        raise NoSites
    context, now = winnow(), winnow().clock.now_ms()
    wish, undoable = chosen(), desk().undoable(me().name, now_ms=now)
    site = my_site(wish["site"]) if "site" in wish else None
    shown = [site] if site else sites
    order, filters = order_of(wish.get("order", "")), filters_of(wish)
    found, following, cut = fitting(shown, order, filters, request.args.get("cursor") or None)
    claims = desk().claims([comment.id for comment in found])
    waiting = context.comments.waiting([one.id for one in sites])
    return page(
        "queue.html",
        site=site,
        sites=sites,
        names={one.id: one.name for one in sites},
        blogs={one.id: one.url for one in sites},
        waiting=waiting,
        number=sum(waiting[one.id] for one in shown),
        comments=found,
        fresh=None if found or any(context.comments.counts(shown[0].id).values()) else shown[0],
        firsts=context.comments.first_comments(found, now_ms=now),
        next=following,
        cut=cut,
        order=order,
        filters=filters,
        filtered=bool(filters),
        wish=wish,
        shape=wish.get("shape", Shape.AUTO),
        claims={comment: who for comment, who in claims.items() if who != me().name},
        labels=list(Label),
        codes=[*Label, *CODES],
        reasons=REASONS,
        own=own_tally(),
        undoable=undoable,
        stack=[
            {"ids": one.comment_ids, "decision": one.decision, "left": one.until_ms - now}
            for one in undoable
        ],
    )


@bp.get("/poll")
def poll() -> Response:
    """Return for an open page how many comments wait, and the status of those that it shows."""
    named = request.args.get("site")
    sites = [my_site(named)] if named else my_sites()
    seen = {site.id for site in sites}
    shown = request.args.get("ids", "").split(",")[:POLLED]
    known = [
        comment
        for comment in map(unmarked, winnow().comments.get_many([one for one in shown if one]))
        if comment.site_id in seen
    ]
    waiting = [one.id for one in known if one.status is Status.FLAGGED]
    gone = {one.id: _became(one) for one in known if one.status is not Status.FLAGGED}
    answer = jsonify(
        {
            "flagged": sum(winnow().comments.waiting(sorted(seen)).values()),
            "waiting": waiting,
            "gone": gone,
            "claims": {k: v for k, v in desk().claims(waiting).items() if v != me().name},
        }
    )
    answer.add_etag()
    return answer.make_conditional(request)


@bp.post("/decide")
def decide() -> Any:
    """Decide on the comments that the form names; name those that cannot be decided."""
    wanted = request.form.getlist("id")[: BULK + 1]
    asked = request.form.get("decision", "")
    if not wanted or len(wanted) > BULK or asked not in set(Decision):
        abort(400)
    if request.form.get("block"):
        _block(my_site(request.form.get("site", "")), request.form["block"][:253])
    decision, context = Decision(asked), winnow()
    settings = context.settings
    hold = settings.undo_seconds if len(wanted) == 1 else settings.bulk_undo_seconds
    done, refused = [], []
    for given in wanted:
        comment_id, _colon, version = given.partition(":")
        try:
            my_comment(comment_id)
            context.review(
                comment_id,
                decision,
                by=myself(),
                version=_version(version),
                reason=request.form.get("reason", "")[:200],
                note=request.form.get("note", "")[:2000],
                hold_seconds=hold,
            )
            done.append(comment_id)
        except WinnowError as problem:
            refused.append(_meanwhile(comment_id, problem))
    now = context.clock.now_ms()
    desk().remember(me().name, decision, done, until_ms=now + round(1000 * hold), now_ms=now)
    if done:
        desk().count(me().name, len(done), now_ms=now)
    if request.headers.get("Accept") == "application/json":
        return jsonify({"done": done, "refused": refused, "undo_seconds": hold})
    if done:
        flash(decided(decision, len(done)), "undo")
    for sentence in refused:
        flash(sentence, "problem")
    return redirect(_back())


@bp.post("/undo")
def undo() -> Any:
    """Take back the decisions that the form names, or those made last."""
    context, now = winnow(), winnow().clock.now_ms()
    wanted = request.form.getlist("id")[:BULK]
    if not wanted:
        latest = next(iter(desk().undoable(me().name, now_ms=now)), None)
        wanted = list(latest.comment_ids) if latest else []
    done, refused = {}, []
    for comment_id in wanted:
        try:
            my_comment(comment_id)
            done[comment_id] = context.undo(comment_id, by=myself()).version
        except WinnowError as problem:
            refused.append(str(problem))
    desk().forget(me().name, wanted)
    if done:
        desk().count(me().name, -len(done), now_ms=now)
    if request.headers.get("Accept") == "application/json":
        return jsonify({"done": done, "refused": refused})
    if done:
        flash(
            ngettext("Undone: %(n)s decision.", "Undone: %(n)s decisions.", len(done), n=len(done))
        )
    elif not wanted:
        flash(_("There is nothing to undo any more."), "problem")
    for sentence in dict.fromkeys(refused):
        flash(sentence, "problem")
    return redirect(_back())


@bp.route("/bulk", methods=["GET"])
def bulk() -> Any:
    """Show which comments a bulk decision would decide on; change nothing."""
    kind, value = request.args.get("kind", ""), request.args.get("value", "")[:320]
    site = my_site(request.args.get("site", ""))
    block, cut = "", False
    if kind == "author":
        found, more = _theirs(site, value) if value else ([], False)
        title, decision = _("Approve all of this author’s"), Decision.APPROVE
    elif kind == "domain":
        found, more = _linking_to(site, value)
        title, decision = _("Mark as spam all that link to %(domain)s", domain=value), Decision.SPAM
        block = (
            value if me().role is Role.ADMIN and value not in site.policy.blocked_domains else ""
        )
    else:
        found, following, cut = fitting(
            [site], Order.PRIORITY, filters_of(request.args), None, limit=PREVIEWED
        )
        more = following is not None
        title = _("All that fit the filter")
        asked = request.args.get("decision", "")
        decision = Decision(asked) if asked in set(Decision) else Decision.REJECT
    # Spot checks are left out of bulk decisions: a person reads each of them.
    waiting = [one for one in found if one.status in UNDECIDED and not one.spot_check]
    return page(
        "bulk.html",
        site=site,
        title=title,
        decision=decision,
        comments=waiting[:PREVIEWED],
        more=more or len(waiting) > PREVIEWED,
        cut=cut,
        kind=kind,
        block=block,
    )


def _theirs(site: Site, email: str) -> tuple[list[Comment], bool]:
    """Return an author's undecided comments, the latest first, and whether there may be more."""
    context = winnow()
    found = context.comments.by_author(
        site.id, now_ms=context.clock.now_ms(), email=email, limit=PREVIEWED + 1, statuses=UNDECIDED
    )
    # Not what the blog gave another author since, which the index still names.
    theirs = [one for one in found if of_author(email=email).fits_author(one.draft)]
    return theirs, len(found) > PREVIEWED


def _linking_to(site: Site, domain: str) -> tuple[list[Comment], bool]:
    """Return undecided comments that link to a domain, the latest first, and whether there may be more.

    By the index: what else waits is not read.
    """
    context, sought = winnow(), of_domain(domain, UNDECIDED)
    found: list[Comment] = []
    cursor: str | None = None
    for _search in range(_SEARCHES):
        part = context.comments.search(
            site.id,
            sought,
            now_ms=context.clock.now_ms(),
            cursor=cursor,
            limit=PREVIEWED + 1 - len(found),
        )
        found += [one for one in part.items if domains_in(one.content).touches(domain)]
        cursor = part.next
        if cursor is None or len(found) > PREVIEWED:
            break
    return found, cursor is not None


def _version(text: str) -> int | None:
    """Return the version that a form saw, None where it names none."""
    return values.whole(text, field="version", most=MOST_VERSIONS) if text else None


def _block(site: Site, domain: str) -> None:
    """Add *domain* to the site's list of blocked domains; for administrators."""
    administrator()
    if not domains_in(f"https://{domain}/").touches(domain):
        abort(400)
    if domain not in site.policy.blocked_domains:
        domains = (*site.policy.blocked_domains, domain)
        changed = replace(site, policy=replace(site.policy, blocked_domains=domains))
        context = winnow()
        context.accounts.save_site(changed, was=site, by=myself(), now_ms=context.clock.now_ms())
        flash(_("%(domain)s is blocked from now on.", domain=domain))


def fitting(
    sites: Sequence[Site], order: Order, filters: Filters, cursor: str | None, limit: int = PAGE
) -> tuple[list[Comment], str | None, bool]:
    """Return flagged comments that fit, the next cursor, and whether the search was cut short."""
    comments, ids = winnow().comments, [site.id for site in sites]
    if not filters:
        found = comments.queues(ids, order=order, cursor=cursor, limit=limit)
        return list(map(unmarked, found.items)), found.next, False
    fits: list[Comment] = []
    for size in (2 * PAGE, *[200] * (SCANNED // 200)):  # most often the first look is enough
        found = comments.queues(ids, order=order, cursor=cursor, limit=size)
        fits += [one for one in map(unmarked, found.items) if filters.fits(one)]
        cursor = found.next
        if len(fits) > limit:
            return fits[:limit], comments.queue_place(fits[limit - 1], order=order), False
        if cursor is None or len(fits) == limit:
            return fits, cursor, False
    return fits, cursor, True


def chosen() -> dict[str, str]:
    """Return the view of the queue: by the URL's parameters, else as chosen last.

    What a form or a link with `f` says is kept as the choice. Nobody is kept out of the queue by a
    kept site that they no longer see.
    """
    asked = {name: request.args[name][:200] for name in VIEWED if request.args.get(name)}
    if "f" in request.args:
        desk().keep_view(me().name, asked)
        return asked
    if asked or request.args.get("cursor"):
        return asked
    kept = {k: v for k, v in desk().view(me().name).items() if k in VIEWED}
    if "site" in kept and (
        not me().sees(kept["site"]) or all(one.id != kept["site"] for one in my_sites())
    ):
        del kept["site"]
    return kept


def _shaped(asked: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a view that set the layout and no filter."""
    return {"shape": asked["shape"]} if asked.get("shape") in set(Shape) else {}


def _became(comment: Comment) -> dict[str, str]:
    """Return the status of a comment that left the queue, and who decided."""
    last = comment.last_move
    by = last.by if last else None
    return {"status": comment.status, "says": word(comment.status), "by": who(by) if by else ""}


def order_of(text: str) -> Order:
    """Return the order that an address names, by default by priority."""
    return Order(text) if text in set(Order) else Order.PRIORITY


def filters_of(query: Mapping[str, str]) -> Filters:
    """Return what an address or a kept choice asks to see."""
    return Filters(
        label=query.get("label", "")[:50],
        reason=query.get("why", "")[:50],
        author=query.get("author", "")[:200],
        post=query.get("post", "")[:200],
        text=query.get("q", "")[:200],
        age_hours=values.whole_or(0, query.get("age", ""), most=99_999),
    )


def _meanwhile(comment_id: str, problem: WinnowError) -> str:
    """Say what happened to a comment that could not be decided."""
    if isinstance(problem, StaleVersion):
        last = winnow().comments.get(comment_id)
        step = last.history[-1] if last.history else None
        if step is not None:
            return _(
                "Not decided: %(name)s made it %(status)s (%(reason)s) meanwhile.",
                name=who(step.by),
                status=word(step.new),
                reason=moved(step.reason),
            )
    return _("Not decided: %(problem)s.", problem=problem)


def _back() -> str:
    """Return the page of the desk that the form came from."""
    target = request.form.get("next", "")
    return values.page_within("/desk/", target) or url_for("desk.queue")
