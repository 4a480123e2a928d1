"""Items of a JSON document of any size, one at a time, as far as they can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from moderation.errors import InvalidInput
from service.importers import Unusable
from service.importers.charsets import cleaned_deeply, texts

#: A place in a document: names of members, "*" for each element of an array.
Path = tuple[str, ...]

#: Characters of one item.
MAX_ITEM = 4 * 1024 * 1024
_BLANK = re.compile(r"\s+")
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WORD = re.compile(r'[^\s\[\]{},:"]+')
_STEP = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
#: Where reading can go on after a broken item.
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class JsonItem:
    """A value of the document: its place, its line in the file, and the characters lost in it."""

    path: Path
    value: Any
    line: int
    lost: int


def items(file: BinaryIO, wanted: Collection[Path], *, kind: str) -> Iterator[JsonItem | Unusable]:
    """Yield each value at a *wanted* place, and Unusable for one that cannot be parsed.

    Raises InvalidInput for any other document.
    """
    return _JsonReader(texts(file), frozenset(wanted), kind).items()


class _JsonReader:
    """One pass over a file."""

    def __init__(self, pieces: Iterator[str], wanted: frozenset[Path], kind: str) -> None:
        self._pieces, self._wanted, self._kind = pieces, wanted, kind
        #: What encloses wanted values.
        self._around = {path[:depth] for path in wanted for depth in range(len(path))}
        self._arrays = {path for path in self._around | wanted if path and path[-1] == "*"}
        #: First character of such a document.
        self._first = "[" if ("*",) in self._arrays else "{"
        self._cut_off = False
        self._text, self._at, self._line, self._counted = "", 0, 1, 0
        #: The place of each container that is open, and the member that is being read.
        self._open: list[Path] = []
        self._member = ""

    def items(self) -> Iterator[JsonItem | Unusable]:
        """Yield the items; see above."""
        first = self._next()
        if first != self._first:
            raise InvalidInput(f"this is no {self._kind}")
        while sign := self._next():
            place = self._place()
            if sign in "{[" and place in self._around:
                self._open.append(place)
                self._member = ""
                self._at += 1
            elif place in self._wanted and sign not in "}],:":
                yield self._item(place)
            else:
                self._pass(sign)
        if self._open and not self._cut_off:
            yield Unusable(
                "end of the file", "the file is cut off: what follows is missing", self._line_here()
            )

    def _pass(self, sign: str) -> None:
        """Skip a value that is no item."""
        if sign in "{[":
            self._pass_over()
            return
        if sign in "}]" and self._open:
            self._open.pop()
        elif sign.startswith('"') and self._peek(len(sign)) == ":":
            self._member = sign[1:-1]
        self._at += len(sign)

    def _place(self) -> Path:
        """Return the place of the value that begins here."""
        if not self._open:
            return ()
        inside = self._open[-1]
        return (*inside, "*" if (*inside, "*") in self._arrays else self._member)

    def _item(self, place: Path) -> JsonItem | Unusable:
        line = self._line_here()
        end = self._end()
        if end is not None:
            try:
                record = json.loads(self._text[self._at : end], strict=False)
                value, lost = cleaned_deeply(record)
            except (ValueError, RecursionError):
                end = None
        if end is None:
            self._recover()
            return Unusable("", "it is no JSON, or cut off", line)
        self._at = end
        return JsonItem(place, value, line, lost)

    def _end(self) -> int | None:
        """Return where the value that begins here ends; None if it does not."""
        at = self._at
        if self._text[at] not in "{[":
            return at + len(self._next())
        while True:
            depth = 0
            for found in _STEP.finditer(self._text, at):
                step = found[0]
                if step == '"':
                    break  # its other end is not in the window
                depth += (step in "{[") - (step in "}]")
                if depth == 0:
                    return found.end() if found.end() - at <= MAX_ITEM else None
            size = len(self._text) - at
            if size > MAX_ITEM or not self._grow(size):
                return None
            at = self._at

    def _recover(self) -> None:
        """Go to the next item after a broken one."""
        self._at += 1
        while (found := _NEXT.search(self._text, self._at)) is None:
            self._at = max(self._at, len(self._text) - 100)
            if not self._grow():
                self._at, self._cut_off = len(self._text), True
                return
        self._at = found.end()

    def _pass_over(self) -> None:
        """Go to the end of a value that is not wanted, whatever its size."""
        depth = 0
        while sign := self._next():
            depth += (sign in "{[") - (sign in "}]")
            self._at += len(sign)
            if depth <= 0:
                return

    def _next(self) -> str:
        """Go to what begins next, after blanks, and return it: a sign, a string, a word; "" at the end."""
        while True:
            if blank := _BLANK.match(self._text, self._at):
                self._at = blank.end()
            ahead = len(self._text) - self._at
            if not ahead:
                if not self._grow():
                    return ""
                continue
            first = self._text[self._at]
            if first in "{}[],:":
                return first
            found = (_STRING if first == '"' else _WORD).match(self._text, self._at)
            if found and found.end() < len(self._text):
                return found[0]
            if ahead <= MAX_ITEM and self._grow(ahead):
                continue
            if found:
                return found[0]
            self._recover()  # a string that does not end

    def _peek(self, ahead: int) -> str:
        """Return the next character after *ahead* characters and blanks; "" at the end."""
        while True:
            rest = re.compile(r"\s*(\S)").match(self._text, self._at + ahead)
            if rest or not self._grow():
                return rest[1] if rest else ""

    def _grow(self, least: int = 1) -> bool:
        """Read on, and drop the text already parsed; False at the end."""
        self._line = self._line_here()
        read, size = [self._text[self._at :]], 0
        self._at = self._counted = 0
        for piece in self._pieces:
            read.append(piece)
            size += len(piece)
            if size >= least:
                break
        self._text = "".join(read)
        return size > 0

    def _line_here(self) -> int:
        if self._at > self._counted:
            self._line += self._text.count("\n", self._counted, self._at)
            self._counted = self._at
        return self._line
