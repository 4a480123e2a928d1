"""Sends to any address as JSON: subject and text."""

from __future__ import annotations

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import Note, Poster, Request

#: Characters of a text.
_LONGEST = 65_536


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> Request:
    """Return the message."""
    return Request(to, {"subject": note.subject, "text": fitted(note.text, note.foot, _LONGEST)})
