"""Disqus's export: threads, then the posts in them, which are what we call comments."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import BinaryIO
from xml.etree.ElementTree import Element

from service.importers import Found, Unusable, checked
from service.importers.trees import child, local, records, text

_THREAD, _POST = ("disqus", "thread"), ("disqus", "post")
#: What ends a line when its markup is taken away.
_BLOCKS = frozenset({"p", "br", "li", "blockquote", "div"})


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each post, with the address and title of its thread."""
    threads: dict[str, dict[str, str]] = {}
    number = 0
    for _, element in records(file, {_THREAD, _POST}, kind="Disqus export"):
        if local(element.tag) == "thread":
            threads[_id(element)] = {
                "url": text(element, "link"),
                "title": text(element, "title"),
            }
        else:
            number += 1
            yield _found(number, element, threads)


def _found(number: int, post: Element, threads: dict[str, dict[str, str]]) -> Found:
    own_id = _id(post)
    where = f"post {own_id}" if own_id else f"post number {number} of the file"
    thread = _id(child(post, "thread"))
    spam = text(post, "isSpam") == "true"
    if text(post, "isDeleted") == "true" and not spam:
        return Unusable(where, "deleted, and the export does not say by whom")
    if thread not in threads:
        return Unusable(where, f"its thread {thread[:40]!r} is not in the file")
    held = text(post, "isApproved") == "false"
    return checked(
        where,
        {
            "external_id": own_id,
            "content": words(text(post, "message")),
            "author": {
                "name": text(post, "author", "name"),
                "email": text(post, "author", "email"),
                "url": text(post, "author", "link"),
                "ip": text(post, "ipAddress"),
            },
            "post": threads[thread],
            "parent": _id(child(post, "parent")),
            "created_at": text(post, "createdAt"),
            "status": "spam" if spam else "pending" if held else "approved",
        },
    )


def _id(element: Element | None) -> str:
    """Return ``dsq:id``."""
    if element is None:
        return ""
    return next((value for name, value in element.items() if local(name) == "id"), "")


def words(html: str) -> str:
    """Return what a message says without its markup; where a link leads is part of what it says."""
    reading = _Words()
    reading.feed(html)
    reading.close()
    lines = (line.strip() for line in "".join(reading.found).splitlines())
    return "\n".join(line for line in lines if line)


class _Words(HTMLParser):
    """Collects text, line ends, and the addresses of links that their text does not show."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._address = ""
        self._text_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, or remember where a link leads."""
        if tag in _BLOCKS:
            self.found.append("\n")
        elif tag == "a":
            self._address = dict(attrs).get("href") or ""
            self._text_from = len(self.found)

    def handle_endtag(self, tag: str) -> None:
        """End a line, or tell where a link led."""
        if tag in _BLOCKS:
            self.found.append("\n")
        elif tag == "a" and self._address:
            if self._address not in "".join(self.found[self._text_from :]):
                self.found.append(f" ({self._address})")
            self._address = ""

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.found.append(data)
