"""Lines of a file of any size, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from moderation.comment import MAX_CONTENT_BYTES

#: Longest line that is read, in bytes: JSON may write each byte of a comment with six.
MAX_LINE_BYTES = 8 * MAX_CONTENT_BYTES


def numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines; of one that is too long only the beginning, so that memory is bounded."""
    number, inside = 0, False
    while chunk := file.readline(MAX_LINE_BYTES + 1):
        begins, inside = not inside, not chunk.endswith(b"\n")
        number += begins
        if begins and chunk.strip():
            yield number, chunk
