"""Posts JSON for channels, by the one guarded way out (:mod:`worker.attempt`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.attempt import attempt

#: Returns the URL to call and the JSON to send, of an address, a subject and a text.
Shape = Callable[[str, str, str], tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Poster:
    """Sends a message in the *shape* that a service wants; private addresses are for tests alone."""

    shape: Shape
    allow_private: bool = False

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message over. Raises OSError that names no part of the address."""
        url, message = self.shape(to, subject, text)
        came = attempt(
            url,
            {"Content-Type": "application/json"},
            json.dumps(message).encode(),
            allow_private=self.allow_private,
        )
        if not came.delivered:
            raise OSError(came.error)
