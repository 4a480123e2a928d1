"""The recipes of CONTRIBUTING.md name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = (ROOT / "CONTRIBUTING.md").read_text().split("## Recipes", 1)[1].split("\n## ", 1)[0]
#: Files that a recipe has one make, and what stands for them.
MADE = {"<name>": "*", "/fr/": "/de/"}


def steps() -> dict[str, list[str]]:
    """Return each recipe's steps by its title."""
    return {
        title.strip(): re.findall(r"^\d\. .*(?:\n   .*)*", body, re.MULTILINE)
        for title, _, body in (part.partition("\n") for part in RECIPES.split("### ")[1:])
    }


def test_there_are_ten_recipes_and_none_has_more_than_three_places():
    assert len(steps()) == 10
    assert {title: len(found) for title, found in steps().items() if len(found) > 3} == {}
    assert all(steps().values())


@pytest.mark.parametrize("title", steps())
def test_a_recipe_names_files_and_names_that_exist(title: str):
    for step in steps()[title]:
        paths = re.findall(r"`([\w./<>]+\.(?:py|md|html|po))`", step)
        for path in paths:
            pattern = path
            for made, stands_for in MADE.items():
                pattern = pattern.replace(made, stands_for)
            assert list(ROOT.glob(pattern)), path
        if paths and "<name>" not in paths[0]:
            text = "".join((ROOT / path).read_text() for path in paths if (ROOT / path).is_file())
            for name in re.findall(r"`(_?[A-Z][\w.]*)`", step):
                assert name.rpartition(".")[2] in text, name
