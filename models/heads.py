"""Joins what n-grams, signals and encoder say of a comment into one logit a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.datasets import LABELS

Floats = NDArray[np.float32]

#: Numbers of the encoder's features, and of its logits.
FEATURES, LOGITS = 768, len(LABELS)
#: Sizes that inputs are brought to, so that one penalty fits all: a standardised feature is
#: divided by the first, a logit of encoder or n-grams by the second.
FEATURE_SIZE, LOGIT_SIZE = 8.0, 4.0
#: N-gram logits count up to here, either way: beyond it they say no more.
MOST_NGRAM = 12.0
#: Labels whose heads use the signals: links and contacts are evidence of spam, not of abuse.
SIGNALLED = ("spam",)
#: Labels whose heads ignore the n-grams where the encoder reads: words alone mistake the
#: mention of a group for hate, and the tone of a source for its rudeness.
WITHOUT_NGRAMS = ("toxicity", "identity_attack")
#: Of several windows the worst counts for abuse; for spam this share of the worst, and the mean.
WORST_FOR_SPAM = 0.5


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of the heads for a batch of comments.

    Attributes
    ----------
    ngrams : ndarray of shape (n_comments, n_labels), float64
        The logits of the n-gram heads.
    signals : ndarray of shape (n_comments, n_signals), float64
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
        """Return the logits of each comment, float64 of shape (n_comments, n_labels), not calibrated."""
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
        """Return the weight of each signal for each label, float64 of shape (n_signals, n_labels)."""
        first = (FEATURES + LOGITS if self.reads else 0) + len(LABELS)
        return self.table[first:-1].astype(float)


def pooled(rows: Floats, owners: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return one row a comment from its windows': the worst for abuse, and for spam the mean, too.

    Float64 of shape (n_comments, n_labels).

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
