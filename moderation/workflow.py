"""The product, top to bottom: submit, screen, review, undo, edit, erase, record.

Each step takes what it needs as keyword arguments, fetches, decides without I/O, and writes once.
HTTP views, jobs, doors and the command line call these and do nothing else of consequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moderation.comment import Comment, Decision, Draft
from moderation.errors import DuplicateExternalId
from moderation.policy import Case, Thresholds, judge, outcome, priority
from moderation.ports import (
    Accepted,
    Batch,
    Clock,
    Comments,
    Jobs,
    Model,
    Outcome,
    Sample,
    Screened,
    Taken,
)
from moderation.scores import Scores
from moderation.site import Site


def submit(
    drafts: Sequence[Draft],
    *,
    site: Site,
    comments: Comments,
    jobs: Jobs,
    clock: Clock,
    backlog: int,
) -> list[Accepted]:
    """Accept *drafts*, whole or not at all, and wake a worker. What is returned is stored.

    Raises Busy or SiteBusy when there is too much waiting; a single draft whose external id
    belongs to other content raises DuplicateExternalId, in a batch its line says so.
    """
    accepted, wake = comments.accept(site.id, drafts, backlog=backlog, now_ms=clock.now_ms())
    if len(drafts) == 1 and accepted[0].outcome is Outcome.CONFLICT:
        raise DuplicateExternalId(drafts[0].external_id, accepted[0].id)
    if wake:
        jobs.wake(comments.shard_of_site(site.id))
    return accepted


def assess(
    taken: Sequence[Taken], *, model: Model, site: Site, signatures: Sequence[int] = ()
) -> list[Screened]:
    """Score comments of one site and judge them. Pure but for the model; stores nothing."""
    samples = [sample(item.comment.draft, item.near_duplicates) for item in taken]
    measured = [scores_of(result, model.version, item.near_duplicates)
                for result, item in zip(model.score(samples), taken, strict=True)]
    return [
        verdict_on(item, scores, site=site, model=model, signature=signature)
        for item, scores, signature in zip(
            taken, measured, signatures or [0] * len(taken), strict=True
        )
    ]


def verdict_on(
    taken: Taken, scores: Scores | None, *, site: Site, model: Model, signature: int = 0
) -> Screened:
    """Return what *site* makes of one comment with *scores*; without scores it is held."""
    case = Case(
        draft=taken.comment.draft,
        scores=scores,
        policy=site.policy,
        thresholds=site.policy.thresholds(defaults_of(model.thresholds)),
        first_comment=taken.first_comment,
    )
    verdict = judge(case)
    return Screened(
        comment=taken.comment,
        scores=scores,
        verdict=verdict,
        status=outcome(site.policy, verdict),
        priority=priority(scores),
        signature=signature,
    )


def review(
    comment_id: str,
    decision: Decision,
    *,
    by: str,
    comments: Comments,
    clock: Clock,
    hold_seconds: float,
    version: int | None = None,
    reason: str = "",
    note: str = "",
) -> Comment:
    """Write a moderator's decision; the blog hears of it once the undo window has closed.

    Raises NotFound, StaleVersion when *version* is not current, IllegalMove when nothing changes.
    """
    return comments.decide(
        comment_id,
        decision,
        by=by,
        reason=reason,
        note=note,
        version=version,
        hold_ms=round(hold_seconds * 1000),
        now_ms=clock.now_ms(),
    )


def undo(comment_id: str, *, by: str, comments: Comments, clock: Clock) -> Comment:
    """Take back the last decision within its window, before anyone heard of it."""
    return comments.undo(comment_id, by=by, now_ms=clock.now_ms())


def edit(
    comment_id: str, draft: Draft, *, by: str, comments: Comments, jobs: Jobs, clock: Clock
) -> Comment:
    """Make *draft* the next revision of a comment and have it screened anew."""
    comment, wake = comments.edit(comment_id, draft, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment


def retry(comment_id: str, *, by: str, comments: Comments, jobs: Jobs, clock: Clock) -> Comment:
    """Give a comment that could not be scored another chance."""
    comment = comments.retry(comment_id, by=by, now_ms=clock.now_ms())
    jobs.wake(comments.shard_of(comment_id))
    return comment


def erase(comment_id: str, *, by: str, comments: Comments, clock: Clock) -> None:
    """Forget a comment's words and author, leaving a tombstone."""
    comments.erase(comment_id, by=by, now_ms=clock.now_ms())


def sample(draft: Draft, near_duplicates: int = 0) -> Sample:
    """Return what a model may know of *draft*."""
    return Sample(
        content=draft.content,
        author_name=draft.author.name,
        author_email=draft.author.email,
        author_url=draft.author.url,
        user_agent=draft.author.user_agent,
        post_url=draft.post.url,
        post_title=draft.post.title,
        language=draft.post.language,
        honeypot=bool(draft.honeypot),
        seconds_to_submit=draft.seconds_to_submit,
        near_duplicates=near_duplicates,
    )


def scores_of(result: object, version: str, near_duplicates: int) -> Scores:
    """Return a model's result in the words of the domain."""
    return Scores(
        labels=dict(result.labels),  # type: ignore[attr-defined]
        model=version,
        language=result.language,  # type: ignore[attr-defined]
        known_language=result.known_language,  # type: ignore[attr-defined]
        empty=result.empty,  # type: ignore[attr-defined]
        near_duplicates=near_duplicates,
    )


def defaults_of(thresholds: Mapping[str, Mapping[str, float]]) -> Thresholds:
    """Return an artifact's thresholds in the words of the policy."""
    return Thresholds(flag=thresholds["flag"], reject=thresholds["reject"])
