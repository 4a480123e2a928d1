"""What a reader sees of a comment: no markup, no code, nobody else's words, nothing hidden."""

import time

import pytest

from models.markup import CharacterKind, Form, invisible_within_words, shown


def seen(text, *kinds):
    found = shown(text)
    parts = (found.text[begin:end] for begin, end in found.parts(*(kinds or (CharacterKind.OWN,))))
    return " ".join("".join(parts).split())


@pytest.mark.parametrize(
    "text, words",
    [
        ("f<b></b>uck you", "fuck you"),
        ("f<span class='x'>u</span>ck you", "fuck you"),
        ("f<!-- x -->uck", "fuck"),
        ("f<x></x>uck", "fuck"),
        ("f[b][/b]uck", "fuck"),
        ("f**u**ck", "fuck"),
        ("id&#8203;iot", "idiot"),
        ("id&#x200B;iot", "idiot"),
        ("id&ZeroWidthSpace;iot", "idiot"),
        ("id&amp;#8203;iot", "idiot"),
        ("id&shy;iot", "idiot"),
        ("id\u00adiot", "idiot"),
        ("\u202eid\u2060iot", "idiot"),
    ],
)
def test_markup_and_invisible_characters_split_no_word(text, words):
    assert seen(text) == words


@pytest.mark.parametrize(
    "text, words",
    [
        ("one<br>two", "one two"),
        ("<p>one</p><p>two</p>", "one two"),
        ("<ul><li>one<li>two</ul>", "one two"),
        ("<table><tr><td>one</td><td>two</td></tr></table>", "one two"),
        ("<div>one</div>two", "one two"),
    ],
)
def test_block_elements_part_words(text, words):
    assert seen(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you",
        "5 < 6 and 7 > 3",
        "a List<String> of x<y",
        "<you idiot> he said",
        "<b you idiot>",
        "AT&T and R&D &c",
        "see a?b=1&copy=2",
        "f**k this s***",
        "2 * 3 * 4",
        "snake_case_name",
        "\u00af\\_(\u30c4)_/\u00af",
        "an unclosed <a href='x",
        "an unclosed <!-- comment",
        "[sic] and a[i] = 1 [...]",
        'He called me "an idiot" yesterday.',
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        "I wrote: this is mine",
        "He wrote a book: it is good",
    ],
)
def test_what_is_no_markup_stays(text):
    expected = text.replace("a[i]", "a") if "a[i]" in text else text
    assert seen(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<span style='display: none'>buy pills</span>good",
        "<span style='font-size:0px'>buy pills</span>good",
        "<span style='font-size: 1px; x:y'>buy pills</span>good",
        "<span style='VISIBILITY : hidden'><b>buy</b> pills</span>good",
        "<span style='color:#fff;background:#FFF'>buy pills</span>good",
        "<font color=white>buy pills</font>good",
        "<span hidden>buy pills</span>good",
        "<div style='position:absolute;left:-9999px'>buy pills</div>good",
    ],
)
def test_what_is_hidden_is_told_apart(text):
    assert seen(text) == "good"
    assert seen(text, CharacterKind.HIDDEN) == "buy pills"


@pytest.mark.parametrize(
    "style",
    ["font-size:0.9em", "font-size:10px", "color:white;background:#000", "width:100%", "top:0"],
)
def test_ordinary_styles_hide_nothing(style):
    assert seen(f"<span style='{style}'>good</span>") == "good"


def test_scripts_styles_and_comments_are_dropped():
    text = "<style>p{}</style><script>x()</script><!-- y -->good"
    assert seen(text, *CharacterKind) == "good"


@pytest.mark.parametrize(
    "text",
    [
        "<pre>x = f(y);</pre>good",
        "try <code>rm -rf /tmp/x</code>good".replace("try ", ""),
        "```python\nx = f(y);\n```\ngood",
        "~~~\nx = f(y);\n~~~\ngood",
        "[code]x = f(y);[/code]good",
        "`foo_bar()` good",
    ],
)
def test_code_is_told_apart(text):
    assert seen(text) == "good"
    assert seen(text, CharacterKind.CODE)


@pytest.mark.parametrize("text", ["<code>{}</code>", "```\n{}\n```", "`{}`", "[code]{}[/code]"])
def test_words_marked_as_code_stay_the_authors_own(text):
    """Else everybody could call names in ticks."""
    assert seen(text.format("you are an idiot")) == "you are an idiot"
    assert seen(text.format("idiot")) == "idiot"


@pytest.mark.parametrize(
    "text, target, words, form",
    [
        (
            "<a href='http://x.y/?a&amp;b'>the <b>shop</b></a>",
            "http://x.y/?a&b",
            "the shop",
            Form.HTML,
        ),
        ("[url=http://x.y]the shop[/url]", "http://x.y", "the shop", Form.BBCODE),
        ("[url]http://x.y[/url]", "http://x.y", "http://x.y", Form.BBCODE),
        ("[the shop](http://x.y/a_(b))", "http://x.y/a_(b)", "the shop", Form.MARKDOWN),
        ("see http://x.y/a_b_c.", "http://x.y/a_b_c", "http://x.y/a_b_c", Form.BARE),
        ("<img src='http://x.y/z.png' alt='the shop'>", "http://x.y/z.png", "the shop", Form.IMAGE),
    ],
)
def test_links_have_a_target_and_a_text(text, target, words, form):
    (link,) = shown(text).links
    assert link == (target, words, form, False)


@pytest.mark.parametrize(
    "text", ["<a href=http://x.y></a>", "<div hidden><a href=http://x.y>shop</a></div>"]
)
def test_a_link_without_a_text_is_hidden(text):
    (link,) = shown(text).links
    assert link.hidden


def test_invisible_characters_count_where_they_split_a_word():
    assert invisible_within_words("a\u200bb\u2060c") == 2
    assert (
        invisible_within_words("\u0645\u06cc\u200c\u062e \U0001f468\u200d\U0001f469 a\u200b b") == 0
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<", "<b>", "<div>", "<a href=x>", "<table>", "<font><p>", "<b><i></b>", "&#8203;", "&amp;", "<a ", '<a "',
        "<!--", "[url]", "[url=x]", "[quote]", "[b]", "*a", "**a", "_a ", "`", "```\n", "](", "[a](/", "> \n", "a wrote:\n",
        "\u200b", "http://", "<x>", "a<x>", "wrote", "From: a\n", "[", "&", "<li><p>", "<svg>", "<select>",
    ],
)  # fmt: skip
def test_sixty_four_kilobytes_of_anything_cost_little_time(piece):
    from models.text import read  # noqa: PLC0415

    begun = time.process_time()
    read([piece * (65_536 // len(piece))])
    assert time.process_time() - begun < 2
