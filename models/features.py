"""Hashed character and word n-grams of both views of a text, a whole batch at a time.

Everything here is integer arithmetic on code points, so that a text has the same n-grams on every
platform, alone or in any batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from models.normalise import read

Codes = NDArray[np.uint32]
Keys = NDArray[np.uint32]

#: Character n-grams and word n-grams have regions of their own, so that they never collide.
CHARACTER_BITS = 19
WORD_BITS = 18
CHARACTER_BUCKETS = 1 << CHARACTER_BITS
BUCKETS = CHARACTER_BUCKETS + (1 << WORD_BITS)

#: Texts are hashed so many at a time: a key holds the text's number above its bucket and view.
CHUNK = 1 << (32 - CHARACTER_BITS - 1)

#: A chunk has at most so many code points, unless one text alone has more.
CHUNK_LENGTH = 1 << 17
_LONGEST = CHUNK_LENGTH * 2

_SPACE = 32
# Odd multipliers, drawn once; a change of any of them makes every artifact useless.
_MULTIPLIERS = tuple(
    np.uint32(m) for m in (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1)
)
_SALTS = tuple(np.uint32(m) for m in (0x2545F491, 0x6C078965, 0x5BD1E995))
_WORD_BASE = 0x01000193
_WORD_MIX = np.uint32(0x7FEB352D)
_SECOND_WORD = np.uint32(0x846CA68B)

_CHARACTER_SHIFT = np.uint32(32 - CHARACTER_BITS)
_WORD_SHIFT = np.uint32(32 - WORD_BITS)
_ONE = np.uint32(1)

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
    """The distinct n-grams of some texts, those of each text in order.

    Attributes
    ----------
    buckets
        The bucket of each n-gram.
    extra
        Whether the n-gram stands only in the text as written, not in its normalised view.
    starts
        Where each text's n-grams begin; one more entry than there are texts.
    disguised
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


def hashed(pairs: Sequence[tuple[str, str]]) -> tuple[Hashed, Hashed]:
    """Return the character n-grams and the word n-grams of texts given by their two views.

    At most CHUNK texts may be given at once.
    """
    count = len(pairs)
    pieces = [f" {normal} " for _, normal in pairs]
    owners = np.arange(count, dtype=np.uint32) << _ONE
    changed = [i for i, (as_written, normal) in enumerate(pairs) if as_written != normal]
    if changed:
        pieces += [f" {pairs[i][0]} " for i in changed]
        owners = np.concatenate([owners, owners[changed] | _ONE])
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, pieces), np.intp, len(pieces))
    return (
        _distinct(
            _characters(codes, owners, lengths), count, CHARACTER_BITS, 0, disguised=bool(changed)
        ),
        _distinct(
            _words(codes, owners, lengths),
            count,
            WORD_BITS,
            CHARACTER_BUCKETS,
            disguised=bool(changed),
        ),
    )


def _characters(codes: Codes, owners: Keys, lengths: NDArray[np.intp]) -> Keys:
    """Hash each run of 3 to 5 characters that has no space inside."""
    # A key is, from the top: the text's number, the bucket, and the view (0 is the normalised).
    base = _bases(owners, CHARACTER_BITS).repeat(lengths) if len(lengths) > 1 else _ALONE
    inside = codes != _SPACE
    size = len(codes)
    keys = []
    total = codes * _MULTIPLIERS[0]
    total = total[:-1] + codes[1:] * _MULTIPLIERS[1]
    valid = np.ones(size - 1, np.bool_)
    for n in (3, 4, 5):
        if size < n:
            break
        total = total[:-1] + codes[n - 1 :] * _MULTIPLIERS[n - 1]
        valid = valid[:-1] & inside[n - 2 : size - 1]
        where = valid.nonzero()[0]
        bucket = (total[where] + _SALTS[n - 3]) >> _CHARACTER_SHIFT
        bucket <<= _ONE
        keys.append(bucket if base is _ALONE else base[where] | bucket)
    return np.concatenate(keys) if keys else np.empty(0, np.uint32)


def _words(codes: Codes, owners: Keys, lengths: NDArray[np.intp]) -> Keys:
    """Hash each word, and each two words that follow one another in the same text."""
    wordlike = _wordlike().take(codes, mode="clip")
    change = wordlike[1:] != wordlike[:-1]
    # Every text begins and ends with a space, so that changes come in pairs.
    edges = change.nonzero()[0] + 1
    begins, ends = edges[::2], edges[1::2]
    powers, inverses = _powers()
    sums = np.add.accumulate(codes * powers[: len(codes)], dtype=np.uint32)
    word = (sums[ends - 1] - sums[begins - 1]) * inverses[begins]
    word = (word ^ (word >> np.uint32(15))) * _WORD_MIX
    both = (word[:-1] * _SECOND_WORD + word[1:] * _WORD_MIX) >> _WORD_SHIFT
    if len(lengths) == 1:
        return np.concatenate([(word >> _WORD_SHIFT) << _ONE, both << _ONE])
    owner = _bases(owners, WORD_BITS).repeat(lengths)[begins]
    same = owner[:-1] == owner[1:]
    return np.concatenate(
        [
            owner | ((word >> _WORD_SHIFT) << _ONE),
            (owner[:-1] | (both << _ONE))[same],
        ]
    )


def _bases(owners: Keys, bits: int) -> Keys:
    return ((owners >> _ONE) << np.uint32(bits + 1)) | (owners & _ONE)


#: A text that is hashed alone has number 0 and one view, so that its keys are its buckets.
_ALONE = np.empty(0, np.uint32)


def _distinct(keys: Keys, count: int, bits: int, offset: int, *, disguised: bool) -> Hashed:
    keys.sort()
    bare = keys >> _ONE
    first = np.empty(len(keys), np.bool_)
    first[:1] = True
    np.not_equal(bare[1:], bare[:-1], out=first[1:])
    keys = keys[first]
    bare = bare[first]
    if count == 1:
        starts: NDArray[np.intp] = np.array([0, len(keys)])
    else:
        starts = bare.searchsorted(np.arange(count + 1, dtype=np.int64) << bits)
    buckets = (bare & np.uint32((1 << bits) - 1)).astype(np.int32)
    if offset:
        buckets += np.int32(offset)
    extra = (keys & _ONE).astype(np.bool_) if disguised else np.zeros(len(keys), np.bool_)
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


class HashedNgrams(TransformerMixin, BaseEstimator):
    """Character 3-5-grams and word 1-2-grams of both views, hashed, weighted and normalised.

    The character n-grams of a text and its word n-grams form two blocks, each weighted by inverse
    document frequency and divided by the length of its normalised view's vector, so that writing
    in disguise adds evidence and dilutes none.

    Parameters
    ----------
    min_texts : int, default=2
        An n-gram of fewer texts weighs next to nothing: what was hardly ever seen says nothing,
        and must not make the rest look small.

    Attributes
    ----------
    idf_ : ndarray of shape (BUCKETS,)
        The inverse document frequency of each bucket.
    n_features_in_ : int
        One: the text.

    Examples
    --------
    >>> from models.features import HashedNgrams
    >>> HashedNgrams().fit_transform(["good morning", "g o o d morning"]).shape
    (2, 786432)
    """

    def __init__(self, min_texts: int = 2) -> None:
        self.min_texts = min_texts

    def __sklearn_tags__(self) -> Tags:
        """Say that samples are texts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags

    def fit(self, X: Iterable[str], y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn how many texts each n-gram stands in.

        Parameters
        ----------
        X : iterable of str
            The texts.
        y : None
            Ignored.

        Returns
        -------
        HashedNgrams
            This transformer.
        """
        return self._fit(self._blocks(X))

    def _fit(self, blocks: Sequence[tuple[Hashed, Hashed]]) -> Self:
        counts = np.zeros(BUCKETS)
        texts = 0
        for characters, words in blocks:
            texts += len(characters.starts) - 1
            for part in (characters, words):
                counts += np.bincount(part.buckets, minlength=BUCKETS)
        idf = np.log((texts + 1) / (counts + 1)) + 1
        idf[counts < self.min_texts] = 0.0
        # The artifact keeps the squares as whole 128ths; training must see what scoring will.
        self.idf_ = np.sqrt(np.clip(np.rint(idf * idf * 128), 1, 32767) / 128).astype(np.float32)
        self.n_features_in_ = 1
        return self

    def transform(self, X: Iterable[str]) -> sparse.csr_matrix:
        """Return the weighted n-grams of each text.

        Parameters
        ----------
        X : iterable of str
            The texts.

        Returns
        -------
        csr_matrix of shape (n_samples, BUCKETS)
            Two blocks a row, each with a norm of 1 over its normalised view's n-grams.
        """
        check_is_fitted(self)
        return self._transform(self._blocks(X))

    def fit_transform(self, X: Iterable[str], y: Any = None, **_: Any) -> sparse.csr_matrix:  # noqa: ARG002
        """Fit and transform with one hashing instead of two."""
        blocks = self._blocks(X)
        self._fit(blocks)
        return self._transform(blocks)

    @staticmethod
    def _blocks(X: Iterable[str]) -> list[tuple[Hashed, Hashed]]:
        return [hashed(chunk) for chunk in chunked(views(text) for text in _texts(X))]

    def _transform(self, blocks: Sequence[tuple[Hashed, Hashed]]) -> sparse.csr_matrix:
        parts = []
        for pair in blocks:
            rows = len(pair[0].starts) - 1
            values = []
            for part in pair:
                weight = self.idf_[part.buckets]
                owner = np.repeat(np.arange(rows), np.diff(part.starts))
                squares = np.bincount(owner, np.where(part.extra, 0.0, weight**2), rows)
                norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)
                values.append(
                    sparse.csr_matrix(
                        (weight / norms[owner], part.buckets, part.starts), (rows, BUCKETS)
                    )
                )
            # The blocks share no column, so that a sum is a union.
            parts.append(values[0] + values[1])
        return sparse.vstack(parts, "csr") if parts else sparse.csr_matrix((0, BUCKETS), dtype="f4")


def _texts(X: Any) -> Iterable[str]:
    if isinstance(X, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")  # noqa: TRY004 - as scikit-learn raises
    for text in X:
        if not isinstance(text, str):
            raise TypeError(f"Each sample must be a text, not {type(text).__name__}.")
        yield text
