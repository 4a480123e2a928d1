"""Training data of the encoder: rows balanced by source, with a target and a weight a label."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.datasets import LABELS, Corpus, Example, may_train
from models.training import Recipe, held_out, training_corpus

Matrix = NDArray[np.float32]

#: Length of the beginning of a text that teacher and encoder read in training, in characters.
SHOWN = 1_000
#: How much of a goal is the teacher's where there is a label too, and what the teacher's word
#: alone weighs.
TAUGHT = 0.7
#: Weight of "no attack on a group" as "not toxic", which is likely but not certain.
ASSUMED = 0.3
#: Share of a goal that is the encoder's former output, where that ranks its source well; and what
#: its word weighs where there is no label.
KEPT = 0.5
REMEMBERED = 0.1
#: The shares of what is drawn: English, where the teacher keeps what is known already; our own
#: sentences; and everything else, which is new.
SHARES: Mapping[str, float] = {"english": 0.33, "own": 0.17, "others": 0.5}
#: Validation texts of a source, by which the best weights of a training are chosen.
CHECKS = 40
#: Weight of one of our own sentences, whose labels are certain.
OWN_WEIGHT = 2.0


@dataclass(frozen=True)
class Teacher:
    """A larger model's logits of English texts, by a digest of their first 1,000 characters.

    Attributes
    ----------
    keys : ndarray of shape (n_known,), uint64
        The ``key`` of each text, ascending.
    logits : ndarray of shape (n_known, 7), float16
        One of each label in the order of ``LABELS``.
    """

    keys: NDArray[np.uint64]
    logits: NDArray[np.float16]

    @classmethod
    def load(cls, path: Path | None) -> Teacher:
        """Read ``teacher.npz``: `keys` (sorted uint64) and `logits` (a row each)."""
        if path is None:
            return cls(np.empty(0, np.uint64), np.empty((0, len(LABELS)), np.float16))
        with np.load(path, allow_pickle=False) as file:
            return cls(file["keys"], file["logits"])

    def of(self, texts: Sequence[str]) -> Matrix:
        """Return float32 of shape (n_texts, 7): probabilities; NaN where the teacher wasn't asked."""
        wanted = np.array([key(text) for text in texts], np.uint64)
        found = np.full((len(texts), len(LABELS)), np.nan, np.float32)
        if len(self.keys) and len(texts):
            places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
            known = self.keys[places] == wanted
            found[known] = 1 / (1 + np.exp(-self.logits[places[known]].astype(np.float32)))
        return found


def key(text: str) -> int:
    """Return the first 8 bytes, big-endian, of the SHA-256 of what the teacher was shown."""
    shown = text[:SHOWN].encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(shown).digest()[:8], "big")


@dataclass(frozen=True)
class Lessons:
    """Texts with goals.

    Attributes
    ----------
    corpus : Corpus
        The texts, with their labels and sources.
    goals : ndarray of shape (n_texts, 7), float32
        The probability that each label shall get.
    weights : ndarray of shape (n_texts, 7), float32
        What each goal weighs; 0 where neither the source nor the teacher says anything.
    taught : ndarray of shape (n_texts,), bool
        Whether the teacher knows the text.
    """

    corpus: Corpus
    goals: Matrix
    weights: Matrix
    taught: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.corpus)


def lessons(corpus: Corpus, teacher: Teacher) -> Lessons:
    """Return a goal and a weight for each label of each text of *corpus*.

    Goals mix labels and the teacher's probabilities: distillation, after Hinton, Vinyals and Dean,
    *Distilling the Knowledge in a Neural Network* (2015).
    """
    targets = corpus.targets
    taught = teacher.of([one.text for one in corpus.examples])
    labelled, known = ~np.isnan(targets), ~np.isnan(taught)
    goals = np.where(labelled, targets, 0).astype(np.float32)
    weights = labelled.astype(np.float32)
    toxicity, attack = LABELS.index("toxicity"), LABELS.index("identity_attack")
    assumed = ~labelled[:, toxicity] & (targets[:, attack] == 0)
    weights[assumed, toxicity] = ASSUMED
    both = labelled & known
    goals[both] = TAUGHT * taught[both] + (1 - TAUGHT) * targets[both]
    alone = known & ~labelled
    goals[alone], weights[alone] = taught[alone], TAUGHT
    own = np.array([_is_own(one) for one in corpus.examples], bool)
    weights[own] *= OWN_WEIGHT
    return Lessons(corpus, goals, weights, np.asarray(known.any(axis=1), bool))


def remembered(lessons: Lessons, before: Matrix) -> Lessons:
    """Return *lessons* whose targets keep what the encoder can do already.

    *before*, float32 of shape (n_texts, 7), has the probability of each label by the weights that
    the training begins with. Of what the teacher doesn't know, a label that a source gives becomes the
    more like *before* the better *before* ranks that source; an absent one is *before*, weakly.
    """
    goals, weights = lessons.goals.copy(), lessons.weights.copy()
    sources, targets = lessons.corpus.sources, lessons.corpus.targets
    labelled = ~np.isnan(targets) & ~lessons.taught[:, None]
    for source in np.unique(sources[~lessons.taught]):
        for column in range(len(LABELS)):
            rows = labelled[:, column] & (sources == source)
            actual = targets[rows, column]
            if len(set(actual)) < 2:
                continue
            skill = (roc_auc_score(actual, before[rows, column]) - 0.6) / 0.3
            share = KEPT * float(np.clip(skill, 0, 1))
            goals[rows, column] *= 1 - share
            goals[rows, column] += share * before[rows, column]
    absent = weights == 0
    goals[absent], weights[absent] = before[absent], REMEMBERED
    return replace(lessons, goals=goals, weights=weights)


def learned(data: Corpus, seed: int) -> Corpus:
    """Return everything that may be learned from: nothing that is kept aside, here or by us."""
    corpus = training_corpus(data.where(may_train), Recipe(seed=seed))
    kept = held_out(corpus)
    return Corpus(
        tuple(
            one
            for one, no in zip(corpus.examples, kept, strict=True)
            if not no and not checked(one)
        ),
        corpus.digests,
    )


def checks(data: Corpus, most: int, seed: int) -> Corpus:
    """Return the texts, *most* of a source, that say which weights of a training are the best."""
    rest = data.where(may_train)
    kept = held_out(rest)
    mine = tuple(
        one for one, no in zip(rest.examples, kept, strict=True) if not no and checked(one)
    )
    return Corpus(mine).capped(most, seed)


def checked(example: Example) -> bool:
    """Whether the encoder's training keeps this aside for itself: one text in fifty."""
    return zlib.crc32((example.pair or example.text).encode("utf-8", "replace")) % 50 == 7


def balanced(corpus: Corpus, rows: int, seed: int) -> Corpus:
    """Return about *rows* of *corpus* in the shares of SHARES, no source of a share above others.

    A source that is smaller than its part gives all it has, and others fill its place.
    """
    draw = np.random.default_rng(seed)
    groups: dict[str, list[int]] = {}
    for index in draw.permutation(len(corpus)):
        groups.setdefault(_group(corpus.examples[index]), []).append(int(index))
    chosen: list[int] = []
    for group, share in SHARES.items():
        members = groups.get(group, [])
        names = [_origin(corpus.examples[index]) for index in members]
        most = cap(list(Counter(names).values()), round(rows * share))
        seen: Counter[str] = Counter()
        for index, name in zip(members, names, strict=True):
            seen[name] += 1
            if seen[name] <= most:
                chosen.append(index)
    return replace(corpus, examples=tuple(corpus.examples[index] for index in sorted(chosen)))


def cap(counts: Sequence[int], total: int) -> int:
    """Return the largest cap under which *counts* add up to *total* at most."""
    low, high = 0, max(counts, default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(count, middle) for count in counts) <= total:
            low = middle
        else:
            high = middle - 1
    return low


def _is_own(example: Example) -> bool:
    return example.source.startswith("own:")


def _group(example: Example) -> str:
    if _is_own(example):
        return "own"
    return "english" if example.language == "en" else "others"


def _origin(example: Example) -> str:
    # Our own sentences are balanced by language: each has kinds of its own.
    return example.language if _is_own(example) else example.source
