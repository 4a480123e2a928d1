"""Sends to any address as JSON: subject and text."""

from __future__ import annotations

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

#: Characters of a text.
_LONGEST = 65_536


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> ChannelRequest:
    """Return the message."""
    return ChannelRequest(
        to, {"subject": note.subject, "text": fitted(note.text, note.foot, _LONGEST)}
    )
