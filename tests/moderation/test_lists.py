"""Words, patterns and domains of a site's own."""

from __future__ import annotations

import timeit

import pytest

from moderation.errors import InvalidInput
from moderation.lists import Hit, WordList, domains_in, links_in, word_list


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


def test_the_line_of_a_bad_pattern_is_named():
    """Blank lines count, since a person counts them in what they typed."""
    with pytest.raises(InvalidInput, match="line 3"):
        WordList(["fine", "", "/[/"])
    with pytest.raises(InvalidInput, match="line 2"):
        WordList(["fine", "x" * 201])


@pytest.mark.parametrize(
    "entry, text, found",
    [
        ("cheap pills", "CHEAP PILLS!", True),
        ("cheap pills", "cheap pillsbury", False),
        ("cheap pills", "xcheap pills, cheap pills", True),
        ("c++", "I like C++ a lot", True),
        ("c++", "c++11", False),
        ("straße", "die STRASSE", True),
        ("\U0001f4a9", "what a \U0001f4a9", True),
    ],
)
def test_a_phrase_or_a_sign_is_found_where_no_letter_is_beside_it(entry, text, found):
    assert (WordList([entry]).first_in(text) is not None) is found


def test_every_entry_that_occurs_is_told_with_its_line():
    words = WordList(["one", "", "two words", "/th?ree/", "absent"])
    assert words.all_in("tree, two words, ONE") == [
        Hit(1, "one"),
        Hit(3, "two words"),
        Hit(4, "/th?ree/"),
    ]


def test_thousands_of_words_cost_a_comment_no_more_than_a_few():
    """A list of five thousand words once took seconds for each comment."""
    many = tuple(f"word{n}" for n in range(5000))
    text = "an ordinary comment of a few words " * 10
    seconds = timeit.timeit(lambda: word_list(many).first_in(text), number=20) / 20
    assert seconds < 0.01


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
