"""Makes a model's house.npz, for sites' heads: the basis of features, and the frozen set.

Everything is of the tenth that training keeps aside, of sources that may be trained on, and of our
own harmless sentences. Texts stay where they are: features, logits and labels alone are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import sentences
from models.artifacts import Artifact
from models.datasets import Corpus, Example, published
from models.encoder import Encoder
from models.house import Basis, Frozen
from models.scorer import Item, Scorer
from models.signals import table
from models.text import read
from models.training import kept, tenth_of

Progress = Callable[[Sequence[Any]], Any]
Floats = NDArray[np.float32]

#: Directions of the basis; each costs one byte of every decided comment.
DIRECTIONS = 192
#: The norm of all signals of a usual comment beside that of the encoder's part. Chosen on the sets of
#: ``models.trial.TUNED``.
SIGNALS_NORM = 0.5
#: Texts of a source that the directions come from.
ROWS = 120
#: Texts that are frozen: of a blog source's good comments, of our own harmless sentences in all,
#: and of any other source.
BLOG, OWN, OTHER = 40, 160, 12
#: The labels that a head moves, in the order of ``Frozen.labels``.
SIDES = ("spam", "toxicity")
_AT_ONCE = 256


def freeze(
    artifact: Artifact, encoder: Encoder, data: Corpus, *, progress: Progress = iter
) -> Basis:
    """Return the basis of *encoder*, with a frozen set for the heads of *artifact*.

    A few minutes on one core. The same data and model give the same numbers.
    """
    own = sentences.generated(1).where(lambda one: kept(one) and not any(one.labels.values()))
    chosen = (tenth_of(data).capped(ROWS) + own.capped(6)).examples
    features, signals = [], []
    for begin in progress(range(0, len(chosen), _AT_ONCE)):
        readings = read([one.text for one in chosen[begin : begin + _AT_ONCE]])
        features.append(means(encoder, [one.own for one in readings]))
        signals.append(table(readings))
    scorer = Scorer(artifact, encoder)
    none = np.empty((0, 2), np.int8)
    nothing = Frozen(none, none.astype("f4"), none, np.empty(0, np.int16), _levels(scorer))
    basis = basis_of(np.vstack(features), np.vstack(signals), encoder.version, nothing)
    return with_frozen(basis, Scorer(artifact, encoder, basis), _few(chosen))


def means(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """Return the mean of each text's windows, float32 of shape (n_texts, 768)."""
    said = encoder.read(texts)
    starts = np.searchsorted(said.owners, np.arange(len(texts)))
    counts = np.diff(np.r_[starts, len(said.owners)])
    summed: Floats = np.add.reduceat(said.features, starts, axis=0)
    divided: Floats = (summed / counts[:, None]).astype(np.float32)
    return divided


def basis_of(features: Floats, signals: NDArray[np.float64], encoder: str, frozen: Frozen) -> Basis:
    """Return the directions in which *features* differ most, half-way whitened, and the *signals*.

    *features* is float32 of shape (n_texts, 768), *signals* float of shape (n_texts, n_signals). The directions are its first principal components;
    a direction's spread becomes the fourth root of its variance. As the encoder gives them, a few
    directions would be all that a prior lets learn; made equal, noise would count as much.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    variances, vectors = np.linalg.eigh(np.cov((features - mean).T))
    largest = np.argsort(-variances)[:DIRECTIONS]
    variances, vectors = variances[largest], vectors[:, largest]
    columns = vectors / variances**0.25
    columns *= np.sqrt(DIRECTIONS / np.sqrt(variances).sum())
    scales = np.abs(columns).max(axis=0) / 127
    return Basis(
        encoder,
        mean.astype(np.float32),
        np.rint(columns / scales).astype(np.int8),
        scales.astype(np.float32),
        frozen,
        signal_means=signals.mean(axis=0).astype(np.float32),
        # One that no text raises stays next to nothing.
        signal_spreads=np.maximum(signals.std(axis=0), 1e-2).astype(np.float32),
        signal_weight=SIGNALS_NORM * float(np.sqrt(DIRECTIONS / signals.shape[1])),
    )


def with_frozen(basis: Basis, scorer: Scorer, examples: Sequence[Example]) -> Basis:
    """Return *basis* with what *scorer*, which has it, says of *examples*."""
    scores = scorer.score([Item(one.text) for one in examples])
    labels = [[int(one.labels.get(side, -1)) for side in SIDES] for one in examples]
    names = sorted({one.source for one in examples})
    frozen = Frozen(
        np.array([np.frombuffer(score.features, np.int8) for score in scores]),
        np.array([score.shared for score in scores], np.float32),
        np.array(labels, np.int8),
        np.array([names.index(one.source) for one in examples], np.int16),
        basis.frozen.levels,
    )
    return replace(basis, frozen=frozen, model=scorer.version)


def _levels(scorer: Scorer) -> Floats:
    levels = [[scorer.thresholds[name][side] for side in SIDES] for name in ("flag", "reject")]
    probabilities = np.array(levels)
    logits: Floats = np.log(probabilities / (1 - probabilities)).astype(np.float32)
    return logits


def _few(examples: Sequence[Example]) -> list[Example]:
    """Return the examples that are frozen, drawn by a fixed seed: no source has more than its part."""
    seen: dict[str, int] = {}
    few = []
    for place in np.random.default_rng(0).permutation(len(examples)).tolist():
        one = examples[place]
        if not any(side in one.labels for side in SIDES):
            continue
        own = one.source.startswith("own: ")
        source = "own" if own else one.source
        most = OWN if own else BLOG if published(source) else OTHER
        seen[source] = seen.get(source, 0) + 1
        if seen[source] <= most:
            few.append(one)
    return few
