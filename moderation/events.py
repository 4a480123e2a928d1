"""Events, each by its full name, and their payloads."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from moderation.comment import Comment, Status, rfc3339
from moderation.remarks import Remark
from moderation.wording import said


class EventType(StrEnum):
    """Every event; its name begins with what it is about, and a point."""

    APPROVED = "comment.approved", said("approved: publish it")
    FLAGGED = "comment.flagged", said("held: it waits for a moderator")
    REJECTED = "comment.rejected", said("rejected")
    SPAM = "comment.spam", said("marked as spam")
    EDITED = "comment.edited", said("edited: its text is screened again")
    REVISED = "comment.revised", said("a moderator changed its text: show the new one")
    ERASED = "comment.erased", said("erased")
    REPLY = "reply.requested", said("a moderator replied: publish the reply under the comment")
    #: Sent on request, to the one endpoint that it is about.
    TEST = "winnow.test", ""

    #: What the desk calls it; empty: nobody subscribes to it.
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member

    @property
    def is_of_comment(self) -> bool:
        """Whether its subject is a comment."""
        return self.startswith(("comment.", "reply."))


#: The events that an endpoint can subscribe to.
SUBSCRIBABLE = tuple(event for event in EventType if event.label)


#: The event that a status gives rise to; pending gives none.
OF_STATUS = {
    Status.APPROVED: EventType.APPROVED,
    Status.FLAGGED: EventType.FLAGGED,
    Status.REJECTED: EventType.REJECTED,
    Status.SPAM: EventType.SPAM,
    Status.ERASED: EventType.ERASED,
}

#: The status that an event of a comment tells of; where it tells of none, the comment is pending.
STATUS_OF = {event: status for status, event in OF_STATUS.items()}

#: What withdraws an approval, or the text that was approved; an endpoint that got the approval gets these, subscribed or not.
WITHDRAWALS = frozenset(
    {
        EventType.REJECTED,
        EventType.SPAM,
        EventType.EDITED,
        EventType.REVISED,
        EventType.ERASED,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a site's event stream. It names its subject; words are looked up when it is sent."""

    cursor: str
    type: EventType
    site_id: str
    #: What happened to: a comment's id, or an id of what the type's name begins with.
    subject_id: str
    revision: int
    sequence: int
    at: datetime
    #: Where the comment stood, if the type does not say.
    status: Status | None = None

    @property
    def id(self) -> str:
        """The ``webhook-id``: the same for the same change, however often it is redone or retried."""
        subject, kind = uuid.UUID(self.subject_id).hex, self.type.replace(".", "_")
        return f"evt_{subject}_{self.revision}_{self.sequence}_{kind}"

    def payload(
        self, comment: Comment | None, *, full: bool, reply: Remark | None = None
    ) -> dict[str, Any]:
        """Return the body to send, from the comment as it is now, so that nothing erased leaves.

        *reply* is what an event of a reply is about; None if it is not kept any more.
        """
        if self.type is EventType.REPLY:
            data = self._of_reply(comment, reply)
        elif self.type.is_of_comment:
            data = self._of_comment(comment, full=full)
        elif self.type is EventType.TEST:
            data = {"endpoint_id": self.subject_id, "message": "this is a test"}
        else:
            data = {"site_id": self.site_id, "id": self.subject_id}
        return {"type": self.type, "timestamp": rfc3339(self.at), "data": data}

    def _of_reply(self, comment: Comment | None, reply: Remark | None) -> dict[str, Any]:
        data: dict[str, Any] = {"id": self.subject_id, "site_id": self.site_id}
        if comment is not None and comment.draft.external_id:
            data["external_id"] = comment.draft.external_id
        if reply is not None:
            data["reply"] = {
                "id": f"{self.subject_id}-{reply.number}",
                "text": reply.text,
                "author": {"name": reply.by.name},
                "created_at": rfc3339(reply.at),
            }
        return data

    def _of_comment(self, comment: Comment | None, *, full: bool) -> dict[str, Any]:
        data: dict[str, Any] = {
            "id": self.subject_id,
            "site_id": self.site_id,
            "revision": self.revision,
            "sequence": self.sequence,
            "status": self.status or STATUS_OF.get(self.type, Status.PENDING),
        }
        if comment is not None and comment.draft.external_id:
            data["external_id"] = comment.draft.external_id
        current = comment is not None and comment.revision == self.revision
        if full and comment is not None and current and comment.status is not Status.ERASED:
            data["comment"] = described(comment)
        return data


def described(comment: Comment) -> dict[str, Any]:
    """Return what an endpoint may learn of a comment: what the blog sent, less IP and e-mail."""
    draft = comment.draft
    description: dict[str, Any] = {
        "content": draft.content,
        "author": {"name": draft.author.name, "url": draft.author.url},
        "post": {"url": draft.post.url, "title": draft.post.title},
        "created_at": rfc3339(comment.created_at),
    }
    if draft.parent:
        description["parent"] = draft.parent
    if comment.original is not None:
        description["revised"] = True
    if comment.verdict is not None:
        description["verdict"] = comment.verdict.action
        description["reasons"] = [reason.to_dict() for reason in comment.verdict.reasons]
    return description
