"""Review: a moderator's decision, its undo, and another try at a comment that could not be scored."""

from __future__ import annotations

from moderation import texts
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.comment import MAX_CONTENT_BYTES, Comment, Decision
from moderation.dispatch import Jobs
from moderation.errors import Conflict, InvalidInput
from moderation.ports import Clock
from moderation.store.accounts import Accounts
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
    """Write a moderator's decision; its event is sent once the undo window has closed.

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


def revise(
    comment_id: str,
    content: str,
    *,
    revision: int,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> Comment:
    """Put a moderator's text in the place of a held or an approved comment's; its status stays.

    The author's text is kept beside it: scores, verdict and learning refer to that. Raises
    InvalidInput for an invalid text, Conflict where *revision* is not the latest or the site does
    not have it, and IllegalMove.
    """
    texts.check(content, field="content")
    if not content.strip():
        raise InvalidInput("a comment is not empty: reject it instead", field="content")
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise InvalidInput(f"a comment has at most {MAX_CONTENT_BYTES} bytes", field="content")
    before = comments.get(comment_id)
    if not accounts.site(before.site_id).edits:
        raise Conflict("this site does not let moderators edit comments (its setting `edits`)")
    now = clock.now_ms()
    comment = comments.revise(comment_id, content, revision=revision, by=by, now_ms=now)
    detail = {"site": comment.site_id, "revision": comment.revision}
    accounts.note(AuditLine(now, by, "comment.revise", comment_id, detail))
    return comment


def retry(comment_id: str, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock) -> Comment:
    """Have a held comment screened again, such as one that could not be scored."""
    comment, wake = comments.retry(comment_id, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment
