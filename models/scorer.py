"""Scores comments: a calibrated probability for each label, the same alone and in any batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models import artifacts, explain
from models.datasets import LABELS
from models.explain import Explanation, Reason, Span
from models.languages import language_of
from models.ngrams import chunked, hashed
from models.signals import SIGNALS, of_author, raised_by, said
from models.text import FEW, MAX_LENGTH, Reading, read, says_something

__all__ = [
    "LABELS",
    "Explanation",
    "Item",
    "Reason",
    "Score",
    "Scorer",
    "Span",
    "newest_version",
]

#: Signals are whole 1024ths, so that their sum doesn't depend on the order of addition.
_PARTS = 1024
#: So many comments are read at once, and no more than so many characters of several.
_AT_ONCE = 512
_AT_ONCE_LENGTH = 1 << 17
_INDEX = {name: index for index, name in enumerate(SIGNALS)}


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of one comment; everything but the content is optional."""

    content: str
    author_name: str = ""
    author_email: str = ""
    author_url: str = ""
    user_agent: str = ""
    post_url: str = ""
    post_title: str = ""
    #: Language of the post or the site, if known.
    language: str = ""
    #: Whether the form's hidden field was filled in.
    honeypot: bool = False
    seconds_to_submit: float | None = None
    #: How many other authors lately sent nearly this text to this site.
    near_duplicates: int = 0


class Score(NamedTuple):
    """What the model says about one comment."""

    labels: Mapping[str, float]
    #: ISO 639-1 code, or "".
    language: str
    #: False when the model was not measured on the comment's language.
    known_language: bool
    #: True when nothing is left after normalisation.
    empty: bool


class Scorer:
    """The loaded model: safe to load once and to share with forked workers.

    Examples
    --------
    >>> from models.scorer import Item, Scorer
    >>> scorer = Scorer.load()
    >>> score, = scorer.score([Item("Thank you, the second example cleared it up for me.")])
    >>> score.labels["toxicity"] < scorer.thresholds["flag"]["toxicity"]
    True
    """

    def __init__(self, artifact: artifacts.Artifact) -> None:
        manifest = artifact.manifest
        self.version = artifact.version
        self.thresholds: Mapping[str, Mapping[str, float]] = manifest["thresholds"]
        self.card: Mapping[str, Any] = manifest
        self._weights = artifact.weights
        # An artifact from before the latest signals gives them no weight.
        missing = len(SIGNALS) - len(artifact.signals)
        self._signals = np.pad(artifact.signals.astype(np.int64), ((0, missing), (0, 0)))
        self._scales = np.array([manifest["scales"][label] for label in LABELS])
        self._signal_scale = float(manifest["signal_scale"]) / _PARTS
        self._intercepts = np.array([manifest["intercepts"][label] for label in LABELS])
        slopes, shifts = zip(*(manifest["calibration"][label] for label in LABELS), strict=True)
        self._slopes, self._shifts = np.array(slopes), np.array(shifts)

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Return a scorer for the artifact below *path*, or for the one that was shipped."""
        return cls(artifacts.load(path or artifacts.SHIPPED))

    def score(self, items: Sequence[Item]) -> list[Score]:
        """Return a score for each item, in order."""
        scores: list[Score] = []
        for part in _parts(items):
            readings = read([item.content for item in part])
            calibrated = self._logits(readings, part) * self._slopes + self._shifts
            scores += map(_scored, part, readings, _sigmoid(calibrated).tolist())
        return scores

    def iter_scores(self, items: Iterable[Item], batch: int = 256) -> Iterator[tuple[Item, Score]]:
        """Yield each item of a stream with its score, keeping one batch in memory."""
        stream = iter(items)
        while part := list(islice(stream, batch)):
            yield from zip(part, self.score(part), strict=True)

    def logits(self, items: Sequence[Item]) -> NDArray[np.float64]:
        """Return the sums of all contributions to each label, before calibration."""
        rows = [self._logits(read([item.content for item in part]), part) for part in _parts(items)]
        return np.concatenate([np.empty((0, len(LABELS))), *rows])

    def _logits(self, readings: Sequence[Reading], items: Sequence[Item]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = self._intercepts + self._signal_scale * (
            self._levels(readings, items) @ self._signals
        )
        done = 0
        for chunk in chunked((reading.written, reading.normal) for reading in readings):
            self._add_sums(logits[done : done + len(chunk)], chunk)
            done += len(chunk)
        for row, item in enumerate(items):
            if item.honeypot or item.near_duplicates or item.seconds_to_submit is not None:
                logits[row, 0] += sum(_behaviour(item).values())
        return logits

    def _add_sums(self, logits: NDArray[np.float64], pairs: Sequence[tuple[str, str]]) -> None:
        """Add what the n-grams of each text weigh to its row."""
        found = hashed(pairs)
        if len(found.buckets) == 0:
            return
        rows = self._weights.take(found.buckets, axis=0)
        if found.disguised:
            # A disguise adds evidence and must dilute none: it doesn't count for the norm.
            rows[found.extra, -1] = 0
        starts = found.starts[:-1]
        some = starts < found.starts[1:]
        if some.all():
            sums = np.add.reduceat(rows, starts, axis=0, dtype=np.int32)
        else:
            # reduceat gives a neighbour's n-gram to a block that has none of its own.
            sums = np.zeros((len(starts), rows.shape[1]), np.int32)
            sums[some] = np.add.reduceat(rows, starts[some], axis=0, dtype=np.int32)
        norms = np.sqrt(np.maximum(sums[:, -1:], 1) / 128)
        worth = sums[:, :-1] / norms * self._scales
        logits += worth[::2]
        logits += worth[1::2]

    def _levels(self, readings: Sequence[Reading], items: Sequence[Item]) -> NDArray[np.int64]:
        """Return the signals of each item in whole parts."""
        places: list[int] = []
        values: list[float] = []
        for row, (shown, item) in enumerate(zip(raised_by(readings), items, strict=True)):
            first = row * len(SIGNALS)
            places += [first + _INDEX[name] for name in shown]
            values += shown.values()
            if item.author_name or item.author_email or item.author_url:
                of_them = of_author(
                    readings[row], item.author_name, item.author_email, item.author_url
                )
                places += [first + _INDEX[name] for name in of_them]
                values += of_them.values()
        levels = np.zeros((len(items), len(SIGNALS)), np.int64)
        if len(items) < FEW:  # the same, to the last bit, and for a few numbers sooner done
            parts = [round(min(max(value, 0.0), 1.0) * _PARTS) for value in values]
            levels.ravel()[places] = parts
        else:
            bounded = np.minimum(np.maximum(np.array(values), 0.0), 1.0)
            levels.ravel()[places] = np.rint(bounded * _PARTS)
        return levels

    def explain(self, item: Item, label: str | None = None) -> Explanation:
        """Return what made the score of *label*, or of the label closest to being flagged.

        Every contribution is exact: the weights of spans and features and the bias add up to the
        log-odds of the score.
        """
        (reading,) = read([item.content])
        pair = reading.written, reading.normal
        logits = self._logits([reading], [item])[0]
        calibrated = logits * self._slopes + self._shifts
        if label is None:
            flags = np.array([self.thresholds["flag"][name] for name in LABELS])
            label = LABELS[int(np.argmax(calibrated - np.log(flags / (1 - flags))))]
        column = LABELS.index(label)
        slope = float(self._slopes[column])
        contributions: dict[int, tuple[float, bool]] = {}
        found = hashed([pair])
        for block in map(slice, found.starts, found.starts[1:]):
            buckets, extra = found.buckets[block], found.extra[block]
            rows = self._weights.take(buckets, axis=0).astype(np.int64)
            norm = np.sqrt(max(int(rows[~extra, -1].sum()), 1) / 128)
            worth = rows[:, column] / norm * self._scales[column] * slope
            contributions |= dict(
                zip(
                    buckets.tolist(),
                    zip(worth.tolist(), extra.tolist(), strict=True),
                    strict=True,
                )
            )
        spans, rest = explain.spans(item.content, pair, contributions)
        features = self._features(reading, item, column, slope)
        if rest:
            features.append(Reason("text", said("reads like this as a whole"), rest))
        features.sort(key=lambda reason: -abs(reason.weight))
        return Explanation(
            label=label,
            score=float(_sigmoid(calibrated)[column]),
            bias=float(self._intercepts[column] * slope + self._shifts[column]),
            spans=tuple(spans),
            features=tuple(features),
            reasons=_weightiest(item.content, spans, features),
        )

    def _features(self, reading: Reading, item: Item, column: int, slope: float) -> list[Reason]:
        worth = (
            self._levels([reading], [item])[0]
            * self._signals[:, column]
            * self._signal_scale
            * slope
        )
        features = [
            Reason(name, SIGNALS[name], float(weight))
            for name, weight in zip(SIGNALS, worth, strict=True)
            if weight
        ]
        if LABELS[column] == "spam":
            features += [
                Reason(name, BEHAVIOUR[name], weight * slope)
                for name, weight in _behaviour(item).items()
            ]
        return features

    def sentences(self, item: Item, label: str) -> tuple[Span, ...]:
        """Return the score for *label* of each sentence by itself, as the weight of its span."""
        ranges = list(explain.sentences(item.content))
        scores = self.score([Item(item.content[begin:end]) for begin, end in ranges])
        return tuple(
            Span(begin, end, score.labels[label])
            for (begin, end), score in zip(ranges, scores, strict=True)
        )


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut *items* so that what is held of them at once is bounded."""
    begin = length = 0
    for end, item in enumerate(items):
        longer = min(len(item.content), MAX_LENGTH)
        if end > begin and (end - begin == _AT_ONCE or length + longer > _AT_ONCE_LENGTH):
            yield items[begin:end]
            begin, length = end, 0
        length += longer
    if begin < len(items):
        yield items[begin:]


def _scored(item: Item, reading: Reading, row: list[float]) -> Score:
    language, known = language_of(reading, item.language)
    return Score(
        labels=dict(zip(LABELS, row, strict=True)),
        language=language,
        known_language=known,
        empty=not says_something(reading.own),
    )


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # Beyond 60 a probability can't be told from 1, and far beyond it exp overflows.
    bounded = np.minimum(np.maximum(-logits, -60), 60)
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(bounded))
    return probabilities


def _weightiest(
    content: str, spans: Sequence[Span], features: Sequence[Reason], most: int = 5
) -> tuple[Reason, ...]:
    """Return the weightiest reasons for the score, each of them once."""
    words = (
        Reason("says", _SAYS, span.weight, {"word": content[span.begin : span.end][:40]})
        for span in spans
    )
    reasons = [one for one in (*features, *words) if one.weight > _WORTH_SAYING]
    reasons.sort(key=lambda reason: reason.weight)
    once = {one.text % one.values: one for one in reasons}
    return tuple(sorted(once.values(), key=lambda reason: -reason.weight)[:most])


#: A reason that moves the log-odds by less isn't worth a moderator's time.
_WORTH_SAYING = 0.2

#: What a word says to a moderator.
_SAYS = said("says “%(word)s”")

#: What the terms of ``_behaviour`` say to a moderator.
BEHAVIOUR = {
    "honeypot": said("filled in a field that people don't see"),
    "too_fast": said("was sent within three seconds"),
    "near_duplicates": said("was sent in nearly the same words by others"),
}


def _behaviour(item: Item) -> dict[str, float]:
    """Return the fixed log-odds for spam of what no data set has: how the comment was sent.

    They are set by hand and only ever add. A filled trap is all but proof; nobody reads a page and
    writes an answer within three seconds; a text that other authors sent too is a campaign.
    """
    terms: dict[str, float] = {}
    if item.honeypot:
        terms["honeypot"] = 6.0
    if item.seconds_to_submit is not None and item.seconds_to_submit < 3:
        terms["too_fast"] = 1.5
    if item.near_duplicates > 0:
        terms["near_duplicates"] = 1.5 * min(item.near_duplicates, 4)
    return terms


def newest_version(path: Path | None = None) -> str:
    """Return the version of the artifact that lies below *path* now, without loading it."""
    return str(artifacts.read_manifest(path or artifacts.SHIPPED)["version"])
