"""Synapse's checks: what passes, what is refused, and what is none of our business."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.doors.test_failures import opened
from tests.support.world import World


def check(world: World, content: Any, kind: str = "m.room.message") -> tuple[int, Any]:
    event = {"type": kind, "sender": "@ada:m.example", "room_id": "!room:m.example"}
    told = {"event": event | {"content": content}}
    answer = world.ask("POST", "/matrix/check_event_for_spam", told, key=opened(world))
    return answer.status_code, answer.json


@pytest.mark.parametrize(
    "body, status", [("hello", 200), ("spam=0.6", 403), ("spam=0.95", 403), (" ", 200)]
)
def test_a_message_passes_or_is_refused(world: World, body: str, status: int):
    found, told = check(world, {"msgtype": "m.text", "body": body})
    assert found == status
    assert told == {} if status == 200 else told["errcode"] == "M_FORBIDDEN"


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


@pytest.mark.parametrize(
    "content, kind",
    [
        ({"ciphertext": "spam=0.95"}, "m.room.encrypted"),
        ({"membership": "join"}, "m.room.member"),
        ({"msgtype": "m.image", "body": "spam=0.95.png"}, "m.room.message"),
        ({"body": 5}, "m.room.message"),
        (None, "m.room.message"),
    ],
)
def test_what_holds_no_text_passes(world: World, content: Any, kind: str):
    assert check(world, content, kind) == (200, {})


def test_the_modules_ping_is_answered(world: World):
    answer = world.ask("POST", "/matrix/ping", {"id": "abc"}, key=opened(world))
    assert answer.json == {"id": "abc", "status": "ok"}


@pytest.mark.parametrize("key", ["", "ffffffffffff"])
def test_a_wrong_key_refuses(world: World, key: str):
    assert world.ask("POST", "/matrix/ping", {"id": "abc"}, key=key).status_code == 401
