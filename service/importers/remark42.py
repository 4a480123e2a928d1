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
            told, lost = cleaned_deeply(json.loads(line, strict=False))
        except (ValueError, RecursionError):
            if not begun and not line.lstrip().startswith("{"):
                raise InvalidInput("this is no Remark42 backup") from None
            yield Unusable(where, "not JSON", number)
        else:
            if not isinstance(told, dict):
                yield Unusable(where, "no object", number)
            elif "version" not in told or "id" in told:
                yield _found(where, number, told, lost)
        begun = True
    if not begun:
        raise InvalidInput("this is no Remark42 backup: it is empty")


def _found(where: str, line: int, told: Mapping[str, Any], lost: int) -> Found:
    own_id = text_of(told.get("id"))
    where = f"comment {own_id[:40]}" if own_id else where
    if told.get("delete") is True or told.get("deleted") is True:
        return Unusable(where, "deleted, and the backup does not say by whom", line, by_rule=True)
    user, locator = told.get("user"), told.get("locator")
    user = user if isinstance(user, Mapping) else {}
    locator = locator if isinstance(locator, Mapping) else {}
    return checked(
        where,
        {
            "external_id": own_id,
            # What its author wrote, in Markdown; "text" is the HTML that was made of it.
            "content": text_of(told.get("orig")) or words(text_of(told.get("text"))),
            # The address in "ip" is hashed: it is none.
            "author": {
                "name": text_of(user.get("name")),
                "role": "admin" if user.get("admin") is True else "",
            },
            "post": {"url": text_of(locator.get("url")), "title": text_of(told.get("title"))},
            "parent": text_of(told.get("pid")),
            "created_at": told.get("time"),
            "status": "approved",
        },
        line=line,
        lost=characters_lost(lost),
    )
