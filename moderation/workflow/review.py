"""Review: a moderator's decision, taking it back, and another chance for what was held."""

from __future__ import annotations

from moderation import texts
from moderation.actor import Actor
from moderation.comment import Comment, Decision
from moderation.dispatch import Jobs
from moderation.ports import Clock
from moderation.store.comments import Comments


def review(
    comment_id: str,
    decision: Decision,
    *,
    by: Actor,
    comments: Comments,
    clock: Clock,
    hold_seconds: float,
    version: int | None = None,
    reason: str = "",
    note: str = "",
) -> Comment:
    """Write a moderator's decision; the blog hears of it once the undo window has closed.

    Raises NotFound, StaleVersion when *version* is not current, IllegalMove when nothing changes,
    InvalidInput when *reason* or *note* is no text.
    """
    texts.check(reason, field="reason")
    texts.check(note, field="note")
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


def undo(comment_id: str, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock) -> Comment:
    """Take back the last decision within its window, before anyone heard of it.

    A comment that was decided while it was pending is pending again, and a worker is woken for it.
    """
    comment, wake = comments.undo(comment_id, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment


def retry(comment_id: str, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock) -> Comment:
    """Have a held comment screened again, such as one that could not be scored."""
    comment, wake = comments.retry(comment_id, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment
