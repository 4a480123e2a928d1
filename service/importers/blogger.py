"""Blogger's backup, and its part of Google Takeout: an Atom feed of posts and comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from service.importers import Found, Unusable, characters_lost, checked
from service.importers.html import words
from service.importers.table import Table
from service.importers.xml import DOUBTFUL, Node, Record, records

#: The address that Blogger writes for an author without one.
_NOBODY = "noreply@blogger.com"
_STATUSES = {"": "approved", "LIVE": "approved", "PENDING": "pending", "SPAM": "spam"}
_REMOVED = frozenset({"EMPTIED", "DELETED", "REMOVED"})


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each comment with its post; at the end those that stand before their posts."""
    number = 0
    with Table() as posts:
        for record in records(file, {("feed", "entry")}, kind="Blogger backup (Atom)"):
            number += 1
            if isinstance(record, Unusable):
                where = record.where or f"entry number {number} of the file"
                yield Unusable(where, record.reason, record.line)
                continue
            kind = _kind(record.node)
            if kind == "comment":
                found = _told(number, record)
                post = None if isinstance(found, Unusable) else posts.known(found["post"])
                if isinstance(found, Unusable):
                    yield found
                elif post is None:
                    posts.wait(found)
                else:
                    yield _found(found, post)
            elif kind in {"post", "page"}:
                posts.know(record.node.text("id"), _post(record.node))
        for found in posts.waiting():
            yield _found(found, posts.known(found["post"]))


def _kind(entry: Node) -> str:
    """Return what an entry is, such as "comment", "post" or "settings"."""
    record = entry.text("type")
    terms = (one.attributes.get("term", "") for one in entry.children("category"))
    kinds = (term.rpartition("kind#")[2] for term in terms if "kind#" in term)
    return record.lower() or next(kinds, "")


def _link(entry: Node, relation: str) -> str:
    links = (one.attributes for one in entry.children("link"))
    return next((link.get("href", "") for link in links if link.get("rel") == relation), "")


def _post(entry: Node) -> Mapping[str, str]:
    return {
        "title": entry.text("title"),
        "url": _link(entry, "alternate") or entry.text("filename"),
    }


def _told(number: int, record: Record) -> dict[str, Any] | Unusable:
    """Return what a comment says, without its post."""
    entry = record.node
    own_id = entry.text("id")
    where = f"comment {own_id[:100]}" if own_id else f"entry number {number} of the file"
    status = entry.text("status").upper()
    properties = (one.attributes for one in entry.children("extendedProperty"))
    removed = any(
        one.get("name") == "blogger.contentRemoved" and one.get("value") == "true"
        for one in properties
    )
    if removed or status in _REMOVED:
        reason = "deleted, and the export does not say by whom"
        return Unusable(where, reason, record.line, by_rule=True)
    trashed, email = entry.text("trashed"), entry.text("author", "email")
    known = "pending" if record.doubtful else _STATUSES.get(status, "pending")
    post = entry.child("in-reply-to")
    parent = entry.text("inReplyTo") or _link(entry, "related").rpartition("/")[2]
    if parent.isdecimal() and ".post-" in own_id:
        parent = f"{own_id.rpartition('.post-')[0]}.post-{parent}"
    return {
        "where": where,
        "line": record.line,
        "lost": [*characters_lost(record.lost), *([DOUBTFUL] if record.doubtful else [])],
        "post": entry.text("parent") or (post.attributes.get("ref", "") if post else ""),
        "url": post.attributes.get("href", "") if post else "",
        "told": {
            "external_id": own_id,
            "content": words(entry.text("content")),
            "author": {
                "name": entry.text("author", "name"),
                "email": "" if email == _NOBODY else email,
                "url": entry.text("author", "uri"),
            },
            "parent": parent,
            "created_at": entry.text("published"),
            "status": "rejected" if trashed and known == "approved" else known,
        },
    }


def _found(found: Mapping[str, Any], post: Mapping[str, str] | None) -> Found:
    lost = list(found["lost"])
    if post is None and not found["url"]:
        lost.append(f"its post {found['post'][:100]!r} is not in the file: taken without it")
    record = {**found["told"], "post": post or {"url": found["url"]}}
    return checked(found["where"], record, line=found["line"], lost=lost)
