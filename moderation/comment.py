"""A comment, its author and post, and the moves between its statuses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring

from moderation.actor import Actor
from moderation.errors import IllegalMove
from moderation.scores import Scores
from moderation.verdict import Verdict

#: A longer comment is refused, never cut: a moderator must see what would be published.
MAX_CONTENT_BYTES = 64 * 1024

#: Reason of a line of history that leaves the status: a moderator changed the text.
REVISED = "revised"
#: Why a comment is screened again: the blog sent another text.
EDITED = "edited"

#: What a digest is made of: JSON with sorted keys, and the id of an author who has one. Never change
#: it: digests are stored, and a repeat is known by its digest.
_DIGESTED = (
    '{"author": {"email": %s, "ip": %s, "name": %s, "role": %s, "url": %s, "user_agent": %s}, '
    '"content": %s, "external_id": %s, "form_served_at": %s, "honeypot": %s, "parent": %s, "post": '
    '{"language": %s, "published_at": %s, "title": %s, "url": %s}, "submitted_at": %s}'
)


class Status(StrEnum):
    """Where a comment stands."""

    PENDING = "pending"
    APPROVED = "approved"
    FLAGGED = "flagged"
    REJECTED = "rejected"
    SPAM = "spam"
    ERASED = "erased"


SETTLED = frozenset({Status.APPROVED, Status.REJECTED, Status.SPAM})

#: Where a comment may go next. A moderator may overturn any settled comment; an edit makes any
#: living comment pending again; an erased one stays erased.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: SETTLED | {Status.FLAGGED, Status.ERASED},
    Status.FLAGGED: SETTLED | {Status.PENDING, Status.ERASED},
    Status.APPROVED: (SETTLED - {Status.APPROVED}) | {Status.PENDING, Status.ERASED},
    Status.REJECTED: (SETTLED - {Status.REJECTED}) | {Status.PENDING, Status.ERASED},
    Status.SPAM: (SETTLED - {Status.SPAM}) | {Status.PENDING, Status.ERASED},
    Status.ERASED: frozenset(),
}


class Decision(StrEnum):
    """A moderator's answer."""

    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"

    @property
    def status(self) -> Status:
        """The status that this decision gives a comment."""
        return _DECIDED[self]


_DECIDED = {
    Decision.APPROVE: Status.APPROVED,
    Decision.REJECT: Status.REJECTED,
    Decision.SPAM: Status.SPAM,
}


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a comment by the blog's own account; every field may be empty, none is proof."""

    name: str = ""
    email: str = ""
    url: str = ""
    ip: str = ""
    user_agent: str = ""
    role: str = ""
    #: The blog's own id of a user who is signed in there; not typed by anyone.
    id: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """What was commented on."""

    url: str = ""
    title: str = ""
    published_at: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a blog sends of one comment, checked field by field at the edge."""

    content: str
    author: Author = Author()
    post: Post = Post()
    external_id: str = ""
    parent: str = ""
    honeypot: str = ""
    form_served_at: str = ""
    submitted_at: str = ""

    @property
    def digest(self) -> str:
        """A digest of all that a repeat must share to count as the same submission."""
        author, post = self.author, self.post
        parts = (
            author.email, author.ip, author.name, author.role, author.url, author.user_agent,
            self.content, self.external_id, self.form_served_at, self.honeypot, self.parent,
            post.language, post.published_at, post.title, post.url, self.submitted_at,
        )  # fmt: skip
        text = _DIGESTED % tuple(map(encode_basestring, parts))
        if author.id:
            text += encode_basestring(author.id)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    @property
    def seconds_to_submit(self) -> float | None:
        """Seconds between serving the form and its return; None unless both times are known."""
        if not (self.form_served_at and self.submitted_at):
            return None
        try:
            served = datetime.fromisoformat(self.form_served_at)
            return (datetime.fromisoformat(self.submitted_at) - served).total_seconds()
        except (ValueError, TypeError):  # unreadable, or one with and one without a zone
            return None


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of history: who moved the comment from where to where, when and why."""

    old: Status
    new: Status
    by: Actor
    reason: str
    at: datetime
    note: str = ""
    #: The revision, of the author's own, that a moderator decided on; None for every other move.
    decided_on: int | None = None

    @property
    def is_revision(self) -> bool:
        """Whether it changed the text and not the status."""
        return self.old is self.new and self.decided_on is None and self.reason == REVISED


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as Winnow keeps it.

    ``version`` counts its transitions and grows with each; a decision names the version that
    they looked at. ``revision`` counts its texts and grows with each edit.
    """

    id: str
    site_id: str
    draft: Draft
    created_at: datetime
    status: Status = Status.PENDING
    revision: int = 1
    version: int = 0
    updated_at: datetime | None = None
    scores: Scores | None = None
    verdict: Verdict | None = None
    history: tuple[Transition, ...] = ()
    undo_until: datetime | None = None
    text_expired: bool = False
    #: Whether chance picked it to be looked at although the machine had settled it: it stays where it
    #: is and waits in the queue, too.
    spot_check: bool = False
    #: What its author wrote, where a moderator changed the text since; scores and verdict are of this.
    original: Draft | None = None
    #: And which revision that was.
    original_revision: int | None = None
    digest: str = field(default="", repr=False)

    @property
    def content(self) -> str:
        """The text itself; empty once it was erased or has expired."""
        return self.draft.content

    @property
    def judged(self) -> Draft:
        """What scores and verdict are of: the author's own text."""
        return self.original or self.draft

    @property
    def last_move(self) -> Transition | None:
        """The last line of history that is about the status; None before the first."""
        return next((step for step in reversed(self.history) if not step.is_revision), None)

    @property
    def revised(self) -> Transition | None:
        """Who changed the text last, and when; None where it is the author's own."""
        steps = reversed(self.history) if self.original else ()
        return next((step for step in steps if step.is_revision), None)

    def moved(
        self, new: Status, *, by: Actor, reason: str, at: datetime, note: str = ""
    ) -> Comment:
        """Return this comment in its *new* status, with the move on record.

        Raises IllegalMove when the comment cannot go there.
        """
        step = self.step(new, by=by, reason=reason, at=at, note=note)
        return replace(
            self,
            status=new,
            version=self.version + 1,
            updated_at=at,
            history=(*self.history, step),
        )

    def step(
        self, new: Status, *, by: Actor, reason: str, at: datetime, note: str = ""
    ) -> Transition:
        """Return the transition that would move this comment to *new*.

        Raises IllegalMove when the comment cannot go there.
        """
        if new not in MOVES[self.status]:
            raise IllegalMove(f"a comment that is {self.status} cannot become {new}")
        return Transition(self.status, new, by, reason, at, note)


def to_ms(at: datetime) -> int:
    """Return *at* as Unix milliseconds."""
    return round(at.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Return the UTC time of Unix *milliseconds*."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339(at: datetime) -> str:
    """Return *at* in UTC as RFC 3339 with milliseconds, as every JSON of ours writes times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
