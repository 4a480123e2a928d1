"""Sends to a topic of ntfy."""

from __future__ import annotations

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

#: Bytes of a message; a longer one becomes a file.
_LONGEST = 4096


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> ChannelRequest:
    """Return the message with its topic, for the URL of the server. Its text is plain."""
    server, _, topic = to.rpartition("/")
    text = fitted(note.text, note.foot, _LONGEST, lambda part: len(part.encode("utf-8", "replace")))
    return ChannelRequest(f"{server}/", {"topic": topic, "title": note.subject, "message": text})
