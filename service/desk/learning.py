"""A site's own head: its versions, how often the model is wrong, and rolling back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from moderation import estimates, values
from moderation.agreement import Colleague
from moderation.errors import StorageUnavailable
from moderation.feedback import OUTCOMES, FitReport, LearningMode
from moderation.site import Site
from service.context import winnow
from service.desk.base import administrator, asked_site, bp, my_site, my_sites, myself
from service.desk.pages import page
from service.desk.words import _

#: Decisions by which a site's first head is fitted; until then the page says which order teaches more.
FIRST = 50


@bp.get("/learning")
def learning() -> Any:
    """Show a site's current head: what it was fitted on, what it changed, and who decided."""
    site, context = asked_site(), winnow()
    progress = context.comments.progress(site.id)
    judging = next((one for one in progress.versions if one.number == progress.current), None)
    moved = context.comments.get_many(judging.made.moved) if judging else []
    return page(
        "learning.html",
        site=site,
        sites=my_sites(),
        progress=progress,
        judging=judging,
        applies=site.policy.learning is LearningMode.ON,
        mode=site.policy.learning,
        moved=moved,
        outcome=_outcome(progress.latest),
        people=_colleagues(site),
        checks=estimates.spot_checks(context.comments.feedback(site.id)),
        share=site.policy.spot_checks,
        first=FIRST,
        young=progress.feedback < FIRST,
    )


@bp.post("/learning/<site_id>/rollback")
def roll_back(site_id: str) -> Response:
    """Roll back to an earlier version of the site's head."""
    administrator()
    site, asked = my_site(site_id), request.form.get("version", "")
    number = values.whole(asked, field="version", most=2**31) if asked else None
    progress = winnow().roll_back(site.id, number, by=myself())
    if progress.current:
        flash(_("Version %(name)s judges from now on.", name=f"s{progress.current}"))
    else:
        flash(_("The shared model judges alone from now on."))
    return redirect(url_for("desk.learning", site=site.id))


@bp.post("/learning/<site_id>/resume")
def resume_learning(site_id: str) -> Response:
    """Resume after a roll-back: later versions may replace the current one again."""
    administrator()
    site = my_site(site_id)
    winnow().resume_learning(site.id, by=myself())
    flash(_("Later versions judge again where they do better."))
    return redirect(url_for("desk.learning", site=site.id))


@bp.post("/learning/<site_id>/people")
def leave_out(site_id: str) -> Response:
    """Exclude a person's decisions from learning, or include them again."""
    administrator()
    site, out = my_site(site_id), request.form.get("out") == "1"
    winnow().leave_out(site.id, request.form.get("person", "")[:300], out=out, by=myself())
    flash(
        _("Their decisions teach nothing any more.")
        if out
        else _("Their decisions are learned from again.")
    )
    return redirect(url_for("desk.learning", site=site.id))


def _outcome(latest: FitReport | None) -> str:
    """Return the result of the latest fit as a sentence."""
    return _(OUTCOMES.get(latest.why, latest.why)) if latest else ""


def _colleagues(site: Site) -> tuple[Colleague, ...]:
    try:
        return winnow().colleagues(site.id)
    except StorageUnavailable:  # a process without a model
        return ()
