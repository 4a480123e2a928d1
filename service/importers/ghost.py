"""Ghost's members' comments: from a backup of its database (JSON), or as its Admin API lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from service.importers import Found, Unusable, characters_lost, checked, moment, text_of
from service.importers.html import words
from service.importers.json_items import items
from service.importers.table import Table

_PARTS = ("comments", "posts", "members")
_PLACES = {
    (*around, part, "*") for around in (("db", "*", "data"), ("data",), ()) for part in _PARTS
}
_STATUSES = {"published": "approved", "hidden": "rejected", "": "approved"}


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each comment and its replies, once its author and post are known."""
    with Table() as table:
        for item in items(file, _PLACES, kind="Ghost export"):
            part = "comments" if isinstance(item, Unusable) else item.path[-2]
            if isinstance(item, Unusable):
                yield Unusable(item.where or "an entry of the file", item.reason, item.line)
            elif not isinstance(item.value, dict):
                yield Unusable(f"an entry of {part}", "no object", item.line)
            elif part == "comments":
                table.wait([item.line, item.lost, item.value])
            else:
                keep = {name: item.value.get(name) for name in ("name", "email", "title", "slug")}
                table.know(f"{part} {text_of(item.value.get('id'))}", keep)
        for line, lost, record in table.waiting():
            yield _found(line, lost, record, "", table)
            replies = record.get("replies")
            for reply in replies if isinstance(replies, list) else ():
                if isinstance(reply, dict):
                    yield _found(line, 0, reply, text_of(record.get("id")), table)


def _found(line: int, lost: int, record: Mapping[str, Any], parent: str, table: Table) -> Found:
    own_id = text_of(record.get("id"))
    where = f"comment {own_id[:40]}" if own_id else "a comment without an id"
    status = text_of(record.get("status"))
    if status == "deleted":
        return Unusable(where, "deleted, and the export does not say by whom", line, by_rule=True)
    member = _known(record, "member", table)
    post = _known(record, "post", table)
    return checked(
        where,
        {
            "external_id": own_id,
            "content": words(text_of(record.get("html"))),
            "author": {
                "name": text_of(member.get("name")), "email": text_of(member.get("email")),
            },
            "post": {
                "url": text_of(post.get("url")) or text_of(post.get("slug")),
                "title": text_of(post.get("title")),
            },
            "parent": text_of(record.get("in_reply_to_id")) or text_of(record.get("parent_id")) or parent,
            "created_at": _time(record.get("created_at")),
            "status": _STATUSES.get(status, "pending"),
        },
        line=line,
        lost=characters_lost(lost),
    )  # fmt: skip


def _known(record: Mapping[str, Any], what: str, table: Table) -> Mapping[str, Any]:
    """Return the member or post, which stands in the comment or elsewhere in the file."""
    inside = record.get(what)
    if isinstance(inside, dict):
        return inside
    return table.known(f"{what}s {text_of(record.get(f'{what}_id'))}") or {}


def _time(record: object) -> object:
    """Return a time, which a database writes without its zone: it is UTC."""
    if isinstance(record, str) and " " in record.strip() and "+" not in record:
        return f"{record.strip().replace(' ', 'T').removesuffix('Z')}Z"
    return moment(record)
