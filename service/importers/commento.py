"""The exports of Commento and of Comentario, its heir: comments, who wrote them, and on which page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from service.importers import Found, Unusable, characters_lost, checked, moment, text_of
from service.importers.html import words
from service.importers.json_items import items
from service.importers.table import Table

_PARTS = {(part, "*") for part in ("comments", "commenters", "pages")}
#: Comentario's id of no user and time of nothing.
_NOBODY = "00000000-0000-0000-0000-000000000000"


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each comment, once its author and page, which stand behind it, are known."""
    number = 0
    with Table() as table:
        for item in items(file, _PARTS, kind="Commento or Comentario export"):
            number += isinstance(item, Unusable) or item.path[0] == "comments"
            if isinstance(item, Unusable):
                where = item.where or f"comment number {number} of the file"
                yield Unusable(where, item.reason, item.line)
            elif not isinstance(item.value, dict):
                yield Unusable(f"an entry of {item.path[0]}", "no object", item.line)
            elif item.path[0] == "comments":
                table.wait([number, item.line, item.lost, item.value])
            else:
                own_id = text_of(item.value.get("commenterHex")) or text_of(item.value.get("id"))
                table.know(f"{item.path[0]} {own_id}", item.value)
        for number, line, lost, record in table.waiting():
            yield _found(number, line, lost, record, table)


def _found(number: int, line: int, lost: int, record: Mapping[str, Any], table: Table) -> Found:
    own_id = text_of(record.get("commentHex")) or text_of(record.get("id"))
    where = f"comment {own_id[:40]}" if own_id else f"comment number {number} of the file"
    if record.get("deleted") is True or record.get("isDeleted") is True:
        return Unusable(where, "deleted, and the export does not say by whom", line, by_rule=True)
    author_id = text_of(record.get("commenterHex")) or text_of(record.get("userCreated"))
    author = table.known(f"commenters {author_id}") or {}
    page = table.known(f"pages {text_of(record.get('pageId'))}") or {}
    parent = text_of(record.get("parentHex")) or text_of(record.get("parentId"))
    staff = author.get("isModerator") is True
    return checked(
        where,
        {
            "external_id": own_id,
            "content": text_of(record.get("markdown")) or words(text_of(record.get("html"))),
            "author": {
                "name": text_of(author.get("name")) or text_of(record.get("authorName")),
                "email": text_of(author.get("email")),
                "url": text_of(author.get("link")) or text_of(author.get("websiteUrl")),
                "ip": text_of(record.get("authorIp")),
                "role": "moderator" if staff else "",
            },
            "post": {"url": _url(record), "title": text_of(page.get("title"))},
            "parent": "" if parent in {"root", _NOBODY} else parent,
            "created_at": moment(record.get("creationDate") or record.get("createdTime")),
            "status": _status(record),
        },
        line=line,
        lost=characters_lost(lost),
    )


def _url(record: Mapping[str, Any]) -> str:
    """Return the page's address; Commento's "url" is a path, Comentario's leads to the comment."""
    url = (text_of(record.get("url")) or text_of(record.get("path"))).partition("#")[0]
    host = text_of(record.get("domain")) or text_of(record.get("host"))
    return f"https://{host}{url}" if host and url.startswith("/") else url


def _status(record: Mapping[str, Any]) -> str:
    if "isApproved" in record:
        if record.get("isPending") is True:
            return "pending"
        return "approved" if record["isApproved"] is True else "rejected"
    return "approved" if record.get("state") == "approved" else "pending"
