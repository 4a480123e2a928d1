"""How an event is written on its site's stream (scripts.py, ``emit``)."""

from __future__ import annotations

from moderation import ids
from moderation.comment import from_ms
from moderation.events import Event, EventType


def read_event(site_id: str, cursor: str, fields: dict[bytes, bytes]) -> Event:
    """Return the event that a line of the stream stands for: its kind, and what it is about.

    Lines from before version 3 of the data had a field for each of these.
    """
    if b"y" in fields:
        kind, told = fields[b"y"], [fields[name] for name in (b"c", b"r", b"n", b"t")]
    else:
        ((kind, joined),) = fields.items()
        told = joined.split()
    name = kind.decode()
    comment, revision, sequence, at = told
    return Event(
        cursor=cursor,
        type=EventType(name if "." in name else f"comment.{name}"),
        site_id=site_id,
        comment_id=ids.lengthen(comment.decode()),
        revision=int(revision),
        sequence=int(sequence),
        at=from_ms(int(at)),
    )
