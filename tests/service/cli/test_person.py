"""person show, treat, export, erase: people from a terminal."""

from __future__ import annotations

import pytest

from moderation import wiring
from moderation.comment import Author, Draft
from tests.support.stored import stored_anywhere

LISA = Author("Lisa", "lisa@mail.example", ip="203.0.113.7", id="42")


@pytest.fixture
def kept(ask, adapters: wiring.Adapters) -> None:
    """Two comments of hers at two sites, and one of somebody else."""
    for name in ("blog", "shop"):
        site = adapters.accounts.site(ask("site", "add", name)["id"])
        drafts = [Draft(f"marmalade at the {name}", LISA), Draft("hello", Author("Bob"))]
        adapters.submit(drafts, site=site)


@pytest.mark.parametrize("whom", [("--email", "LISA@mail.example"), ("--user", "42")])
def test_what_is_kept_of_somebody_is_shown_by_site(run, ask, kept: None, whom: tuple[str, str]):
    assert "blog: 1 pending" in run("person", "show", *whom).stdout
    answer = ask("person", "show", *whom, "--site", "shop", many=True)
    assert answer == [{"site": "shop", "comments": {"pending": 1}, "noted": None}]


def test_an_export_has_every_comment_and_what_was_noted(run, ask, kept: None):
    person = ("--email", "lisa@mail.example")
    run("person", "treat", "hold", *person, "--site", "blog", "--days", "7", "--note", "sells jam")
    lines = run("person", "export", *person).stdout.splitlines()
    assert len(lines) == 3
    assert "sells jam" in lines[0]
    assert "hold until" in run("person", "show", *person).stdout


def test_an_erasure_leaves_a_receipt_and_nothing_else(
    run, ask, kept: None, adapters: wiring.Adapters
):
    person = ("--email", "lisa@mail.example")
    run("person", "treat", "block", *person, "--site", "blog")
    assert "Aborted" in run("person", "erase", *person, code=1, input="n\n").output
    receipt = ask("person", "erase", *person, "--yes")
    assert (receipt["comments"], receipt["records"], receipt["sites"]) == (2, 1, 2)
    for words in ("marmalade", "lisa@mail"):
        assert stored_anywhere(adapters.redis, words) == []
    again = ask("person", "erase", *person, "--yes")
    assert (again["comments"], again["whom"]) == (0, receipt["whom"])
    assert (receipt["erased_before"], again["erased_before"]) == (None, receipt["at"])
    printed = run("person", "erase", *person, "--yes").output
    assert "There was nothing to erase." in printed
    assert f"erased before, at {again['at']}" in printed


def test_one_has_to_say_who(run, kept: None):
    assert "name one of" in run("person", "show", code=1).output
    assert "no IP address" in run("person", "show", "--address", "x", code=1).output
