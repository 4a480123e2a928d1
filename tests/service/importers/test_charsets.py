"""A file's charset is judged by what is in it, whatever it says."""

from __future__ import annotations

import io

import pytest

from service.importers.charsets import charset_of, cleaned, cleaned_deeply, lines, texts

TEXTS = {
    "gbk": "内容很好，谢谢分享",
    "big5": "內容很好，謝謝分享",
    "shift_jis": "とても良い記事でした",
    "euc-jp": "とても良い記事でした",
    "euc-kr": "좋은 글 감사합니다",
    "windows-1251": "Очень хорошая статья",
    "koi8-r": "Очень хорошая статья",
    "windows-1252": "“Schöne” Grüße – caf\u00e9",
    "utf-8": "日本語 é",
    "utf-16": "日本語 é",
    "utf-16-le": "plain é",
}


def xml(text: str, declared: str) -> str:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{head}<rss><channel><title>The garden</title><item>{text}</item></channel></rss>"


def read(content: bytes) -> str:
    return "".join(texts(io.BytesIO(content)))


@pytest.mark.parametrize("declared", ["", "UTF-8", "utf8", "nonsense", "UTF-16", "itself"])
@pytest.mark.parametrize("charset, text", TEXTS.items())
def test_a_charset_is_found_though_undeclared_or_misnamed(charset: str, text: str, declared: str):
    document = xml(text, charset if declared == "itself" else declared)
    assert text in read(document.encode(charset))


@pytest.mark.parametrize("declared", ["ISO-8859-1", "GBK", "Big5", "windows-1251"])
def test_what_is_utf_8_is_read_so_whatever_is_declared(declared: str):
    assert "日本語 é" in read(xml("日本語 é", declared).encode())


def test_iso_8859_1_is_windows_1252_as_browsers_take_it():
    assert "“ok” – é" in read(xml("“ok” – é", "ISO-8859-1").encode("cp1252"))
    assert "Очень хорошая" in read(xml("Очень хорошая статья", "ISO-8859-1").encode("cp1251"))


@pytest.mark.parametrize(
    "name", ["rot13", "zip", "punycode", "unicode_escape", "undefined", "idna"]
)
def test_a_declared_name_is_never_a_python_codec(name: str):
    assert charset_of(io.BytesIO(xml("x\\u0041", name).encode())) == "utf-8"


def test_a_byte_that_cannot_be_read_costs_that_byte():
    document = xml("日本語 and X more é", "UTF-8").encode().replace(b"X", b"\xff")
    text, lost = cleaned(read(document))
    assert "日本語 and \ufffd more é" in text
    assert lost == 1


def test_lines_end_as_they_end_anywhere_and_a_long_one_is_cut():
    file = io.BytesIO(b"\xef\xbb\xbfa\r\nb\rc\n\n" + b"x" * 600_000 + b"\nlast")
    found = list(lines(file, longest=100))
    assert [(number, text[:5], len(text)) for number, text in found] == [
        (1, "a", 1), (2, "b", 1), (3, "c", 1), (5, "xxxxx", 101), (6, "last", 4),
    ]  # fmt: skip


def test_all_texts_of_parsed_json_are_cleaned_and_the_cost_counted():
    parsed = {"a\x00": ["x\ud800", 1, None, {"b": "\x08"}]}
    assert cleaned_deeply(parsed) == ({"a": ["x\ufffd", 1, None, {"b": ""}]}, 3)
