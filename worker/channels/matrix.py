"""Sends to a room of Matrix as a user of it, in plain text that notifies nobody by name."""

from __future__ import annotations

import json
from urllib.parse import quote
from uuid import uuid4

from moderation.channels import fitted
from moderation.settings import Settings
from worker.posting import ChannelRequest, Note, Poster

#: Bytes of a text; an event of Matrix has 65,536 with all that its server adds.
_LONGEST = 32_768


def sender(_settings: Settings) -> Poster:
    """Return what sends."""
    return Poster(shape)


def shape(to: str, note: Note) -> ChannelRequest:
    """Return the message. Under the same key the homeserver takes it once, however often it comes."""
    server, room, token = to.split(" ")
    text = fitted(
        f"{note.subject}\n\n{note.text}", note.foot, _LONGEST, lambda part: len(json.dumps(part))
    )
    key = note.key or uuid4().hex
    return ChannelRequest(
        f"{server.rstrip('/')}/_matrix/client/v3/rooms/{quote(room, safe='')}/send/m.room.message/{quote(key, safe='')}",
        {"msgtype": "m.notice", "body": text, "m.mentions": {}},
        method="PUT",
        headers={"Authorization": f"Bearer {token}"},
    )
