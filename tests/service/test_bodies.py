"""A body is as large as its route needs, and a large one needs a key first."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest

from moderation.credentials import KeyKind
from moderation.site import Door
from service import bodies
from service.front.pool import GATE, OPEN
from tests.support.world import World

FORM = "application/x-www-form-urlencoded"


def posts(world: World) -> list[str]:
    """Return a path for each route that takes a body."""
    return [
        str(rule).replace("<", "").replace(">", "")
        for rule in world.app.url_map.iter_rules()
        if {"POST", "PUT", "PATCH"} & (rule.methods or set())
    ]


def at_the_gate(world: World, path: str, length: int, **headers: str) -> Any:
    return world.client().post(
        path, environ_overrides={GATE: True, "CONTENT_LENGTH": str(length)}, headers=headers
    )


def test_every_endpoint_of_the_table_is_one_of_the_app(world: World):
    assert set(bodies.LIMITS) <= set(world.app.view_functions)


def test_no_route_takes_megabytes_without_a_key(world: World):
    """The gate stays shut for each route whose limit is above a megabyte."""
    for path in posts(world):
        limit = bodies.table(world.app)("POST", path)
        if limit > bodies.MIB:
            answer = at_the_gate(world, path, limit)
            assert OPEN not in answer.headers, path
            assert answer.status_code in {302, 401}, path


@pytest.mark.parametrize(
    "type_", [FORM, "application/json", "multipart/form-data", "text/plain", ""]
)
def test_a_body_over_its_limit_is_refused_unread(world: World, type_: str):
    for path in posts(world):
        limit = bodies.table(world.app)("POST", path)
        answer = world.client().post(
            path, environ_overrides={"CONTENT_LENGTH": str(limit + 1), "wsgi.input": Unread()},
            headers={"Content-Type": type_} if type_ else {},
        )  # fmt: skip
        assert answer.status_code < 500, path


class Unread(io.BytesIO):
    def read(self, *_: Any) -> bytes:
        raise AssertionError("somebody read the body")

    readinto = readline = read


def test_with_a_key_the_gate_opens(world: World):
    good = {"Authorization": f"Bearer {world.key}"}
    assert at_the_gate(world, "/v1/comments/batch", 10**7, **good).headers[OPEN] == "keyed"
    refused = at_the_gate(world, "/v1/comments/batch", 10**8, **good)
    assert (refused.status_code, OPEN in refused.headers) == (413, False)


def test_the_gate_is_open_where_the_key_lies_in_the_body(world: World):
    assert at_the_gate(world, "/1.1/comment-check", 300_000).headers[OPEN] == "open"


def test_doors_ask_for_their_key_before_the_body(world: World):
    now = world.adapters.clock.now_ms()
    _, key = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=now)
    site = world.adapters.accounts.site(world.site.id)
    assert Door.OPENAI in site.doors
    answer = at_the_gate(world, "/v1/moderations", 10**6, Authorization=f"Bearer {key}")
    assert answer.headers[OPEN] == "keyed"
    assert at_the_gate(world, "/v1/moderations", 10**6, Authorization="Bearer x").status_code == 401
    assert at_the_gate(world, "/v1alpha1/comments:analyze?key=x", 10**5).status_code == 400
    assert at_the_gate(world, "/coral/000000000000", 10**5).status_code == 404


def test_a_form_of_raw_bytes_costs_no_object_a_byte(world: World):
    body = b"a=" + b"\xff" * 500_000
    world.client().post("/1.1/comment-check", data=body, content_type=FORM)
    tracemalloc.start()
    try:
        answer = world.client().post("/1.1/comment-check", data=body, content_type=FORM)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.data == b"invalid"
    assert peak < 12 * len(body)


def test_a_form_of_very_many_fields_is_no_form(world: World):
    body = b"key=x" + b"&a=1" * 6000
    assert (
        world.client().post("/1.1/comment-check", data=body, content_type=FORM).data == b"invalid"
    )
    answer = world.client().post("/desk/sign-in", data=b"&" * 3000, content_type=FORM)
    assert answer.status_code == 413
