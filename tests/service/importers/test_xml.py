"""XML as exporters write it: what is broken costs a character or a record, never the rest."""

from __future__ import annotations

import io
import time
import tracemalloc

import pytest

from moderation.errors import InvalidInput
from service.importers import Unusable
from service.importers.xml import MAX_RECORD, Record, records

PATH = ("rss", "channel", "item", "comment")


def found(*comments: str | bytes, head: str = "", tail: str = "</item></channel></rss>"):
    parts = [one.encode() if isinstance(one, str) else one for one in comments]
    before = f"{head}<rss><channel><language>en</language><item><title>T</title>".encode()
    return read(before + b"\n".join(parts) + tail.encode())


def read(content: bytes) -> list[Record | Unusable]:
    return list(records(io.BytesIO(content), {PATH}, kind="export", fields={"title", "language"}))


def texts(*comments: str | bytes, **more: str) -> list[str]:
    return [
        one.reason if isinstance(one, Unusable) else one.node.text("text")
        for one in found(*comments, **more)
    ]


def comment(text: str) -> str:
    return f"<wp:comment><wp:text>{text}</wp:text></wp:comment>"


ONE, THREE = comment("one"), comment("<![CDATA[three]]>")


def test_a_record_comes_with_what_encloses_it_and_its_line():
    first, second = found(ONE, THREE)
    assert first.within["item"].text("title") == "T"
    assert first.within["channel"].text("language") == "en"
    assert (first.line, second.line) == (1, 2)


@pytest.mark.parametrize(
    "written, text, lost",
    [
        ("<![CDATA[a\x08b]]>", "ab", 1),
        ("a&#8;b&#0;", "ab", 2),
        ("a &#xD800; b", "a \ufffd b", 1),
        ("&#xD83D;&#xDE00;", "😀", 0),
        ("&#x110000;", "\ufffd", 1),
        ("a\ufffeb", "a\ufffdb", 1),
        ("&nbsp;caf&eacute; &lt;b&gt; &#8217;", "caf\u00e9 <b> \u2019", 0),
        ("AT&T &unknown; &&amp; ?a=1&copy=2", "AT&T &unknown; && ?a=1&copy=2", 0),
        ("1 < 2 <3 <- >", "1 < 2 <3 <- >", 0),
        ("<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b", 0),
        ("<![CDATA[a ]]> b ]]> c", "a  b ]]> c", 0),
        ("<![CDATA[&amp; <b>]]>", "&amp; <b>", 0),
        ("see <b>this</b><br/>", "see <b>this</b><br/>", 0),
        ("a<!-- not said -->b<?php x ?>", "ab", 0),
        ("&#147;smart&#148;", "\u201csmart\u201d", 0),
        (f"&#{'9' * 5000};", f"&#{'9' * 5000};", 0),
    ],
)
def test_an_odd_character_costs_that_character_at_most(written: str, text: str, lost: int):
    one, odd, three = found(ONE, comment(written), THREE)
    assert (odd.node.text("text"), odd.lost) == (text, lost)
    assert (one.node.text("text"), three.node.text("text")) == ("one", "three")


@pytest.mark.parametrize(
    "broken",
    [
        "<wp:comment><wp:text>two</wp:comment>",
        "<wp:comment><wp:text>two</wp:text>",
        "<wp:comment><wp:text><![CDATA[two</wp:text></wp:comment>",
        "<wp:comment><wp:text><!-- two</wp:text></wp:comment>",
        "<wp:comment><wp:text>two <b> <i></wp:text></wp:comment>",
        "<wp:comment><wp:text>two</wp:txet></wp:comment>",
        "<wp:comment>" + "<wp:text/>" * 9000 + "</wp:comment>",
        "<wp:comment>" + "<a>" * 200 + "</a>" * 200 + "</wp:comment>",
        "<wp:comment><wp:text>" + "x" * (MAX_RECORD + 10) + "</wp:text></wp:comment>",
    ],
)
@pytest.mark.parametrize("after", [THREE, comment("three")])
def test_a_broken_record_costs_itself_and_is_named_with_its_line(broken: str, after: str):
    one, bad, three = found(ONE, broken, after)
    assert isinstance(bad, Unusable)
    assert bad.line == 2
    assert (one.node.text("text"), three.node.text("text")) == ("one", "three")


@pytest.mark.parametrize(
    "broken", ["<title>A", "<x><![CDATA[", "<!--", "<a></b>", "</z>", '<a b="c']
)
def test_what_is_broken_around_records_costs_none(broken: str):
    document = (
        f"<rss><channel><item>{broken}{ONE}</item><item>{broken}{THREE}</item></channel></rss>"
    )
    assert [one.node.text("text") for one in read(document.encode())] == ["one", "three"]


def test_a_comment_that_quotes_an_export_is_one_comment():
    quoted = f"<![CDATA[</wp:text></wp:comment>{ONE}]]>"
    assert texts(comment(quoted), THREE) == [f"</wp:text></wp:comment>{ONE}", "three"]


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_a_file_that_is_cut_off_costs_what_is_cut(cut: int):
    one, bad = found(ONE, THREE[:-cut], tail="")
    assert one.node.text("text") == "one"
    assert (bad.line, "cut off" in bad.reason) == (2, True)
    one, bad = found(ONE, tail="")
    assert (bad.where, bad.line) == ("end of the file", 1)


@pytest.mark.parametrize(
    "head", ["\n", "  \n\t", "\ufeff", "\ufeff\n", "<?xml version='1.0'?>", "<!-- x -->"]
)
def test_what_stands_before_the_first_element_does_not_matter(head: str):
    assert texts(ONE, head=head) == ["one"]


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE rss SYSTEM "file:///etc/passwd">',
        '<!doctype rss [ <!ENTITY % x SYSTEM "http://a.example/"> %x; ]>',
        '<!ENTITY a "b">',
    ],
)
def test_declared_entities_and_other_files_are_refused(head: str):
    with pytest.raises(InvalidInput, match="document type or entities"):
        texts(ONE, head=head)


def test_a_document_type_that_declares_nothing_is_harmless():
    assert texts(ONE, head="<!DOCTYPE rss>") == ["one"]


@pytest.mark.parametrize("content", ["", "PK\x03\x04", "<html><body/></html>", "<", "<!--", "<rss"])
def test_what_is_no_such_file_is_refused_in_a_sentence(content: str):
    with pytest.raises(InvalidInput, match="this is no export"):
        read(content.encode())


def test_what_an_unended_section_swallowed_is_doubtful():
    """Or a reader could write a comment that the import takes for several, with what status it likes."""
    bad, two = found(
        "<wp:comment><wp:text><![CDATA[a</wp:text></wp:comment>", comment("<![CDATA[b]]>")
    )
    assert isinstance(bad, Unusable)
    assert (two.node.text("text"), two.doubtful) == ("b", True)
    assert texts(comment("<![CDATA[see <![CDATA[b]]]]><![CDATA[> there]]>")) == [
        "see <![CDATA[b]]> there"
    ]


PIECES = [
    ONE, "<wp:comment><![CDATA[", "<!--<item>", "<a ", "&", "<a b='", "<x>", "</item>", "<wp:comment>",
    '<wp:comment><a b="', "]]>", "<?<item><wp:comment>", "x" * 50, "<wp:comment>" + "<a>" * 40,
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_nothing_in_a_file_is_searched_again_and_again(piece: str):
    size = 300_000
    content = ("<rss><channel><item>" + piece * (size // len(piece))).encode()
    begun = time.process_time()
    for _ in records(io.BytesIO(content), {PATH}, kind="export"):
        pass
    assert time.process_time() - begun < 15


@pytest.mark.parametrize("piece", [ONE, "<wp:comment><![CDATA[", "<x>", "x" * 50])
def test_a_file_of_any_size_is_read_in_bounded_memory(piece: str):
    content = io.BytesIO(("<rss><channel><item>" + piece * (8_000_000 // len(piece))).encode())
    tracemalloc.start()
    for number, _ in enumerate(records(content, {PATH}, kind="export")):
        if number > 10_000:
            break
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000
