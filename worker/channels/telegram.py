"""Sends to a chat of Telegram as a bot."""

from __future__ import annotations

from typing import Any

from moderation.settings import Settings
from worker.posting import Poster

API = "https://api.telegram.org"


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, subject: str, text: str, api: str = API) -> tuple[str, dict[str, Any]]:
    """Return the URL of the bot, whose token comes first in its address, and the message."""
    token, _, chat = to.partition("/")
    message = {"chat_id": chat, "text": f"{subject}\n{text}", "disable_web_page_preview": True}
    return f"{api}/bot{token}/sendMessage", message
