"""The README is true: its links lead somewhere, its tree is the tree, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from moderation.events import EventType
from moderation.store import keys
from service.cli import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_our_pages_leads_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inside = [one for one in targets if not re.match(r"[a-z]+:", one)]
    assert [one for one in inside if not (page.parent / one).exists()] == []


def test_the_tree_in_the_readme_is_the_tree():
    tree = README.split("## The house")[1].split("```")[1]
    for name in re.findall(r"^(\w+)/", tree, re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_every_verb_that_the_pages_name_exists():
    """`./winnow VERB` in any page is a verb of the command line."""
    for page in PAGES:
        for verb in re.findall(r"\./winnow ([a-z]+)", page.read_text(encoding="utf-8")):
            assert verb in {*cli.commands, "model"}, (page, verb)


def test_every_event_is_documented():
    text = (ROOT / "docs/webhooks.md").read_text(encoding="utf-8")
    assert [event for event in EventType if f"`{event}`" not in text] == []


def test_no_two_kinds_of_key_share_a_prefix():
    prefixes = [kind.prefix for kind in keys.KINDS]
    assert len(prefixes) == len(set(prefixes))


def test_the_table_of_keys_is_what_the_code_says():
    """`python -m moderation.store.keys` prints it."""
    assert keys.table() in (ROOT / "docs/reference/keys.md").read_text(encoding="utf-8")
