"""The Allow header: the methods that a path takes, on each 405 and each answer to OPTIONS."""

from __future__ import annotations

import re

import pytest

from tests.support.world import World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def methods_by_path(world: World) -> dict[str, set[str]]:
    """Return what the rules of each path take; a path is one rule's text."""
    methods: dict[str, set[str]] = {}
    for rule in world.app.url_map.iter_rules():
        methods.setdefault(rule.rule, set()).update(rule.methods)
    return methods


def allowed(answer) -> set[str]:
    return {word.strip() for word in answer.headers.get("Allow", "").split(",")}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_a_path_does_not_take_is_answered_with_those_that_it_takes(
    world: World, method: str
):
    client, sender = world.client(), {"Authorization": f"Bearer {world.token}"}
    wrong = {}
    for rule, own in methods_by_path(world).items():
        if method not in own:
            answer = client.open(re.sub("<[^>]+>", "x", rule), method=method, headers=sender)
            if (answer.status_code, allowed(answer)) != (405, own):
                wrong[rule] = (answer.status_code, allowed(answer), own)
    assert wrong == {}


def test_options_names_the_methods_of_each_path_of_the_api(world: World):
    client, sender = world.client(), {"Authorization": f"Bearer {world.token}"}
    paths = {path: own for path, own in methods_by_path(world).items() if path.startswith("/v1/")}
    asked = {
        path: client.options(re.sub("<[^>]+>", "x", path), headers=sender)
        for path in paths
        if path not in {"/v1/moderations", "/v1/chat/completions"}  # doors, with keys of their own
    }
    assert {path: allowed(answer) for path, answer in asked.items()} == {
        path: paths[path] for path in asked
    }
    assert {answer.status_code for answer in asked.values()} == {200}
