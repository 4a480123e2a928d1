"""XML of any size, read record by record, as far as it can be read.

Exports are written by string concatenation more often than by an XML library. What an XML parser
must refuse is therefore read here: an undeclared entity, a bare "&" or "<", a character that XML
forbids, blanks before the declaration. A broken record is named, and reading goes on at the next
one (docs/adr/0120). No entity is expanded but HTML's own and numbers, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.entities import html5
from typing import BinaryIO, Literal, NamedTuple

from moderation.errors import InvalidInput
from service.importers import Unusable
from service.importers.charsets import LOST, cleaned, texts

Path = tuple[str, ...]

#: Characters of a record; none with a comment that Winnow takes is longer.
MAX_RECORD = 4 * 1024 * 1024
#: Characters that are kept of a field of what encloses records, such as a post's title.
_MAX_FIELD = 4096
#: Elements in a record, and how deep they may stand in each other.
_MAX_ELEMENTS, _MAX_DEPTH = 5000, 50
#: Characters after which a "<" without its ">" is taken for text.
_MAX_TAG = 64 * 1024
#: Characters of the window that are kept behind the reading position, so that it is seldom copied.
_KEPT = 1024 * 1024

_NAME = r"[^\W\d][\w.\-]*(?::[\w.\-]+)?"
_TAG = re.compile(
    rf"</(?P<end>{_NAME})\s*>"
    rf"|<(?P<start>{_NAME})(?P<attributes>\s(?:[^<>\"'/]|/(?!>)|\"[^\"<]*\"|'[^'<]*')*)?(?P<empty>/)?>"
)
_ATTRIBUTE = re.compile(rf"({_NAME})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]+))")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,9})|#[xX]([0-9a-fA-F]{1,8})|([A-Za-z][A-Za-z0-9]{0,31}));")
_DOCTYPE = re.compile(r"<!DOCTYPE\s+[\w:.\-]+\s*>", re.IGNORECASE)
_DECLARES = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_C1 = range(0x80, 0xA0)


@dataclass(slots=True)
class Node:
    """An element: its local name, its attributes by local name, and what stands in it, in order."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    content: list[str | Node] = field(default_factory=list)
    #: The start tag and the end tag as they are written.
    tags: tuple[str, str] = ("", "")
    #: Of a record or field, the CDATA sections that hold the beginning of another.
    sections: Sequence[str] = ()

    def child(self, name: str) -> Node | None:
        """Return the first child of that local name."""
        return next(self.children(name), None)

    def children(self, name: str) -> Iterator[Node]:
        """Yield the children of that local name."""
        return (one for one in self.content if isinstance(one, Node) and one.name == name)

    def text(self, *names: str) -> str:
        """Return the text under a path of local names, without blanks around it; '' for none.

        Elements in it are given as they were written: an exporter forgot to escape them.
        """
        found: Node | None = self
        for name in names:
            found = found.child(name) if found is not None else None
        return "".join(found.written()).strip() if found is not None else ""

    def written(self) -> Iterator[str]:
        """Yield what stands in the element, markup included."""
        for one in self.content:
            if isinstance(one, str):
                yield one
            else:
                yield one.tags[0]
                yield from one.written()
                yield one.tags[1]


@dataclass(frozen=True, slots=True)
class Record:
    """A record, what encloses it by name, its line in the file, and the characters lost in it."""

    node: Node
    within: Mapping[str, Node]
    line: int
    lost: int
    #: It stands within another record's text by XML's rules, but looks like a record: a
    #: CDATA section was not ended, or somebody wrote a comment to look so. A person must see it.
    doubtful: bool = False


def records(
    file: BinaryIO, wanted: Collection[Path], *, kind: str, fields: Collection[str] = ()
) -> Iterator[Record | Unusable]:
    """Yield each element on a *wanted* path, and Unusable for one that cannot be parsed.

    Names are local ones, without their prefixes. Of what encloses a record those *fields* are kept
    that stand before it. Raises InvalidInput for any other file, and for XML that declares
    entities or another file as its document type.
    """
    return _XmlReader(_Source(texts(file)), wanted, kind, frozenset(fields)).records()


#: What ``lost`` says of a doubtful record.
DOUBTFUL = "it may be part of another comment's text: it waits for a moderator"
_TOO_LONG = "it is too long, or never ended"


class _Broken(Exception):
    """Raised when an element does not end as it must."""


class _Token(NamedTuple):
    """A piece of markup: what it is, where its own text stands, and where it ends."""

    kind: Literal["cdata", "skipped", "start", "end", "text"]
    begin: int
    end: int
    after: int
    tag: re.Match[str] | None = None

    @property
    def name(self) -> str:
        """The local name of a start or an end."""
        assert self.tag is not None
        return self.tag[self.kind].rpartition(":")[2]


_SECTIONS: tuple[tuple[str, str, Literal["cdata", "skipped"]], ...] = (
    ("<![CDATA[", "]]>", "cdata"),
    ("<!--", "-->", "skipped"),
    ("<?", "?>", "skipped"),
)


class _Source:
    """A window on the text: it grows at its end and is cut at its beginning."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self.text = ""
        self.ended = False
        #: Where the window begins in the whole text.
        self.base = 0
        self._counted, self._line = 0, 1
        #: For each end of a section: searched from, found at or -1, searched until.
        self._ends: dict[str, tuple[int, int, int]] = {}

    def grow(self, least: int = 1) -> bool:
        """Read *least* characters or more; False if nothing is left."""
        read, size = [self.text], 0
        while size < least and not self.ended:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
            else:
                read.append(piece)
                size += len(piece)
        self.text = "".join(read)
        return size > 0

    def cut(self, until: int) -> None:
        """Forget the text before *until*."""
        self._line = self.line(until)
        self._counted = 0
        self.base += until
        self.text = self.text[until:]

    def line(self, at: int) -> int:
        """Return the number of the line in which a position stands; ask in the text's order."""
        if at > self._counted:
            self._line += self.text.count("\n", self._counted, at)
            self._counted = at
        return self._line

    def token(self, at: int) -> _Token | None:
        """Return the piece of markup that begins here; None if the window ends within it."""
        text = self.text
        found = _TAG.match(text, at)
        if found is not None:
            return _Token("start" if found["start"] else "end", at, at, found.end(), found)
        for opening, closing, kind in _SECTIONS:
            if text.startswith(opening, at):
                begin = at + len(opening)
                end = self._find(closing, begin)
                return _Token(kind, begin, end, end + len(closing)) if end >= 0 else None
        if not self.ended and len(text) - at < _MAX_TAG:
            closes = max(text.find(">", at), text.find("<", at + 1))
            if closes < 0 or len(text) - at < len("<![CDATA["):
                return None
        return _Token("text", at, at + 1, at + 1)

    def _find(self, closing: str, at: int) -> int:
        """Return where *closing* stands at or after *at*, -1 for nowhere; search nothing twice."""
        base, size = self.base, len(self.text)
        begun, found, until = self._ends.get(closing, (0, -1, 0))
        begin = at + base
        if begun <= begin <= found:
            return found - base
        again = begun <= begin and found < 0
        start = max(at, until - base - len(closing)) if again else at
        place = self.text.find(closing, start)
        where = place + base if place >= 0 else -1
        self._ends[closing] = (begun if again else begin, where, base + size)
        return place


class _XmlReader:
    """One pass over a file."""

    def __init__(
        self, source: _Source, wanted: Collection[Path], kind: str, fields: frozenset[str]
    ) -> None:
        self.source, self.kind, self.fields = source, kind, fields
        self.wanted = {path[-1]: path for path in wanted}
        #: What encloses records: names, each with its path.
        self.around = {
            path[depth]: path[: depth + 1] for path in wanted for depth in range(len(path) - 1)
        }
        names = "|".join(map(re.escape, sorted({*self.wanted, *self.around})))
        #: Where reading can go on after a broken element.
        self.boundary = (
            rf"</(?:[\w.\-]+:)?(?:{names})\s*>|<(?:[\w.\-]+:)?(?:{names})(?:\s[^<>]*)?(?<!/)>"
        )
        self.open: list[Node] = []
        self.at = 0
        self.cut_off = False
        #: Where the record ends, in the whole text, that swallowed others.
        self.doubted_until = 0

    def records(self) -> Iterator[Record | Unusable]:
        """Yield the records; see above."""
        source, begun = self.source, False
        while self._next():
            token = source.token(self.at)
            if token is None:
                if len(source.text) - self.at > MAX_RECORD or not source.grow(len(source.text)):
                    self._skip("")
            elif token.kind == "start":
                if not begun and all(token.name != path[0] for path in self.wanted.values()):
                    raise InvalidInput(
                        f"this is no {self.kind}: it begins with <{token.name[:40]}>"
                    )
                begun = True
                yield from self._start(token)
            else:
                if token.kind == "end":
                    self._end(token.name)
                elif token.kind == "text":
                    self._refuse_declarations()
                self.at = token.after
        if not begun:
            raise InvalidInput(f"this is no {self.kind}: it is no well-formed XML")
        if self.open and not self.cut_off:
            line = source.line(len(source.text))
            yield Unusable("end of the file", "the file is cut off: what follows is missing", line)

    def _next(self) -> bool:
        """Go to the next "<"; False if there is none."""
        source = self.source
        if self.at > _KEPT:
            source.cut(self.at)
            self.at = 0
        while (found := source.text.find("<", self.at)) < 0:
            source.cut(len(source.text))
            self.at = 0
            if not source.grow():
                return False
        self.at = found
        return True

    def _refuse_declarations(self) -> None:
        """Refuse a document type unless it declares nothing."""
        text = self.source.text
        if _DECLARES.match(text, self.at) and not _DOCTYPE.match(text, self.at):
            raise InvalidInput(
                "the file declares a document type or entities, which no export needs: it is refused"
            )

    def _start(self, token: _Token) -> Iterator[Record | Unusable]:
        """Enter what encloses records, or take a record or a field."""
        assert token.tag is not None
        name, empty = token.name, token.tag["empty"]
        path = self.around.get(name, ()) if not empty else ()
        if path and self._enter(path):
            self.open.append(Node(name, _attributes(token.tag["attributes"])))
            self.at = token.after
        elif name in self.wanted and self._enter(self.wanted[name]):
            yield self._record(name)
        else:
            self._field(name)

    def _enter(self, path: Path) -> bool:
        """Return whether the parents that *path* names are open; close elements that were not closed."""
        if len(path) == 1:
            self.open.clear()
            return True
        if all(one.name != path[-2] for one in self.open):
            return False
        while self.open[-1].name != path[-2]:
            self.open.pop()
        return True

    def _end(self, name: str) -> None:
        if any(one.name == name for one in self.open):
            while self.open.pop().name != name:
                pass

    def _record(self, name: str) -> Record | Unusable:
        line, doubtful = self.source.line(self.at), self.source.base + self.at < self.doubted_until
        try:
            node, lost = self._element({name, *self.around})
        except _Broken as broken:
            self._skip(name)
            return Unusable("", str(broken), line)
        return Record(node, {one.name: one for one in self.open}, line, lost, doubtful)

    def _field(self, name: str) -> None:
        try:
            node, _ = self._element({*self.wanted, *self.around})
        except _Broken:
            self._skip(name)
            return
        if name in self.fields and self.open and self.open[-1].child(name) is None:
            self.open[-1].content.append(Node(name, node.attributes, [node.text()[:_MAX_FIELD]]))

    def _element(self, barred: set[str]) -> tuple[Node, int]:
        """Return the element that begins here and the characters lost in it, and go to its end."""
        source = self.source
        while (found := _element(source, self.at, barred)) is None:
            size = len(source.text) - self.at
            if size > MAX_RECORD:
                raise _Broken(_TOO_LONG)
            source.cut(self.at)
            self.at = 0
            if not source.grow(size):
                self.cut_off = True
                raise _Broken("it is cut off, or never ended")
        node, lost, end = found
        if end - self.at > MAX_RECORD:
            raise _Broken(_TOO_LONG)
        if any(self._swallows(part) for part in node.sections):
            self.doubted_until = source.base + end
            raise _Broken("a CDATA section in it does not end before the next record")
        self.at = end
        return node, lost

    def _swallows(self, section: str) -> bool:
        """Return whether a CDATA section seems to have been ended by the one of another record.

        One that quotes a section whole ends with "]]", since an exporter writes its "]]>" as
        "]]]]><![CDATA[>".
        """
        opens = section.rfind("<![CDATA[")
        return (
            opens >= 0
            and not section.endswith("]]")
            and re.search(self.boundary, section[:opens]) is not None
        )

    def _skip(self, name: str) -> None:
        """Leave a broken element: go behind its end, or to the next record if that comes first."""
        own = rf"(?P<own></(?:[\w.\-]+:)?{re.escape(name)}\s*>)|" if name else "(?P<own>(?!))|"
        ends = re.compile(own + self.boundary)
        source, self.at = self.source, self.at + 1
        while (found := ends.search(source.text, self.at)) is None:
            # A tag may be cut in two where the window ends.
            source.cut(max(self.at, len(source.text) - _MAX_TAG))
            self.at = 0
            if not source.grow():
                self.at = len(source.text)
                return
        self.at = found.end() if found["own"] else found.start()
        self.cut_off = False


def _element(source: _Source, at: int, barred: set[str]) -> tuple[Node, int, int] | None:
    """Return an element, the characters lost in it, and where it ends; None if the window ends first.

    Raises _Broken if it does not end as it must, or if one of a *barred* name begins in it.
    """
    tree = _Tree(barred)
    while not tree.whole:
        begins = source.text.find("<", at)
        token = source.token(begins) if begins >= 0 else None
        if token is None:
            return None
        tree.put(at, begins, references=True)
        tree.take(token)
        at = token.after
    node, lost = tree.read(source.text)
    return node, lost, at


class _Tree:
    """An element as it grows."""

    def __init__(self, barred: set[str]) -> None:
        self._barred = barred
        self._top = Node("")
        self._around = [self._top]
        self._elements = 0
        #: Texts: where each belongs, where it stands in the window, whether it has references. They
        #: are read when the element is known to be whole.
        self._texts: list[tuple[Node, int, int, int, bool]] = []

    @property
    def whole(self) -> bool:
        """Whether the element has ended."""
        return self._elements > 0 and len(self._around) == 1

    def put(self, begin: int, end: int, *, references: bool) -> None:
        """Add a text."""
        if end > begin:
            holder = self._around[-1]
            self._texts.append((holder, len(holder.content), begin, end, references))
            holder.content.append("")

    def take(self, token: _Token) -> None:
        """Add a piece of markup."""
        match token.kind:
            case "start":
                self._start(token)
            case "end" if token.name != self._around[-1].name:
                raise _Broken(f"<{self._around[-1].name[:40]}> is ended by </{token.name[:40]}>")
            case "end":
                self._around.pop()
            case "cdata" | "text":
                self.put(token.begin, token.end, references=False)

    def _start(self, token: _Token) -> None:
        assert token.tag is not None
        if self._elements and token.name in self._barred:
            raise _Broken(f"it does not end before the next <{token.name[:40]}>")
        self._elements += 1
        if self._elements > _MAX_ELEMENTS or len(self._around) > _MAX_DEPTH:
            raise _Broken("it has too many elements")
        empty = token.tag["empty"]
        tags = (token.tag[0], "" if empty else f"</{token.tag['start']}>")
        node = Node(token.name, _attributes(token.tag["attributes"]), [], tags)
        self._around[-1].content.append(node)
        if not empty:
            self._around.append(node)

    def read(self, text: str) -> tuple[Node, int]:
        """Return the element with its texts, and the characters lost in them."""
        lost, sections = 0, []
        for holder, index, begin, end, references in self._texts:
            written = text[begin:end]
            if not references and "<![CDATA[" in written:
                sections.append(written)
            holder.content[index], less = cleaned(_resolved(written) if references else written)
            lost += less
        (element,) = (one for one in self._top.content if isinstance(one, Node))
        element.sections = sections
        return element, lost


def _attributes(written: str | None) -> dict[str, str]:
    if not written:
        return {}
    return {
        name.rpartition(":")[2]: cleaned(_resolved(double or single or bare))[0]
        for name, double, single, bare in _ATTRIBUTE.findall(written)
    }


def _resolved(text: str) -> str:
    """Return *text* with "&amp;", "&#38;" and HTML's other names resolved; others stay."""
    return _PAIR.sub(_whole, _REFERENCE.sub(_referred, text)) if "&" in text else text


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return html5.get(f"{name};", found[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code > 0x10FFFF:
        return LOST
    if code in _C1:  # as browsers do: windows-1252 was meant
        return bytes([code]).decode("cp1252", "replace")
    return chr(code)


def _whole(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")
