"""A name that somebody else's DNS points here is served nothing but the doors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moderation.credentials import KeyKind
from tests.support.world import World


def status(world: World, host: str, path: str = "/desk/sign-in") -> int:
    return world.client().get(path, headers={"Host": host}).status_code


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8025", "[::1]:8025", "192.0.2.7", "winnow:8025", "a.localhost"]
)
def test_names_that_nobody_elses_dns_can_take_are_served(world: World, host: str):
    assert status(world, host) == 200


@pytest.mark.parametrize("path", ["/desk/sign-in", "/docs", "/openapi.json", "/nowhere"])
def test_other_names_are_refused_with_what_to_set(world: World, path: str):
    answer = world.client().get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "WINNOW_PUBLIC_URL" in answer.json["detail"]


def test_the_public_address_and_further_names_are_served(world_of: Callable[..., World]):
    world = world_of(public_url="https://winnow.blog.example/", allowed_hosts=("intern.example",))
    assert status(world, "winnow.blog.example") == 200
    assert status(world, "Intern.Example:443") == 200
    assert status(world, "blog.example") == 421


def test_doors_and_health_answer_to_any_name(world: World):
    """Old clients put their key in the name."""
    key = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]
    host = {"Host": f"{key}.rest.akismet.com"}
    form = {"blog": "https://blog.example", "user_ip": "", "comment_content": "hello"}
    assert world.client().post("/1.1/comment-check", data=form, headers=host).data == b"false"
    assert status(world, "evil.example", "/healthz") == 200
