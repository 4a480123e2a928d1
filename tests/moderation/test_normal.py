"""The form in which entries and texts are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import MAX_LENGTH, read
from moderation import normal
from moderation.normal import READ_WHOLE, is_read_whole

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


@pytest.mark.parametrize(
    "unit",
    [
        "fine words. ", "\ufdfa", "&#xfdfa;", "&#64506", "&amp;#xfdfa;", "\u0130", "\u3300", "\u093e", "\u0301\u0327",
        "<b>a</b>", "\U0001f600",
    ],
)  # fmt: skip
@pytest.mark.parametrize("times", [30, 600, 3000, 12_000])
def test_what_is_called_read_whole_is_read_in_its_middle(unit: str, times: int):
    """Between 600 signs of U+FDFA on either side nothing was read, and the comment was published."""
    text = f"{unit * times} marker {unit * times}"
    (reading,) = read([text])
    seen = "marker" in f"{reading.written} {reading.normal}"
    assert seen or not is_read_whole(text)
    assert is_read_whole(text) or len(text) > 1000


def test_a_text_of_the_greatest_length_that_the_model_reads_is_read_whole():
    assert READ_WHOLE == MAX_LENGTH
    assert is_read_whole("ab" * (READ_WHOLE // 2))
    assert not is_read_whole("ab" * (READ_WHOLE // 2) + "c")
