"""How an event is written on its site's stream (lua/comments.lua, ``emit``)."""

from __future__ import annotations

from moderation import ids
from moderation.comment import from_ms
from moderation.events import Event, EventType


def read_event(site_id: str, cursor: str, fields: dict[bytes, bytes]) -> Event:
    """Return the event of a line: its kind, then comment, revision, sequence and time, joined."""
    ((kind, joined),) = fields.items()
    name = kind.decode()
    comment, revision, sequence, at = joined.split()
    return Event(
        cursor=cursor,
        type=EventType(name if "." in name else f"comment.{name}"),
        site_id=site_id,
        comment_id=ids.lengthen(comment.decode()),
        revision=int(revision),
        sequence=int(sequence),
        at=from_ms(int(at)),
    )
