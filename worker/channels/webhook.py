"""Sends to any address as JSON: subject and text."""

from __future__ import annotations

from typing import Any

from moderation.settings import Settings
from worker.posting import Poster


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, subject: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the URL and the message."""
    return to, {"subject": subject, "text": text}
