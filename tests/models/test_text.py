"""The second view undoes evasions, and leaves plain text alone."""

import time

import pytest

from models.ngrams import views
from models.text import hidden_characters, mixed_words


def normal(text):
    return views(text)[1]


@pytest.mark.parametrize(
    "text, plain",
    [
        ("1d10t", "idiot"),
        ("sh1t!", "shit!"),
        ("i d i o t", "idiot"),
        ("i.d.i.o.t", "idiot"),
        ("i-d-i-o-t you", "idiot you"),
        ("stuuuupid", "stupid"),
        ("id\u200bi\u200bot", "idiot"),
        ("\u202eidiot", "idiot"),
        ("\U0001d4f2\U0001d4ed\U0001d4f2\U0001d4f8\U0001d4fd", "idiot"),
        ("\uff49\uff44\uff49\uff4f\uff54", "idiot"),
        ("\u0456di\u043et", "idiot"),
        ("\u00eddi\u00f6t", "idiot"),
    ],
)
def test_evasions_are_undone(text, plain):
    assert normal(text) == plain


def test_spaced_out_words_that_follow_one_another_are_told_apart():
    assert normal("y o u   a r e   s i c k") == "you are sick"
    assert normal("y o u a r e s i c k") == "you are sick"


def test_a_doubled_letter_is_kept_as_an_option():
    assert "asshole" in normal("asssshole").split()
    assert "good" in normal("goooood").split()


def test_a_censored_word_keeps_one_star():
    assert "f*k" in normal("f**k").split()


@pytest.mark.parametrize(
    "text",
    [
        "an ordinary sentence, with a comma.",
        "wow!!",
        "see https://example.com/a1b2?c=3",
        "1 2 3 4 5",
    ],
)
def test_plain_text_is_left_alone(text):
    as_written, plain = views(text)
    assert plain == as_written


def test_russian_keeps_its_letters():
    assert (
        normal("\u043e\u043d\u0438 \u043f\u0440\u0438\u0448\u043b\u0438")
        == "\u043e\u043d\u0438 \u043f\u0440\u0438\u0448\u043b\u0438"
    )


def test_hidden_characters_and_mixed_words_are_counted():
    assert hidden_characters("a\u200bb\u2060c") == 2
    assert mixed_words("p\u0430y p\u0430l plain") == 2
    assert mixed_words("plain \u043e\u043d\u0438") == 0


@pytest.mark.parametrize(
    "text", ["a " * 9_999, "a.a " * 5_000, "*a" * 10_000, "aaa" * 6_000, "\u0430a" * 9_000]
)
def test_patterns_take_linear_time(text):
    begun = time.process_time()
    views(text)
    assert time.process_time() - begun < 1
