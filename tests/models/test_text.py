"""A reading has the author's own words; its second view undoes evasions and no plain text."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ngrams import views
from models.text import MAX_LENGTH, bounded, mixed_words, places, read


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


def test_words_of_mixed_alphabets_are_counted():
    assert mixed_words("p\u0430y p\u0430l plain") == 2
    assert mixed_words("plain \u043e\u043d\u0438") == 0


@pytest.mark.parametrize(
    "text", ["a " * 9_999, "a.a " * 5_000, "*a" * 10_000, "aaa" * 6_000, "\u0430a" * 9_000]
)
def test_patterns_take_linear_time(text):
    begun = time.process_time()
    views(text)
    assert time.process_time() - begun < 1


ABUSE = "You are an idiot"


def own(text):
    (reading,) = read([text])
    return " ".join(reading.own.split())


@pytest.mark.parametrize(
    "text",
    [
        f"> {ABUSE}",
        f"<blockquote>{ABUSE}</blockquote>",
        f"[quote=Bob]{ABUSE}[/quote]",
        f"Bob wrote:\n{ABUSE}",
        f"<pre>{ABUSE}();</pre>",
        f'<p style="display:none">{ABUSE}</p>',
        f"> {ABUSE}\n.",
    ],
)
def test_a_quotation_that_is_all_there_is_is_the_comment(text):
    assert ABUSE in own(text)


def test_an_answer_to_a_quotation_is_read_without_it():
    (reading,) = read([f"> {ABUSE}\n\nPlease keep it civil."])
    assert reading.written == "please keep it civil."
    assert ABUSE in reading.quoted
    assert ABUSE in reading.content


def test_a_picture_says_something_beside_a_quotation():
    assert own(f"> {ABUSE}\n\n\U0001f44d") == "\U0001f44d"


def test_a_text_without_markup_is_its_own_reading():
    """Nothing is copied, so that plain comments cost nothing."""
    text = "Plain words, 3 < 4, AT&T, a_b and 2 * 3; \u0441\u043f\u0430\u0441\u0438\u0431\u043e."
    (reading,) = read([text])
    assert reading.own is reading.content is text
    assert reading.links == ()


@pytest.mark.parametrize(
    "text, word, original",
    [
        ("well, f<b></b>uck you", "fuck", "f<b></b>uck"),
        ("an id&#8203;iot is here", "idiot", "id&#8203;iot"),
        ("a caf&eacute; there", "caf\u00e9", "caf&eacute;"),
        ("> an idiot said so\n\nwho is the idiot?", "idiot?", "idiot?"),
        ("[b]idiot[/b] you", "idiot", "idiot"),
        (f"{'so ' * 20_000}idiot at the end", "idiot", "idiot"),
    ],
)
def test_words_are_found_again_in_the_original(text, word, original):
    (reading,) = read([text])
    begin = reading.own.index(word)
    found = places(text)
    first, last = found[begin][0], found[begin + len(word) - 1][1]
    assert text[first:last] == original
    assert first == text.rindex(original)


RICH = st.lists(
    st.sampled_from(
        "a b <b> </b> <i> <p> </p> <br> <a|href=http://x.y> </a> <blockquote> </blockquote> <pre> </pre> "
        "<code> & &amp; &lt; &#8203; &amp;lt; < > | \n \n> \u200b \u200d \u00ad [b] [/b] [quote] [/quote] "
        "[url=http://x.y] [/url] [x](http://z.w) ** * _ ~~ ` ```\n wrote: Bob|wrote:\n http://a.b/c <!-- --> "
        "<style> </style> <table> <td> <div|hidden> </div> <x> \ufdfa \ud83d <plaintext> <select> On|1.1.|wrote:\n".replace(
            "\n", "~"
        ).split(" ")
    ).map(lambda piece: piece.replace("|", " ").replace("~", "\n") if piece != "~~" else piece),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(st.lists(RICH | st.text(max_size=100), max_size=12))
def test_a_text_is_read_the_same_alone_and_in_any_batch(texts):
    assert read(texts) == [read([text])[0] for text in texts]


@settings(deadline=None)
@given(RICH)
def test_every_character_that_is_read_has_a_place(text):
    (reading,) = read([text])
    found = places(text)
    assert len(found) == len(reading.own)
    assert all(0 <= begin < end <= len(text) for begin, end in found)


@pytest.mark.parametrize(
    "text",
    [
        "\ufdfa" * 64_000,
        "a" * 64_000,
        "\ufdfa" * 1_200,
        "\u0390 " * 30_000,
        "\u0130" * 30_000,
        "&#xfdfa;" * 9_000,
    ],
)
def test_no_part_of_a_reading_is_longer_than_the_bound(text):
    """One character may become eighteen; what reads a text must not pay for it."""
    (reading,) = read([text])
    for part in (reading.content, reading.own, reading.written, reading.normal):
        assert len(part) <= MAX_LENGTH
        assert len(unicodedata.normalize("NFKC", part)) <= MAX_LENGTH


def test_a_text_of_the_greatest_length_is_not_cut():
    text = "ab" * (MAX_LENGTH // 2)
    assert bounded(text) is text


def test_of_marks_upon_one_letter_the_first_thirty_are_read_and_have_their_places():
    acute, both = "\u0301", "\u0327\u0301"
    text = f"stop e{acute * 50} now{both * 40}!"
    (reading,) = read([text])
    assert reading.own == f"stop e{acute * 30} now{both * 15}!"
    found = places(text)
    assert len(found) == len(reading.own)
    assert "".join(text[begin:end] for begin, end in found) == reading.own


@pytest.mark.parametrize(
    "unit",
    [
        "[](a.{a}",
        "a@{.}a",
        "a*{-}a",
        "a#{_}a",
        "{x said:\n}",
        "{\u0323\u0301}",
    ],
    ids=["link", "dots", "dashes", "lines", "quotations", "marks"],
)
def test_no_text_costs_more_than_its_length(unit):
    """Each took time quadratic in its length, half a second to three seconds for 20,000 characters."""
    begin, part, end = re.split("[{}]", unit)
    text = (begin + part * (MAX_LENGTH // len(part)))[: MAX_LENGTH - len(end)] + end
    read([text])  # what is made once
    begun = time.thread_time()
    for _ in range(6):
        read([text])
    assert time.thread_time() - begun < 2
