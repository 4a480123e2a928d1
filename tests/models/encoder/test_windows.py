"""The cut of a text into windows, and what bounds its cost."""

import pytest

from models.encoder.pieces import Pieces
from models.encoder.runtime import SHIPPED, TOKENIZER
from models.encoder.windows import BEGIN, BODY, END, MOST, OVERLAP, TOKENS, UNKNOWN, windows


@pytest.fixture(scope="module")
def pieces():
    return Pieces.load(SHIPPED / TOKENIZER)


def bodies(text, pieces):
    return [window[1:-1] for window in windows(text, pieces)]


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "\u0301"])
def test_a_text_of_nothing_is_one_window(text, pieces):
    [window] = windows(text, pieces)
    assert (window[0], window[-1]) == (BEGIN, END)


def test_windows_of_a_long_text_overlap_and_leave_nothing_out(pieces):
    text = " ".join(f"word{number}" for number in range(120))
    whole = pieces(text)
    first, *others = bodies(text, pieces)
    assert others
    assert len(first) == BODY
    read = first
    for other in others:
        assert read[-OVERLAP:] == other[:OVERLAP]
        read += other[OVERLAP:]
    assert read == whole


def test_a_text_of_more_tokens_than_windows_is_read_at_both_ends(pieces):
    text = " ".join(f"{number}" for number in range(500))
    whole = pieces(text)
    found = bodies(text, pieces)
    assert len(found) == MOST
    assert found[0] == whole[:BODY]
    assert found[-1] == whole[-BODY:]


def test_the_last_words_of_64_kb_are_read(pieces):
    ending = "and now the very last words."
    last = bodies("word " * 13_000 + ending, pieces)[-1]
    assert last[-6:] == pieces(ending)[-6:]


@pytest.mark.parametrize(
    "character",
    ["a", "漢", "😀", "👩‍👩‍👧", "a\u0301\u0323", "\u0301", " ", "\n", "\ufdfa", "<pad>", "\ud800"],
)
def test_windows_are_few_and_full_whatever_is_repeated(character, pieces):
    found = windows(character * (65_536 // len(character)), pieces)
    assert len(found) <= MOST
    assert max(map(len, found)) <= TOKENS


def test_a_mark_that_is_spelled_out_is_no_mark(pieces):
    found = bodies("<s> </s> <pad><pad> a<pad>b", pieces)
    assert min(min(body) for body in found) >= UNKNOWN
