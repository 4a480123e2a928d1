"""Parses a comment's markup: visible text, quotations, code, hidden text and links.

Blogs take HTML, BBCode or Markdown, or show what was typed. What is markup in none of them, such
as "<3", "List<String>" or "<you there>", stays text: a word must not vanish from a comment here
that readers see there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum, StrEnum
from html import unescape
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from models import quotation

#: Most links of one comment that are read; more of them change no signal.
MAX_LINKS = 50
#: Most tags that are parsed; a text with more is taken as plain text, to bound time.
_MOST_TAGS = 1_000
_LONGEST_TARGET = 2_000


class CharacterKind(IntEnum):
    """The part of a comment that a character belongs to."""

    OWN = 0
    QUOTED = 1
    CODE = 2
    HIDDEN = 3
    #: Markup, and other characters that are not text.
    MARKER = 4


class Form(StrEnum):
    """How a link is written."""

    HTML = "html"
    BBCODE = "bbcode"
    MARKDOWN = "markdown"
    BARE = "bare"
    IMAGE = "image"


class Link(NamedTuple):
    """One link of a comment."""

    target: str
    #: The visible text of the link: its label, or the URL itself, or "".
    shown: str
    form: Form
    #: Whether it is invisible to readers.
    hidden: bool = False


class Shown:
    """A comment without tags and entities, each character with its kind and its origin.

    Attributes
    ----------
    text
        All characters but those of HTML's tags, in the order of the comment.
    kinds
        The CharacterKind of each character.
    origins
        Where in the comment each character stands.
    links
        At most MAX_LINKS links, in order of their form.
    """

    __slots__ = ("kinds", "links", "origins", "text")

    def __init__(self, text: str, kinds: bytearray, origins: list[int], links: list[Link]) -> None:
        self.text = text
        self.kinds = kinds
        self.origins = origins
        self.links = links

    def mark(self, begin: int, end: int, kind: CharacterKind) -> None:
        """Say that the author's own characters from *begin* to *end* are of *kind*."""
        self.kinds[begin:end] = self.kinds[begin:end].translate(_OWN_TO[kind])

    def place(self, content: str, at: int) -> tuple[int, int]:
        """Return the range in *content* of the character at *at*."""
        begin = self.origins[at]
        entity = _ENTITY.match(content, begin)
        return begin, entity.end() if entity else begin + 1

    def parts(self, *kinds: CharacterKind) -> Iterator[tuple[int, int]]:
        """Yield where characters of these kinds stand together, in order."""
        if any(kind in self.kinds for kind in kinds):
            for match in _RUNS[kinds].finditer(self.kinds):
                yield match.span()


class _Runs(dict[tuple[CharacterKind, ...], re.Pattern[bytes]]):
    """Patterns that find characters of some kinds, each compiled when first asked for."""

    def __missing__(self, kinds: tuple[CharacterKind, ...]) -> re.Pattern[bytes]:
        self[kinds] = re.compile(b"[" + re.escape(bytes(kinds)) + b"]+")
        return self[kinds]


_RUNS = _Runs()
_OWN_TO = {kind: bytes([kind, *range(1, 256)]) for kind in CharacterKind}

_ELEMENTS = frozenset(
    [
        "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b",
        "base", "basefont", "bdi", "bdo", "big", "blink", "blockquote", "body", "br", "button",
        "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data", "datalist",
        "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed",
        "fieldset", "figcaption", "figure", "font", "footer", "form", "frame", "frameset", "h1",
        "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "i", "iframe",
        "img", "input", "ins", "kbd", "label", "legend", "li", "link", "listing", "main", "map",
        "mark", "marquee", "math", "menu", "menuitem", "meta", "meter", "nav", "nobr",
        "noembed", "noframes", "noscript", "object", "ol", "optgroup", "option", "output", "p",
        "param", "picture", "plaintext", "pre", "progress", "q", "rb", "rp", "rt", "rtc",
        "ruby", "s", "samp", "script", "section", "select", "slot", "small", "source", "span",
        "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td",
        "template", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "track", "tt",
        "u", "ul", "var", "video", "wbr", "xmp",
    ]
)  # fmt: skip
#: Elements whose content a parser reads differently and a blog's filter does not: their
#: tags are dropped, and their content is read as any other.
_SPECIAL = frozenset(
    [
        "applet", "body", "frame", "frameset", "head", "html", "iframe", "listing", "math",
        "menuitem", "noembed", "noframes", "noscript", "object", "optgroup", "option",
        "plaintext", "select", "svg", "template", "textarea", "title", "xmp",
    ]
)  # fmt: skip
_DROPPED = frozenset(["script", "style"])
_QUOTES = frozenset(["blockquote"])
_CODES = frozenset(["pre", "code", "samp"])
_PARAGRAPHS = frozenset(
    [
        "p", "blockquote", "pre", "ul", "ol", "dl", "table", "h1", "h2", "h3", "h4", "h5", "h6",
        "hr", "article", "section", "figure", "fieldset",
    ]
)  # fmt: skip
_LINES = frozenset(
    [
        "br", "div", "li", "tr", "dt", "dd", "address", "aside", "caption", "center", "details",
        "dialog", "dir", "figcaption", "footer", "form", "header", "hgroup", "legend", "main",
        "menu", "nav", "summary", "tbody", "tfoot", "thead",
    ]
)  # fmt: skip
_CELLS = frozenset(["td", "th"])
_BREAKS: Mapping[str, str] = {
    **dict.fromkeys(_PARAGRAPHS, "\n\n"),
    **dict.fromkeys(_LINES, "\n"),
    **dict.fromkeys(_CELLS, " "),
}

#: A comment or a whole tag. What is cut short by the next tag or by the end is text.
_TAG = re.compile(
    r"<!--(?:(?!<!--).)*?-->"
    r"|<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[\s/](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)?)>",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)")
#: Each stretch of text between tags stands in the parser's input as one character of this plane.
_STRETCH = 0xF0000
_WHITE = frozenset(["#fff", "#ffffff", "white", "rgb(255,255,255)", "transparent", "#ffffff00"])
_NOTHING = re.compile(
    r"display:none|visibility:hidden|opacity:0(?:\.0\d*)?%?(?:[;!]|$)"
    r"|font-size:(?:0*\.?0+(?:[a-z]+|%)?|1p[xt]|0?\.0\d*r?em)(?:[;!]|$)"
    r"|text-indent:-\d{3}|(?:left|right|top|bottom|margin-left):-\d{3}"
    r"|(?:^|[;-])(?:width|height):0(?:px)?(?:[;!]|$)"
)


def shown(content: str) -> Shown:
    """Return *content*, which is bounded in length, parsed."""
    seen = _parsed(content) if "<" in content or "&" in content else _whole(content)
    seen = _without_invisible(seen)
    _read_code(seen)
    _read_quotes(seen)
    _read_links(seen)
    _read_markers(seen)
    return seen


def _whole(content: str) -> Shown:
    return Shown(content, bytearray(len(content)), list(range(len(content))), [])


class _Builder:
    """Collects text, kinds and links while the parser's tree is walked."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.parts: list[str] = []
        self.kinds = bytearray()
        self.origins: list[int] = []
        self.links: list[Link] = []
        self.last = ""

    def stretch(self, begin: int, end: int, kind: CharacterKind) -> None:
        text = self.content[begin:end]
        origins: Iterable[int] = range(begin, end)
        if "&" in text:
            # Text that was encoded twice is decoded twice: some editors encode their input again.
            text, origins = _decoded(*_decoded(text, list(origins)))
        self._add(text, origins, kind)

    def gap(self, white: str, kind: CharacterKind) -> None:
        """Add white space, unless it is there."""
        if self.last and not self.last.endswith(white):
            if white == "\n\n" and self.last.endswith("\n"):
                white = "\n"
            self._add(white, [self.origins[-1]] * len(white), kind)

    def _add(self, text: str, origins: Iterable[int], kind: CharacterKind) -> None:
        if text:
            self.parts.append(text)
            self.origins += origins
            self.kinds += bytes([kind]) * len(text)
            self.last = (self.last + text)[-2:]

    def shown(self) -> Shown:
        return Shown("".join(self.parts), self.kinds, self.origins, self.links)


def _decoded(text: str, origins: list[int]) -> tuple[str, list[int]]:
    """Return the text with entities decoded, and where each character comes from."""
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for match in _ENTITY.finditer(text):
        begin, end = match.span()
        plain = unescape(match.group())
        parts += [text[done:begin], plain]
        places += origins[done:begin]
        places += origins[begin : begin + 1] * len(plain)
        done = end
    if not done:
        return text, origins
    return "".join([*parts, text[done:]]), places + origins[done:]


def _parsed(content: str) -> Shown:
    """Read HTML."""
    source: list[str] = []
    stretches: list[tuple[int, int]] = []
    done = tags = 0

    def keep(begin: int, end: int) -> None:
        if content[begin:end].isspace():
            source.append(content[begin:end])
        elif begin < end:
            source.append(chr(_STRETCH + len(stretches)))
            stretches.append((begin, end))

    for match in _TAG.finditer(content):
        if match[2] is not None and not _is_tag(content, match):
            continue
        keep(done, match.start())
        done = match.end()
        if match[2] is not None:
            tags += 1
            name = "span" if match[2].lower() in _SPECIAL else match[2]
            source.append(f"<{match[1]}{name}{match[3]}>")
    keep(done, len(content))
    built = _Builder(content)
    if not tags or tags > _MOST_TAGS:
        for begin, end in stretches:
            built.stretch(begin, end, CharacterKind.OWN)
        return built.shown()
    # A body's tag first keeps whatever follows from being read as a head or as frames.
    parser = LexborHTMLParser(f"<body>{''.join(source)}".encode("utf-8", "replace"))
    if parser.body is not None:
        _walk(parser.body, stretches, built)
    return built.shown()


def _is_tag(content: str, match: re.Match[str]) -> bool:
    """Tell whether a match is a tag: of a known element, or within a word."""
    name, rest = match[2].lower(), match[3]
    if name not in _ELEMENTS:
        begin, end = match.span()
        # Unknown tags are removed where they split a word, also several in a row.
        return (
            begin > 0
            and (content[begin - 1].isalnum() or content[begin - 1] == ">")
            and end < len(content)
            and (content[end].isalnum() or content[end] == "<")
        )
    # "<b you fool>" is no tag that anybody's editor wrote.
    return "=" in rest or len(rest.split()) < 2


def _walk(body: LexborNode, stretches: list[tuple[int, int]], built: _Builder) -> None:
    """Go through the tree without recursion, which deep nesting would exhaust."""
    steps: list[tuple[LexborNode | None, CharacterKind, tuple[str, str, int, bool] | None]]
    steps = [(body.first_child, CharacterKind.OWN, None)]
    while steps:
        node, kind, leaving = steps.pop()
        if leaving is not None:
            tag, target, begin, is_link = leaving
            if is_link and len(built.links) < MAX_LINKS:
                text = "".join(built.parts[begin:]).strip()
                hidden = kind is CharacterKind.HIDDEN or not text
                built.links.append(Link(target, text, Form.HTML, hidden))
            if tag in _BREAKS:
                built.gap(_BREAKS[tag], kind)
            continue
        if node is None:
            continue
        steps.append((node.next, kind, None))
        if node.is_text_node:
            for character in node.text_content or "":
                number = ord(character) - _STRETCH
                if number >= 0:
                    built.stretch(*stretches[number], kind)
                else:
                    built.gap(character, kind)
            continue
        tag = node.tag or ""
        if not node.is_element_node or tag in _DROPPED:
            continue
        inner, target = _entered(node, tag, kind, built)
        steps.append(
            (None, inner if target else kind, (tag, target, len(built.parts), bool(target)))
        )
        steps.append((node.first_child, inner, None))


def _entered(
    node: LexborNode, tag: str, kind: CharacterKind, built: _Builder
) -> tuple[CharacterKind, str]:
    """Return the kind of an element's content, and its link if it is one."""
    if tag in _BREAKS:
        built.gap(_BREAKS[tag], kind)
    attributes = node.attributes
    inner = kind
    if kind is CharacterKind.OWN and tag in _QUOTES:
        inner = CharacterKind.QUOTED
    elif kind is CharacterKind.OWN and tag in _CODES:
        inner = CharacterKind.CODE
    if attributes and _hides(attributes):
        inner = CharacterKind.HIDDEN
    if tag == "img" and attributes.get("src") and len(built.links) < MAX_LINKS:
        source, text = attributes["src"] or "", attributes.get("alt") or ""
        built.links.append(
            Link(source[:_LONGEST_TARGET], text, Form.IMAGE, inner is CharacterKind.HIDDEN)
        )
    href = attributes.get("href") if tag in ("a", "area") else None
    return inner, (href or "").strip()[:_LONGEST_TARGET]


def _hides(attributes: Mapping[str, str | None]) -> bool:
    """Tell whether an element with these attributes is invisible."""
    if "hidden" in attributes:
        return True
    style = "".join((attributes.get("style") or "").lower().split())
    color = (attributes.get("color") or "").lower()
    if not style:
        return color in _WHITE
    if _NOTHING.search(style):
        return True
    declared = {
        name: value.removesuffix("!important")
        for name, _, value in (one.partition(":") for one in style.split(";"))
    }
    color = declared.get("color", color)
    ground = declared.get("background-color", declared.get("background", ""))
    return bool(color) and (color == ground or (color in _WHITE and not ground))


#: Zero-width, bidirectional and other characters without a shape: soft hyphens, fillers, tags,
#: joiners where no script needs them, variation selectors after a letter.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0100-\U000e01ef]+"
    "|(?<![\u0590-\u109f\u1780-\u18af\ua800-\ua8ff\u200d\u203c-\u32ff\ufe0f\U0001f000-\U0001faff])"
    "[\u200c\u200d\ufe00-\ufe0f]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+"
)
#: One of them between two letters of a script that has no use for them there.
_SPLITS = re.compile(
    "(?<=[a-z\u00c0-\u052f])[\u034f\u115f\u1160\u180e\u200b-\u200d\u2060-\u2064\u3164\ufeff]"
    "+(?=[a-z\u00c0-\u052f])",
    re.IGNORECASE,
)


def invisible_within_words(text: str) -> int:
    """Count the invisible characters that split words of Latin, Greek and Cyrillic letters."""
    return 0 if text.isascii() else sum(len(run) for run in _SPLITS.findall(text))


def _without_invisible(seen: Shown) -> Shown:
    text = seen.text
    if text.isascii() or not _INVISIBLE.search(text):
        return seen
    parts: list[str] = []
    kinds = bytearray()
    origins: list[int] = []
    done = 0
    for match in (*_INVISIBLE.finditer(text), None):
        begin, end = match.span() if match else (len(text), len(text))
        parts.append(text[done:begin])
        kinds += seen.kinds[done:begin]
        origins += seen.origins[done:begin]
        done = end
    return Shown("".join(parts), kinds, origins, seen.links)


_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)[^\n`]*$", re.MULTILINE)
_TICKS = re.compile(r"(?<!`)`([^`\n]{1,1000})`(?!`)")
_BB_BLOCK = re.compile(
    r"\[(/?)(quote|code|pre)\b(?:=[^\[\]\n]{0,300}| [^\[\]\n]{0,300})?\]", re.IGNORECASE
)
_CODE_SIGN = re.compile(r"[{}()\[\];=<>\\$#|/]|\w[_.:]+\w")


def _is_prose(text: str) -> bool:
    """Tell whether a text marked as code is prose, which counts as the author's words all the same."""
    words = text.split()
    return (len(words) > 1 or text.strip().isalpha()) and len(_CODE_SIGN.findall(text)) * 4 < len(
        words
    )


def _read_code(seen: Shown) -> None:
    """Mark what stands in fences, ticks and code's elements; sentences in them stay as they are."""
    text = seen.text
    for begin, end in list(seen.parts(CharacterKind.CODE)):
        if _is_prose(text[begin:end]):
            seen.kinds[begin:end] = bytes(end - begin)
    if "`" not in text and "~~~" not in text:
        return
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1] == opened[1]:
            _mark_code(seen, opened.end(), match.start())
            seen.mark(*opened.span(), CharacterKind.MARKER)
            seen.mark(*match.span(), CharacterKind.MARKER)
            opened = None
    if opened is not None:
        _mark_code(seen, opened.end(), len(text))
        seen.mark(*opened.span(), CharacterKind.MARKER)
    for match in _TICKS.finditer(text):
        _mark_code(seen, *match.span(1))
        seen.mark(match.start(), match.start(1), CharacterKind.MARKER)
        seen.mark(match.end(1), match.end(), CharacterKind.MARKER)


def _mark_code(seen: Shown, begin: int, end: int) -> None:
    if not _is_prose(seen.text[begin:end]):
        seen.mark(begin, end, CharacterKind.CODE)


def _read_quotes(seen: Shown) -> None:
    if "[" in seen.text:
        _read_blocks(seen)
    for begin, end in quotation.ranges(seen.text, seen.kinds):
        seen.mark(begin, end, CharacterKind.QUOTED)


def _read_blocks(seen: Shown) -> None:
    """Mark what stands between a forum's [quote] and [/quote], and likewise with [code]."""
    opened: list[tuple[str, int]] = []
    marks = list(_BB_BLOCK.finditer(seen.text))
    for match in marks:
        name = match[2].lower()
        if not match[1]:
            opened.append((name, match.end()))
        elif opened and opened[-1][0] == name:
            _, begin = opened.pop()
            if name != "quote":
                _mark_code(seen, begin, match.start())
            elif not opened:
                seen.mark(begin, match.start(), CharacterKind.QUOTED)
    for match in marks:
        seen.mark(*match.span(), CharacterKind.MARKER)


_BB = (
    "url|link|img|image|email|b|i|u|s|strike|del|ins|em|strong|size|colou?r|font|face|center|left|right"
    "|justify|align|indent|list|li|ul|ol|table|tr|td|th|spoiler|hide|youtube|video|media|attach|sub"
    "|sup|highlight|small|big|noparse|user|mention|float|h[1-6]|\\*"
)
_BB_TAG = re.compile(
    rf"\[/?(?:{_BB})(?:=[^\[\]\n]{{0,2000}}| [a-z]+=[^\[\]\n]{{0,2000}})?/?\]", re.IGNORECASE
)
_BB_LINK = re.compile(
    r"\[(url|link|img|image)(?:=([^\[\]\n]{1,2000}))?\](.{0,300}?)\[/\1\]",
    re.IGNORECASE | re.DOTALL,
)
_BB_OPENED = re.compile(r"\[(?:url|link)=([^\[\]\n]{1,2000})\]", re.IGNORECASE)
_MARKDOWN = re.compile(
    r"(!?)\[([^\[\]\n]{0,500})\]\(\s*<?((?:https?://|ftp://|//|www\.|mailto:|[/#]|[\w-]+\.[\w.-])"
    r"[^\s()<>]{0,2000}(?:\([^\s()]{0,200}\)[^\s()]{0,500})?)>?(?:\s+[\"'(][^\"'\n]{0,200}[\"')])?\s*\)"
)
_BARE = re.compile(r"(?:h(?:tt|xx)ps?://|ftp://|www\.)[^\s<>\"'\])\u3000-\u303f]+", re.IGNORECASE)
_EMPHASIS = (
    re.compile(r"(?<!\*)(\*\*|~~)(\w{1,100})\1(?!\*)"),
    re.compile(r"(?<![\w*\\])(\*\*\*|\*\*|~~)(?=[^\s*])([^\n]{1,200}?)(?<=[^\s*])\1(?![\w*])"),
    re.compile(r"(?<![\w\\])(__)(?=[^\s_])([^\n]{1,200}?)(?<=[^\s_])\1(?!\w)"),
    re.compile(r"(?<![\w*\\])(\*)(?=[^\s*])([^*\n]{1,200}?)(?<=[^\s*])\1(?![\w*])"),
    re.compile(r"(?<![\w\\])(_)(?=[^\s_])([^_\n]{1,200}?)(?<=[^\s_])\1(?!\w)"),
)
_HEADING = re.compile(r"^[ ]{0,3}(#{1,6})(?=[ \t]+\S)", re.MULTILINE)


def _read_links(seen: Shown) -> None:
    """Collect the links, and mark of each but bare ones what a reader doesn't see."""
    text = seen.text
    #: Where links and their markup were found.
    taken = bytearray(len(text))
    anchors = {link.shown for link in seen.links if link.form is Form.HTML}
    if "[" in text:
        _read_forum_links(seen, taken)
    if "](" in text:
        _read_markdown_links(seen, taken)
    for match in _BARE.finditer(text):
        address = match.group().rstrip(".,;:!?*_~")
        if not taken[match.start()] and address not in anchors:
            _add_link(seen, address, address, Form.BARE, match.start())


def _add_link(seen: Shown, target: str, words: str, form: Form, place: int) -> None:
    if len(seen.links) < MAX_LINKS:
        hidden = place < len(seen.kinds) and seen.kinds[place] == CharacterKind.HIDDEN
        seen.links.append(Link(target.strip(" \"'"), words.strip(), form, hidden))


def _take(taken: bytearray, begin: int, end: int) -> None:
    taken[begin:end] = b"\1" * (end - begin)


def _read_forum_links(seen: Shown, taken: bytearray) -> None:
    for match in _BB_LINK.finditer(seen.text):
        form = Form.IMAGE if match[1].lower().startswith("im") else Form.BBCODE
        _add_link(seen, match[2] or match[3], match[3], form, match.start(3))
        _take(taken, *match.span())
    for match in _BB_OPENED.finditer(seen.text):
        if not taken[match.start()]:
            _add_link(seen, match[1], "", Form.BBCODE, match.start())
    for match in _BB_TAG.finditer(seen.text):
        seen.mark(*match.span(), CharacterKind.MARKER)
        _take(taken, *match.span())


def _read_markdown_links(seen: Shown, taken: bytearray) -> None:
    for match in _MARKDOWN.finditer(seen.text):
        form = Form.IMAGE if match[1] else Form.MARKDOWN
        _add_link(seen, match[3], match[2], form, match.start(2))
        seen.mark(match.start(), match.start(2), CharacterKind.MARKER)
        seen.mark(match.end(2), match.end(), CharacterKind.MARKER)
        _take(taken, *match.span())


def _read_markers(seen: Shown) -> None:
    """Mark Markdown's signs of emphasis and of headings, but not those within an address."""
    text = seen.text
    if "*" in text or "_" in text or "~~" in text:
        fixed = bytearray(len(text))
        for match in _BARE.finditer(text):
            _take(fixed, *match.span())
        for pattern in _EMPHASIS:
            for match in pattern.finditer(text):
                begin, end = match.span()
                size = len(match[1])
                if not fixed[begin] and not fixed[end - 1]:
                    seen.mark(begin, begin + size, CharacterKind.MARKER)
                    seen.mark(end - size, end, CharacterKind.MARKER)
    if "#" in text:
        for match in _HEADING.finditer(text):
            seen.mark(*match.span(1), CharacterKind.MARKER)
