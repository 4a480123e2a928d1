"""Language identification, with "" where the language is uncertain."""

import time

import pytest

from models.languages import identified, language_of, measured, spread
from models.text import read


def said(text, hint=""):
    (reading,) = read([text])
    return identified(reading, hint)


@pytest.mark.parametrize(
    "text, language",
    [
        ("\u0395\u03c5\u03c7\u03b1\u03c1\u03b9\u03c3\u03c4\u03ce", "el"),
        ("\u05ea\u05d5\u05d3\u05d4", "he"),
        ("\u0e02\u0e2d\u0e1a\u0e04\u0e38\u0e13", "th"),
        ("\uac10\uc0ac\ud569\ub2c8\ub2e4", "ko"),
        ("\u3042\u308a\u304c\u3068\u3046", "ja"),
        ("\u5973\u306e\u5b50\u304c\u516c\u5712\u3067\u904a\u3093\u3067\u3044\u307e\u3057\u305f\u3002", "ja"),
        ("\u8fd9\u7bc7\u6587\u7ae0\u5199\u5f97\u5f88\u597d", "zh"),
        ("\u10d2\u10db\u10d0\u10d3\u10da\u10dd\u10d1\u10d7", "ka"),
        ("\u0577\u0576\u0578\u0580\u0570\u0561\u056f\u0561\u056c", "hy"),
        ("\u09a7\u09a8\u09cd\u09af\u09ac\u09be\u09a6", "bn"),
    ],
)  # fmt: skip
def test_a_script_of_one_language_settles_it(text, language):
    assert said(text) == language


@pytest.mark.parametrize(
    "text, language",
    [
        ("Thank you, the second example cleared it up for me.", "en"),
        ("Vielen Dank f\u00fcr den Artikel, er hat mir sehr geholfen.", "de"),
        ("Merci beaucoup pour cet article, c'est tr\u00e8s clair.", "fr"),
        ("Le train a du retard, comme tous les matins.", "fr"),
        ("Muchas gracias por el art\u00edculo, me ha ayudado mucho.", "es"),
        ("Dzi\u0119kuj\u0119 bardzo za ten artyku\u0142, bardzo mi pom\u00f3g\u0142 w pracy", "pl"),
        ("\u0421\u043f\u0430\u0441\u0438\u0431\u043e \u0437\u0430 \u0441\u0442\u0430\u0442\u044c\u044e, \u0432\u0441\u0451 \u043e\u0447\u0435\u043d\u044c \u043f\u043e\u043d\u044f\u0442\u043d\u043e.", "ru"),
        ("\u0414\u044f\u043a\u0443\u044e \u0437\u0430 \u0441\u0442\u0430\u0442\u0442\u044e, \u0432\u0441\u0435 \u0434\u0443\u0436\u0435 \u0437\u0440\u043e\u0437\u0443\u043c\u0456\u043b\u043e.", "uk"),
        ("\u0634\u0643\u0631\u0627 \u062c\u0632\u064a\u0644\u0627 \u0639\u0644\u0649 \u0647\u0630\u0627 \u0627\u0644\u0645\u0642\u0627\u0644 \u0627\u0644\u0631\u0627\u0626\u0639", "ar"),
        ("\u062e\u06cc\u0644\u06cc \u0645\u0645\u0646\u0648\u0646 \u0627\u0632 \u0645\u0642\u0627\u0644\u0647 \u062e\u0648\u0628\u062a\u0648\u0646", "fa"),
        ("\u7121\u6599 https://example.org/en/some/very/long/english/address \u8fd9\u662f\u6211\u7684\u535a\u5ba2\u6587\u7ae0", "zh"),
    ],
)  # fmt: skip
def test_sentences_are_told_apart(text, language):
    assert said(text) == language


@pytest.mark.parametrize(
    "text",
    ["", "ok", "haha", "+1", "\U0001f44d", "gg wp", "12345", "https://example.org/page", "@somebody #tag", "\u4e86\u89e3",
     "yeh kya hai bhai, mujhe kuch samajh nahi aa raha hai", "hello \u043f\u0440\u0438\u0432\u0435\u0442 hello \u043f\u0440\u0438\u0432\u0435\u0442"],
)  # fmt: skip
def test_what_nobody_could_tell_is_in_no_language(text):
    assert said(text) == ""


def test_the_sites_language_needs_some_evidence_and_no_more():
    """A hint is no answer: what is in Greek stays Greek on an English site."""
    assert said("ok", "en") == ""
    assert said("\u0395\u03c5\u03c7\u03b1\u03c1\u03b9\u03c3\u03c4\u03ce", "en") == "el"
    assert said("sehr gut gemacht", "de") == "de"


def test_a_short_text_in_no_language_counts_as_known():
    (short, long) = read(["gg wp", "yeh kya hai bhai, mujhe kuch samajh nahi aa raha hai"])
    assert language_of(short) == ("", True)
    assert language_of(long) == ("", False)


def test_results_are_given_by_language_and_length():
    rows = [("en", "Thank you for the article, it is very good.")] * 30 + [
        ("hi-Latn", "yeh kya hai bhai")
    ]
    found = measured(rows)
    assert found["en"]["medium"] == {"texts": 30, "right": 1.0, "wrong": 0.0, "unknown": 0.0}
    assert found["hi-Latn"]["short"]["unknown"] == 1.0
    assert found["all"]["medium"]["right"] == 1.0


def test_each_language_is_measured_on_a_bounded_number_of_texts():
    rows = [("en", f"text {number}") for number in range(100)] + [("de", "Text")]
    assert len(spread(rows, 10)) == 11
    assert spread(rows, 10) == spread(rows, 10)


@pytest.mark.parametrize("text", ["a" * 64_000, "@" * 64_000, "a@" * 32_000, "\u4e00" * 64_000])
def test_long_texts_cost_little_time(text):
    said("The first one loads what tells languages apart, von Haus aus.")
    (reading,) = read([text])
    begun = time.process_time()
    identified(reading)
    assert time.process_time() - begun < 1
