"""What a comment in HTML says to its reader."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

#: What begins and ends a line when its markup is taken away.
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "details", "div", "dl", "dt",
        "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
        "li", "main", "ol", "p", "pre", "section", "summary", "table", "tr", "ul",
    }
)  # fmt: skip
_HIDDEN = frozenset({"script", "style", "template", "noscript", "head", "title", "-comment"})
_PICTURES = {
    "img": "image", "picture": "image", "svg": "image", "video": "video", "audio": "audio",
    "iframe": "embedded page", "embed": "embedded page", "object": "embedded page",
}  # fmt: skip
_SHOWS_MORE = re.compile(
    r"<\s*(?:img|picture|svg|video|audio|iframe|embed|object)\b", re.IGNORECASE
)


def words(html: str) -> str:
    """Return what HTML says without its markup.

    Where a link leads is part of what it says. ``<pre>`` keeps its lines, blanks included. A picture
    is "[image]" with its alternative text; one that stands for a character is that character.
    """
    return _read(html).text()


def said(html: str) -> str:
    """Return HTML as it is, but as :func:`words` says it if it has only pictures to show."""
    if not _SHOWS_MORE.search(html):
        return html
    lines = _read(html)
    return html if lines.has_words else lines.text()


def _read(html: str) -> _Lines:
    lines = _Lines()
    body = LexborHTMLParser(html).body
    #: Stack of what to write next: nodes, each with whether it stands in <pre>, and ends.
    ahead: list[tuple[LexborNode | None, str, bool]] = [(body, "", False)] if body else []
    while ahead:
        node, end, verbatim = ahead.pop()
        if node is None:
            lines.end(end)
            continue
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            lines.has_words = lines.has_words or not text.isspace()
            lines.add(text, verbatim=verbatim)
        elif tag in _PICTURES:
            lines.add(_picture(node, tag))
        elif tag not in _HIDDEN:
            lines.begin(tag, node)
            ahead.append((None, tag, verbatim))
            children = list(node.iter(include_text=True))
            ahead.extend((one, "", verbatim or tag == "pre") for one in reversed(children))
    return lines


def _picture(node: LexborNode, tag: str) -> str:
    about = node.attributes
    alternative = " ".join((about.get("alt") or about.get("title") or "").split())
    classes = (about.get("class") or "").casefold()
    if tag == "img" and alternative and ("emoji" in classes or "smil" in classes):
        return alternative
    leads = (about.get("src") or "") if tag in {"iframe", "embed"} else ""
    shown = (f"[{_PICTURES[tag]}]", alternative, f"({leads})" if leads else "")
    return " ".join(part for part in shown if part)


class _Lines:
    """Lines as they are said."""

    def __init__(self) -> None:
        #: Whether anything but pictures was said.
        self.has_words = False
        self._lines: list[str] = []
        self._line: list[str] = []
        self._verbatim = False
        #: Where links lead that are not ended, and where their text begins.
        self._links: list[tuple[str, int, int]] = []

    def begin(self, tag: str, node: LexborNode) -> None:
        """Begin an element."""
        if tag in _BLOCKS:
            self._break()
        elif tag == "a":
            leads = (node.attributes.get("href") or "").strip()
            self._links.append((leads, len(self._lines), len(self._line)))

    def end(self, tag: str) -> None:
        """End an element: a block's line, or say where a link led."""
        if tag in _BLOCKS:
            self._break()
        elif tag == "a" and self._links:
            leads, lines, parts = self._links.pop()
            text = "".join([*self._lines[lines:], *self._line[parts:]])
            if leads and leads not in text:
                self._line.append(f" ({leads})")

    def add(self, text: str, *, verbatim: bool = False) -> None:
        """Say a text; its line feeds end lines."""
        for number, part in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                self._break(keep=verbatim)
            self._verbatim = self._verbatim or verbatim
            self._line.append(part)

    def _break(self, *, keep: bool = False) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._verbatim else line.strip()
        if line or keep:
            self._lines.append(line)
        self._line, self._verbatim = [], False

    def text(self) -> str:
        """Return all that was said."""
        self._break()
        return "\n".join(self._lines).strip("\n")
