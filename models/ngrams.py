"""Hashed character and word n-grams of both views of a text, computed for a whole batch.

Everything here is integer arithmetic on code points, so that a text has the same n-grams on every
platform, alone or in any batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from models.text import read

Codes = NDArray[np.uint32]
Keys = NDArray[np.uint32]

#: Character n-grams and word n-grams have separate regions, so that they never collide.
CHARACTER_BITS = 19
WORD_BITS = 18
CHARACTER_BUCKETS = 1 << CHARACTER_BITS
BUCKETS = CHARACTER_BUCKETS + (1 << WORD_BITS)

#: A key holds, from the top, a text's number, a bucket, and the view (0 is the normalised one).
_KEY_BITS = BUCKETS.bit_length() + 1
#: Texts that are hashed at a time, at most.
CHUNK = 1 << (32 - _KEY_BITS)

#: Code points of a chunk, at most, unless one text alone has more.
CHUNK_LENGTH = 1 << 17
_LONGEST = CHUNK_LENGTH * 2

_SPACE = 32
# Odd multipliers, drawn once; a change of any of them makes every artifact useless.
_MULTIPLIERS = np.array([0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1], np.uint32)
_SALTS = (0x2545F491, 0x6C078965, 0x5BD1E995)
_WORD_BASE = 0x01000193
_WORD_MIX = np.uint32(0x7FEB352D)
_SECOND_WORD = np.uint32(0x846CA68B)

#: What the hash of n characters adds to that of n - 1 of them, and the first to nothing.
_SALTING = np.array([_SALTS[0], _SALTS[1] - _SALTS[0], _SALTS[2] - _SALTS[1]]) % (1 << 32)
_SALTING = _SALTING.astype(np.uint32)[:, None]
#: The upper bits of a hash are a bucket, which stands above the bit of the view.
_CHARACTER_SHIFT = np.uint32(32 - CHARACTER_BITS - 1)
_WORD_SHIFT = np.uint32(32 - WORD_BITS - 1)
_ONE = np.uint32(1)
_ABOVE_VIEW = ~_ONE
_WORD_REGION = np.uint32(CHARACTER_BUCKETS << 1)
_BUCKET_MASK = np.uint32((1 << BUCKETS.bit_length()) - 1)

#: What separates words besides ASCII punctuation; everything else, emoji included, is part of one.
_SEPARATORS = (
    (0x80, 0xA9),
    (0xAB, 0xB4),
    (0xB6, 0xB9),
    (0xBB, 0xBF),
    (0x2000, 0x206F),
    (0x3000, 0x303F),
)
_TABLE_LENGTH = 0x3040


@dataclass(frozen=True, slots=True)
class Hashed:
    """The distinct n-grams of some texts: of each text its character, then its word n-grams.

    Attributes
    ----------
    buckets : ndarray of shape (n_ngrams,), int32
        The bucket of each n-gram; they rise within a text.
    extra : ndarray of shape (n_ngrams,), bool
        Whether the n-gram stands only in the text as written, not in its normalised view.
    starts : ndarray of shape (2 * n_texts + 1,), intp
        Where each text's character n-grams begin and where its word n-grams do, in turns, and
        where all end.
    disguised : bool
        Whether any n-gram may be extra.
    """

    buckets: NDArray[np.int32]
    extra: NDArray[np.bool_]
    starts: NDArray[np.intp]
    disguised: bool


@cache
def _powers() -> tuple[Codes, Codes]:
    """Powers of the word base, and of its inverse modulo 2**32."""
    powers = np.full(_LONGEST, _WORD_BASE, np.uint32)
    inverses = np.full(_LONGEST, pow(_WORD_BASE, -1, 1 << 32), np.uint32)
    powers[0] = inverses[0] = 1
    return np.multiply.accumulate(powers, dtype=np.uint32), np.multiply.accumulate(
        inverses, dtype=np.uint32
    )


@cache
def _wordlike() -> NDArray[np.bool_]:
    """Say for each code point whether it is part of a word; the last entry is for all the rest."""
    table = np.ones(_TABLE_LENGTH, np.bool_)
    table[:128] = [chr(code).isalnum() or chr(code) in "_*" for code in range(128)]
    for first, last in _SEPARATORS:
        table[first : last + 1] = False
    return table


def views(text: str) -> tuple[str, str]:
    """Return the text as written and normalised, each bounded in length."""
    (reading,) = read([text])
    return reading.written, reading.normal


def hashed(pairs: Sequence[tuple[str, str]]) -> Hashed:
    """Return the character n-grams and the word n-grams of texts given by their two views.

    At most CHUNK texts may be given at once. The result for the last texts is cached.
    """
    return _last_hashed(tuple(pairs))


def _hashed(pairs: Sequence[tuple[str, str]]) -> Hashed:
    count = len(pairs)
    pieces = [f" {normal} " for _, normal in pairs]
    changed = [i for i, (as_written, normal) in enumerate(pairs) if as_written != normal]
    pieces += [f" {pairs[i][0]} " for i in changed]
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), np.uint32)
    if len(pieces) == 1:
        # The only text has number 0 and one view, so that its keys are its buckets.
        bases = None
    else:
        owners = np.concatenate([np.arange(count), changed]).astype(np.uint32)
        owners <<= np.uint32(_KEY_BITS)
        owners[count:] |= _ONE
        bases = owners.repeat(np.fromiter(map(len, pieces), np.intp, len(pieces)))
    characters, words = _characters(codes, bases), _words(codes, bases)
    return _distinct(np.concatenate([characters, *words]), count, disguised=bool(changed))


_last_hashed = lru_cache(maxsize=1)(_hashed)


def _characters(codes: Codes, bases: Keys | None) -> Keys:
    """Hash each run of 3 to 5 characters that has no space inside."""
    size = len(codes)
    if size < 5:
        # Two spaces and less between them than a run of five takes: what is valid stays the same.
        padding = np.full(5 - size, _SPACE, np.uint32)
        codes = np.concatenate([codes, padding])
        bases = None if bases is None else np.concatenate([bases, padding])
        size = 5
    parts = codes * _MULTIPLIERS[:, None]
    parts[2:] += _SALTING
    ends = size - 2, 2 * size - 5, 3 * size - 9
    hashes = np.empty(ends[2], np.uint32)
    three, four, five = hashes[: ends[0]], hashes[ends[0] : ends[1]], hashes[ends[1] :]
    np.add(parts[0, :-2], parts[1, 1:-1], out=three)
    three += parts[2, 2:]
    np.add(three[:-1], parts[3, 3:], out=four)
    np.add(four[:-1], parts[4, 4:], out=five)
    inside = codes != _SPACE
    valid = np.empty(ends[2], np.bool_)
    valid[: ends[0]] = inside[1:-1]
    np.logical_and(valid[: ends[0] - 1], inside[2:-1], out=valid[ends[0] : ends[1]])
    np.logical_and(valid[ends[0] : ends[1] - 1], inside[3:-1], out=valid[ends[1] :])
    where = valid.nonzero()[0]
    keys = hashes.take(where)
    keys >>= _CHARACTER_SHIFT
    keys &= _ABOVE_VIEW
    if bases is not None:
        keys |= np.concatenate([bases[:-2], bases[:-3], bases[:-4]]).take(where)
    return keys


def _words(codes: Codes, bases: Keys | None) -> tuple[Keys, Keys]:
    """Hash each word, and each two words that follow one another in the same text."""
    wordlike = _wordlike().take(codes, mode="clip")
    # Every text begins and ends with a space, so that changes come in pairs.
    edges = (wordlike[1:] != wordlike[:-1]).nonzero()[0]
    begins, ends = edges[::2], edges[1::2]
    powers, inverses = _powers()
    sums = np.add.accumulate(codes * powers[: len(codes)], dtype=np.uint32)
    hashes = (sums[ends] - sums[begins]) * inverses[begins + 1]
    hashes = (hashes ^ (hashes >> np.uint32(15))) * _WORD_MIX
    couples = hashes[:-1] * _SECOND_WORD + hashes[1:] * _WORD_MIX
    if bases is None:
        return _word_keys(hashes), _word_keys(couples)
    owners = bases[begins]
    same = owners[:-1] == owners[1:]
    return _word_keys(hashes) | owners, _word_keys(couples[same]) | owners[1:][same]


def _word_keys(hashes: Keys) -> Keys:
    hashes = hashes >> _WORD_SHIFT
    hashes &= _ABOVE_VIEW
    hashes += _WORD_REGION
    return hashes


def _distinct(keys: Keys, count: int, *, disguised: bool) -> Hashed:
    keys.sort()
    bare = keys >> _ONE
    first = np.empty(len(keys), np.bool_)
    first[:1] = True
    np.not_equal(bare[1:], bare[:-1], out=first[1:])
    where = first.nonzero()[0]
    bare = bare.take(where)
    if count == 1:
        starts = np.array([0, bare.searchsorted(CHARACTER_BUCKETS), len(bare)])
    else:
        blocks = np.arange(count, dtype=np.int64)[:, None] << (_KEY_BITS - 1)
        regions = np.array([0, CHARACTER_BUCKETS])
        begins = bare.searchsorted((blocks + regions).ravel())
        starts = np.append(begins, len(bare))
    if disguised:
        extra = (keys.take(where) & _ONE).astype(np.bool_)
    else:
        extra = np.zeros(len(bare), np.bool_)
    buckets = (bare & _BUCKET_MASK).view(np.int32)
    return Hashed(buckets, extra, starts, disguised)


def chunked(pairs: Iterable[tuple[str, str]]) -> Iterable[list[tuple[str, str]]]:
    """Cut a stream of texts into chunks that can be hashed at once."""
    chunk: list[tuple[str, str]] = []
    length = 0
    for pair in pairs:
        longer = len(pair[0]) + len(pair[1]) + 4
        if chunk and (len(chunk) == CHUNK or length + longer > CHUNK_LENGTH):
            yield chunk
            chunk, length = [], 0
        chunk.append(pair)
        length += longer
    if chunk:
        yield chunk
