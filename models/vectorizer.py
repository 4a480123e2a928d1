"""The n-grams of texts as rows of a sparse matrix, for training; scoring needs none of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from models.ngrams import BUCKETS, Hashed, chunked, hashed, views


class HashedNgrams(TransformerMixin, BaseEstimator):
    """Character 3-5-grams and word 1-2-grams of both views, hashed, weighted and normalised.

    The character n-grams of a text and its word n-grams form two blocks, each weighted by inverse
    document frequency and divided by the length of its normalised view's vector, so that writing
    in disguise adds evidence and dilutes none. Feature hashing after Weinberger et al., *Feature
    Hashing for Large Scale Multitask Learning* (2009), without signs.

    Parameters
    ----------
    min_texts : int, default=2
        An n-gram of fewer texts weighs next to nothing: a rare one says nothing,
        and must not make the rest look small.

    Attributes
    ----------
    idf_ : ndarray of shape (BUCKETS,), float32
        The inverse document frequency of each bucket.
    n_features_in_ : int
        One: the text.

    Examples
    --------
    >>> from models.vectorizer import HashedNgrams
    >>> HashedNgrams().fit_transform(["good morning", "g o o d morning"]).shape
    (2, 786432)
    """

    def __init__(self, min_texts: int = 2) -> None:
        self.min_texts = min_texts

    def __sklearn_tags__(self) -> Tags:
        """Tag the transformer as one that takes texts."""
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

    def fit_pairs(self, pairs: Iterable[tuple[str, str]]) -> Self:
        """Learn from texts given by their two views, as ``views`` returns them."""
        return self._fit([hashed(chunk) for chunk in chunked(pairs)])

    def transform_pairs(self, pairs: Iterable[tuple[str, str]]) -> sparse.csr_matrix:
        """Return float32 (n_texts, BUCKETS), as ``transform`` does, of texts given by their two views.

        Raises NotFittedError before a fit.
        """
        check_is_fitted(self)
        return self._transform([hashed(chunk) for chunk in chunked(pairs)])

    def _fit(self, blocks: Sequence[Hashed]) -> Self:
        counts = np.zeros(BUCKETS)
        texts = 0
        for block in blocks:
            texts += len(block.starts) // 2
            counts += np.bincount(block.buckets, minlength=BUCKETS)
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
        csr_matrix of shape (n_samples, BUCKETS), float32
            Two blocks a row, each with a norm of 1 over its normalised view's n-grams.

        Raises
        ------
        NotFittedError
            Before a fit.
        ValueError
            If *X* is one text instead of several.
        """
        check_is_fitted(self)
        return self._transform(self._blocks(X))

    def fit_transform(self, X: Iterable[str], y: Any = None, **_: Any) -> sparse.csr_matrix:  # noqa: ARG002
        """Return float32 (n_texts, BUCKETS): fit and transform with one hashing instead of two."""
        blocks = self._blocks(X)
        self._fit(blocks)
        return self._transform(blocks)

    @staticmethod
    def _blocks(X: Iterable[str]) -> list[Hashed]:
        return [hashed(chunk) for chunk in chunked(views(text) for text in _texts(X))]

    def _transform(self, blocks: Sequence[Hashed]) -> sparse.csr_matrix:
        parts = []
        for block in blocks:
            weight = self.idf_[block.buckets]
            owner = np.repeat(np.arange(len(block.starts) - 1), np.diff(block.starts))
            squares = np.bincount(
                owner, np.where(block.extra, 0.0, weight**2), len(block.starts) - 1
            )
            # As scoring does: nothing but disguise must not become a giant.
            norms = np.sqrt(np.maximum(squares, 1 / 128)).astype(np.float32)
            parts.append(
                sparse.csr_matrix(
                    (weight / norms[owner], block.buckets, block.starts[::2]),
                    (len(block.starts) // 2, BUCKETS),
                )
            )
        return sparse.vstack(parts, "csr") if parts else sparse.csr_matrix((0, BUCKETS), dtype="f4")


def _texts(X: Any) -> Iterable[str]:
    if isinstance(X, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")  # noqa: TRY004 - as scikit-learn raises
    for text in X:
        if not isinstance(text, str):
            raise TypeError(f"Each sample must be a text, not {type(text).__name__}.")
        yield text
