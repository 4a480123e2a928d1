"""The commands of /docs are what a shell and the API take."""

from __future__ import annotations

import shlex

from service.api.base import api
from service.api.commands import QUERIES, command
from tests.support.world import World


def test_commands_name_operations_and_parameters_that_there_are():
    known = {one.name: one for one in api.operations}
    for name, query in QUERIES.items():
        asked = {pair.partition("=")[0] for pair in query.split("&")}
        assert asked <= {one.name for one in known[name].query}


def test_every_command_is_one_that_a_shell_takes(world: World):
    for operation in api.operations:
        words = shlex.split(command(operation, "http://127.0.0.1:8025"))
        assert words[0] == "curl"
        assert all("<" not in word for word in words), "no place is left to be filled in"
    page = world.client().get("/docs").text
    assert page.count("<pre") > len(api.operations)
    assert len(page.encode()) < 100_000
