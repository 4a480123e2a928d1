"""Comments of a Flask application are shown when Winnow says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request
from winnow_client import (
    Answer,
    Author,
    BadSignature,
    Comment,
    Event,
    Post,
    Unavailable,
    Webhook,
    WinnowError,
)
from winnow_client import Winnow as Client

__all__ = [
    "Answer",
    "Author",
    "Comment",
    "Event",
    "Post",
    "Unavailable",
    "Winnow",
    "WinnowError",
]

_NAME = "winnow"
_LONGEST = 65_536


class Winnow:
    """The extension: a client, and a view that takes Winnow's webhooks."""

    def __init__(self, app: Flask | None = None) -> None:
        """Register with *app* at once, or later by :meth:`init_app`."""
        self.blueprint = Blueprint("winnow", __name__)
        self._decided: list[Callable[[Event], object]] = []
        self._sequence_of: Callable[[str], int] = lambda _: 0
        self._making = threading.Lock()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve *app*. Raises KeyError without its settings, ValueError for an invalid secret."""
        for name in ("WINNOW_URL", "WINNOW_KEY"):
            if not app.config.get(name):
                raise KeyError(f"set {name}")
        webhook = Webhook(*str(app.config["WINNOW_SECRET"]).split())
        app.extensions[_NAME] = {"webhook": webhook, "client": None}
        hook = app.config.setdefault("WINNOW_HOOK", "/hooks/winnow")
        blueprint = self.blueprint if not self.blueprint.deferred_functions else None
        if blueprint is None:  # one blueprint for each application that this extension serves
            blueprint = self.blueprint = Blueprint("winnow", __name__)
        blueprint.add_url_rule(hook, "receive", self._receive, methods=["POST"])
        app.register_blueprint(blueprint)

    @property
    def client(self) -> Client:
        """The client of the current application."""
        state = current_app.extensions[_NAME]
        with self._making:
            if state["client"] is None:
                config = current_app.config
                state["client"] = Client(config["WINNOW_URL"], config["WINNOW_KEY"])
        return cast(Client, state["client"])

    def decided(self, handler: Callable[[Event], object]) -> Callable[[Event], object]:
        """Have *handler* called with each new event of a comment."""
        self._decided.append(handler)
        return handler

    def sequence_of(self, lookup: Callable[[str], int]) -> Callable[[str], int]:
        """Have *lookup* tell the last sequence kept for an external id, 0 for none."""
        self._sequence_of = lookup
        return lookup

    def _receive(self) -> Response:
        body = _body()
        if body is None:
            return Response(status=413)
        webhook: Webhook = current_app.extensions[_NAME]["webhook"]
        try:
            event = webhook.verify(body, dict(request.headers))
        except BadSignature:
            return Response(status=401)
        known = event.external_id
        if known is not None and event.sequence > self._sequence_of(known):
            for handler in self._decided:
                handler(event)
        return Response(status=204)


def _body() -> bytes | None:
    """Return the body of the request, None if it is too long: in chunks it names no length."""
    if (request.content_length or 0) > _LONGEST:
        return None
    found = b""
    while piece := request.stream.read(_LONGEST + 1 - len(found)):
        found += piece
        if len(found) > _LONGEST:
            return None
    return found
