"""Sends to a channel of Discord by a webhook."""

from __future__ import annotations

import re

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

#: Characters that Discord takes, as UTF-16 counts them, and its flag for no previews of links.
_LONGEST, _NO_PREVIEWS = 2000, 4
#: Characters that Markdown may read as markup.
_SIGNS = re.compile(r"([\\`*_~|>#\[\]()<:@-])")


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> ChannelRequest:
    """Return the message, which mentions nobody and has no markup but its bold subject."""
    head = f"**{escaped(note.subject)}**\n"
    room = _LONGEST - _size(head)
    content = head + escaped_to_fit(note.text, note.foot, room)
    message = {"content": content, "allowed_mentions": {"parse": []}, "flags": _NO_PREVIEWS}
    return ChannelRequest(to, message)


def escaped(text: str) -> str:
    """Return *text* with a backslash before each sign of Markdown."""
    return _SIGNS.sub(r"\\\1", text)


def escaped_to_fit(text: str, foot: str, most: int) -> str:
    """Return *text*, escaped, above *foot*, which has links of ours; cut before it is escaped."""
    foot_size = _size(f"\n\n{foot}") if foot else 0
    cut = fitted(text, "", most - foot_size, lambda part: _size(escaped(part)))
    return escaped(cut) + (f"\n\n{foot}" if foot else "")


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
