"""A site's settings are the same in the code, the API, the desk, its words and the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation.fields import Numbers
from moderation.site import SETTINGS
from service.api.schemas import SiteChange
from service.cli.site import page
from service.desk.site_settings import PolicyForm, SiteForm
from service.desk.words import WORDS

ROOT = Path(__file__).parents[2]


def test_the_page_of_site_settings_is_as_the_code_has_them():
    """`./winnow site set blog --markdown > docs/reference/site-settings.md` repairs it."""
    assert (ROOT / "docs" / "reference" / "site-settings.md").read_text() == page()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_in_the_api_at_the_desk_and_in_the_trail(name: str):
    part, _, last = name.rpartition(".")
    models = SiteChange.model_json_schema()
    model = models["$defs"][f"{part.title()}In"] if part else models
    assert SETTINGS[name].label in model["properties"][last]["description"]
    kind = SETTINGS[name].kind
    fields = [f"{last}_{one}" for one in kind.names] if isinstance(kind, Numbers) else [last]
    for field in fields:
        assert hasattr(PolicyForm if part == "policy" else SiteForm, field)
    assert last in WORDS
