"""Endpoints through the API: a site's key manages its own, within what an administrator allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.delivery import DeliveryState
from moderation.endpoint import MAX_ENDPOINTS, Endpoint
from tests.support.actors import ADA
from tests.support.world import World


def add(world: World, url: str = "http://blog.internal/hook") -> Endpoint:
    """Return an endpoint that an administrator let reach the private network."""
    answer = world.ask(
        "POST",
        f"/v1/endpoints?site={world.site.id}",
        {"url": url, "allow_private": True, "headers": {"X-Blog": "1"}},
        key=world.token,
    )
    return world.adapters.accounts.endpoint(answer.json["id"])


def patch(world: World, endpoint: Endpoint, body: dict, *, key: str | None = None):
    return world.ask("PATCH", f"/v1/endpoints/{endpoint.id}", body, key=key)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://blog.internal/other"},
        {"url": "https://elsewhere.example/hook"},
        {"headers": {"X-Blog": "2"}},
        {"headers": {}},
    ],
)
def test_a_sites_change_of_url_or_headers_ends_leave_to_reach_private_addresses(
    world: World, change: dict
):
    """The administrator allowed one URL and its headers, not whatever the site makes of them."""
    endpoint = add(world)
    assert patch(world, endpoint, change).json["allow_private"] is False
    assert world.adapters.accounts.endpoint(endpoint.id).allow_private is False


@pytest.mark.parametrize(
    "change", [{"url": "http://127.0.0.1:6379/"}, {"headers": {"Authorization": "x"}}]
)
def test_a_site_cannot_turn_an_allowed_endpoint_upon_the_private_network(
    world: World, change: dict
):
    endpoint = add(world, "http://10.0.0.1/hook")
    assert patch(world, endpoint, change).status_code == 422
    assert world.adapters.accounts.endpoint(endpoint.id) == endpoint


@pytest.mark.parametrize(
    "change",
    [{"description": "blog"}, {"enabled": False}, {"url": "http://blog.internal/hook"}],
)
def test_what_does_not_move_an_endpoint_keeps_its_leave(world: World, change: dict):
    endpoint = add(world)
    assert patch(world, endpoint, change).json["allow_private"] is True


def test_an_administrator_moves_an_endpoint_within_the_private_network(world: World):
    endpoint = add(world)
    moved = patch(world, endpoint, {"url": "http://10.0.0.2/hook"}, key=world.token)
    assert (moved.status_code, moved.json["allow_private"]) == (200, True)


def test_a_site_cannot_allow_itself_private_addresses(world: World):
    endpoint = add(world)
    accounts = world.adapters.accounts
    accounts.save_endpoint(replace(endpoint, allow_private=False), was=endpoint, by=ADA, now_ms=1)
    assert patch(world, endpoint, {"allow_private": True}).status_code == 403
    asked = {"url": "https://blog.example/", "allow_private": True}
    assert world.ask("POST", "/v1/endpoints", asked).status_code == 403


def test_an_endpoint_says_since_when_it_fails(world: World):
    adapters, endpoint = world.adapters, add(world)
    comment = world.comment("hello")
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, [endpoint], now_ms=now)
    (leased,) = adapters.deliveries.lease(0, "a:1", most=5, lease_ms=1000, now_ms=now)
    assert comment.status == "approved"
    attempt = {"at": now, "status": 500, "error": "answered 500"}
    adapters.deliveries.finish(
        leased, DeliveryState.DUE, attempt=attempt, next_ms=now + 9, now_ms=now
    )
    for answer in (
        world.ask("GET", f"/v1/endpoints/{endpoint.id}").json,
        world.ask("GET", "/v1/endpoints").json["items"][0],
    ):
        assert answer["failing_since"] is not None


def test_a_site_has_twenty_endpoints_at_most(world: World):
    """Each event is written down for each of them: with thousands, one comment would stop the store."""
    body = {"url": "https://blog.example/hook"}
    added = [world.ask("POST", "/v1/endpoints", body).status_code for _ in range(MAX_ENDPOINTS)]
    assert set(added) == {201}
    refused = world.ask("POST", "/v1/endpoints", body)
    assert (refused.status_code, len(world.adapters.accounts.endpoints(world.site.id))) == (422, 20)
    other = world.adapters.accounts.add_site("other", now_ms=1)
    answer = world.ask("POST", f"/v1/endpoints?site={other.id}", body, key=world.token)
    assert answer.status_code == 201


def test_however_often_a_secret_is_changed_a_webhook_has_few_signatures(world: World):
    """A thousand changes within a day made a header that no receiver takes, and a record without bound."""
    endpoint = add(world)
    path = f"/v1/endpoints/{endpoint.id}/rotate"
    latest = [world.ask("POST", path).json["secret"] for _ in range(8)]
    kept = world.adapters.accounts.endpoint(endpoint.id).secrets
    assert [one.value for one in kept] == latest[-5:]
