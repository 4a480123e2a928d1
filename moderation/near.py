"""Near-duplicates: how many other authors lately sent nearly this text to this site."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

#: Two signatures of 64 bits that differ in so few bits are of nearly the same text.
MAX_DISTANCE = 3
_BANDS = 4
_BAND_BITS = 16
_BAND_MASK = (1 << _BAND_BITS) - 1
#: To look through what was seen lately so often takes less time than to index it.
FEW = 16


class Recent:
    """Signatures seen lately, each with a number for its author.

    With at most three differing bits, at least one of four bands is the same in both (pigeonhole),
    so that only signatures that share a band are compared; after Manku, Jain and Das Sarma,
    *Detecting Near-Duplicates for Web Crawling* (2007). Whoever asks for a few texts only is served
    without that index.
    """

    def __init__(self, seen: Iterable[tuple[int, int]] = ()) -> None:
        """Know *seen*, pairs of signature and author."""
        self._seen = [pair for pair in seen if pair[0]]
        self._bands: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._indexed = self._asked = 0

    def add(self, signature: int, author: int) -> None:
        """Remember one more text; a signature of 0 says that the text is too short to compare."""
        if signature:
            self._seen.append((signature, author))

    def others(self, signature: int, author: int) -> int:
        """Return how many distinct authors other than *author* sent nearly the same text."""
        if not signature:
            return 0
        close = {
            other
            for seen, other in self._candidates(signature)
            if (seen ^ signature).bit_count() <= MAX_DISTANCE
        }
        return len(close - {author})

    def _candidates(self, signature: int) -> Iterable[tuple[int, int]]:
        self._asked += 1
        if self._asked <= FEW:
            return self._seen
        for pair in self._seen[self._indexed :]:
            for band in _bands(pair[0]):
                self._bands.setdefault(band, []).append(pair)
        self._indexed = len(self._seen)
        return chain.from_iterable(self._bands.get(band, ()) for band in _bands(signature))


def _bands(signature: int) -> list[tuple[int, int]]:
    return [(n, signature >> n * _BAND_BITS & _BAND_MASK) for n in range(_BANDS)]
