"""Remark42's own backup: a line of settings, then a comment a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from moderation.errors import InvalidInput
from service.importers import Found, Unusable, characters_lost, checked, text_of
from service.importers.charsets import cleaned_deeply, lines
from service.importers.html import words
from service.lines import MAX_LINE_BYTES

#: Characters of the first line, which names each user that is blocked or verified.
_LONGEST = 16 * MAX_LINE_BYTES


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield what each line says."""
    begun = False
    for number, line in lines(file, longest=_LONGEST):
        where = f"line {number}"
        if len(line) > _LONGEST:
            yield Unusable(where, "the line is too long", number)
            begun = True
            continue
        try:
            record, lost = cleaned_deeply(json.loads(line, strict=False))
        except (ValueError, RecursionError):
            if not begun and not line.lstrip().startswith("{"):
                raise InvalidInput("this is no Remark42 backup") from None
            yield Unusable(where, "not JSON", number)
        else:
            if not isinstance(record, dict):
                yield Unusable(where, "no object", number)
            elif "version" not in record or "id" in record:
                yield _found(where, number, record, lost)
        begun = True
    if not begun:
        raise InvalidInput("this is no Remark42 backup: it is empty")


def _found(where: str, line: int, record: Mapping[str, Any], lost: int) -> Found:
    own_id = text_of(record.get("id"))
    where = f"comment {own_id[:40]}" if own_id else where
    if record.get("delete") is True or record.get("deleted") is True:
        return Unusable(where, "deleted, and the backup does not say by whom", line, by_rule=True)
    user, locator = record.get("user"), record.get("locator")
    user = user if isinstance(user, Mapping) else {}
    locator = locator if isinstance(locator, Mapping) else {}
    return checked(
        where,
        {
            "external_id": own_id,
            # What its author wrote, in Markdown; "text" is the HTML that was made of it.
            "content": text_of(record.get("orig")) or words(text_of(record.get("text"))),
            # The address in "ip" is hashed, so it is of no use.
            "author": {
                "name": text_of(user.get("name")),
                "role": "admin" if user.get("admin") is True else "",
            },
            "post": {"url": text_of(locator.get("url")), "title": text_of(record.get("title"))},
            "parent": text_of(record.get("pid")),
            "created_at": record.get("time"),
            "status": "approved",
        },
        line=line,
        lost=characters_lost(lost),
    )
