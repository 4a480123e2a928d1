"""Sends to a chat of Telegram as a bot."""

from __future__ import annotations

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

API = "https://api.telegram.org"
#: Characters that Telegram takes, as UTF-16 counts them.
_LONGEST = 4096


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note, api: str = API) -> ChannelRequest:
    """Return the message for the bot, whose token comes first in its address. Its text is plain."""
    token, _, chat = to.partition("/")
    text = fitted(
        f"{note.subject}\n{note.text}",
        note.foot,
        _LONGEST,
        lambda part: len(part.encode("utf-16-le", "replace")) // 2,
    )
    message = {"chat_id": chat, "text": text, "link_preview_options": {"is_disabled": True}}
    return ChannelRequest(f"{api}/bot{token}/sendMessage", message)
