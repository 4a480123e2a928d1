"""Sends to a topic of ntfy."""

from __future__ import annotations

from typing import Any

from moderation.settings import Settings
from worker.posting import Poster


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, subject: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the URL of the server and the message with its topic."""
    server, _, topic = to.rpartition("/")
    return f"{server}/", {"topic": topic, "title": subject, "message": text}
