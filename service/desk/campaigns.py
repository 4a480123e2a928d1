"""Cleaning up a campaign: find comments that share a trait, decide on all of them, undo that."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request, url_for

from moderation.campaign import REACHED, TEXT, CleanUp, CleanUpState, Trait, traits_of
from moderation.comment import Decision, Status
from moderation.errors import NotFound
from moderation.insight import unmarked
from moderation.moderators import Role
from moderation.treatment import Treatment
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
    tally, examples = context.preview_clean_up(origin.site_id, trait, origin)
    return page(
        "campaign.html",
        site=context.accounts.site(origin.site_id),
        origin=origin,
        traits=traits,
        trait=trait,
        tally=tally,
        examples=list(map(unmarked, examples)),
        statuses=STATUSES,
        reached=REACHED,
        by_text=trait.kind == TEXT,
    )


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
