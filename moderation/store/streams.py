"""How an event is written on its site's stream (scripts.py, ``emit``)."""

from __future__ import annotations

from moderation import ids
from moderation.comment import from_ms
from moderation.events import Event, EventType


def read_event(site_id: str, cursor: str, fields: dict[bytes, bytes]) -> Event:
    """Return the event that a line of the stream stands for."""
    kind = fields[b"y"].decode()
    return Event(
        cursor=cursor,
        type=EventType(kind if "." in kind else f"comment.{kind}"),
        site_id=site_id,
        comment_id=ids.lengthen(fields[b"c"].decode()),
        revision=int(fields[b"r"]),
        sequence=int(fields[b"n"]),
        at=from_ms(int(fields[b"t"])),
    )
