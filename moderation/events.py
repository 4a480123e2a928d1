"""Events: what blogs are told of a comment's life, and the payloads that tell it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from moderation.comment import Comment, Status, rfc3339


class EventType(StrEnum):
    """Everything that an endpoint can subscribe to."""

    APPROVED = "comment.approved"
    FLAGGED = "comment.flagged"
    REJECTED = "comment.rejected"
    SPAM = "comment.spam"
    EDITED = "comment.edited"
    ERASED = "comment.erased"
    #: Sent on request, to the one endpoint that its "comment id" names.
    TEST = "winnow.test"


#: The event that a status gives rise to; pending gives none.
OF_STATUS = {
    Status.APPROVED: EventType.APPROVED,
    Status.FLAGGED: EventType.FLAGGED,
    Status.REJECTED: EventType.REJECTED,
    Status.SPAM: EventType.SPAM,
    Status.ERASED: EventType.ERASED,
}

#: What withdraws an approval; whoever was told of the approval is told of these, subscribed or not.
WITHDRAWALS = frozenset({EventType.REJECTED, EventType.SPAM, EventType.EDITED, EventType.ERASED})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a site's event stream. It names the comment; words are looked up when told."""

    cursor: str
    type: EventType
    site_id: str
    comment_id: str
    revision: int
    sequence: int
    at: datetime

    @property
    def id(self) -> str:
        """The ``webhook-id``: the same for the same change, however often it is redone or retried."""
        name = uuid.UUID(self.comment_id).hex
        return f"evt_{name}_{self.revision}_{self.sequence}_{self.type.split('.')[1]}"

    def payload(self, comment: Comment | None, *, full: bool) -> dict[str, Any]:
        """Return the body to send, from the comment as it is now, so that nothing erased leaves."""
        if self.type is EventType.TEST:
            told = {"endpoint_id": self.comment_id, "message": "this is a test"}
            return {"type": self.type, "timestamp": rfc3339(self.at), "data": told}
        data: dict[str, Any] = {
            "id": self.comment_id,
            "site_id": self.site_id,
            "revision": self.revision,
            "sequence": self.sequence,
            "status": self.type.split(".")[1] if self.type is not EventType.EDITED else "pending",
        }
        if comment is not None and comment.draft.external_id:
            data["external_id"] = comment.draft.external_id
        current = comment is not None and comment.revision == self.revision
        if full and comment is not None and current and comment.status is not Status.ERASED:
            data["comment"] = described(comment)
        return {"type": self.type, "timestamp": rfc3339(self.at), "data": data}


def described(comment: Comment) -> dict[str, Any]:
    """Return what an endpoint may learn of a comment: what the blog sent, less IP and e-mail."""
    draft = comment.draft
    told: dict[str, Any] = {
        "content": draft.content,
        "author": {"name": draft.author.name, "url": draft.author.url},
        "post": {"url": draft.post.url, "title": draft.post.title},
        "created_at": rfc3339(comment.created_at),
    }
    if draft.parent:
        told["parent"] = draft.parent
    if comment.verdict is not None:
        told["verdict"] = comment.verdict.action
        told["reasons"] = [reason.to_dict() for reason in comment.verdict.reasons]
    return told
