"""Sites and keys through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moderation.actor import Actor, ActorKind
from moderation.credentials import KeyKind
from tests.support.world import World

TESTS = Actor(ActorKind.TOKEN, via="tests")


def test_a_key_may_be_made_for_some_time_only(world: World):
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    path = f"/v1/keys?site={world.site.id}"
    made = world.ask("POST", path, {"expires_at": at.isoformat()}, key=world.token)
    assert made.status_code == 201
    assert datetime.fromisoformat(made.json["expires_at"]) == at
    listed = world.ask("GET", "/v1/keys").json["items"]
    assert made.json["expires_at"] in [key["expires_at"] for key in listed]
    past = {"expires_at": "2001-01-01T00:00:00Z"}
    refused = world.ask("POST", path, past, key=world.token)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "expires_at")


def test_an_expired_key_is_refused(world: World):
    accounts, now = world.adapters.accounts, world.adapters.clock.now_ms()
    _, text = accounts.add_key("demo", KeyKind.API, expires_at=now - 5, now_ms=now - 10)
    assert world.ask("GET", "/v1/queue", key=text).status_code == 401


@pytest.mark.parametrize(
    "change, field",
    [
        ({"policy": {"blocked_words": ["fine", "/(/"]}}, "policy.blocked_words"),
        ({"policy": {"blocked_domains": ["not a domain"]}}, "policy.blocked_domains"),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_its_line(world: World, change: dict, field: str):
    refused = world.ask("PATCH", f"/v1/sites/{world.site.id}", change, key=world.token)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field
    assert "line " in refused.json["detail"]


def test_the_trail_says_who_made_a_site(world: World):
    assert world.ask("POST", "/v1/sites", {"name": "new"}, key=world.token).status_code == 201
    assert world.adapters.accounts.audit(action="site.add", limit=1)[0].by == TESTS


def test_a_change_through_the_api_is_on_the_trail_and_can_be_reverted(world: World):
    path = f"/v1/sites/{world.site.id}"
    changed = world.ask("PATCH", path, {"retention": {"verdict_days": 9}}, key=world.token)
    assert changed.status_code == 200
    line = world.adapters.accounts.audit(limit=1)[0]
    assert (line.by, line.revertible) == (TESTS, True)
    assert line.changes == {"retention.verdict_days": {"before": 400, "after": 9}}
