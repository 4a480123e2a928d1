"""Sends to a channel of Slack by an incoming webhook."""

from __future__ import annotations

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

#: Characters that Slack takes before it splits a message, as they are sent.
_LONGEST = 4000


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> ChannelRequest:
    """Return the message, in which nothing is markup and nobody is mentioned."""
    text = fitted(
        f"{note.subject}\n{note.text}", note.foot, _LONGEST, lambda part: len(escaped(part))
    )
    message = {"text": escaped(text), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    return ChannelRequest(to, message)


def escaped(text: str) -> str:
    """Return *text* with Slack's three control characters as entities."""
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, code)
    return text
