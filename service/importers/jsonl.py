"""JSON lines: a comment a line, with the fields of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

from service.importers import Found, Unusable, characters_lost, checked
from service.importers.charsets import cleaned_deeply, lines
from service.lines import MAX_LINE_BYTES


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield what each line says; empty ones say nothing."""
    for number, line in lines(file, longest=MAX_LINE_BYTES):
        where = f"line {number}"
        if len(line) > MAX_LINE_BYTES:
            yield Unusable(where, "the line is too long", number)
            continue
        try:
            record, lost = cleaned_deeply(json.loads(line, strict=False))
        except (ValueError, RecursionError):
            yield Unusable(where, "not JSON", number)
            continue
        yield checked(where, record, line=number, lost=characters_lost(lost))
