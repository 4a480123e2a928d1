"""What a comment in HTML says, line by line."""

from __future__ import annotations

import pytest

from service.importers.html import said, words


@pytest.mark.parametrize(
    "html, text",
    [
        ("<p>one &amp; two</p><p>three<br>four</p>", "one & two\nthree\nfour"),
        ("plain\n\n  text ", "plain\ntext"),
        ('<a href="https://a.example/">here</a>', "here (https://a.example/)"),
        ('<a href="https://a.example/">https://a.example/</a>', "https://a.example/"),
        (
            "a<pre>def f():\n    return 1\n\n\nx = 2</pre>b",
            "a\ndef f():\n    return 1\n\n\nx = 2\nb",
        ),
        ('<img src="x">', "[image]"),
        ('<p><img src="x" alt="A  cat"></p>', "[image] A cat"),
        ('see <img src="x"> there', "see [image] there"),
        ('good <img class="emoji" alt="😀">', "good 😀"),
        ('<iframe src="https://a.example/"></iframe>', "[embedded page] (https://a.example/)"),
        ("<script>x()</script><!-- y -->said", "said"),
        ("", ""),
        ("<![if", ""),
        ("<b>un<i>closed", "unclosed"),
    ],
)
def test_words_are_what_a_reader_sees(html: str, text: str):
    assert words(html) == text


@pytest.mark.parametrize(
    "html, kept",
    [
        ("Mine <em>early</em>", "Mine <em>early</em>"),
        ('look <img src="x">', 'look <img src="x">'),
        ('<a href="y"><img src="x" alt="A cat"></a>', "[image] A cat (y)"),
        ("<IMG SRC=x>", "[image]"),
    ],
)
def test_html_stays_unless_it_has_only_a_picture_to_show(html: str, kept: str):
    assert said(html) == kept


def test_html_of_any_depth_is_read():
    assert words("<div>" * 20_000 + "deep") == "deep"
