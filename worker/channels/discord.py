"""Sends to a channel of Discord by a webhook."""

from __future__ import annotations

from typing import Any

from moderation.settings import Settings
from worker.posting import Poster

#: Characters that Discord takes.
_LONGEST = 2000


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, subject: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the URL and the message, which mentions nobody."""
    content = f"**{subject}**\n{text}"[:_LONGEST]
    return to, {"content": content, "allowed_mentions": {"parse": []}}
