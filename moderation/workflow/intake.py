"""Intake: comments from the API, from doors and from imports, their edits and their erasure."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from moderation.actor import Actor
from moderation.comment import Comment, Draft, Status
from moderation.dispatch import Jobs
from moderation.facts import Facts
from moderation.ports import Clock, Model
from moderation.records import Accepted, IntakeOutcome, Judged, Past
from moderation.site import Site
from moderation.store.comments import Comments
from moderation.workflow.judging import judge_all, spot_checked

log = logging.getLogger(__name__)


def submit(
    drafts: Sequence[Draft],
    *,
    site: Site,
    comments: Comments,
    jobs: Jobs,
    clock: Clock,
    backlog: int,
) -> list[Accepted]:
    """Accept *drafts*, all or none, and wake a worker. Once this returns, they are stored.

    Raises Busy or SiteBusy when there is too much waiting. A draft whose external id belongs to
    other content is not stored: its outcome is a conflict, with the id of that comment.
    """
    accepted, wake = comments.accept(site.id, drafts, backlog=backlog, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of_site(site.id))
    if log.isEnabledFor(logging.DEBUG):
        log.debug("accepted %s", " ".join(one.id for one in accepted))
    return accepted


def record(
    cases: Sequence[tuple[Draft, Judged]],
    *,
    site: Site,
    via: str,
    comments: Comments,
    clock: Clock,
    announce: bool = True,
    repeat_ms: int | None = None,
    chance: Callable[[], float] | None = random.random,
) -> list[Accepted]:
    """Store drafts that the door *via* has judged; *chance* may pick some for a spot check.

    The same draft again within *repeat_ms* is the same comment; with None, any draft with its
    external id. Without *announce*, no event.
    """
    return comments.record_many(
        site.id,
        [
            (draft, spot_checked(judged, site.policy, chance) if chance else judged)
            for draft, judged in cases
        ],
        via=via,
        now_ms=clock.now_ms(),
        announce=announce,
        repeat_ms=repeat_ms,
    )


def remember(
    history: Sequence[Past],
    *,
    site: Site,
    comments: Comments,
    model: Model,
    clock: Clock,
    house: object | None = None,
) -> list[Accepted]:
    """Keep comments from before Winnow as their blog left them, with today's scores and verdicts.

    No events. Comments without a decision are flagged, so that they wait for a moderator here,
    too. One whose external id is known is neither scored nor kept again: SAME, or CONFLICT if it
    has another text. Each is stored by itself, so that a run that was cut short goes on when it is
    repeated. Of the facts about them only the site's own head (*house*) counts: recent
    near-duplicates say nothing about an old comment.
    """
    now = clock.now_ms()
    here = recognise(history, site=site, comments=comments)
    new = [
        replace(past, created_ms=min(past.created_ms, now))
        for past, known in zip(history, here, strict=True)
        if known is None
    ]
    judged = judge_all([(past.draft, Facts(house=house), site.policy) for past in new], model=model)
    kept = []
    for past, machine in zip(new, judged, strict=True):
        status = past.decision.status if past.decision else Status.FLAGGED
        kept.append(comments.remember(site.id, past, replace(machine, status=status), now_ms=now))
    comments.index_many(site.id)
    fresh = iter(kept)
    return [next(fresh) if known is None else known for known in here]


def recognise(history: Sequence[Past], *, site: Site, comments: Comments) -> list[Accepted | None]:
    """Return for each of *history* the comment that has its external id already, else None.

    SAME if it has the same content or was erased, CONFLICT if it says otherwise.
    """
    named = [past.draft.external_id for past in history if past.draft.external_id]
    here = comments.find_many(site.id, named)
    return [_repeated(past, here.get(past.draft.external_id)) for past in history]


def _repeated(past: Past, known: Comment | None) -> Accepted | None:
    if known is None:
        return None
    same = known.status is Status.ERASED or known.judged.content == past.draft.content
    return Accepted(known.id, known.status, IntakeOutcome.SAME if same else IntakeOutcome.CONFLICT)


def edit(
    comment_id: str, draft: Draft, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock
) -> Comment:
    """Make *draft* the next revision of a comment and have it screened again."""
    comment, wake = comments.edit(comment_id, draft, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment


def erase(comment_id: str, *, by: Actor, comments: Comments, clock: Clock) -> None:
    """Forget a comment's words and author, leaving a tombstone."""
    comments.erase(comment_id, by=by, now_ms=clock.now_ms())
