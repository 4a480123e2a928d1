"""docs/architecture.md is the house as it stands: its plan, and the walk of a comment."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = ("moderation", "service", "worker", "models")
#: How deep a file lies; a leg of the walk never comes back up.
DEPTHS = (
    ("service/", "worker/"),
    ("moderation/winnow.py",),
    ("moderation/workflow/",),
    ("moderation/store/lua/",),
)


def planned() -> dict[str, set[str]]:
    """Return what the plan names in each package."""
    plan = PAGE.split("```")[1]
    rooms: dict[str, set[str]] = {}
    for line in plan.strip().splitlines():
        if not line.startswith(" "):
            package = line.split("/", 1)[0]
            rooms[package] = set()
        else:
            rooms[package] |= set(re.findall(r"(?<![\w/])(\w+(?:\.py|/))", line))
    return rooms


@pytest.mark.parametrize("package", PACKAGES)
def test_the_plan_and_the_tree_agree(package: str):
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / package).iterdir()
        if not path.name.startswith("__") and (path.is_dir() or path.suffix == ".py")
    }
    named = {name for name in planned()[package] if name not in {"lua/", "accounts/"}}
    assert there == named


def walk() -> list[tuple[str, str, int]]:
    """Return each step of the walk: its file, its function, and the leg that it belongs to."""
    legs = PAGE.split("## A comment, from")[1].split("\n\n")
    return [
        (path, name, leg)
        for leg, text in enumerate(legs)
        for path, name in re.findall(r"^\d+\. `([^`]+)` `(\w+)`:", text, re.MULTILINE)
    ]


def test_the_walk_passes_twelve_files_at_most_each_of_which_has_its_function():
    assert 10 <= len(walk()) <= 12
    for path, name, _ in walk():
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {name}(" in text or f"register('{name}'" in text, path


def test_each_step_is_called_by_one_before_it_and_none_goes_back_up():
    through = (ROOT / "moderation/winnow.py").read_text(encoding="utf-8")
    for (path, _, leg), (below, name, same) in pairwise(walk()):
        if leg != same:
            continue
        assert depth(path) <= depth(below), (path, below)
        before = [one for one, _, its in walk() if its == leg]
        texts = [(ROOT / one).read_text(encoding="utf-8") for one in before if one != below]
        called = re.compile(rf"\b{name}\b(?! =)")
        assert any(map(called.search, [*texts, through])), below


def depth(path: str) -> int:
    """Return how deep a file lies: edge, verbs, workflow, store, function library."""
    for number, begins in enumerate(DEPTHS):
        if path.startswith(begins):
            return number if number < 3 else 4
    return 3
