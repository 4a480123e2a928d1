"""Cleaning up a campaign: find comments that share a trait, decide on all of them, undo that."""

from __future__ import annotations

from typing import Any

import flask_babel
from flask import abort, redirect, request, url_for

from moderation import values
from moderation.campaign import REACHED, TEXT, CleanUp, CleanUpState, Preview, Trait, traits_of
from moderation.comment import Comment, Decision, Status
from moderation.errors import NotFound
from moderation.insight import unmarked
from moderation.moderators import Role
from moderation.records import Tally
from moderation.treatment import Treatment
from moderation.workflow.campaigns import COUNTED
from service.context import winnow
from service.desk.base import bp, me, my_comment, myself
from service.desk.pages import page
from service.desk.words import _

#: Statuses that a clean-up may reach, in the order of the tabs.
STATUSES = (Status.APPROVED, Status.FLAGGED, Status.PENDING, Status.REJECTED, Status.SPAM)


@bp.get("/campaign")
def campaign() -> Any:
    """Show the number of comments that share a trait with one, with examples; change nothing."""
    origin, context = my_comment(request.args.get("comment", "")), winnow()
    traits = traits_of(origin)
    if not traits:
        raise NotFound(_("nothing is left of that comment to look for others by"))
    named = Trait(request.args.get("kind", ""), request.args.get("value", ""))
    trait = named if named in traits else traits[0]
    preview = context.preview_clean_up(origin.site_id, trait, origin)
    return page(
        "campaign.html",
        site=context.accounts.site(origin.site_id),
        origin=origin,
        traits=traits,
        trait=trait,
        tally=preview.tally,
        amount=_amount(preview.tally),
        counts=_counts(preview.tally),
        counting=_counting(preview, origin, trait),
        examples=list(map(unmarked, preview.examples)),
        statuses=STATUSES,
        reached=REACHED,
        by_text=trait.kind == TEXT,
    )


@bp.get("/campaign/count")
def count_campaign() -> Any:
    """Return the preview's numbers as texts with some more comments counted, and where to go on, if anywhere."""
    origin, asked = my_comment(request.args.get("comment", "")), request.args
    trait = Trait(asked.get("kind", ""), asked.get("value", ""))
    if trait not in traits_of(origin):
        abort(400)
    counts = {one: values.whole_or(0, asked.get(one, ""), most=COUNTED) for one in STATUSES}
    preview = winnow().count_clean_up(
        origin.site_id, trait, origin, counts=counts, cursor=asked.get("cursor", "")
    )
    return {
        "amount": _amount(preview.tally),
        "counts": _counts(preview.tally),
        "whole": preview.tally.whole,
        "next": _counting(preview, origin, trait),
    }


@bp.post("/campaign")
def begin_clean_up() -> Any:
    """Begin a clean-up: decide on all comments that share the trait; redirect to its progress."""
    origin, context = my_comment(request.form.get("comment", "")), winnow()
    trait = Trait(request.form.get("kind", ""), request.form.get("value", ""))
    asked = request.form.get("decision", "")
    wanted = set(request.form.getlist("status"))
    statuses = [one for one in STATUSES if one in wanted]
    if trait not in traits_of(origin) or asked not in set(Decision) or not statuses:
        abort(400)
    if request.form.get("block") and trait.subject is not None:
        context.treat(origin.site_id, trait.subject, Treatment.BLOCK, by=myself())
    one = context.clean_up(
        origin.site_id, trait, origin.id, Decision(asked), statuses=statuses, by=myself()
    )
    return redirect(url_for("desk.clean_up", clean_up_id=one.id))


@bp.get("/campaign/<clean_up_id>")
def clean_up(clean_up_id: str) -> Any:
    """Show the progress of a clean-up."""
    one, context = _mine(clean_up_id), winnow()
    now = context.clock.now_ms()
    ends = one.stepped_at + round(1000 * context.settings.bulk_undo_seconds)
    return page(
        "clean_up.html",
        site=context.accounts.site(one.site_id),
        one=one,
        # Only the moderator who began a clean-up may undo it; administrators may undo the terminal's.
        undoable=one.state is CleanUpState.DONE and one.decided and _may_undo(one),
        seconds=max(0, (ends - now) // 1000),
    )


@bp.post("/campaign/<clean_up_id>/undo")
def undo_clean_up(clean_up_id: str) -> Any:
    """Undo a clean-up."""
    one = _mine(clean_up_id)
    if not _may_undo(one):
        abort(403)
    winnow().undo_clean_up(clean_up_id)
    return redirect(url_for("desk.clean_up", clean_up_id=clean_up_id))


def _amount(tally: Tally) -> str:
    """Return how many comments were counted in all, in words."""
    number = str(flask_babel.format_decimal(tally.total))
    if not tally.whole:
        return _("%(number)s or more", number=number)
    return _("One comment") if tally.total == 1 else _("%(number)s comments", number=number)


def _counts(tally: Tally) -> dict[str, str]:
    """Return the numbers of the statuses as texts."""
    sign = "" if tally.whole else "≥ "
    return {str(one): f"{sign}{flask_babel.format_decimal(tally.counts[one])}" for one in STATUSES}


def _counting(preview: Preview, origin: Comment, trait: Trait) -> str | None:
    """Return the URL of the request that counts on, None where nothing is left to count."""
    if preview.next is None:
        return None
    asked: dict[str, Any] = {str(one): preview.tally.counts[one] for one in STATUSES}
    asked |= {"kind": trait.kind, "value": trait.value, "cursor": preview.next}
    return url_for("desk.count_campaign", comment=origin.id, **asked)


def _may_undo(one: CleanUp) -> bool:
    return one.by == myself() or me().role is Role.ADMIN


def _mine(clean_up_id: str) -> CleanUp:
    try:
        one = winnow().comments.clean_up(clean_up_id)
    except NotFound:
        one = None
    if one is None or not me().sees(one.site_id):
        raise NotFound(_("there is no such clean-up, or not any more"))
    return one
