"""winnow-client: what it sends, whom it believes, and when it tries again; against the real API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from winnow_client import (
    AsyncWinnow,
    Author,
    BadSignature,
    Comment,
    Conflict,
    NotFound,
    Past,
    Post,
    Refused,
    Unavailable,
    Webhook,
    Winnow,
)

from moderation import signing
from tests.support.world import World

BEANS = Post("https://garden.example/beans/", "Beans", datetime(2026, 5, 1, tzinfo=UTC), "en")
HAM = Comment("Mine came up early.", "42", Author("Grace", "grace@mail.example"), BEANS)


@pytest.fixture
def winnow(world: World) -> Iterator[Winnow]:
    transport = httpx.WSGITransport(app=world.app, raise_app_exceptions=True)
    with Winnow("http://127.0.0.1:8025", world.key, transport=transport) as client:
        yield client


def test_a_comment_goes_in_and_its_verdict_comes_out(world: World, winnow: Winnow):
    answer = winnow.submit(HAM)
    assert (answer.status, answer.outcome, answer.external_id) == ("pending", "new", "42")
    assert winnow.submit(HAM).outcome == "same"
    world.screen()
    found = winnow.find("42")
    assert found == winnow.get(answer.id)
    assert (found.status, found.verdict, found.raw["post"]["title"]) == (
        "approved",
        "allow",
        "Beans",
    )
    assert winnow.find("43") is None


def test_many_go_in_together_and_what_is_doubtful_waits_in_the_queue(world: World, winnow: Winnow):
    winnow.submit_many([Comment(f"spam=0.6 {n}", str(n)) for n in range(60)])
    world.screen()
    waiting = list(winnow.queue())
    assert len(waiting) == 60
    assert waiting[0].reasons[0].code == "spam"


def test_a_decision_an_edit_and_an_erasure_are_made_by_id(world: World, winnow: Winnow):
    comment_id = winnow.submit(HAM).id
    world.screen()
    decided = winnow.decide(comment_id, "spam", moderator="ada", note="Seen before.")
    assert (decided.status, decided.raw["history"][-1]["by"]["name"]) == ("spam", "ada")
    with pytest.raises(Conflict):
        winnow.decide(comment_id, "approve", version=0)
    assert winnow.undo(comment_id).status == "approved"
    assert winnow.edit(comment_id, Comment("Mine came up late.")).raw["revision"] == 2
    winnow.erase(comment_id)
    assert winnow.get(comment_id).status == "erased"


def test_an_external_id_of_other_content_is_a_conflict_that_names_the_comment(winnow: Winnow):
    first = winnow.submit(HAM)
    with pytest.raises(Conflict) as conflict:
        winnow.submit(Comment("Something else.", "42"))
    assert conflict.value.comment_id == first.id


def test_history_goes_in_in_batches_and_again(winnow: Winnow):
    at = datetime(2020, 1, 1, tzinfo=UTC)
    history = [Past(Comment(f"Old {n}.", str(n)), at, "approved") for n in range(450)]
    assert {one.outcome for one in winnow.remember(history)} == {"new"}
    again = list(winnow.remember([*history, Past(Comment("", "x"), at, "approved")]))
    assert [one.outcome for one in again] == ["same"] * 450 + ["refused"]
    assert "content" in again[-1].reason


def test_the_feed_tells_events_in_order(world: World, winnow: Winnow):
    comment_id = winnow.submit(HAM).id
    world.screen()
    page = winnow.events()
    (event,) = page.items
    assert (event.type, event.comment_id, event.external_id, event.sequence) == (
        "comment.approved", comment_id, "42", 1,
    )  # fmt: skip
    assert winnow.events(page.next).items == ()


def test_an_author_is_exported_and_erased(winnow: Winnow):
    winnow.submit(HAM)
    (kept,) = winnow.export_author(email="Grace@mail.example")
    assert kept.raw["content"] == HAM.content
    assert winnow.erase_author(email="grace@mail.example") == 1


def test_what_is_wrong_is_said_and_not_tried_again(world: World, winnow: Winnow):
    with pytest.raises(Refused, match="content") as refused:
        winnow.submit(Comment(""))
    assert refused.value.status == 422
    with pytest.raises(NotFound):
        winnow.get("01a206bc-7aa1-7000-918c-80ab924a07e6")
    transport = httpx.WSGITransport(app=world.app)
    with Winnow("http://127.0.0.1:8025", "wk_no", transport=transport) as stranger:
        with pytest.raises(Refused) as refused:
            stranger.submit(HAM)
        assert refused.value.status == 401


def test_a_time_without_a_zone_is_a_mistake():
    with pytest.raises(ValueError, match="time zone"):
        Comment("hello", submitted_at=datetime(2026, 1, 1)).document()  # noqa: DTZ001 - that is the mistake


# -- trying again


class Server:
    """Answers by a list of answers, the last one for ever, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.pauses = list(answers), [], []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(
            answer.status_code, headers=answer.headers, content=answer.content
        )  # each client reads its own

    def client(self) -> Winnow:
        transport = httpx.MockTransport(self)
        return Winnow("http://w", "wk_x", transport=transport, sleep=self.pauses.append)


GOOD = httpx.Response(202, json={"id": "1", "status": "pending", "outcome": "new"})
BUSY = httpx.Response(503, json={"detail": "busy"}, headers={"Retry-After": "2"})
AWAY = httpx.ConnectError("refused")


@pytest.mark.parametrize("trouble", [BUSY, httpx.Response(429), httpx.Response(502), AWAY])
def test_a_named_comment_is_submitted_again_until_winnow_is_back(trouble: Any):
    server = Server(trouble, trouble, GOOD)
    assert server.client().submit(HAM).id == "1"
    assert len(server.pauses) == 2
    assert server.pauses[0] == 2 if trouble is BUSY else server.pauses[0] < 1


def test_after_four_tries_the_caller_knows_that_winnow_is_away():
    server = Server(AWAY)
    with pytest.raises(Unavailable):
        server.client().submit(HAM)
    assert len(server.asked) == 4


@pytest.mark.parametrize("trouble", [httpx.Response(502), httpx.ReadTimeout("slow")])
def test_a_comment_without_a_name_is_not_sent_twice_where_it_may_have_arrived(trouble: Any):
    server = Server(trouble, GOOD)
    with pytest.raises(Unavailable):
        server.client().submit(Comment("hello"))
    assert len(server.asked) == 1


def test_a_long_retry_after_is_the_callers_to_wait_for():
    server = Server(httpx.Response(503, headers={"Retry-After": "300"}))
    with pytest.raises(Unavailable) as away:
        server.client().submit(HAM)
    assert (away.value.retry_after, len(server.asked)) == (300, 1)


def test_what_is_not_winnow_is_said():
    with pytest.raises(Unavailable, match="not Winnow"):
        Server(httpx.Response(200, text="<html>")).client().submit(HAM)


def test_the_asynchronous_client_does_the_same():
    server, pauses = Server(BUSY, GOOD), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def submit() -> str:
        transport = httpx.MockTransport(server)
        async with AsyncWinnow("http://w", "wk_x", transport=transport, sleep=pause) as client:
            answer = await client.submit(HAM, wait_seconds=2)
        return answer.id

    assert asyncio.run(submit()) == "1"
    assert pauses == [2]
    sent = server.asked[-1]
    assert sent.headers["Prefer"] == "wait=2"
    assert json.loads(sent.content)["author"] == {"name": "Grace", "email": "grace@mail.example"}


# -- webhooks

OLD, NEW, OTHER = (signing.new_secret() for _ in range(3))
BODY = json.dumps({"type": "comment.approved", "data": {"id": "1", "sequence": 3}}).encode()


def headers(at: float | None = None, *secrets: str, body: bytes = BODY) -> dict[str, str]:
    moment = int(time.time() if at is None else at)
    return signing.headers(secrets or [OLD, NEW], "evt_1", moment, body)


@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_a_webhook_is_believed_by_either_secret_of_a_rotation(secret: str):
    event = Webhook(secret).verify(BODY, headers())
    assert (event.id, event.type, event.comment_id, event.sequence) == (
        "evt_1", "comment.approved", "1", 3,
    )  # fmt: skip
    assert Webhook(OTHER, NEW).verify(BODY, headers()) == event


@pytest.mark.parametrize(
    "body, given",
    [
        (BODY, dict),
        (BODY, lambda: headers(time.time() - 301)),
        (BODY, lambda: headers(time.time() + 400)),
        (BODY, lambda: headers(None, OTHER)),
        (BODY + b" ", headers),
        (BODY, lambda: headers() | {"webhook-id": "evt_2"}),
        (BODY, lambda: headers() | {"webhook-timestamp": "²"}),
        (BODY, lambda: headers() | {"webhook-signature": "v1,"}),
        (BODY, lambda: headers() | {"webhook-signature": "v1,é"}),
        (b"[]", lambda: headers(body=b"[]")),
        (b"{}", lambda: headers(body=b"{}")),
    ],
)
def test_a_webhook_is_not_believed(body: bytes, given: Callable[[], dict[str, str]]):
    with pytest.raises(BadSignature):
        Webhook(OLD).verify(body, given())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "whsec_c2hvcnQ="])
def test_what_is_no_secret_is_refused_at_once(secret: str):
    with pytest.raises(ValueError, match="whsec_"):
        Webhook(secret)
