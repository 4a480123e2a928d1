"""Words, patterns and domains of a site's own."""

from __future__ import annotations

import pytest

from moderation.errors import InvalidInput
from moderation.lists import WordList, domains_in, links_in


@pytest.mark.parametrize("text", ["ass", "an Ass!", "(ass)", "…ass…"])
def test_a_word_is_found_whole(text):
    assert WordList(["ass"]).first_in(text) == "ass"


@pytest.mark.parametrize("text", ["assassin", "class", "embarrass", "assé"])
def test_a_word_is_not_found_inside_another(text):
    assert WordList(["ass"]).first_in(text) is None


def test_a_pattern_stands_between_slashes():
    assert WordList(["/v[i1]agra/"]).first_in("buy V1AGRA now") == "/v[i1]agra/"


def test_a_pattern_that_cannot_be_read_is_refused_by_name():
    with pytest.raises(InvalidInput, match=r"/\(/"):
        WordList(["/(/"])


def test_no_pattern_takes_more_than_linear_time():
    """The textbook pattern that hangs backtracking engines."""
    assert WordList(["/(a+)+$/"]).first_in("a" * 50_000 + "b") is None


def test_links_are_found_with_their_hosts():
    text = "see https://User@Sub.Bad.Example:8080/x?y and www.other.example."
    assert len(links_in(text)) == 2
    assert domains_in(text).hosts == {"sub.bad.example", "other.example"}
    assert domains_in(text).touches("bad.example")
    assert not domains_in(text).touches("notbad.example")


def test_a_lone_surrogate_is_no_obstacle():
    assert links_in("\ud800 http://a.example") == ["http://a.example"]
