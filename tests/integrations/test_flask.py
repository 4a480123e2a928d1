"""flask-winnow: whom its view believes, and what it hands on."""

from __future__ import annotations

import json
import time

import pytest
from flask import Flask
from flask_winnow import Event, Winnow

from moderation import signing

SECRET, FRESH = signing.new_secret(), signing.new_secret()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def app(events: list[Event]) -> Flask:
    app, winnow = Flask("blog"), Winnow()
    app.config |= {
        "WINNOW_URL": "http://127.0.0.1:9",
        "WINNOW_KEY": "wk_x",
        "WINNOW_SECRET": f"{FRESH} {SECRET}",
        "TESTING": False,
    }
    winnow.init_app(app)
    winnow.decided(events.append)
    winnow.sequence_of(lambda known: max((one.sequence for one in events), default=0))
    return app


def send(app: Flask, *, secret: str = SECRET, at: float | None = None, **data: object) -> int:
    body = json.dumps({"type": "comment.approved", "data": data}).encode()
    headers = signing.headers([secret], "evt_1", int(at or time.time()), body)
    return app.test_client().post("/hooks/winnow", data=body, headers=headers).status_code


@pytest.mark.parametrize("secret", [SECRET, FRESH], ids=["old", "new"])
def test_a_signed_event_is_handed_on_and_an_older_one_is_not(app, events, secret: str):
    data = {"id": "1", "external_id": "42", "status": "approved"}
    assert send(app, secret=secret, sequence=3, **data) == 204
    assert send(app, secret=secret, sequence=2, **data) == 204
    assert [(one.external_id, one.status, one.sequence) for one in events] == [
        ("42", "approved", 3)
    ]


def test_nothing_unsigned_old_or_long_is_handed_on(app, events):
    assert send(app, secret=signing.new_secret(), external_id="42", sequence=1) == 401
    assert send(app, at=time.time() - 400, external_id="42", sequence=1) == 401
    assert app.test_client().post("/hooks/winnow", data=b"x").status_code == 401
    assert app.test_client().post("/hooks/winnow", data=b"x" * 70_000).status_code == 413
    assert events == []


class Endless:
    """A body in chunks: it says no length, and what was read of it is counted."""

    def __init__(self, most: int) -> None:
        self.read_bytes, self._most = 0, most

    def read(self, size: int = -1) -> bytes:
        left = self._most - self.read_bytes
        piece = b"x" * min(left, 8192 if size < 0 else min(size, 8192))
        self.read_bytes += len(piece)
        return piece


@pytest.mark.parametrize("length, status", [(10_000_000, 413), (60_000, 401)])
def test_of_a_body_without_a_length_no_more_is_read_than_is_taken(app, length: int, status: int):
    body = Endless(length)
    environ = {"wsgi.input": body, "wsgi.input_terminated": True}
    answer = app.test_client().post("/hooks/winnow", environ_overrides=environ)
    assert answer.status_code == status
    assert body.read_bytes <= 65_537


def test_a_handler_that_fails_makes_winnow_try_again(app):
    def fail(_: Event) -> None:
        raise RuntimeError("the database is away")

    winnow = Winnow()
    other = Flask("other")
    other.config |= app.config
    winnow.init_app(other)
    winnow.decided(fail)
    assert send(other, external_id="42", sequence=1) == 500


def test_without_its_settings_an_application_does_not_start():
    with pytest.raises(KeyError, match="WINNOW_URL"):
        Winnow(Flask("bare"))


def test_the_client_is_made_once_for_an_application(app):
    winnow = Winnow()
    other = Flask("other")
    other.config |= app.config
    winnow.init_app(other)
    with other.app_context():
        assert winnow.client is winnow.client
        winnow.client.close()
