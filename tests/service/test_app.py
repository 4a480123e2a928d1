"""The application is apart from the installation that it serves."""

from __future__ import annotations

from pathlib import Path

import redis

from moderation.credentials import KeyKind
from tests.support.world import World, make_world

CHECK = {"blog": "https://blog.example", "user_ip": "", "comment_content": "hello"}


def submit(world: World, key: str) -> int:
    return world.ask("POST", "/v1/comments", {"content": "hello"}, key=key).status_code


def check(world: World, door: str) -> bytes:
    return world.client().post("/1.1/comment-check", data=CHECK | {"api_key": door}).data


def test_an_application_that_is_handed_on_keeps_nothing_of_the_last_installation(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path
):
    with make_world(redis_url, tmp_path / "one", public_url="https://one.example") as one:
        door = one.adapters.accounts.add_key(one.site.id, KeyKind.DOOR, now_ms=1)[1]
        assert submit(one, one.key) == 202
        assert check(one, door) == b"false"
        assert one.client().get("/desk/sign-in").status_code == 200
        app, secret = one.app, one.app.config["SECRET_KEY"]
    redis_client.flushall()
    with make_world(redis_url, tmp_path / "two") as two:
        assert two.app is app
        assert submit(two, one.key) == 401
        assert check(two, door) == b"invalid"
        assert two.client().get("/", headers={"Host": "one.example"}).status_code == 421
        assert "/desk/sign-in" not in two.client().get("/metrics").text
        assert app.config["SECRET_KEY"] != secret
        assert not app.config["SESSION_COOKIE_SECURE"]
