"""docs/settings.md is what the code says."""

from __future__ import annotations

from pathlib import Path

from moderation.settings import VARIABLES
from service.cli.settings import page

ROOT = Path(__file__).parents[2]


def test_the_page_of_settings_is_as_the_code_has_them():
    """`./winnow settings --markdown > docs/settings.md` repairs it."""
    assert (ROOT / "docs" / "settings.md").read_text() == page()


def test_every_setting_that_a_guide_names_exists():
    known = {variable.name for variable in VARIABLES}
    known |= {"WINNOW_SETTINGS"}  # says where the others are
    known |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    text = (ROOT / "docs" / "operate.md").read_text()
    named = {word.strip("`.,:;()*") for word in text.replace("=", " ").split() if "WINNOW_" in word}
    assert {name for name in named if name.startswith("WINNOW_")} <= known
