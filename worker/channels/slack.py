"""Sends to a channel of Slack by an incoming webhook."""

from __future__ import annotations

from typing import Any

from moderation.settings import Settings
from worker.posting import Poster


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, subject: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the URL and the message, in which nothing is markup."""
    escaped = f"{subject}\n{text}"
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(sign, code)
    return to, {"text": escaped, "unfurl_links": False}
