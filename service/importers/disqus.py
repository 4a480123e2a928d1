"""Disqus's export: threads, then the posts in them, which are what we call comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from service.importers import Found, Unusable, characters_lost, checked
from service.importers.html import words
from service.importers.table import Table
from service.importers.xml import DOUBTFUL, Node, Record, records

_THREAD, _POST = ("disqus", "thread"), ("disqus", "post")


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each post, with the address and title of its thread; at the end those it stands before."""
    number = 0
    with Table() as threads:
        for record in records(file, {_THREAD, _POST}, kind="Disqus export"):
            if isinstance(record, Unusable):
                yield Unusable(record.where or "a thread or post", record.reason, record.line)
            elif record.node.name == "thread":
                if record.node.child("link"):
                    threads.know(_id(record.node), _thread(record.node))
            else:
                number += 1
                found = _told(number, record)
                thread = None if isinstance(found, Unusable) else threads.known(found["thread"])
                if isinstance(found, Unusable):
                    yield found
                elif thread is None:
                    threads.wait(found)
                else:
                    yield _found(found, thread)
        for found in threads.waiting():
            yield _found(found, threads.known(found["thread"]))


def _thread(thread: Node) -> Mapping[str, str]:
    return {"url": thread.text("link"), "title": thread.text("title")}


def _told(number: int, record: Record) -> dict[str, Any] | Unusable:
    """Return what a post says, without its thread."""
    post = record.node
    own_id = _id(post) or post.text("id")
    where = f"post {own_id[:40]}" if own_id else f"post number {number} of the file"
    spam = post.text("isSpam") == "true"
    if post.text("isDeleted") == "true" and not spam:
        reason = "deleted, and the export does not say by whom"
        return Unusable(where, reason, record.line, by_rule=True)
    held = post.text("isApproved") == "false" or record.doubtful
    return {
        "where": where,
        "line": record.line,
        "lost": [*characters_lost(record.lost), *([DOUBTFUL] if record.doubtful else [])],
        "thread": _id(post.child("thread")),
        "told": {
            "external_id": own_id,
            "content": words(post.text("message")),
            "author": {
                "name": post.text("author", "name"),
                "email": post.text("author", "email"),
                "url": post.text("author", "link"),
                "ip": post.text("ipAddress"),
            },
            "parent": _id(post.child("parent")),
            "created_at": post.text("createdAt"),
            "status": "spam" if spam and not record.doubtful else "pending" if held else "approved",
        },
    }


def _found(found: Mapping[str, Any], thread: Mapping[str, str] | None) -> Found:
    lost = list(found["lost"])
    if thread is None:
        lost.append(
            f"its thread {found['thread'][:40]!r} is not in the file: taken without its page"
        )
    return checked(
        found["where"], {**found["told"], "post": thread or {}}, line=found["line"], lost=lost
    )


def _id(element: Node | None) -> str:
    """Return ``dsq:id``."""
    return element.attributes.get("id", "") if element is not None else ""
