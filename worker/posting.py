"""Sends JSON for channels, by the one guarded way out (:mod:`worker.attempt`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from moderation.channels import Gone, Refused
from worker.attempt import attempt


@dataclass(frozen=True, slots=True)
class Note:
    """A message for a channel: *foot* stands below *text* and is never cut."""

    subject: str
    text: str
    foot: str = ""
    #: Names this message; sent again it is the same.
    key: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """What a service wants to get."""

    url: str
    message: Mapping[str, Any]
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


#: Statuses of 400 to 499 that say "not now"; every other one says that the address, its token or the room is wrong.
_NOT_NOW = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)

#: Returns what to send to an address.
Shape = Callable[[str, Note], ChannelRequest]


@dataclass(frozen=True, slots=True)
class Poster:
    """Sends a message in the *shape* that a service wants; private addresses are for tests alone."""

    shape: Shape
    allow_private: bool = False

    def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
        """Hand a message over. Raises OSError that names no part of the address, Refused or Gone."""
        request = self.shape(to, Note(subject, text, foot, key))
        came = attempt(
            request.url,
            {"Content-Type": "application/json", **request.headers},
            json.dumps(request.message).encode(),
            method=request.method,
            allow_private=self.allow_private,
        )
        if came.disable:
            raise Gone(came.error)
        if came.status and 400 <= came.status < 500 and came.status not in _NOT_NOW:
            raise Refused(came.error)
        if not came.delivered:
            raise OSError(came.error)
