"""A client of Winnow: submit comments, receive decisions, verify webhooks."""

from __future__ import annotations

from winnow_client.clients import AsyncWinnow, Winnow
from winnow_client.errors import BadSignature, Conflict, NotFound, Refused, Unavailable, WinnowError
from winnow_client.values import (
    Answer,
    Author,
    Comment,
    Event,
    EventPage,
    Past,
    Post,
    Reason,
    Remembered,
)
from winnow_client.webhooks import Webhook

__all__ = [
    "Answer",
    "AsyncWinnow",
    "Author",
    "BadSignature",
    "Comment",
    "Conflict",
    "Event",
    "EventPage",
    "NotFound",
    "Past",
    "Post",
    "Reason",
    "Refused",
    "Remembered",
    "Unavailable",
    "Webhook",
    "Winnow",
    "WinnowError",
]
__version__ = "1.0.0"
