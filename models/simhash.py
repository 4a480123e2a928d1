"""Near-duplicates: texts whose 64-bit SimHashes differ in few bits, computed for a whole batch.

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

#: Largest Hamming distance, in bits, of near-duplicates. Changing one word of a short comment changes
#: eight bits or more: such pairs do not count, since people thank in similar words.
MAX_DISTANCE = 3
#: Fewest letters and digits of a text that is compared without a link or contact: many people write
#: the same short texts.
SHORT = 50
_CONTACTS = ("email", "phone", "messenger", "bare_domain")
#: One text: its signature, a number for its author, and the two 64-bit halves of its id.
Marked = tuple[int, int, int, int]
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
    short = [place for place, one in enumerate(readings) if not one.links and letters(one) < SHORT]
    raised = raised_by([readings[place] for place in short])
    for place, signals in zip(short, raised, strict=True):
        if not any(signals.get(name, 0) >= 1 for name in _CONTACTS):
            found[place] = 0
    return found


def letters(reading: Reading) -> int:
    """Count the letters and digits; one of a script that writes whole syllables counts for three."""
    text = reading.normal
    if text.isascii():
        return sum(map(str.isalnum, text))
    return sum(3 if c >= "\u2e80" else 1 for c in text if c.isalnum())


def others(
    seen: Sequence[int], batch: Sequence[Marked], *, most: int = 5
) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return near-duplicates by other authors for each text of *batch*: count, and *most* ids.

    *seen* holds the numbers of earlier texts, four each as in :data:`Marked`, as a buffer or list.
    The texts of a batch count for one another. Of each author's texts the one with the greatest id
    counts; the ids of the greatest of these are named, as halves, the greatest first.
    """
    own = np.array(batch, np.uint64).reshape(-1, 4)
    known = np.concatenate([np.asarray(seen, np.uint64).reshape(-1, 4), own])
    signs, authors, high, low = known[known[:, 0] != 0].T
    own_signs, own_authors = own[:, :1], own[:, 1:2]
    close = np.bitwise_count(own_signs ^ signs) <= MAX_DISTANCE
    close &= (own_authors != authors) & (own_signs != 0)
    found: list[tuple[int, list[tuple[int, int]]]] = [(0, []) for _ in batch]
    rows = close.any(axis=1).nonzero()[0]
    if len(rows):
        latest = np.lexsort((low, high))[::-1]
        authors, high, low = authors[latest], high[latest], low[latest]
        for row in rows:
            columns = close[row, latest].nonzero()[0]
            _, first = np.unique(authors[columns], return_index=True)
            named = columns[np.sort(first)[:most]]
            found[row] = len(first), [(int(high[one]), int(low[one])) for one in named]
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
