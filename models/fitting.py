"""Fits the heads that join n-grams, signals and encoder; scoring needs none of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.datasets import LABELS
from models.heads import (
    FEATURE_SIZE,
    FEATURES,
    LOGIT_SIZE,
    LOGITS,
    MOST_NGRAM,
    SIGNALLED,
    WITHOUT_NGRAMS,
    Floats,
    Heads,
    Inputs,
)


def scales(features: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread of each feature, float32 of shape (FEATURES,) each.

    Fitting divides by the spread, which is 1e-3 at least. *features*: (n_comments, FEATURES).
    """
    mean = features.mean(axis=0, dtype=np.float64)
    spread = features.astype(np.float32).std(axis=0, dtype=np.float64)
    return mean.astype(np.float32), np.maximum(spread, 1e-3).astype(np.float32)


class Fitter:
    """Fits heads on inputs that are scaled once: one window a comment.

    Parameters
    ----------
    ngrams, signals, features, logits
        As in ``Inputs``, with one window a comment, or None for heads without the encoder.
    """

    def __init__(
        self,
        ngrams: NDArray[np.float64],
        signals: NDArray[np.float64],
        features: Floats | None = None,
        logits: Floats | None = None,
    ) -> None:
        self._reads = features is not None
        self._mean = self._spread = np.empty(0, np.float32)
        parts = []
        if features is not None:
            assert logits is not None
            self._mean, self._spread = scales(features)
            parts += [(features - self._mean) / (self._spread * FEATURE_SIZE), logits / LOGIT_SIZE]
        parts += [np.clip(ngrams, -MOST_NGRAM, MOST_NGRAM) / LOGIT_SIZE, signals]
        self._X = np.hstack([part.astype(np.float32) for part in parts])
        self._first = FEATURES + LOGITS if self._reads else 0
        self._signals = signals.shape[1]

    @classmethod
    def of(cls, inputs: Inputs) -> Self:
        """Return a fitter of heads on *inputs*, which have one window a comment."""
        return cls(inputs.ngrams, inputs.signals, inputs.features, inputs.logits)

    def columns(self, label: str) -> NDArray[np.intp]:
        """Return the columns of inputs that the head of *label* uses, intp of shape (n_columns,)."""
        chosen = list(range(self._first))
        own = self._first + LABELS.index(label)
        if label not in WITHOUT_NGRAMS or not self._reads:
            chosen.append(own)
        if label in SIGNALLED:
            begin = self._first + len(LABELS)
            chosen += range(begin, begin + self._signals)
        return np.array(chosen, np.intp)

    def fit(
        self,
        rows: NDArray[np.intp],
        targets: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
        strength: float,
    ) -> Heads:
        """Return heads fitted on *rows*.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), intp
            The comments to learn from.
        targets : sequence of (target, weight), a label each
            Arrays of shape (n_comments,), float64; a NaN target is a label that is not known.
        strength : float
            The C of scikit-learn's ``LogisticRegression``: the smaller, the stronger its L2 penalty.
        """
        table = np.zeros((self._X.shape[1] + 1, len(LABELS)), np.float64)
        for column, (label, (target, weight)) in enumerate(zip(LABELS, targets, strict=True)):
            known = rows[~np.isnan(target[rows]) & (weight[rows] > 0)]
            chosen = self.columns(label)
            if len(np.unique(target[known])) < 2:  # a label with one class only says nothing
                continue
            head = LogisticRegression(C=strength, max_iter=400, tol=1e-4)
            head.fit(self._X[np.ix_(known, chosen)], target[known].astype(int), weight[known])
            table[chosen, column] = head.coef_[0]
            table[-1, column] = head.intercept_[0]
        return Heads(self._unscaled(table), self._reads)

    def _unscaled(self, table: NDArray[np.float64]) -> Floats:
        if self._reads:
            table[:FEATURES] /= self._spread[:, None].astype(float) * FEATURE_SIZE
            table[-1] -= self._mean.astype(float) @ table[:FEATURES]
            table[FEATURES : self._first] /= LOGIT_SIZE
        table[self._first : self._first + len(LABELS)] /= LOGIT_SIZE
        return table.astype(np.float32)
