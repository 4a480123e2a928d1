"""Scores comments: a calibrated probability for each label, the same alone and in any batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models import artifacts, explain
from models.artifacts import BrokenArtifact
from models.datasets import LABELS
from models.encoder import Encoder
from models.explain import Contribution, Explanation, Span
from models.heads import Heads, Inputs
from models.house import Basis, HouseHead, Shift, nearest
from models.languages import language_of
from models.ngrams import chunked, hashed
from models.signals import AUTHOR_SENTENCES, AUTHOR_SIGNALS, SIGNALS, of_author, said, table
from models.simhash import letters
from models.text import MAX_LENGTH, Reading, read, says_something

__all__ = [
    "LABELS",
    "Contribution",
    "Explanation",
    "Item",
    "Reader",
    "Score",
    "Scorer",
    "Span",
    "newest_version",
]

#: Comments that are read at once, and characters of several of them together.
_AT_ONCE = 512
_AT_ONCE_LENGTH = 1 << 17
Numbers = NDArray[np.float64]
#: Thresholds: "flag" and "reject", each by label.
Bars = Mapping[str, Mapping[str, float]]


class Reader(StrEnum):
    """The part of the model that read a comment."""

    ENCODER = "encoder"
    NGRAMS = "ngrams"


@dataclass(frozen=True, slots=True)
class Item:
    """A comment to score; everything but the content is optional."""

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
    #: Number of other authors who recently sent nearly this text to this site.
    near_duplicates: int = 0
    #: What the site thinks of the author, from -1 (rejected before) over 0 (unknown) to 1 (approved
    #: many times). It moves the log-odds of spam by at most ``MOST_OF_TRUST``.
    trust: float = 0.0


class Score(NamedTuple):
    """The model's scores of one comment."""

    labels: Mapping[str, float]
    #: ISO 639-1 code, or "" where the language is unknown.
    language: str
    #: False when the model was not measured on the comment's language.
    known_language: bool
    #: True when the comment has no letter, digit, picture or emoticon.
    empty: bool
    read_by: Reader = Reader.ENCODER
    #: The artifact's version, with "-ngrams" behind it where the encoder did not read, and "+s12"
    #: where the site's head of that number was asked.
    model: str = ""
    #: The logits of spam and toxicity before the site's head moved them (``Evidence.spam``,
    #: ``Evidence.unwanted``).
    shared: tuple[float, float] = (0.0, 0.0)
    #: What the site's head added to them.
    moved: tuple[float, float] = (0.0, 0.0)
    #: ``Evidence.features``; empty where the encoder did not read or the model has no basis.
    features: bytes = b""
    #: Whether n-grams and signals by themselves see a label of abuse that all together are sure of.
    #: True where they alone have read.
    seconded: bool = True
    #: The labels before the site's head moved them; None where none did.
    unmoved: Mapping[str, float] | None = None
    #: Decided comments that one that a head moved is like, up to ``MOST_ALIKE``, the nearest first:
    #: id and answer each.
    alike: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to read: its heads, its calibration, its thresholds."""

    heads: Heads
    slopes: Numbers
    shifts: Numbers
    thresholds: Mapping[str, Mapping[str, float]]

    def calibrated(self, sums: Numbers, behaviour: Numbers) -> Numbers:
        logits = sums * self.slopes + self.shifts
        logits[:, 0] += behaviour
        return logits


class _SharedReading(NamedTuple):
    """The shared model's result for one comment, before the site's head."""

    logits: Numbers
    by: Reader
    features: bytes = b""
    seconded: bool = True


#: A label of abuse is seconded when all heads together give it at least the first probability, and
#: n-grams and signals by themselves the second. Rejecting for abuse needs such a label
#: (docs/adr/0113).
SURE_FROM, SECONDED_FROM = 0.8, 0.3

_SPAM, _TOXICITY = LABELS.index("spam"), LABELS.index("toxicity")
#: What a rough tone raises; "wanted here" lowers all of it.
_TONE = [LABELS.index(label) for label in ("toxicity", "severe_toxicity", "obscene", "insult")]


class Scorer:
    """The loaded model: safe to load once and to share with forked workers.

    Parameters
    ----------
    artifact
        The heads.
    encoder
        The sentence encoder; None: only n-grams and signals, with their own thresholds.
    basis
        What sites' heads are fitted in; None, or one that another encoder has, leaves them out.

    Examples
    --------
    >>> from models.scorer import Item, Scorer
    >>> scorer = Scorer.load()
    >>> score, = scorer.score([Item("Thank you, the second example cleared it up for me.")])
    >>> score.labels["toxicity"] < scorer.thresholds["flag"]["toxicity"]
    True
    """

    def __init__(
        self,
        artifact: artifacts.Artifact,
        encoder: Encoder | None,
        basis: Basis | None = None,
    ) -> None:
        manifest = artifact.manifest
        _check(manifest, encoder)
        self.version = artifact.version
        self.card: Mapping[str, Any] = manifest
        self._weights = artifact.weights
        self._scales = np.array([manifest["scales"][label] for label in LABELS])
        self._intercepts = np.array([manifest["intercepts"][label] for label in LABELS])
        self._encoder = encoder
        self._alone = _way(Heads(artifact.alone, reads=False), manifest["ways"]["alone"])
        self._joined = _way(Heads(artifact.joined, reads=True), manifest["ways"]["joined"])
        self._usual = self._joined if encoder else self._alone
        self.thresholds = self._usual.thresholds
        self._levels = _levels(self.thresholds)
        #: The basis of sites' heads; None where there is no learning.
        self.basis = basis if basis and encoder and basis.encoder == encoder.version else None

    @classmethod
    def load(cls, path: Path | None = None, *, encoder: bool = True) -> Self:
        """Return a scorer for the artifact below *path*, or for the one that was shipped.

        The encoder lies beside the heads, in ``encoder/``, or is the shipped one. Raises
        BrokenArtifact if a file is missing, damaged, or was made for other labels.
        """
        directory = path or artifacts.SHIPPED
        beside = directory / "encoder"
        reader = None
        if encoder:
            reader = Encoder.load(beside) if beside.is_dir() else Encoder.load()
        return cls(artifacts.load(directory), reader, Basis.load(directory))

    def renewed(self, path: Path | None = None) -> Self:
        """Return a scorer for the artifact that lies below *path* now.

        The encoder in hand is kept, and stays shared, when the new heads were made for it.
        """
        artifact = artifacts.load(path or artifacts.SHIPPED)
        if self._encoder is None or artifact.manifest["encoder"] == self._encoder.version:
            return type(self)(artifact, self._encoder, Basis.load(path or artifacts.SHIPPED))
        return self.load(path)

    def score(
        self,
        items: Sequence[Item],
        *,
        hurried: bool = False,
        house: HouseHead | Sequence[HouseHead | None] | None = None,
        bars: Sequence[Bars | None] = (),
    ) -> list[Score]:
        """Return a score for each item, in order.

        *hurried* spares the encoder what n-grams and signals are sure of, good or bad, for while
        comments come in faster than they can be read. *house* is the head of the site, or one for
        each item; what the encoder did not read is not moved by it. *bars* are the thresholds of each
        item's site, flag and reject by label, where they are not the model's own: it is by them that a
        head moves a verdict by one step at most.
        """
        houses: Sequence[HouseHead | None]
        houses = [house] * len(items) if house is None or isinstance(house, HouseHead) else house
        scores: list[Score] = []
        for part in _parts(items):
            own = houses[len(scores) : len(scores) + len(part)]
            levels = bars[len(scores) : len(scores) + len(part)] or [None] * len(part)
            readings = read([item.content for item in part])
            found = self._read(readings, part, hurried=hurried)
            scores += map(self._scored, part, readings, found, own, levels)
        return scores

    def _read(
        self, readings: Sequence[Reading], items: Sequence[Item], *, hurried: bool = False
    ) -> list[_SharedReading]:
        inputs = self._inputs(readings, items)
        behaviour = np.array(
            [sum(_behaviour(item, one).values()) for item, one in zip(items, readings, strict=True)]
        )
        logits = self._alone.calibrated(self._alone.heads.sums(inputs), behaviour)
        if self._encoder is not None and not hurried:
            found = self._joint(self._encoded(inputs, readings), behaviour)
            return _seconded(found, logits)
        found = [_SharedReading(row, Reader.NGRAMS) for row in logits]
        if self._encoder is None:
            return found
        unsure = np.flatnonzero(~self._sure(_sigmoid(logits))).tolist()
        if unsure:
            some = Inputs(inputs.ngrams[unsure], inputs.signals[unsure])
            encoded = self._encoded(some, [readings[row] for row in unsure])
            joint = _seconded(self._joint(encoded, behaviour[unsure]), logits[unsure])
            for row, one in zip(unsure, joint, strict=True):
                found[row] = one
        return found

    def _joint(self, inputs: Inputs, behaviour: Numbers) -> list[_SharedReading]:
        """Return what all heads say together of comments that the encoder read."""
        logits = self._joined.calibrated(self._joined.heads.sums(inputs), behaviour)
        if self.basis is None:
            return [_SharedReading(row, Reader.ENCODER) for row in logits]
        assert inputs.features is not None
        assert inputs.owners is not None
        features = self.basis.reduced(inputs.features, inputs.owners, inputs.signals)
        return [
            _SharedReading(row, Reader.ENCODER, own.tobytes())
            for row, own in zip(logits, features, strict=True)
        ]

    def _scored(
        self,
        item: Item,
        reading: Reading,
        found: _SharedReading,
        house: HouseHead | None,
        bars: Bars | None,
    ) -> Score:
        language, known = language_of(reading, item.language)
        logits, moved, model = found.logits, (0.0, 0.0), self.version
        unmoved: Mapping[str, float] | None = None
        alike: tuple[tuple[str, str], ...] = ()
        if found.by is not Reader.ENCODER:
            model = f"{model}-{found.by}"
        elif house and found.features and self.basis and house.basis == self.basis.name:
            model = f"{model}+{house.version}"
            logits, moved = self._moved(logits, house.shift(found.features), bars)
            if any(moved):
                unmoved = dict(zip(LABELS, _sigmoid(found.logits).tolist(), strict=True))
                alike = _alike(found.features, house)
        return Score(
            labels=dict(zip(LABELS, _sigmoid(logits).tolist(), strict=True)),
            language=language,
            known_language=known,
            empty=not says_something(reading.own),
            read_by=found.by,
            model=model,
            shared=(float(found.logits[_SPAM]), float(found.logits[_TOXICITY])),
            moved=moved,
            features=found.features,
            seconded=found.seconded,
            unmoved=unmoved,
            alike=alike,
        )

    def moved_by(self, score: Score, house: HouseHead, bars: Bars | None = None) -> Score:
        """Return a score that no head has moved as *house* would have moved it.

        Saves the reading. What the encoder did not read, or in another basis, stays as it is. *bars*
        as in ``score``.
        """
        if not (score.features and self.basis and house.basis == self.basis.name):
            return score
        logits = _logit(np.array([score.labels[label] for label in LABELS]).clip(1e-12, 1 - 1e-12))
        logits, moved = self._moved(logits, house.shift(score.features), bars)
        labels = dict(zip(LABELS, _sigmoid(logits).tolist(), strict=True))
        return score._replace(labels=labels, moved=moved, model=f"{score.model}+{house.version}")

    def _moved(
        self, logits: Numbers, shift: Shift, bars: Bars | None
    ) -> tuple[Numbers, tuple[float, float]]:
        """Return *logits* as a site's head moves them, and by how much spam and toxicity moved.

        What is unwanted raises toxicity; what is wanted lowers everything that tone makes, so that
        a site's rough tone is not held under another name. Threats and attacks on groups are never
        lowered. A verdict moves by one step at most: what the shared model would allow is not
        rejected, and what it would reject is not allowed, for these labels by a head alone. Allowed
        and rejected is what the site's *bars* say, or the model's own.
        """
        flag, reject = _levels(bars) if bars else self._levels
        moved = logits.copy()
        moved[_SPAM] += shift.spam
        moved[_TONE if shift.unwanted < 0 else [_TOXICITY]] += shift.unwanted
        below, beyond = (logits < flag).all(), logits >= reject
        if below:
            moved = np.minimum(moved, np.maximum(logits, reject - _CLEAR))
        moved = np.where(beyond, np.maximum(moved, np.minimum(logits, flag + _CLEAR)), moved)
        change = moved - logits
        return moved, (float(change[_SPAM]), float(change[_TOXICITY]))

    def _sure(self, probabilities: Numbers) -> NDArray[np.bool_]:
        """Say which comments n-grams alone would allow by far, or reject."""
        flag, reject = (
            np.array([self._alone.thresholds[name][label] for label in LABELS])
            for name in ("flag", "reject")
        )
        good = (probabilities < flag * _SURE).all(axis=1)
        # What one way of reading rejects must be beyond the other's threshold, too.
        bar = np.maximum(reject, [self._joined.thresholds["reject"][label] for label in LABELS])
        sure: NDArray[np.bool_] = np.logical_or(good, (probabilities >= bar).any(axis=1))
        return sure

    def _encoded(self, inputs: Inputs, readings: Sequence[Reading]) -> Inputs:
        assert self._encoder is not None
        said = self._encoder.read([reading.own for reading in readings])
        return Inputs(inputs.ngrams, inputs.signals, said.features, said.logits, said.owners)

    def iter_scores(self, items: Iterable[Item], batch: int = 256) -> Iterator[tuple[Item, Score]]:
        """Yield each item of a stream with its score, keeping one batch in memory."""
        stream = iter(items)
        while part := list(islice(stream, batch)):
            yield from zip(part, self.score(part), strict=True)

    def _inputs(self, readings: Sequence[Reading], items: Sequence[Item]) -> Inputs:
        """Return n-gram logits and signals of each item; the signals of its author stay out."""
        ngrams = np.tile(self._intercepts, (len(items), 1))
        done = 0
        for chunk in chunked((reading.written, reading.normal) for reading in readings):
            self._add_sums(ngrams[done : done + len(chunk)], chunk)
            done += len(chunk)
        return Inputs(ngrams, table(readings))

    def _add_sums(self, logits: Numbers, pairs: Sequence[tuple[str, str]]) -> None:
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
            # For an empty block reduceat gives a neighbour's n-gram.
            sums = np.zeros((len(starts), rows.shape[1]), np.int32)
            sums[some] = np.add.reduceat(rows, starts[some], axis=0, dtype=np.int32)
        norms = np.sqrt(np.maximum(sums[:, -1:], 1) / 128)
        worth = sums[:, :-1] / norms * self._scales
        logits += worth[::2]
        logits += worth[1::2]

    def explain(self, item: Item, label: str | None = None) -> Explanation:
        """Return what made the score of *label*, or of the label closest to being flagged.

        A span's weight: by how much the log-odds fall when its words are left out, everything else
        being read again without them. The weights of signals are exact. All is read in one batch;
        long comments are left out in groups of words, at most ``explain.MOST_GROUPS``.
        """
        (reading,) = read([item.content])
        if label is None:
            label = self._leading(reading, item)
        column = LABELS.index(label)
        groups = explain.word_groups(item.content)
        without = [explain.without(item.content, group) for group in groups]
        readings = [reading, *read(without)]
        items = [item] * len(readings)
        logits = self._logits(readings, items)[:, column]
        spans = explain.marked(groups, logits[0] - logits[1:])
        features = self._features(reading, item, column)
        features.sort(key=lambda reason: -abs(reason.weight))
        return Explanation(
            label=label,
            score=float(_sigmoid(logits[:1])[0]),
            spans=tuple(spans),
            features=tuple(features),
            reasons=_weightiest(item.content, spans, features),
        )

    def _logits(self, readings: Sequence[Reading], items: Sequence[Item]) -> Numbers:
        inputs = self._inputs(readings, items)
        if self._encoder:
            inputs = self._encoded(inputs, readings)
        behaviour = np.array(
            [sum(_behaviour(item, one).values()) for item, one in zip(items, readings, strict=True)]
        )
        return self._usual.calibrated(self._usual.heads.sums(inputs), behaviour)

    def _leading(self, reading: Reading, item: Item) -> str:
        logits = self._logits([reading], [item])[0]
        flags = np.array([self.thresholds["flag"][name] for name in LABELS])
        return LABELS[int(np.argmax(logits - np.log(flags / (1 - flags))))]

    def _features(self, reading: Reading, item: Item, column: int) -> list[Contribution]:
        raised = self._inputs([reading], [item]).signals[0]
        way = self._usual
        worth = raised * way.heads.of_signals()[:, column] * way.slopes[column]
        features = [
            Contribution(name, SIGNALS[name], float(weight))
            for name, weight in zip(SIGNALS, worth, strict=True)
            if weight
        ]
        if LABELS[column] == "spam":
            features += [
                Contribution(name, BEHAVIOUR[name], weight)
                for name, weight in _behaviour(item, reading).items()
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


#: Decided comments that a moved one is said to be like, at most: some 0.3 ms among 300.
MOST_ALIKE = 5
#: How far a logit stays clear of a threshold, so that rounding puts no score on its other side.
_CLEAR = 1e-6
#: A hurried reading is sure of a comment that stays below this share of every threshold.
_SURE = 0.25


def _alike(features: bytes, house: HouseHead) -> tuple[tuple[str, str], ...]:
    near = nearest(features, house.known, MOST_ALIKE)
    return tuple((one.evidence.comment, str(one.evidence.answer)) for one in near)


def _seconded(found: Sequence[_SharedReading], alone: Numbers) -> list[_SharedReading]:
    """Return *found* with whether n-grams and signals, logits *alone*, second a label of abuse."""
    sure, second = _logit(np.array([SURE_FROM, SECONDED_FROM]))
    return [
        one._replace(seconded=bool(np.delete((one.logits >= sure) & (row >= second), _SPAM).any()))
        for one, row in zip(found, alone, strict=True)
    ]


def _check(manifest: Mapping[str, Any], encoder: Encoder | None) -> None:
    if list(manifest["labels"]) != list(LABELS):
        raise BrokenArtifact(f"the artifact has the labels {', '.join(manifest['labels'])}")
    if list(manifest["signals"]) != list(SIGNALS):
        raise BrokenArtifact("the artifact was made for other signals")
    if encoder and manifest["encoder"] != encoder.version:
        raise BrokenArtifact(
            f"the heads were made for encoder {manifest['encoder']}, not for {encoder.version}"
        )


def _way(heads: Heads, known: Mapping[str, Any]) -> _Way:
    slopes, shifts = zip(*(known["calibration"][label] for label in LABELS), strict=True)
    return _Way(heads, np.array(slopes), np.array(shifts), known["thresholds"])


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut *items* into parts of bounded memory."""
    begin = length = 0
    for end, item in enumerate(items):
        longer = min(len(item.content), MAX_LENGTH)
        if end > begin and (end - begin == _AT_ONCE or length + longer > _AT_ONCE_LENGTH):
            yield items[begin:end]
            begin, length = end, 0
        length += longer
    if begin < len(items):
        yield items[begin:]


def _levels(bars: Bars) -> tuple[Numbers, Numbers]:
    """Return the logits from which *bars* flag and reject; a bar beyond 1 is never reached."""
    with np.errstate(divide="ignore"):
        flag, reject = (
            _logit(np.array([min(bars[name][label], 1.0) for label in LABELS]))
            for name in ("flag", "reject")
        )
    return flag, reject


def _logit(probabilities: Numbers) -> Numbers:
    logits: Numbers = np.log(probabilities / (1 - probabilities))
    return logits


def _sigmoid(logits: Numbers) -> Numbers:
    # Beyond 60 a probability rounds to 1, and far beyond it exp overflows.
    bounded = np.minimum(np.maximum(-logits, -60), 60)
    probabilities: Numbers = 1 / (1 + np.exp(bounded))
    return probabilities


def _weightiest(
    content: str, spans: Sequence[Span], features: Sequence[Contribution], most: int = 5
) -> tuple[Contribution, ...]:
    """Return the weightiest reasons for the score, each of them once."""
    words = (
        Contribution("says", _SAYS, span.weight, {"word": content[span.begin : span.end][:40]})
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
    **AUTHOR_SENTENCES,
    "too_little": said("is too short to offer anything"),
    "honeypot": said("filled in a field that people don't see"),
    "too_fast": said("was sent within three seconds"),
    "near_duplicates": said("was sent in nearly the same words by others"),
    "trusted": said("is by someone whose comments were approved here before"),
    "distrusted": said("is by someone whose comments were rejected here before"),
}
#: The most that trust in an author moves the log-odds of spam, either way: it is never a bypass.
MOST_OF_TRUST = 1.5
#: The most that all that is known of an author adds to the log-odds of spam: no author's fields
#: alone hold a comment that reads well.
MOST_OF_AUTHOR = 2.0


def _behaviour(item: Item, reading: Reading) -> dict[str, float]:
    """Return the fixed log-odds for spam of what no data set has honestly: who sent it, and how.

    They are set by hand. A filled trap is all but proof; nobody reads a page and
    writes an answer within three seconds; a text that other authors sent too is a campaign. In the
    data an author's address tells the source, and so nothing may be learned of it.
    """
    terms: dict[str, float] = {}
    if _says_too_little(reading):
        terms["too_little"] = -3.0
    if item.honeypot:
        terms["honeypot"] = 6.0
    if item.seconds_to_submit is not None and item.seconds_to_submit < 3:
        terms["too_fast"] = 1.5
    if item.near_duplicates > 0:
        terms["near_duplicates"] = 1.5 * min(item.near_duplicates, 4)
    if item.trust:
        trust = min(max(item.trust, -1.0), 1.0)
        terms["trusted" if trust > 0 else "distrusted"] = -MOST_OF_TRUST * trust
    if item.author_name or item.author_email or item.author_url:
        shown = of_author(reading, item.author_name, item.author_email, item.author_url)
        known = {name: AUTHOR_SIGNALS[name] * value for name, value in shown.items()}
        total = sum(known.values())
        terms |= {name: worth * min(1.0, MOST_OF_AUTHOR / total) for name, worth in known.items()}
    return terms


#: Letters of a comment below which a word or two stand alone.
_A_WORD_OR_TWO = 15


def _says_too_little(reading: Reading) -> bool:
    """Whether a comment is a word or two, with no link and no number to be reached by."""
    return (
        letters(reading) < _A_WORD_OR_TWO
        and not reading.links
        and not any(map(str.isnumeric, reading.own))
        and "@" not in reading.own
    )


def newest_version(path: Path | None = None) -> str:
    """Return the version of the artifact that lies below *path* now, without loading it."""
    return str(artifacts.read_manifest(path or artifacts.SHIPPED)["version"])
