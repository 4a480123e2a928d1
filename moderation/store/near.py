"""Entries by which near-duplicates of recent texts are found; the one place that knows their layout."""

from __future__ import annotations

import struct
import sys
from array import array

from moderation import ids

_ENTRY = struct.Struct(">4Q")
_COMMENT = struct.Struct(">2Q")
#: Bytes of an entry: signature, number of its author, the halves of its comment's id; 8 each.
ENTRY_BYTES = _ENTRY.size
#: Where in an entry its comment's id begins.
COMMENT_AT = 16
#: Entries that are kept for each site.
KEPT = 1000


def entry(signature: int, author: int, comment_id: str) -> bytes:
    """Return the entry of one text."""
    return _ENTRY.pack(signature, author, *ids.halves(comment_id))


def comment_bytes(comment_id: str) -> bytes:
    """Return a comment's id as it stands in an entry, for an edit or an erasure to find it by."""
    return _COMMENT.pack(*ids.halves(comment_id))


def numbers(entries: bytes) -> array[int]:
    """Return the numbers of all entries of a site, four each; a signature of 0: blanked or unused."""
    found = array("Q", entries)
    if sys.byteorder == "little":
        found.byteswap()
    return found
