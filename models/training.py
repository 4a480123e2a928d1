"""Trains the heads on many sources and turns them into an artifact."""

from __future__ import annotations

import platform
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models.artifacts import Artifact
from models.classifier import SourceAwareLogistic
from models.datasets import LABELS, Corpus, Example
from models.features import BUCKETS, HashedNgrams
from models.signals import SIGNALS, signals

Matrix = NDArray[np.float32]

#: Sums of the weights of the longest text must stay below 2**31.
LARGEST_WEIGHT = 16_383
SIGNAL_SCALE = 1 / 4096


@dataclass(frozen=True)
class Recipe:
    """What is chosen by measuring; ``docs/adr`` says how."""

    #: Inverse strength of the penalty, for each label that has one of its own.
    strength: float = 1.0
    strengths: Mapping[str, float] = field(default_factory=dict)
    #: A source weighs as many examples as it has up to this; a larger one as this many.
    source_cap: int = 8_000
    #: Longer texts are cut for training.
    longest: int = 1_200
    max_iter: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Design:
    """Examples as numbers: n-grams and signals side by side."""

    X: sparse.csr_matrix
    targets: Matrix
    sources: NDArray[np.str_]

    def rows(self, keep: NDArray[np.bool_]) -> Design:
        """Return the chosen rows."""
        return Design(self.X[keep], self.targets[keep], self.sources[keep])


def vectorised(corpus: Corpus, ngrams: HashedNgrams, *, longest: int) -> sparse.csr_matrix:
    """Return n-grams and signals of each example; *ngrams* is fitted already."""
    texts = [example.text[:longest] for example in corpus.examples]
    return sparse.hstack([ngrams.transform(texts), signal_matrix(corpus.examples)], "csr")


def signal_matrix(examples: Sequence[Example]) -> sparse.csr_matrix:
    """Return a row of signals for each example."""
    index = {name: column for column, name in enumerate(SIGNALS)}
    values: list[float] = []
    columns: list[int] = []
    starts = [0]
    for example in examples:
        found = signals(
            example.text, example.author_name, example.author_email, example.author_url
        )
        values += found.values()
        columns += (index[name] for name in found)
        starts.append(len(values))
    return sparse.csr_matrix(
        (np.array(values, np.float32), np.array(columns, np.int32), starts),
        (len(examples), len(SIGNALS)),
    )


def weights(sources: NDArray[np.str_], cap: int) -> NDArray[np.float64]:
    """Return a weight for each example, so that no source counts for more than *cap* examples."""
    _, index, counts = np.unique(sources, return_inverse=True, return_counts=True)
    per_source = np.minimum(1.0, cap / counts)
    chosen: NDArray[np.float64] = per_source[index]
    return chosen


def fit_heads(
    design: Design, recipe: Recipe, *, progress: Callable[[Sequence[str]], Any] = iter,
    labels: Sequence[str] = LABELS,
) -> dict[str, SourceAwareLogistic]:
    """Fit one head a label on the examples that have it."""
    heads = {}
    for label in progress(labels):
        target = design.targets[:, LABELS.index(label)]
        known = ~np.isnan(target)
        head = SourceAwareLogistic(
            C=recipe.strengths.get(label, recipe.strength), max_iter=recipe.max_iter
        )
        sources = design.sources[known]
        # lbfgs reaches what it can in the iterations that it is given; more of them gain nothing.
        with np.errstate(all="ignore"):
            head.fit(
                design.X[known], target[known].astype(np.int8), weights(sources, recipe.source_cap), sources
            )
        heads[label] = head
    return heads


def held_out(corpus: Corpus) -> NDArray[np.bool_]:
    """Say which tenth of the examples is kept from training, by a digest of the text alone."""
    return np.array([zlib.crc32(example.text.encode()) % 10 == 0 for example in corpus.examples])


def platt(logits: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope and the shift that make a logit a calibrated one."""
    head = LogisticRegression(C=1e6).fit(logits[:, None], target.astype(int), weight)
    return float(head.coef_[0, 0]), float(head.intercept_[0])


def quantised(
    heads: Mapping[str, SourceAwareLogistic], ngrams: HashedNgrams, manifest: Mapping[str, Any]
) -> Artifact:
    """Return the heads as whole numbers, uncalibrated, with what scales them back."""
    table = np.zeros((BUCKETS, len(LABELS) + 1), np.int16)
    table[:, -1] = np.rint(ngrams.idf_**2 * 128)
    scales = {}
    coefficients = np.array([heads[label].coef_[0] for label in LABELS])
    for column, label in enumerate(LABELS):
        weight = coefficients[column, :BUCKETS] * ngrams.idf_
        scales[label] = float(np.abs(weight).max() / LARGEST_WEIGHT) or 1.0
        table[:, column] = np.rint(weight / scales[label])
    own = np.rint(coefficients[:, BUCKETS:].T / SIGNAL_SCALE).astype(np.int32)
    return Artifact(
        table,
        own,
        {
            **manifest,
            "version": "",
            "scales": scales,
            "signal_scale": SIGNAL_SCALE,
            "intercepts": {label: float(heads[label].intercept_[0]) for label in LABELS},
            "calibration": dict.fromkeys(LABELS, (1.0, 0.0)),
            "thresholds": {"flag": dict.fromkeys(LABELS, 0.5), "reject": dict.fromkeys(LABELS, 0.9)},
        },
    )


def versions() -> dict[str, str]:
    """Return the versions of what computed the artifact."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
