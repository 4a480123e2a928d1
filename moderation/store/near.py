"""What is kept of a recent text to find near-duplicates by; the one place that knows its layout."""

from __future__ import annotations

import struct

from moderation import ids

_ENTRY = struct.Struct(">QQ16s")
_AUTHOR = struct.Struct(">Q")
#: Bytes of an entry: signature (8), its author's number (8), its comment's id (16).
ENTRY_BYTES = _ENTRY.size
#: Where in an entry its author's number begins.
AUTHOR_AT = 8
#: Entries that are kept for each site.
KEPT = 1000


def entry(signature: int, author: int, comment_id: str) -> bytes:
    """Return what is kept of one text."""
    return _ENTRY.pack(signature, author, ids.packed(comment_id))


def author_bytes(author: int) -> bytes:
    """Return an author's number as it stands in an entry, for an erasure to find it by."""
    return _AUTHOR.pack(author)
