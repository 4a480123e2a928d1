"""Values that are sent, and values of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any


def _body(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that say something, as JSON."""
    body: dict[str, Any] = {}
    for part in fields(value):
        given = getattr(value, part.name)
        if isinstance(given, datetime):
            if given.tzinfo is None:
                raise ValueError(f"{part.name} needs a time zone")
            given = given.isoformat()
        elif isinstance(given, Author | Post):
            given = _body(given)
        if given not in ("", None, {}):
            body[part.name] = given
    return body


@dataclass(frozen=True)
class Author:
    """Who wrote a comment, as far as the blog knows. ``role`` is what the blog calls its staff."""

    name: str = ""
    email: str = ""
    url: str = ""
    ip: str = ""
    user_agent: str = ""
    role: str = ""


@dataclass(frozen=True)
class Post:
    """The post or page that a comment stands under."""

    url: str = ""
    title: str = ""
    published_at: datetime | None = None
    language: str = ""


@dataclass(frozen=True)
class Comment:
    """A comment to be screened. ``external_id`` is the blog's own; it makes a repeat harmless.

    ``honeypot`` is what stood in a field that people cannot see. Times need a zone.
    """

    content: str
    external_id: str = ""
    author: Author = field(default_factory=Author)
    post: Post = field(default_factory=Post)
    parent: str = ""
    honeypot: str = ""
    form_served_at: datetime | None = None
    submitted_at: datetime | None = None

    def document(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        return {"content": self.content, **_body(self)}


@dataclass(frozen=True)
class Past:
    """A comment from before Winnow.

    ``status`` is what the blog decided: approved, rejected or spam; flagged for nothing yet.
    """

    comment: Comment
    created_at: datetime
    status: str

    def document(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        if self.created_at.tzinfo is None:
            raise ValueError("created_at needs a time zone")
        own = {"created_at": self.created_at.isoformat(), "status": self.status}
        return {**self.comment.document(), **own}


@dataclass(frozen=True)
class Reason:
    """Why: a stable code with its values, and what they say in English."""

    code: str
    text: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """Where a comment stands.

    ``status`` is pending, approved, flagged, rejected, spam or erased: show a comment only while it
    is approved. ``outcome`` of a submission is new, same or conflict, else "". ``version`` grows with
    each change and is an event's sequence; None in the short answer to a submission. ``raw`` is
    everything that Winnow said.
    """

    id: str
    status: str
    external_id: str | None
    outcome: str
    version: int | None
    verdict: str | None
    reasons: tuple[Reason, ...]
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Answer:
        """Return what Winnow's JSON says."""
        return cls(
            id=body["id"],
            status=body["status"],
            external_id=body.get("external_id"),
            outcome=body.get("outcome", ""),
            version=body.get("version"),
            verdict=body.get("verdict"),
            reasons=tuple(
                Reason(one["code"], one["text"], one["values"]) for one in body.get("reasons", ())
            ),
            raw=body,
        )


@dataclass(frozen=True)
class Remembered:
    """Outcome for a comment from before: new, same, conflict or refused, then with the reason."""

    external_id: str | None
    outcome: str
    id: str | None
    reason: str | None


@dataclass(frozen=True)
class Event:
    """A change of a comment. Ignore one whose ``sequence`` is no higher than the last you have seen.

    ``type`` is such as comment.approved. ``comment_id`` is "" for winnow.test.
    """

    id: str
    type: str
    comment_id: str
    external_id: str | None
    status: str
    revision: int
    sequence: int
    data: Mapping[str, Any]

    @property
    def content(self) -> str | None:
        """The text to show; None if the event does not have it: get the comment then."""
        content = self.data.get("comment", {}).get("content")
        return content if isinstance(content, str) else None

    @property
    def revised(self) -> bool:
        """Whether a moderator changed the text, so that :attr:`content` is not what you sent."""
        return self.data.get("comment", {}).get("revised") is True

    @classmethod
    def of(cls, body: Mapping[str, Any], event_id: str) -> Event:
        """Return what a webhook's body or a line of the feed says."""
        data = body["data"]
        return cls(
            id=event_id,
            type=body["type"],
            comment_id=data.get("id", ""),
            external_id=data.get("external_id"),
            status=data.get("status", ""),
            revision=data.get("revision", 0),
            sequence=data.get("sequence", 0),
            data=data,
        )


@dataclass(frozen=True)
class EventPage:
    """A stretch of the feed; ask on with ``after=page.next``."""

    items: tuple[Event, ...]
    next: str
