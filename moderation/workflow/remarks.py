"""Remarks: notes among moderators, and replies that the blog publishes under a comment."""

from __future__ import annotations

from moderation import texts
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.comment import Decision, Status
from moderation.endpoint import EndpointKind
from moderation.errors import Conflict, InvalidInput
from moderation.events import EventType
from moderation.ports import Clock
from moderation.remarks import (
    LONGEST_NOTE,
    LONGEST_REPLY,
    MOST_REPLIES,
    TOO_MANY_REPLIES,
    Remark,
)
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.workflow.review import review


def note(comment_id: str, text: str, *, by: Actor, comments: Comments, clock: Clock) -> Remark:
    """Put a note beside a comment, for moderators alone; it goes with the comment's text.

    Raises NotFound, InvalidInput for an invalid or too long text, Conflict for too many.
    """
    written = checked(text, longest=LONGEST_NOTE)
    return comments.note(comment_id, written, by=by, now_ms=clock.now_ms())


def reply(
    comment_id: str,
    text: str,
    *,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> Remark:
    """Have the blog publish a reply under an approved comment, as the site's owner.

    The event of a decision that could still be undone is sent first, which ends its undo. The same
    text within a minute is the same reply. Raises NotFound,
    InvalidInput, and Conflict where the site does not have it or the comment is not approved.
    """
    site = accounts.site(comments.get(comment_id).site_id)
    written = checked_reply(text, site, accounts)
    now = clock.now_ms()
    made, is_new = comments.reply(comment_id, written, by=by, now_ms=now)
    if is_new:
        accounts.note(AuditLine(now, by, "comment.reply", comment_id, {"site": site.id}))
    return made


def approve_and_reply(
    comment_id: str,
    text: str,
    *,
    version: int,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
    hold_seconds: float,
) -> Remark:
    """Approve a comment that still waits, and have the blog publish a reply under it.

    Where the reply would be refused, nothing is approved for it. Raises as :func:`reply` and review do.
    """
    comment = comments.get(comment_id)
    written = checked_reply(text, accounts.site(comment.site_id), accounts)
    before = comments.remarks(comment_id).replies
    if len(before) >= MOST_REPLIES and (before[-1].text, before[-1].by) != (written, by):
        raise Conflict(TOO_MANY_REPLIES)
    if comment.status is not Status.APPROVED or comment.spot_check:
        review(
            comment_id, Decision.APPROVE, by=by, version=version,
            comments=comments, clock=clock, hold_seconds=hold_seconds,
        )  # fmt: skip
    return reply(comment_id, text, by=by, comments=comments, accounts=accounts, clock=clock)


def checked_reply(text: str, site: Site, accounts: Accounts) -> str:
    """Return a reply's text without blanks around it.

    Raises InvalidInput, and Conflict where nobody publishes replies.
    """
    written = checked(text, longest=LONGEST_REPLY)
    if not takes_replies(site, accounts):
        raise Conflict(
            "this site publishes no replies: it needs its setting `replies` and an endpoint that "
            f"hears `{EventType.REPLY}`"
        )
    return written


def takes_replies(site: Site, accounts: Accounts) -> bool:
    """Tell whether a site lets moderators reply, and has an endpoint that publishes it."""
    return site.replies and any(
        one.enabled and one.kind is EndpointKind.WEBHOOK and EventType.REPLY in one.events
        for one in accounts.endpoints(site.id)
    )


def checked(text: str, *, longest: int) -> str:
    """Return a remark's text without blanks around it. Raises InvalidInput."""
    texts.check(text, field="text")
    written = text.replace("\r\n", "\n").strip()
    if not 1 <= len(written) <= longest:
        raise InvalidInput(f"a text of 1 to {longest:,} characters", field="text")
    return written
