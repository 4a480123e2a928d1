"""JSON lines: a comment a line, with the fields of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

from service.importers import Found, Unusable, checked
from service.lines import MAX_LINE_BYTES, numbered


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield what each line says; empty ones say nothing."""
    for number, line in numbered(file):
        where = f"line {number}"
        if len(line) > MAX_LINE_BYTES:
            yield Unusable(where, "the line is too long")
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            yield Unusable(where, "not JSON in UTF-8")
            continue
        yield checked(where, told)
