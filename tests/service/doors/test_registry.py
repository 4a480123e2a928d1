"""A door is a file and one line: every member of Door has its file, its tests and its failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation.site import Door
from service import doors
from tests.service.doors.test_failures import WAYS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("door", Door)
def test_a_door_has_a_blueprint_of_its_name_and_shapes_its_own_failures(door: Door):
    blueprint = doors.DOORS[door]
    assert blueprint.name == door
    assert Exception in blueprint.error_handler_spec[None][None]


@pytest.mark.parametrize("door", Door)
def test_a_door_is_documented_and_tested_against_everything_that_is_away(door: Door):
    assert door.label.partition(":")[0] in (ROOT / "docs" / "doors.md").read_text()
    assert door in WAYS


def test_no_file_of_a_door_is_left_out_of_the_registry():
    shared = {"__init__", "base", "failures", "akismet_stats"}
    found = {path.stem for path in (ROOT / "service" / "doors").glob("*.py")}
    assert found - shared == set(Door)
