"""Remarks: what moderators write about a comment, notes among themselves and replies to its author."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from moderation.actor import Actor

#: Characters of a note and of a reply, at most. A reply is in a webhook's body whole.
LONGEST_NOTE, LONGEST_REPLY = 2000, 5000
#: Notes and replies of one comment, at most.
MOST_NOTES, MOST_REPLIES = 50, 20
TOO_MANY_REPLIES = f"a comment has {MOST_REPLIES} replies at most"


@dataclass(frozen=True, slots=True)
class Remark:
    """A note or a reply: its number among those of its comment, from 1 on; who wrote what, and when.

    ``cursor`` of a reply is that of its event.
    """

    number: int
    text: str
    by: Actor
    at: datetime
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What stands beside a comment, the oldest first."""

    notes: tuple[Remark, ...] = ()
    replies: tuple[Remark, ...] = ()

    def reply(self, number: int) -> Remark | None:
        """Return a reply by its number; None if it is not kept any more."""
        return next((one for one in self.replies if one.number == number), None)
