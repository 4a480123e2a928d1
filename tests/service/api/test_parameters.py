"""Parameters of the API: what a route does not know it refuses, as it refuses unknown fields."""

from __future__ import annotations

import re

import pytest

from service.api.base import api
from tests.support.world import World


@pytest.mark.parametrize("operation", api.operations, ids=lambda one: f"{one.method} {one.path}")
def test_every_route_refuses_a_parameter_that_it_does_not_know(world: World, operation):
    path = re.sub(r"<\w+>", world.site.id, f"/v1{operation.path}")
    answer = world.ask(operation.method, path, key=world.token, query_string={"stauts": "spam"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "stauts")
    assert "stauts" in answer.json["detail"]


def test_the_refusal_says_what_the_route_takes(world: World):
    detail = world.ask("GET", "/v1/comments?colour=red").json["detail"]
    for known in ("cursor", "external_id", "limit"):
        assert known in detail
