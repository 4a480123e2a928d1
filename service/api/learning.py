"""What a site has learned from its decisions, and taking it back."""

from __future__ import annotations

from typing import Any

from service.api import schemas
from service.api.accounts import own_site
from service.api.base import actor, administrator, api
from service.api.describe import read
from service.context import winnow
from service.shapes import learning_shape


@api.route("GET", "/sites/<site_id>/learning", tag="Learning", answers={200: schemas.LearningOut})
def get_learning(site_id: str) -> Any:
    """Tell what a site has learned: its versions, what each was fitted on, and what judges."""
    site = own_site(site_id)
    return learning_shape(site, winnow().comments.progress(site.id))


@api.route(
    "POST",
    "/sites/<site_id>/learning/rollback",
    tag="Learning",
    body=schemas.RollbackIn,
    answers={200: schemas.LearningOut},
    problems=(409,),
    admin=True,
)
def roll_back(site_id: str) -> Any:
    """Let an earlier version of the site's own head judge. Administrators only.

    Verdicts are as they were with it, to the bit. No later version takes its place by itself until
    learning is resumed.
    """
    administrator()
    site, body = own_site(site_id), read(schemas.RollbackIn)
    return learning_shape(site, winnow().roll_back(site.id, body.version, by=actor()))


@api.route(
    "POST",
    "/sites/<site_id>/learning/resume",
    tag="Learning",
    answers={200: schemas.LearningOut},
    problems=(409,),
    admin=True,
)
def resume(site_id: str) -> Any:
    """Let later versions judge again after a roll-back. Administrators only."""
    administrator()
    site = own_site(site_id)
    return learning_shape(site, winnow().resume_learning(site.id, by=actor()))


@api.route(
    "POST",
    "/sites/<site_id>/learning/people",
    tag="Learning",
    body=schemas.LeaveOutIn,
    answers={200: schemas.LearningOut},
    admin=True,
)
def leave_out(site_id: str) -> Any:
    """Leave a person's decisions out of what is learned, or count them whatever they decide.

    A version that they had a part in stops judging at once. Administrators only.
    """
    administrator()
    site, body, context = own_site(site_id), read(schemas.LeaveOutIn), winnow()
    progress = context.leave_out(site.id, body.person, out=body.out, by=actor())
    return learning_shape(site, progress)
