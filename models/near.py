"""Near-duplicates: which texts say nearly the same, by SimHash, a whole batch at a time.

After Charikar, *Similarity Estimation Techniques from Rounding Algorithms* (2002), and Manku, Jain
and Das Sarma, *Detecting Near-Duplicates for Web Crawling* (2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.ngrams import Hashed, chunked, hashed
from models.signals import raised_by
from models.text import Reading, read

#: Two signatures that differ in so few bits are of nearly the same text. A word changed in a short
#: comment changes eight or more: those are let be, since people do thank in the same words.
MAX_DISTANCE = 3
#: Letters and digits: a text with fewer is no campaign by itself, in however many mouths.
SHORT = 50
_CONTACTS = ("email", "phone", "messenger", "bare_domain")
#: What is known of an earlier text: its signature, a number for its author, and what it is found by.
ENTRY = np.dtype([("signature", ">u8"), ("author", ">u8"), ("id", "V16")])
_COMPARED = ("signature", "author")
#: Four counters of 16 bits are added as one number, so that no more n-grams of a text may vote.
_LANE, _LANES = 16, np.uint64(0x0001000100010001)
_VOTES = (1 << _LANE) - 1


def signature(content: str) -> int:
    """Return the signature of one text."""
    return signatures([content])[0]


def signatures(contents: Sequence[str]) -> list[int]:
    """Return the 64-bit SimHash of each normalised text, 0 for one that says too little to compare.

    Alike texts differ in few bits; a text has the same signature alone and in any batch. Readers do
    thank in the same words: a short text is compared only if it has a link or a way to get in touch.
    """
    readings = read(contents)
    found: list[int] = []
    for chunk in chunked((one.written, one.normal) for one in readings):
        found += _majorities(hashed(chunk))
    short = [place for place, one in enumerate(readings) if not one.links and _length(one) < SHORT]
    raised = raised_by([readings[place] for place in short])
    for place, signals in zip(short, raised, strict=True):
        if not any(signals.get(name, 0) >= 1 for name in _CONTACTS):
            found[place] = 0
    return found


def _length(reading: Reading) -> int:
    """Count the letters and digits; one of a script that writes whole syllables counts for three."""
    text = reading.normal
    if text.isascii():
        return sum(map(str.isalnum, text))
    return sum(3 if c >= "\u2e80" else 1 for c in text if c.isalnum())


def others(
    seen: bytes, batch: Sequence[tuple[int, int, bytes]], *, most: int = 5
) -> list[tuple[int, list[bytes]]]:
    """Return for each text of *batch* how many other authors sent nearly the same, and some of it.

    *batch* has signatures, numbers for their authors, and sixteen bytes by which each text is found;
    *seen* has the same of earlier texts, one ENTRY after the other. The texts of a batch count for
    one another. Of each author's texts the greatest counts; of these the *most* greatest are named,
    the greatest first.
    """
    own = np.array(batch, ENTRY)
    known = np.concatenate([np.frombuffer(seen, ENTRY), own])
    known = known[known["signature"] != 0]
    signs, authors = (known[name].astype(np.uint64) for name in _COMPARED)
    own_signs, own_authors = (own[name].astype(np.uint64)[:, None] for name in _COMPARED)
    close = np.bitwise_count(own_signs ^ signs) <= MAX_DISTANCE
    close &= (own_authors != authors) & (own_signs != 0)
    found: list[tuple[int, list[bytes]]] = [(0, []) for _ in batch]
    rows = close.any(axis=1).nonzero()[0]
    if len(rows):
        names = np.ascontiguousarray(known["id"])
        high, low = names.view(">u8").reshape(-1, 2).T
        latest = np.lexsort((low, high))[::-1]
        names, authors = names[latest], authors[latest]
        for row in rows:
            columns = close[row, latest].nonzero()[0]
            _, first = np.unique(authors[columns], return_index=True)
            named = columns[np.sort(first)[:most]]
            found[row] = len(first), [names[column].tobytes() for column in named]
    return found


def _majorities(found: Hashed) -> list[int]:
    """Let the character n-grams of each text vote on each bit."""
    begins, ends = found.starts[:-1:2], found.starts[1::2]
    edges = np.zeros(len(found.buckets) + 1, np.int8)
    np.add.at(edges, begins, 1)
    np.add.at(edges, ends, -1)
    voting = np.add.accumulate(edges)[:-1].astype(np.bool_) & ~found.extra
    before = np.concatenate([[0], np.add.accumulate(voting, dtype=np.int64)])
    starts, counts = before[begins], before[ends] - before[begins]
    votes = _mixed(found.buckets[voting])
    if counts.max(initial=0) > _VOTES:
        place = np.arange(len(votes)) - starts.repeat(counts)
        votes, counts = votes[place < _VOTES], np.minimum(counts, _VOTES)
        starts = np.add.accumulate(counts) - counts
    signs = np.zeros(len(counts), np.uint64)
    some = counts > 0
    if some.any():
        signs[some] = _bits(votes, starts[some], counts[some].astype(np.uint64))
    return [int(sign) for sign in signs]


def _bits(
    votes: NDArray[np.uint64], starts: NDArray[np.int64], counts: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    signs = np.zeros(len(starts), np.uint64)
    for low in map(np.uint64, range(_LANE)):
        sums = np.add.reduceat((votes >> low) & _LANES, starts)
        for high in map(np.uint64, range(0, 64, _LANE)):
            yes = (sums >> high) & np.uint64(_VOTES)
            signs |= (yes + yes > counts).astype(np.uint64) << (high + low)
    return signs


def _mixed(buckets: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return 64 bits for each bucket, each as good as random (the finaliser of SplitMix64)."""
    mixed = buckets.astype(np.uint64) + np.uint64(1)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return mixed
