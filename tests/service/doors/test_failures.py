"""Whatever is away, no client takes a door's answer for "publish this"."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from moderation.credentials import KeyKind
from moderation.site import Door
from service.limits import Limiter
from tests.support.actors import ADA
from tests.support.valkey import serving
from tests.support.world import PlainModel, World, make_world

SECRET = "coral-signing-secret"


class Broken(PlainModel):
    """A scorer that cannot score anything."""

    def score(self, items: Any, *, hurried: bool = False) -> Any:
        del items
        raise RuntimeError("no model today")


def form(key: str) -> dict[str, str]:
    return {"api_key": key, "blog": "b", "user_ip": "", "comment_content": "hello"}


def check(world: World, key: str) -> Any:
    return world.client().post("/1.1/comment-check", data=form(key))


def check_wordpress(world: World, key: str) -> Any:
    agent = {"User-Agent": "WordPress/6.8 | Akismet/5.5"}
    return world.client().post("/1.1/comment-check", data=form(key), headers=agent)


def analyze(world: World, key: str) -> Any:
    body = {"comment": {"text": "hello"}, "requestedAttributes": {"TOXICITY": {}}}
    return world.client().post(f"/v1alpha1/comments:analyze?key={key}", json=body)


def moderations(world: World, key: str) -> Any:
    return world.ask("POST", "/v1/moderations", {"input": "hello"}, key=key)


def chat(world: World, key: str) -> Any:
    messages = [
        {"role": "system", "content": 'Output {"spam": true} or {"spam": false}.'},
        {"role": "user", "content": "Comment: hello\nNickname: Ada\nWebsite: "},
    ]
    return world.ask("POST", "/v1/chat/completions", {"model": "m", "messages": messages}, key=key)


def matrix(world: World, key: str) -> Any:
    content = {"msgtype": "m.text", "body": "hello"}
    event = {"type": "m.room.message", "sender": "@ada:m.example", "content": content}
    return world.ask("POST", "/matrix/check_event_for_spam", {"event": event}, key=key)


def coral(world: World, key: str) -> Any:
    body = json.dumps({"action": "NEW", "comment": {"body": "hello"}}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Coral-Signature": f"sha256={signature}"}
    return world.client().post(f"/coral/{key}", data=body, headers=headers)


def held_by_akismets_clients(answer: Any) -> bool:
    """The answer is neither `true` nor `false`; WordPress's plugin gets a header that says so, too."""
    return answer.data not in {b"true", b"false"} and "X-akismet-error" in answer.headers


def held_by_perspectives_clients(answer: Any) -> bool:
    error = answer.json["error"]
    return (
        answer.status_code >= 400
        and error["code"] == answer.status_code
        and bool(error["details"][0]["@type"])
    )


def held_by_openais_clients(answer: Any) -> bool:
    """A status that they retry and then report, in OpenAI's form."""
    error = answer.json["error"]
    return answer.status_code in {429, 503} and set(error) == {"message", "type", "param", "code"}


def held_by_twikoo(answer: Any) -> bool:
    """Twikoo publishes after three errors: a failure must answer that it is spam."""
    content = answer.json["choices"][0]["message"]["content"]
    return answer.status_code == 200 and json.loads(content)["spam"] is True


def refused_by_synapse(answer: Any) -> bool:
    """Every status but 2xx refuses the event; the sender gets the reason."""
    return answer.status_code >= 400 and set(answer.json) == {"errcode", "error"}


def held_by_coral(answer: Any) -> bool:
    """Coral publishes on anything but a 200."""
    return answer.status_code == 200 and answer.json["status"] == "SYSTEM_WITHHELD"


@dataclass(frozen=True)
class Way:
    """How a client asks through a door, and by which answers it holds or publishes the comment."""

    ask: Callable[[World, str], Any]
    holds: Callable[[Any], bool]
    passes: Callable[[Any], bool] = lambda answer: "error" not in answer.json


WAYS = {
    "akismet": Way(check, held_by_akismets_clients, lambda answer: answer.data == b"false"),
    "wordpress": Way(
        check_wordpress, held_by_akismets_clients, lambda answer: answer.data == b"false"
    ),
    "perspective": Way(analyze, held_by_perspectives_clients),
    "openai": Way(moderations, held_by_openais_clients),
    "coral": Way(coral, held_by_coral, lambda answer: answer.json["status"] == "NONE"),
    "chat": Way(chat, held_by_twikoo),
    "matrix": Way(matrix, refused_by_synapse),
}
each_door = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


def opened(world: World) -> str:
    """Return a key that opens every door of *world*'s site."""
    accounts = world.adapters.accounts
    was = accounts.site(world.site.id)
    accounts.save_site(replace(was, doors=tuple(Door)), was=was, by=ADA, now_ms=1)
    accounts.set_door_secret(world.site.id, Door.CORAL, SECRET, by=ADA, now_ms=1)
    return accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[tuple[World, Any]]:
    """A Winnow with a Valkey of its own, which a test may stop."""
    with serving() as valkey, make_world(valkey.url, tmp_path) as world:
        yield world, valkey


@each_door
def test_a_door_lets_a_good_comment_pass_when_all_is_well(world: World, way: Way):
    answer = way.ask(world, opened(world))
    assert answer.status_code == 200
    assert way.passes(answer)


@each_door
def test_without_a_scorer_the_comment_is_held(world: World, way: Way):
    key = opened(world)
    world.model = Broken()
    assert way.holds(way.ask(world, key))


@each_door
@pytest.mark.parametrize("known", [False, True], ids=["a new key", "a key seen lately"])
def test_without_storage_a_comment_that_would_be_kept_is_held(
    lonely: tuple[World, Any], way: Way, known: bool
):
    """Doors that keep nothing answer from the scorer alone while they still know the key."""
    world, valkey = lonely
    key = opened(world)
    if known:
        way.ask(world, key)
    valkey.stop()
    answer = way.ask(world, key)
    scored_without_storage = known and way.ask in {analyze, moderations}
    assert scored_without_storage or way.holds(answer)
    assert answer.data != b"false"


@each_door
def test_over_the_sites_rate_the_comment_is_held_and_told_when_to_come_back(world: World, way: Way):
    key = opened(world)
    world.app.extensions["winnow_door_limiter"] = Limiter.of("1/minute", world.adapters.redis)
    way.ask(world, key)
    answer = way.ask(world, key)
    assert way.holds(answer)
    if way.ask not in {coral, chat}:  # whose clients publish after an error
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
