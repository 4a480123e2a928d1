"""The form in which the entries of a list and the texts that they are sought in are compared. Pure.

A text is taken as its readers see it: without markup, with entities decoded and without characters
that have no width; then NFKC, full case folding and single spaces. Words end where Unicode's UAX 29
ends them, tailored as its section 4 allows: full stops, colons and underscores always part words,
"l'" and "'s" don't belong to the word beside them, and each character is a separate word in the
scripts that are written without spaces, and in Korean, whose particles follow without one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

import regex

#: Longest text that the model reads whole, in characters, before and after NFKC (models.text.MAX_LENGTH); of a longer one
#: it reads the beginning and the end.
READ_WHOLE = 20_000
#: Most characters of NFKC that one character becomes, and one of ASCII in an entity: U+FDFA has 18, "&#64506" seven.
_MOST_FROM_ONE, _MOST_FROM_ASCII = 18, 3

#: Stands between texts that no entry may span: a field and the next, a text and a link's target.
APART = "\uffff"
#: Languages whose capital of the dotless i is I, and whose capital of i has a dot.
DOTLESS = frozenset({"tr", "az", "crh", "gag", "tt"})

#: Elements and forum tags that part words; any other stands within a line.
_BLOCKS = frozenset(
    [
        "address", "article", "aside", "blockquote", "br", "caption", "center", "code", "dd",
        "details", "div", "dl", "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3",
        "h4", "h5", "h6", "header", "hr", "iframe", "img", "left", "li", "list", "main", "nav",
        "ol", "option", "p", "pre", "quote", "right", "section", "select", "summary", "table",
        "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "video",
    ]
)  # fmt: skip
_INLINE = frozenset(
    [
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "color", "colour", "data",
        "del", "dfn", "em", "email", "font", "i", "ins", "kbd", "label", "link", "mark", "q",
        "s", "samp", "size", "small", "span", "strike", "strong", "sub", "sup", "svg", "time",
        "tt", "u", "url", "var", "wbr",
    ]
)  # fmt: skip
#: A comment, a tag, a forum's tag, an entity. Each ends at the next beginning of its kind, so that
#: the time is linear in the text.
_MARKUP = re.compile(
    r"<!--(?:(?!<!--).)*?-->"
    r"|</?(?P<tag>[A-Za-z][A-Za-z0-9-]*)(?P<told>[^<>]*)>"
    r"|\[/?(?P<forum>[A-Za-z]{1,10}[1-6]?|\*)(?P<value>[= ][^\[\]\n]*)?\]"
    r"|&(?:amp;)*(?:#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"(?:href|src|title|alt|cite|action|data-[a-z]{1,20})\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)",
    re.IGNORECASE,
)
#: Markdown's emphasis, which may begin or end within a word: ci**al**is.
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`{1,2})([^\s*~`](?:[^\n*~`]{0,200}[^\s*~`])?)\1")
_MAY_BE_MARKUP = re.compile(r"[<&\[]|[^\W_][*~`]|[*~`][^\W_]")

#: Control characters that aren't white space.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f]+")
#: What has no width or only decorates: default ignorables, noncharacters, controls, interlinear
#: marks, Arabic's stretch, and lines through, under or around the letter before.
_UNSEEN = regex.compile(
    r"[\p{DI}\p{NChar}\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufff9-\ufffb\u0640\u0332-\u0338\u20d0-\u20f0]+"
)
#: Marks beyond thirty in a row (UAX 15's stream-safe form): to sort them takes quadratic time.
_TOO_MANY_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
#: Before NFKC: signs that would become letters of the word before, two ligatures that stand for
#: sentences, and the many forms of the apostrophe, the quotation mark and the hyphen.
_BEFORE = str.maketrans(
    dict.fromkeys("\u2120\u2122\u2800\ufdfa\ufdfb\u00b9\u00b2\u00b3\u2070", " ")
    | dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63", "-")
)
_WORD_OF_ASCII = re.compile(
    r"(?<![a-z0-9])[a-z][+#]+(?![a-z0-9])"  # c++, f#
    r"|[a-z0-9]+(?:'(?!s\b|[a-z]{3})[a-z0-9]+|(?<=[0-9])[.,](?=[0-9])[a-z0-9]+)*"
    r"|\S"
)
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{LB=SA}\u30fc\u3005\u3006"
_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]"
_WORD = regex.compile(
    rf"(?V1)[{_UNSPACED}]"
    r"|(?<![\p{L}\p{N}])[a-z][+#]+(?![\p{L}\p{N}])"
    rf"|{_LETTER}+(?:'(?!s\b|\p{{Latin}}{{3}}){_LETTER}+"
    rf"|(?<=\p{{N}})[.,](?=\p{{N}}){_LETTER}+"
    rf"|\u00b7(?=\p{{L}}){_LETTER}+"
    rf'|(?<=\p{{Hebrew}})["\u05f4](?=\p{{Hebrew}}){_LETTER}+)*+'
    r"|\S"
)
_UNSPACED_SIGN = regex.compile(rf"[{_UNSPACED}]")


class View(Enum):
    """How to take what may be markup: "<idiot>" may be a word, and ci**al**is is one to some."""

    RAW = "as typed"
    SHOWN = "without markup"
    BARE = "without unknown tags and Markdown's emphasis, too"


class Traced(NamedTuple):
    """A text in its normal form, and from where to where of the original each character came."""

    text: str
    origins: Sequence[tuple[int, int]]


def normal(text: str, *, dotless: bool = False) -> str:
    """Return *text* without markup in its normal form; *dotless*: fold I and İ as Turkish does."""
    return _folded("".join(reading for reading, _, _ in _plain(text)), dotless=dotless)


def may_be_markup(text: str) -> bool:
    """Tell whether anything in *text* may be a tag, an entity or Markdown's emphasis."""
    return _MAY_BE_MARKUP.search(text) is not None


def joined(texts: Sequence[str]) -> str:
    """Return *texts* as one, in which no entry spans two of them."""
    return APART.join(text.replace(APART, "") for text in texts)


def views(text: str) -> dict[View, str]:
    """Return *text* as each view shows it, case kept; views that show the same stand once."""
    if not may_be_markup(text):
        return {View.SHOWN: text}
    seen = {
        View.SHOWN: "".join(reading for reading, _, _ in _plain(text)),
        View.BARE: "".join(reading for reading, _, _ in _plain(text, bare=True)),
    }
    return seen if seen[View.SHOWN] != seen[View.BARE] else {View.SHOWN: seen[View.SHOWN]}


def is_read_whole(text: str) -> bool:
    """Tell whether the model reads all of *text*, as it was typed and as it is shown."""
    most = _MOST_FROM_ASCII if text.isascii() else _MOST_FROM_ONE
    if len(text) * most <= READ_WHOLE:
        return True
    return all(_composed_length(one) <= READ_WHOLE for one in (text, *views(text).values()))


def _composed_length(text: str) -> int:
    """Return how many characters *text* has, or its NFKC form if that is longer."""
    if text.isascii() or len(text) > READ_WHOLE:
        return len(text)
    sorted_soon = _TOO_MANY_MARKS.sub(r"\1", text)
    composed = len(unicodedata.normalize("NFKC", sorted_soon)) + len(text) - len(sorted_soon)
    return max(len(text), composed)


def folded(text: str, *, dotless: bool = False) -> str:
    """Return a text that has no markup (:func:`views`) in its normal form."""
    return _folded(text, dotless=dotless)


def traced(text: str, view: View, *, dotless: bool = False) -> Traced:
    """Return :func:`folded` of a view of *text*, with origins; slow, so for pages only."""
    characters: list[str] = []
    origins: list[tuple[int, int]] = []
    pieces = [(text, 0, len(text))] if view is View.RAW else _plain(text, bare=view is View.BARE)
    for reading, begin, end in pieces:
        verbatim = reading == text[begin:end]
        at = begin
        if verbatim:
            reading = reading.replace(APART, " ")  # noqa: PLW2901 - as long, and nobody's own
        for cluster in regex.findall(r"\X", reading):
            place = (at, at + len(cluster)) if verbatim else (begin, end)
            at += len(cluster)
            for one in _simple(cluster, dotless=dotless):
                if one.isspace() and (not characters or characters[-1] == " "):
                    continue
                characters.append(" " if one.isspace() else one)
                origins.append(place)
    if characters and characters[-1] == " ":
        characters.pop()
        origins.pop()
    return Traced("".join(characters), origins)


def words(text: str) -> list[str]:
    """Return the words of a text in normal form; each sign is one, and white space none."""
    found: list[str] = (_WORD_OF_ASCII if text.isascii() else _WORD).findall(text)
    return found


def spans(text: str) -> list[tuple[int, int]]:
    """Return where the :func:`words` of a text in normal form stand."""
    pattern = _WORD_OF_ASCII if text.isascii() else _WORD
    return [match.span() for match in pattern.finditer(text)]


def unspaced(text: str) -> bool:
    """Tell whether *text* has a character of a script that is written without spaces."""
    return not text.isascii() and _UNSPACED_SIGN.search(text) is not None


def _folded(text: str, *, dotless: bool) -> str:
    return " ".join(_simple(text, dotless=dotless).split())


def _simple(text: str, *, dotless: bool) -> str:
    if text.isascii():
        if dotless and "I" in text:
            text = text.replace("I", "\u0131")
        return _CONTROL.sub("", text).lower()
    # The one noncharacter that stays when unseen characters are removed.
    text = APART.join(_UNSEEN.sub("", part) for part in text.split(APART))
    text = _TOO_MANY_MARKS.sub(r"\1", text).translate(_BEFORE)
    text = unicodedata.normalize("NFKC", text)
    if dotless:
        text = text.replace("I", "\u0131")
    return unicodedata.normalize("NFKC", text.replace("\u0130", "i").casefold())


def _plain(text: str, *, bare: bool = False) -> Iterator[tuple[str, int, int]]:
    """Yield what readers see of *text* and where it stands; the targets of links come last.

    *bare* drops unknown tags and Markdown's emphasis, too.
    """
    targets: list[tuple[int, int]] = []
    pieces = _unmarked(text, bare=bare, targets=targets)
    yield from _unemphasised(pieces) if bare else pieces
    for begin, end in targets:
        yield APART, begin, begin
        value = text[begin:end].strip("\"' =")
        shown = unquote(unescape(value))
        start = text.index(value, begin) if value else begin
        yield shown, start, start + len(value)


def _unmarked(
    text: str, *, bare: bool, targets: list[tuple[int, int]]
) -> Iterator[tuple[str, int, int]]:
    done = 0
    for match in _MARKUP.finditer(text) if may_be_markup(text) else ():
        begin, end = match.span()
        name = (match["tag"] or match["forum"] or "").lower()
        if match["forum"] and name not in _BLOCKS and name not in _INLINE and name != "*":
            continue
        if match["tag"] and not bare and not _is_tag(name, match["told"]):
            continue
        if done < begin:
            yield text[done:begin], done, begin
        done = end
        if match["tag"]:
            targets += [one.span(1) for one in _ATTRIBUTE.finditer(text, *match.span("told"))]
        elif match["value"]:
            targets.append(match.span("value"))
        if name in _BLOCKS or name == "*":
            yield " ", begin, end
        elif text[begin] == "&":
            yield unescape(unescape(unescape(match[0]))), begin, end
    if done < len(text):
        yield text[done:], done, len(text)


def _is_tag(name: str, reading: str) -> bool:
    """Tell whether a tag is one of an editor's, which no reader sees: not "<b you fool>"."""
    return (name in _BLOCKS or name in _INLINE) and ("=" in reading or not reading.strip(" /\n"))


def _unemphasised(
    pieces: Iterator[tuple[str, int, int]],
) -> Iterator[tuple[str, int, int]]:
    for reading, begin, end in pieces:
        done = 0
        for match in _EMPHASIS.finditer(reading) if end - begin == len(reading) else ():
            size = len(match[1])
            for start, stop in ((done, match.start()), match.span(2)):
                if start < stop:
                    yield reading[start:stop], begin + start, begin + stop
            done = match.end(2) + size
        if done < len(reading):
            yield reading[done:], begin + done if done else begin, end
