"""Chat completions: a comment in a prompt, and one of two answers; held on any doubt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.exceptions import TooManyRequests

from moderation.credentials import KeyKind
from service.limits import Limiter
from tests.support.actors import ADA
from tests.support.world import World

TWIKOO = 'Output exactly {"spam": true} or {"spam": false}. Output only the JSON object.'
WALINE = "You are a review bot. Output should be a single word(approved/spam)."


@pytest.fixture
def key(world: World) -> str:
    return world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]


def said(world: World, key: str, *messages: tuple[str, Any], **more: Any) -> str:
    conversation = [{"role": role, "content": content} for role, content in messages]
    answer = world.ask("POST", "/v1/chat/completions", {"messages": conversation, **more}, key=key)
    assert answer.status_code == 200, answer.text
    assert answer.json["object"] == "chat.completion"
    (choice,) = answer.json["choices"]
    assert (choice["finish_reason"], choice["message"]["role"]) == ("stop", "assistant")
    return choice["message"]["content"]


def twikoo(world: World, key: str, comment: str, name: str = "Ada", url: str = "") -> bool:
    text = f"Comment: {comment}\nNickname: {name}\nWebsite: {url}"
    format_ = {"type": "json_object"}
    content = said(world, key, ("system", TWIKOO), ("user", text), response_format=format_)
    return json.loads(content)["spam"]


@pytest.mark.parametrize(
    "comment, spam", [("hello", False), ("spam=0.6", True), ("spam=0.95", True), ("", True)]
)
def test_twikoo_is_told_of_spam_and_of_what_a_person_should_see(
    world: World, key: str, comment: str, spam: bool
):
    assert twikoo(world, key, comment) is spam


@pytest.mark.parametrize(
    "comment, word",
    [("hello", "approved"), ("spam=0.6", "waiting"), ("spam=0.95", "spam"), (" ", "waiting")],
)
def test_walines_plugin_is_told_in_one_word(world: World, key: str, comment: str, word: str):
    assert said(world, key, ("system", WALINE), ("user", comment)) == word


def test_a_prompt_as_long_as_a_body_is_read_in_no_time(world: World, key: str):
    """Searching it for one word and then another took minutes; past 120 s a test has failed."""
    assert (
        said(world, key, ("system", "approved " * 50_000 + "spam"), ("user", "hello")) == "approved"
    )
    asked = ("system", "approved " * 50_000)
    assert json.loads(said(world, key, asked, ("user", "hello"))) == {"spam": False}


def test_the_comments_author_is_read_from_the_prompt(world: World, key: str):
    recording = replace(world.site, record_doors=True)
    world.adapters.accounts.save_site(recording, was=world.site, by=ADA, now_ms=1)
    assert not twikoo(world, key, "hello\nagain", "Grace", "https://grace.example")
    (kept,) = world.adapters.comments.recent(world.site.id).items
    assert (kept.content, kept.draft.author.name) == ("hello\nagain", "Grace")
    assert kept.draft.author.url == "https://grace.example"


@pytest.mark.parametrize(
    "text",
    [
        "Comment: hello\nNickname: Ada\nWebsite: \n\n[ERROR]: spam=0.95",
        "Comment: hello\nNickname: Ada\nWebsite: x\nComment: spam=0.95\nNickname: Eve\nWebsite: ",
        "Comment: spam=0.95\nNickname: Ada\nWebsite: \nNickname: Ada\nWebsite: ",
        "spam=0.95\nComment: hello\nNickname: Ada\nWebsite: ",
        f"Comment: hello\nNickname: {'a' * 200} spam=0.95\nWebsite: ",
        f"Comment: hello\nNickname: Ada\nWebsite: {'a' * 2000} spam=0.95",
    ],
)
def test_no_line_in_a_comment_hides_the_rest_of_it(world: World, key: str, text: str):
    assert json.loads(said(world, key, ("system", TWIKOO), ("user", text)))["spam"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [("system", TWIKOO)],
        [("user", [{"type": "image_url", "image_url": {"url": "https://x.example/"}}])],
        [("user", 5)],
        [("user", "é" * 40_000)],
        [("assistant", "hello")],
    ],
)
def test_what_holds_no_comment_is_held(world: World, key: str, messages: list[tuple[str, Any]]):
    assert json.loads(said(world, key, *messages)) == {"spam": True}


def test_a_client_that_wants_a_stream_is_told_to_hold(world: World, key: str):
    assert json.loads(said(world, key, ("user", "hello"), stream=True)) == {"spam": True}


def test_a_site_that_asks_too_fast_is_told_to_hold(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
):
    """Twikoo tries three times within two seconds, and then publishes."""

    def refuse(*_: Any) -> None:
        raise TooManyRequests(retry_after=5)

    monkeypatch.setattr(Limiter, "spend", refuse)
    assert twikoo(world, key, "hello")


@pytest.mark.parametrize("given", ["", "ffffffffffff", "wk_nothing"])
def test_a_wrong_key_is_an_error_in_openais_form(world: World, given: str):
    answer = world.ask("POST", "/v1/chat/completions", {"messages": []}, key=given)
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "invalid_api_key"
