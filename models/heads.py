"""Joins what n-grams, signals and encoder say of a comment into one logit a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.datasets import LABELS

Floats = NDArray[np.float32]

#: Numbers of the encoder's features, and of its logits.
FEATURES, LOGITS = 768, len(LABELS)
#: Sizes that inputs are brought to, so that one penalty fits all: a standardised feature is
#: divided by the first, a logit of encoder or n-grams by the second.
FEATURE_SIZE, LOGIT_SIZE = 8.0, 4.0
#: N-gram logits count up to here, either way: beyond it they say no more.
MOST_NGRAM = 12.0
#: Labels that signals speak to. Links and contacts are no abuse, and letters are nothing at all.
SIGNALLED = ("spam",)
#: Labels whose heads don't hear the n-grams where the encoder reads: words alone mistake the
#: mention of a group for hate, and the tone of a source for its rudeness.
WITHOUT_NGRAMS = ("toxicity", "identity_attack")
#: Of several windows the worst counts for abuse; for spam this share of the worst, and the mean.
WORST_FOR_SPAM = 0.5


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known of some comments before the heads join it.

    Attributes
    ----------
    ngrams : ndarray of shape (n_comments, n_labels), float
        The logits of the n-gram heads.
    signals : ndarray of shape (n_comments, n_signals), float
        Each from 0 to 1.
    features, logits : ndarray of shape (n_windows, FEATURES) and (n_windows, LOGITS), float32
        The encoder's, or None where it did not read.
    owners : ndarray of shape (n_windows,), intp
        The comment of each window, ascending; None where the encoder did not read.
    """

    ngrams: NDArray[np.float64]
    signals: NDArray[np.float64]
    features: Floats | None = None
    logits: Floats | None = None
    owners: NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """One linear head a label, over everything or over n-grams and signals alone.

    Attributes
    ----------
    table : ndarray of shape (n_inputs + 1, n_labels), float32
        Rows for the encoder's features and logits (absent from heads that do without it), for
        the n-gram logits, for the signals, and the intercepts last.
    reads : bool
        Whether the rows of the encoder are there.
    """

    table: Floats
    reads: bool

    def sums(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the logits of each comment, shape (n_comments, n_labels), not calibrated."""
        first = FEATURES + LOGITS if self.reads else 0
        known = np.hstack([np.clip(inputs.ngrams, -MOST_NGRAM, MOST_NGRAM), inputs.signals])
        rest: NDArray[np.float64] = known @ self.table[first:-1].astype(float) + self.table[-1]
        if self.reads:
            assert inputs.features is not None
            assert inputs.logits is not None
            assert inputs.owners is not None
            seen = inputs.features @ self.table[:FEATURES]
            seen += inputs.logits @ self.table[FEATURES:first]
            rest += pooled(seen, inputs.owners)
        return rest

    def of_signals(self) -> NDArray[np.float64]:
        """Return the weight of each signal for each label, shape (n_signals, n_labels)."""
        first = (FEATURES + LOGITS if self.reads else 0) + len(LABELS)
        return self.table[first:-1].astype(float)


def pooled(rows: Floats, owners: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return one row a comment from its windows': the worst for abuse, and for spam the mean, too.

    Parameters
    ----------
    rows : ndarray of shape (n_windows, n_labels), float32
    owners : ndarray of shape (n_windows,), intp
        Ascending, and each comment has a window.
    """
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else owners
    if len(starts) == len(rows):
        return rows.astype(float)
    worst = np.maximum.reduceat(rows, starts).astype(float)
    mean = np.add.reduceat(rows[:, 0].astype(float), starts) / np.diff(np.r_[starts, len(rows)])
    worst[:, 0] = WORST_FOR_SPAM * worst[:, 0] + (1 - WORST_FOR_SPAM) * mean
    return worst


def scales(features: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread of each feature, shape (FEATURES,) each, by which fitting divides."""
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
        """Return which inputs the head of *label* hears."""
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
        rows : ndarray of intp
            The comments to learn from.
        targets : sequence of (target, weight), a label each
            Arrays of shape (n_comments,); a NaN target is a label that is not known.
        strength : float
            scikit-learn's C.
        """
        table = np.zeros((self._X.shape[1] + 1, len(LABELS)), np.float64)
        for column, (label, (target, weight)) in enumerate(zip(LABELS, targets, strict=True)):
            known = rows[~np.isnan(target[rows]) & (weight[rows] > 0)]
            chosen = self.columns(label)
            if len(np.unique(target[known])) < 2:  # a label that nobody told apart says nothing
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
