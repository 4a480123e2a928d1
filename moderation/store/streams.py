"""How an event is written on its site's stream (lua/comments.lua, ``emit``)."""

from __future__ import annotations

from moderation import ids
from moderation.comment import Status, from_ms
from moderation.events import Event, EventType


def read_event(site_id: str, cursor: str, fields: dict[bytes, bytes]) -> Event:
    """Return the event of a line: its type, subject, revision, sequence, time and perhaps status, joined."""
    name, subject, revision, sequence, at, *status = fields[b"e"].decode().split()
    return Event(
        cursor=cursor,
        type=EventType(name),
        site_id=site_id,
        subject_id=ids.lengthen(subject),
        revision=int(revision),
        sequence=int(sequence),
        at=from_ms(int(at)),
        status=Status(status[0]) if status else None,
    )
