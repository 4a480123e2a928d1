"""One comment: its text, reasons, author, history, notes and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import flash, redirect, render_template, request, url_for

from moderation import values
from moderation.comment import SETTLED, Comment, Status
from moderation.delivery import Delivery
from moderation.errors import WinnowError
from moderation.feedback import Feedback
from moderation.insight import unmarked
from moderation.lists import domains_in
from moderation.remarks import LONGEST_NOTE, LONGEST_REPLY, Remark
from moderation.scores import Label
from moderation.site import Site
from moderation.workflow.judging import sample
from moderation.workflow.remarks import takes_replies
from service.context import winnow
from service.desk.base import bp, desk, me, my_comment, my_sites, myself
from service.desk.differences import differences
from service.desk.pages import page
from service.desk.people import beside
from service.desk.queue import REASONS, chosen, filters_of, fitting, order_of
from service.desk.webhooks import came_of
from service.desk.words import _

log = structlog.get_logger(__name__)


@bp.get("/comments/<comment_id>/text")
def text(comment_id: str) -> Any:
    """Return the whole text of a comment, for a card that shows its beginning."""
    return render_template("desk/text.html", comment=my_comment(comment_id))


@bp.get("/comments/<comment_id>")
def comment(comment_id: str) -> Any:
    """Show one comment: its text, the reasons of its verdict, its author and its history."""
    return _page(my_comment(comment_id), typed={})


@bp.get("/next")
def following() -> Any:
    """Lead to the comment of the queue after a place in it, by the filters chosen last, else to the first."""
    wish, sites = chosen(), my_sites()
    shown = [one for one in sites if wish.get("site", one.id) in {one.id, one.name}]
    order, filters = order_of(wish.get("order", "")), filters_of(wish)
    place, done = request.args.get("after") or None, request.args.get("than", "")
    for start in dict.fromkeys((place, None)):
        for one in fitting(shown, order, filters, start, limit=2)[0]:
            if one.id != done:
                return redirect(url_for("desk.comment", comment_id=one.id))
    flash(_("No other comment waits."))
    return redirect(url_for("desk.queue"))


@bp.post("/comments/<comment_id>/revise")
def revise(comment_id: str) -> Any:
    """Change a comment's text."""
    before = my_comment(comment_id)
    typed = request.form.get("content", "")
    # Browsers send CRLF; the text keeps the line ends that it has.
    content = typed if "\r\n" in before.content else typed.replace("\r\n", "\n")
    revision = values.whole(request.form.get("revision", ""), field="revision", most=2**53)

    def change() -> str:
        winnow().revise(comment_id, content, revision=revision, by=myself())
        return _("The text was changed. What the author wrote is kept beside it.")

    return _written(comment_id, change, content=content)


@bp.post("/comments/<comment_id>/note")
def note(comment_id: str) -> Any:
    """Put a note beside a comment."""
    my_comment(comment_id)
    text = request.form.get("text", "")

    def write() -> str:
        winnow().note(comment_id, text, by=myself())
        return _("Noted.")

    return _written(comment_id, write, note=text)


@bp.post("/comments/<comment_id>/reply")
def reply(comment_id: str) -> Any:
    """Have the blog publish a reply; a comment that still waits is approved first."""
    my_comment(comment_id)
    text = request.form.get("text", "")
    version = values.whole(request.form.get("version", ""), field="version", most=2**53)

    def write() -> str:
        winnow().approve_and_reply(comment_id, text, version=version, by=myself())
        return _("Your reply is on its way to the blog.")

    return _written(comment_id, write, reply=text)


@bp.post("/comments/<comment_id>/retry")
def retry(comment_id: str) -> Any:
    """Have a comment screened again."""
    my_comment(comment_id)
    context = winnow()
    context.retry(comment_id, by=myself())
    flash(_("The comment is being screened again."))
    return redirect(url_for("desk.comment", comment_id=comment_id))


def _written(comment_id: str, write: Callable[[], str], **typed: str) -> Any:
    """Run *write* and answer; where it is refused, with the page and the *typed* text still in it."""
    try:
        flash(write())
    except WinnowError as problem:
        flash(_("Not done: %(problem)s.", problem=problem), "problem")
        return _page(my_comment(comment_id), typed=typed), 409
    place = request.form.get("after") or None
    return redirect(url_for("desk.comment", comment_id=comment_id, after=place))


def _page(comment: Comment, *, typed: Mapping[str, str]) -> str:
    found = unmarked(comment)
    context = winnow()
    site = context.accounts.site(found.site_id)
    explained = _explained(found)
    remarks = context.comments.remarks(found.id)
    return page(
        "comment.html",
        comment=found,
        site=site,
        holder=desk().claim(found.id, me().name) if found.status is Status.FLAGGED else me().name,
        pieces=_pieces(found.content, None if found.original else explained),
        changed=differences(found.original.content, found.content) if found.original else [],
        editable=_may_be_edited(site, found),
        why=list(getattr(explained, "reasons", ()))[:6],
        beside=beside(site, found),
        alike=context.comments.get_many(found.scores.alike) if found.scores else [],
        parent=_parent(site, found),
        precedents=[] if found.spot_check else _precedents(found),
        learned=_learned(found),
        domains=sorted(domains_in(found.content).hosts),
        labels=list(Label),
        reasons=REASONS,
        flag_at=_flag_at(site),
        blurred=request.args.get("blur") == "1",
        undoable=found.undo_until is not None,
        notes=remarks.notes,
        replies=[(one, _sent(site, one)) for one in remarks.replies],
        came_of=came_of,
        may_reply=bool(found.content) and takes_replies(site, context.accounts),
        longest={"note": LONGEST_NOTE, "reply": LONGEST_REPLY},
        typed=typed,
        place=_place(comment),
    )


def _place(comment: Comment) -> str | None:
    """Return the place in the queue of a comment; of one that was decided, where it was."""
    order = order_of(chosen().get("order", ""))
    place = winnow().comments.queue_place(comment, order=order)
    return place or request.values.get("after") or None


def _sent(site: Site, reply: Remark) -> list[Delivery]:
    """Return the result of delivering a reply to the blog; "" before the attempt, or long after."""
    context = winnow()
    return context.deliveries.of_event(context.accounts.endpoints(site.id), reply.cursor)


def _may_be_edited(site: Site, comment: Comment) -> bool:
    return bool(
        site.edits
        and comment.status in {Status.FLAGGED, Status.APPROVED}
        and comment.undo_until is None
        and comment.content
    )


def _flag_at(site: Site) -> dict[str, float]:
    model = winnow().model
    defaults = dict(model.thresholds["flag"]) if model else {}
    return {**defaults, **site.policy.flag_at}


def _explained(comment: Comment) -> Any:
    """Return the model's explanation of the label that led to the verdict.

    None when a rule or nothing led: then no word of the comment mattered, and none is marked.
    """
    context = winnow()
    label = comment.verdict.label if comment.verdict else None
    if context.model is None or not label or not comment.content:
        return None
    near = comment.scores.near_duplicates if comment.scores else 0
    explain: Any = getattr(context.model, "explain", None)
    try:
        return explain(sample(comment.judged, near), label) if explain else None
    except Exception as problem:  # noqa: BLE001 - the page must work without it
        log.warning("not explained", comment=comment.id, problem=type(problem).__name__)
        return None


def _pieces(text: str, explained: Any) -> list[tuple[str, int]]:
    """Return the text in pieces, each with how much it weighed against the comment, 0 to 3."""
    levels = [0] * len(text)
    if explained is not None:
        heaviest = max((span.weight for span in explained.spans), default=0.0)
        for span in explained.spans:
            if heaviest > 0 and span.weight > 0.15 * heaviest:
                level = 1 + (span.weight > 0.4 * heaviest) + (span.weight > 0.7 * heaviest)
                for at in range(max(0, span.begin), min(span.end, len(text))):
                    levels[at] = max(levels[at], level)
    pieces: list[tuple[str, int]] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or levels[at] != levels[start]:
            pieces.append((text[start:at], levels[start]))
            start = at
    return pieces


def _precedents(comment: Comment) -> list[tuple[Feedback, Comment]]:
    """Return decisions on similar comments, the most similar first."""
    context = winnow()
    try:
        found = context.precedents(comment)
    except Exception as problem:  # noqa: BLE001 - the page must work without it
        log.warning("not explained", comment=comment.id, problem=type(problem).__name__)
        return []
    known = {one.id: one for one in context.comments.get_many([one.comment_id for one in found])}
    return [(one, known[one.comment_id]) for one in found if one.comment_id in known]


def _learned(comment: Comment) -> Feedback | None:
    """Return the decision on this comment that is learned from, if there is one."""
    if comment.status not in SETTLED:
        return None
    return winnow().comments.feedback_on(comment.site_id, [comment.id]).get(comment.id)


def _parent(site: Site, comment: Comment) -> Comment | None:
    if not comment.draft.parent:
        return None
    try:
        return winnow().comments.find(site.id, comment.draft.parent)
    except WinnowError:
        return None
