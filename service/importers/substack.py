"""Substack's comments, as the address that its own pages read lists them for a post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from service.importers import Found, Unusable, characters_lost, checked, text_of
from service.importers.json_items import items


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each comment, then its answers."""
    for number, item in enumerate(items(file, {("comments", "*")}, kind="Substack export"), 1):
        if isinstance(item, Unusable):
            where = item.where or f"comment number {number} of the file"
            yield Unusable(where, item.reason, item.line)
            continue
        lost = item.lost
        ahead: list[tuple[Any, str]] = [(item.value, "")]
        while ahead:
            record, parent = ahead.pop()
            if not isinstance(record, dict):
                yield Unusable(f"comment number {number} of the file", "no object", item.line)
                continue
            yield _found(number, item.line, lost, record, parent)
            lost = 0
            answers = record.get("children")
            if isinstance(answers, list):
                ahead.extend((one, text_of(record.get("id"))) for one in reversed(answers))


def _found(number: int, line: int, lost: int, record: Mapping[str, Any], parent: str) -> Found:
    own_id = text_of(record.get("id"))
    where = f"comment {own_id[:40]}" if own_id else f"comment number {number} of the file"
    if record.get("deleted") is True or (
        record.get("body") is None and record.get("status") != "published"
    ):
        return Unusable(where, "deleted, and the export does not say by whom", line, by_rule=True)
    path = text_of(record.get("ancestor_path"))
    post = record.get("post")
    post = post if isinstance(post, Mapping) else {}
    return checked(
        where,
        {
            "external_id": own_id,
            "content": text_of(record.get("body")),
            "author": {"name": text_of(record.get("name"))},
            "post": {
                "url": text_of(post.get("canonical_url")), "title": text_of(post.get("title")),
            },
            "parent": parent or path.rpartition(".")[2],
            "created_at": record.get("date"),
            "status": "approved",
        },
        line=line,
        lost=characters_lost(lost),
    )  # fmt: skip
