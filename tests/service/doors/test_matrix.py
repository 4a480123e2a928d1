"""Synapse's checks: texts that pass, texts that are refused, and events without text."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.treatment import Subject, Treatment
from tests.service.doors.test_failures import opened
from tests.support.actors import ADA
from tests.support.world import World


def check(world: World, content: Any, kind: str = "m.room.message") -> tuple[int, Any]:
    event = {"type": kind, "sender": "@ada:m.example", "room_id": "!room:m.example"}
    body = {"event": event | {"content": content}}
    answer = world.ask("POST", "/matrix/check_event_for_spam", body, key=opened(world))
    return answer.status_code, answer.json


@pytest.mark.parametrize(
    "body, status", [("hello", 200), ("spam=0.6", 403), ("spam=0.95", 403), (" ", 200)]
)
def test_a_message_passes_or_is_refused(world: World, body: str, status: int):
    found, content = check(world, {"msgtype": "m.text", "body": body})
    assert found == status
    assert content == {} if status == 200 else content["errcode"] == "M_FORBIDDEN"


def test_an_edit_is_judged_by_what_it_says_from_now_on(world: World):
    content = {"msgtype": "m.text", "body": "* hello", "m.new_content": {"body": "spam=0.95"}}
    assert check(world, content)[0] == 403


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            {"body": "hi", "formatted_body": "<b>hi</b> spam=0.95"}, id="HTML beside a text"
        ),
        pytest.param({"body": "spam=0.95", "m.new_content": {"body": "hi"}}, id="no real edit"),
        pytest.param(
            {"body": "hi", "m.new_content": {"body": "hi", "formatted_body": "spam=0.95"}},
            id="HTML of an edit",
        ),
        pytest.param({"msgtype": "x.other", "body": "spam=0.95"}, id="an unknown kind"),
        pytest.param({"msgtype": ["m.text"], "body": "spam=0.95"}, id="no kind at all"),
        pytest.param(
            {"msgtype": "m.image", "filename": "cat.png", "body": "spam=0.95"}, id="a caption"
        ),
    ],
)
def test_whatever_a_client_may_show_is_judged(world: World, content: dict[str, Any]):
    assert check(world, {"msgtype": "m.text"} | content)[0] == 403


def poll(question: Any, *answers: str) -> dict[str, Any]:
    """Return a poll as Element sends it."""
    return {
        "org.matrix.msc3381.poll.start": {
            "question": question,
            "answers": [{"id": one, "org.matrix.msc1767.text": one} for one in answers],
        }
    }


@pytest.mark.parametrize(
    "kind, content",
    [
        pytest.param("m.room.topic", {"topic": "spam=0.95"}, id="a topic"),
        pytest.param(
            "m.room.topic",
            {
                "topic": "hi",
                "m.topic": {"m.text": [{"body": "spam=0.95", "mimetype": "text/html"}]},
            },
            id="a topic's HTML",
        ),
        pytest.param("m.room.name", {"name": "spam=0.95"}, id="a name"),
        pytest.param("m.sticker", {"body": "spam=0.95", "url": "mxc://m/1"}, id="a sticker"),
        pytest.param("m.reaction", {"m.relates_to": {"key": "spam=0.95"}}, id="a reaction"),
        pytest.param("m.room.redaction", {"reason": "spam=0.95"}, id="why one was taken back"),
        pytest.param(
            "org.matrix.msc3381.poll.start",
            poll({"org.matrix.msc1767.text": "spam=0.95"}, "yes", "no"),
            id="a poll's question",
        ),
        pytest.param(
            "org.matrix.msc3381.poll.start", poll({"body": "?"}, "yes", "spam=0.95"), id="an answer"
        ),
        pytest.param(
            "m.poll.start",
            {"m.poll": {"question": {"m.text": [{"body": "spam=0.95"}]}, "answers": []}},
            id="a poll as the standard has it",
        ),
        pytest.param("x.unheard.of", {"m.text": [{"body": "spam=0.95"}]}, id="an unknown type"),
        pytest.param(
            "m.room.message",
            {"msgtype": "m.text", "body": "hi", "org.matrix.msc1767.text": "spam=0.95"},
            id="a block beside a body",
        ),
    ],
)
def test_whatever_type_an_event_has_its_text_is_judged(world: World, kind: str, content: Any):
    assert check(world, content, kind)[0] == 403


def test_an_event_that_would_cost_many_readings_is_refused(world: World):
    texts = [{"body": f"hello {n}"} for n in range(11)]
    assert check(world, {"m.text": texts}, "m.message")[0] == 400


@pytest.mark.parametrize(
    "content, kind",
    [
        ({"m.relates_to": {"key": "\N{THUMBS UP SIGN}"}}, "m.reaction"),
        ({"m.poll": [1, {"question": 5}], "topic": ["spam=0.95"]}, "m.poll.start"),
        ({"m.poll": {"question": [7], "answers": {"a": "b"}}}, "m.poll.start"),
        ({"body": "hi"}, ["m.room.message"]),
        ({"ciphertext": "spam=0.95"}, "m.room.encrypted"),
        ({"membership": "join"}, "m.room.member"),
        ({"msgtype": "m.image", "body": "spam=0.95.png"}, "m.room.message"),
        ({"body": 5}, "m.room.message"),
        (None, "m.room.message"),
    ],
)
def test_what_holds_no_text_passes(world: World, content: Any, kind: str):
    assert check(world, content, kind) == (200, {})


def test_a_sender_is_known_by_their_id_so_that_a_site_may_trust_or_block_them(world: World):
    """Winnow's own user among them, whose notices may quote what the door would refuse."""
    message, treat = {"msgtype": "m.notice", "body": "spam=0.6"}, world.adapters.treat
    assert check(world, message)[0] == 403
    ada = Subject.read("user", "@ada:m.example")
    treat(world.site.id, ada, Treatment.TRUST, by=ADA)
    assert check(world, message)[0] == 200
    assert check(world, message | {"body": "spam=0.95"})[0] == 403
    treat(world.site.id, ada, Treatment.BLOCK, by=ADA)
    assert check(world, message | {"body": "hello"})[0] == 403


def test_the_modules_ping_is_answered(world: World):
    answer = world.ask("POST", "/matrix/ping", {"id": "abc"}, key=opened(world))
    assert answer.json == {"id": "abc", "status": "ok"}


@pytest.mark.parametrize("key", ["", "ffffffffffff"])
def test_a_wrong_key_refuses(world: World, key: str):
    assert world.ask("POST", "/matrix/ping", {"id": "abc"}, key=key).status_code == 401
