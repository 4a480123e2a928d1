"""The example blog: what readers see, and whom it believes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook

from examples.blog.app import FIRST_COMMENT, create_app

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Winnow:
    """Answers as Winnow does, and remembers what it was sent."""

    url: str
    submitted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def winnow() -> Iterator[Winnow]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known.submitted.append((self.headers["Authorization"], body))
            answer = json.dumps({"id": f"w-{len(known.submitted)}", "status": "pending"}).encode()
            self.send_response(202)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known = Winnow(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reader(winnow: Winnow, tmp_path: Path) -> FlaskClient:
    app = create_app(
        {
            "DATABASE": str(tmp_path / "blog.sqlite"),
            "WINNOW_URL": winnow.url,
            "WINNOW_KEY": "wk_1",
            "WEBHOOK_SECRET": SECRET,
        }
    )
    return app.test_client()


def webhook(client: FlaskClient, status: str, *, sequence: int = 1, secret: str = SECRET, **data):
    """Send what Winnow would."""
    body = json.dumps(
        {"type": f"comment.{status}", "data": {"status": status, "sequence": sequence, **data}}
    )
    now = time.time()
    signature = Webhook(secret).sign("evt_1", datetime.fromtimestamp(int(now), UTC), body)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now)),
        "webhook-signature": signature,
    }
    return client.post(
        "/webhooks/winnow", data=body, headers=headers, content_type="application/json"
    ).status_code


def stranger(client: FlaskClient) -> str:
    """Return the page as somebody else sees it."""
    return client.application.test_client().get("/").text


def test_a_comment_waits_for_its_author_alone_until_it_is_approved(reader, winnow: Winnow):
    reader.post("/comments", data={"author": "Mira", "content": "Is Orla back?"})
    ((authorization, body),) = winnow.submitted
    assert authorization == "Bearer wk_1"
    assert (body["content"], body["author"]["name"]) == ("Is Orla back?", "Mira")
    assert "awaiting moderation" in reader.get("/").text
    assert "Is Orla back?" not in stranger(reader)
    assert webhook(reader, "approved", id="w-1", external_id=body["external_id"]) == 204
    assert "Is Orla back?" in stranger(reader)
    assert "awaiting moderation" not in reader.get("/").text


@pytest.mark.parametrize("withdrawn", ["rejected", "spam", "erased", "pending"])
def test_what_is_withdrawn_is_shown_no_more(reader, winnow: Winnow, withdrawn: str):
    """An erased comment is known by Winnow's own id alone."""
    reader.post("/comments", data={"content": "Gone soon"})
    webhook(reader, "approved", id="w-1", external_id=winnow.submitted[0][1]["external_id"])
    assert "Gone soon" in stranger(reader)
    webhook(reader, withdrawn, id="w-1", sequence=2)
    assert "Gone soon" not in stranger(reader)


def test_an_event_that_comes_late_changes_nothing(reader, winnow: Winnow):
    reader.post("/comments", data={"content": "Twice judged"})
    webhook(reader, "rejected", id="w-1", sequence=2)
    webhook(reader, "approved", id="w-1", sequence=1)
    assert "Twice judged" not in stranger(reader)


def test_a_webhook_that_somebody_else_signed_is_refused(reader, winnow: Winnow):
    reader.post("/comments", data={"content": "Forged"})
    forged = "whsec_" + "A" * 32
    assert webhook(reader, "approved", id="w-1", secret=forged) == 401
    assert reader.post("/webhooks/winnow", json={"data": {}}).status_code == 401
    assert "Forged" not in stranger(reader)


def test_the_trap_and_the_time_are_told(reader, winnow: Winnow):
    """A program fills in fields that people do not see, and does it at once."""
    served = str(int(time.time()) - 7)
    reader.post("/comments", data={"content": "x", "website": "http://pills", "served_at": served})
    submitted = winnow.submitted[0][1]
    assert submitted["honeypot"] == "http://pills"
    assert submitted["form_served_at"] < submitted["submitted_at"]


def test_words_are_shown_as_words(reader, winnow: Winnow):
    reader.post("/comments", data={"content": "<script>alert(1)</script>"})
    assert "<script>alert" not in reader.get("/").text


def test_a_comment_survives_that_winnow_is_away(winnow: Winnow, tmp_path: Path):
    app = create_app(
        {
            "DATABASE": str(tmp_path / "blog.sqlite"),
            "WINNOW_URL": "http://127.0.0.1:9",
            "WINNOW_KEY": "wk_1",
            "WEBHOOK_SECRET": SECRET,
        }
    )
    reader = app.test_client()
    assert reader.post("/comments", data=FIRST_COMMENT).status_code == 303
    assert "awaiting moderation" in reader.get("/").text
