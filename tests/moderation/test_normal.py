"""The form in which entries and texts are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import normal

PIECES = st.sampled_from(
    [
        "a",
        "É",
        "é",
        "ß",
        "I",
        "İ",
        " ",
        "\n",
        "\xa0",
        "\u200b",
        "<b>",
        "</b>",
        "<br>",
        "<x>",
        "&amp;",
        "&#8203;",
        "*",
        "**",
        "_",
        "`",
        "[b]",
        "[/b]",
        "ｃ",
        "代",
        "카",
        "ก",
        "'",
        ".",
        "\uffff",
    ]
)


@given(st.lists(PIECES).map("".join), st.booleans())
def test_a_traced_text_is_the_same_as_one_that_is_not(text, dotless):
    for view, shown in normal.views(text.replace(normal.APART, "")).items():
        seen = normal.traced(text.replace(normal.APART, ""), view, dotless=dotless)
        assert seen.text == normal.folded(shown, dotless=dotless)
        assert len(seen.origins) == len(seen.text)
        assert all(0 <= begin <= end <= len(text) for begin, end in seen.origins)


@given(st.text())
def test_a_normal_form_has_no_other(text):
    once = normal.folded(text)
    assert normal.folded(once) == once


@pytest.mark.parametrize(
    "text, words",
    [
        ("free  money!", ["free", "money", "!"]),
        ("can't stop 3.14", ["can't", "stop", "3.14"]),
        ("加qq群", ["加", "qq", "群"]),
        ("c++ or c", ["c++", "or", "c"]),
        ("col·lega", ["col·lega"]),
        ('צה"ל', ['צה"ל']),
    ],
)
def test_words_end_where_unicode_says(text, words):
    assert normal.words(text) == words
    assert [text[begin:end] for begin, end in normal.spans(text)] == words
