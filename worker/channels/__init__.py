"""The senders: a file for each :class:`~moderation.channels.Channel`, with a function ``sender``."""

from __future__ import annotations

from importlib import import_module

from moderation.channels import Channel, Sender
from moderation.settings import Settings


def senders(settings: Settings) -> dict[Channel, Sender]:
    """Return a sender for each channel that *settings* allow."""
    return {
        channel: import_module(f"{__name__}.{channel}").sender(settings)
        for channel in Channel
        if channel.can_send(settings)
    }
