"""A site's own head: what a site's decisions say beyond the shared model, within stated bounds.

Evidence is one decided comment. ``learn`` fits a head on a site's evidence, replays it, and says
whether it may be put in place; ``Scorer.score(items, house=...)`` uses it. Nothing here does I/O
except ``Basis.load`` and ``Basis.save``, and nothing needs scikit-learn.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artifacts import SHIPPED, BrokenArtifact, put
from models.near import MAX_DISTANCE

Numbers = NDArray[np.float64]
Bytes = NDArray[np.int8]

#: The most a head moves a logit, either way. Between holding and rejecting lie 1.7 to 3 in the
#: shipped thresholds.
BOUND = 2.0
#: The most decisions that a head is fitted on: the latest.
MOST = 10_000
#: The fewest decisions, near-duplicates counted once, and the fewest of either side of a question.
FEWEST, FEWEST_A_SIDE = 20, 4
#: The largest share of the weight that one person's decisions have, where several people decided.
PERSON_SHARE = 0.5
#: A feature is kept as an int8: its standardised value times this, so that +-4 spreads are kept.
UNITS = 32
#: Variances of the prior of a weight that are tried; zero, the head that moves nothing, always is.
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
#: Parts of the cross-validation.
FOLDS = 5
#: Cosine in feature space from which two comments are called alike (``nearest``).
ALIKE = 0.75


class Answer(StrEnum):
    """What a person decided; the values of ``moderation.comment.Decision``."""

    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"


class Seen(StrEnum):
    """Why a person saw the comment, which says how much the decision weighs."""

    #: The machine held it.
    HELD = "held"
    #: The machine settled it, and it went into the queue at random.
    SPOT_CHECK = "spot_check"
    #: The machine settled it, and a person decided otherwise or said the same (desk, API, import).
    SURE = "sure"


#: The weight of a decision. Only what was held is seen by people; a spot check stands for many
#: comments that nobody saw, what was settled anyway is often confirmed without being read.
WEIGHTS = {Seen.HELD: 1.0, Seen.SPOT_CHECK: 2.0, Seen.SURE: 0.5}

_ANSWERS, _SEEN = tuple(Answer), tuple(Seen)
_EVIDENCE = struct.Struct("<2sBB6sIQQffHB")
_HEAD = struct.Struct("<2sB6sIIIffffffH")
_MAGIC, _HEAD_MAGIC = b"E1", b"H1"


class BrokenHouse(ValueError):
    """Raised when bytes are no evidence, or no head."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One decided comment, in a few hundred bytes, without its text.

    Attributes
    ----------
    comment : str
        Its id, at most 64 ASCII characters.
    at : int
        Unix seconds of the decision.
    answer : Answer
    seen : Seen
    by : int
        A number for the person, 0 to 2**32 - 1; what stands behind it stays with the caller.
    basis : str
        The name of the basis that the features are in (``Basis.name``, 12 hex digits): evidence of
        another basis is left out of a fit.
    features : bytes
        One int8 a direction of the basis (``Score.features``), at most 400.
    spam, unwanted : float
        The shared model's logits of spam and of toxicity (``Score.shared``) at the time.
    signature : int
        ``models.near.signature``, 64 bits; 0 if the text is too short to compare.
    """

    comment: str
    at: int
    answer: Answer
    seen: Seen
    by: int
    basis: str
    features: bytes = field(repr=False)
    spam: float
    unwanted: float
    signature: int = 0

    def to_bytes(self) -> bytes:
        """Return it in 41 bytes beside its id and its features."""
        comment = self.comment.encode("ascii")
        if len(comment) > 64 or len(self.features) > 400:
            raise BrokenHouse("the id or the features are too long")
        return (
            _EVIDENCE.pack(
                _MAGIC,
                _ANSWERS.index(self.answer),
                _SEEN.index(self.seen),
                bytes.fromhex(self.basis),
                self.by,
                self.at,
                self.signature,
                self.spam,
                self.unwanted,
                len(self.features),
                len(comment),
            )
            + comment
            + self.features
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> Evidence:
        """Return what ``to_bytes`` wrote. Raises BrokenHouse if *raw* is anything else."""
        try:
            magic, answer, seen, basis, by, at, signature, spam, unwanted, size, length = (
                _EVIDENCE.unpack_from(raw)
            )
            comment = raw[_EVIDENCE.size : _EVIDENCE.size + length].decode("ascii")
            features = raw[_EVIDENCE.size + length :]
            if magic != _MAGIC or len(features) != size or len(comment) != length or size > 400:
                raise BrokenHouse("these bytes are no evidence")
            if not (np.isfinite(spam) and np.isfinite(unwanted)):
                raise BrokenHouse("a logit of this evidence is not finite")
            return cls(
                comment,
                at,
                _ANSWERS[answer],
                _SEEN[seen],
                by,
                basis.hex(),
                features,
                spam,
                unwanted,
                signature,
            )
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise BrokenHouse("these bytes are no evidence") from error


@dataclass(frozen=True, slots=True)
class Shift:
    """What a head adds to the logits of one comment, each within +-``BOUND``."""

    spam: float
    unwanted: float


@dataclass(frozen=True, slots=True)
class HouseHead:
    """A site's own weights. It moves nothing where it has learned nothing.

    Attributes
    ----------
    basis : str
        The basis that its weights are in; comments of another basis are not moved.
    number : int
        The site's version number, given by the caller (``numbered``).
    decisions : int
        How many decisions it was fitted on, near-duplicates counted once.
    until : int
        Unix seconds of the latest of them.
    spam, unwanted : ndarray of shape (n_directions + 1,), float32
        Weights, the intercept last; all zero if that side learned nothing.
    strengths : (float, float)
        The prior variance that cross-validation chose for each; 0 if it stayed at zero.
    gains : (float, float)
        What each takes off the log-loss of an unseen decision, by cross-validation.
    """

    basis: str
    spam: NDArray[np.float32] = field(repr=False)
    unwanted: NDArray[np.float32] = field(repr=False)
    decisions: int = 0
    until: int = 0
    strengths: tuple[float, float] = (0.0, 0.0)
    gains: tuple[float, float] = (0.0, 0.0)
    number: int = 0

    @property
    def version(self) -> str:
        """How scores name it, behind the shared model's version: ``s12``."""
        return f"s{self.number}"

    @property
    def digest(self) -> str:
        """The first 12 hex digits of a digest of all that it does: equal heads move alike."""
        raw = self.spam.tobytes() + self.unwanted.tobytes() + self.basis.encode()
        return hashlib.sha256(raw).hexdigest()[:12]

    @property
    def moves(self) -> bool:
        """Whether it moves any comment at all."""
        return bool(self.spam.any() or self.unwanted.any())

    def numbered(self, number: int) -> HouseHead:
        """Return it as the site's version *number*."""
        return replace(self, number=number)

    def shift(self, features: bytes) -> Shift:
        """Return how it moves the logits of a comment with these features; nothing for ``b""``."""
        if len(features) + 1 != len(self.spam):
            return Shift(0.0, 0.0)
        spam, unwanted = self.shifts(np.frombuffer(features, np.int8)[None])[0].tolist()
        return Shift(spam, unwanted)

    def shifts(self, features: Bytes) -> Numbers:
        """Return the moves of several comments, shape (n_comments, 2): spam, unwanted."""
        rows = _scaled(features)
        both = np.stack([self.spam, self.unwanted], axis=1).astype(np.float64)
        # Einstein sums add in one order whatever the number of rows: alone as in a batch.
        moved = np.einsum("ij,jk->ik", rows, both[:-1], optimize=False) + both[-1]
        bounded: Numbers = np.clip(moved, -BOUND, BOUND)
        return bounded

    def to_bytes(self) -> bytes:
        """Return it in a few kilobytes."""
        return (
            _HEAD.pack(
                _HEAD_MAGIC,
                0,
                bytes.fromhex(self.basis),
                self.number,
                self.decisions,
                self.until,
                *self.strengths,
                *self.gains,
                0.0,
                0.0,
                len(self.spam),
            )
            + self.spam.astype("<f4").tobytes()
            + self.unwanted.astype("<f4").tobytes()
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> HouseHead:
        """Return what ``to_bytes`` wrote. Raises BrokenHouse if *raw* is anything else."""
        try:
            magic, _, basis, number, decisions, until, s1, s2, g1, g2, _, _, size = (
                _HEAD.unpack_from(raw)
            )
        except struct.error as error:
            raise BrokenHouse("these bytes are no head") from error
        if magic != _HEAD_MAGIC or len(raw) != _HEAD.size + 8 * size or not 1 < size <= 401:
            raise BrokenHouse("these bytes are no head")
        weights = np.frombuffer(raw, "<f4", offset=_HEAD.size).astype(np.float32)
        if not np.isfinite(weights).all():
            raise BrokenHouse("a weight of this head is not finite")
        return cls(
            basis.hex(),
            weights[:size],
            weights[size:],
            decisions,
            until,
            (s1, s2),
            (g1, g2),
            number,
        )


@dataclass(frozen=True)
class Frozen:
    """Comments that ship with the model, as numbers alone, on which no head may do harm.

    Attributes
    ----------
    features : ndarray of shape (n_comments, n_directions), int8
    shared : ndarray of shape (n_comments, 2), float32
        The shared logits of spam and toxicity.
    labels : ndarray of shape (n_comments, 2), int8
        1, 0, or -1 where it isn't known, for spam and unwanted.
    sources : ndarray of shape (n_comments,), int16
        Which source each is of.
    """

    features: Bytes
    shared: NDArray[np.float32]
    labels: Bytes
    sources: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Basis:
    """How features are made few: the directions in which comments of all sources differ.

    It ships with the model in ``house.npz``, beside the heads, and belongs to one encoder.

    Attributes
    ----------
    encoder : str
        The encoder's version.
    mean : ndarray of shape (768,), float32
    directions : ndarray of shape (768, n_directions), float32
        Applied to features less their mean; the results have spread 1.
    frozen : Frozen
    model : str
        The version of the shared model whose logits the frozen set has.
    """

    encoder: str
    mean: NDArray[np.float32]
    directions: NDArray[np.float32]
    frozen: Frozen
    model: str = ""

    @property
    def name(self) -> str:
        """The name of features in it: 12 hex digits."""
        raw = self.encoder.encode() + self.mean.tobytes() + self.directions.tobytes()
        return hashlib.sha256(raw).hexdigest()[:12]

    def reduced(self, features: NDArray[np.floating], owners: NDArray[np.intp]) -> Bytes:
        """Return one row a comment, int8, from the encoder's features of its windows.

        Parameters
        ----------
        features : ndarray of shape (n_windows, 768)
        owners : ndarray of shape (n_windows,), intp
            The comment of each window, ascending; each comment has one.
        """
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else owners
        counts = np.diff(np.r_[starts, len(owners)])
        means = (
            np.add.reduceat(features, starts, axis=0) / counts[:, None] if len(starts) else features
        )
        rows = np.einsum("ij,jk->ik", means - self.mean, self.directions, optimize=False)
        rounded: Bytes = np.clip(np.rint(rows * UNITS), -127, 127).astype(np.int8)
        return rounded

    def save(self, path: Path) -> None:
        """Write it to *path*, whole or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            encoder=np.array(self.encoder),
            model=np.array(self.model),
            mean=self.mean,
            directions=self.directions.astype(np.float16),
            features=self.frozen.features,
            shared=self.frozen.shared,
            labels=self.frozen.labels,
            sources=self.frozen.sources,
        )
        put(path, buffer.getvalue())

    @classmethod
    def load(cls, directory: Path = SHIPPED) -> Basis | None:
        """Return the basis below *directory*; None if there is none, and so no learning.

        Raises BrokenArtifact if it can't be read.
        """
        path = directory / FILE
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(
                    str(file["encoder"]),
                    file["mean"],
                    file["directions"].astype(np.float32),
                    Frozen(file["features"], file["shared"], file["labels"], file["sources"]),
                    str(file["model"]),
                )
        except (OSError, ValueError, KeyError) as error:
            raise BrokenArtifact(f"{FILE} can't be read below {directory}") from error


#: The file of the basis, beside the heads.
FILE = "house.npz"


class Reason(StrEnum):
    """Why a head is put in place, or is not."""

    BETTER = "better"
    #: Fewer decisions than a head needs, or all of one kind.
    TOO_FEW = "too_few"
    #: Cross-validation found nothing that helps: the head moves nothing.
    NOTHING_LEARNED = "nothing_learned"
    #: On the site's latest decisions, unseen by it, it does no better than what judges now.
    NO_BETTER_HERE = "no_better_here"
    #: On the frozen set it ranks worse, or holds or rejects more good comments.
    WORSE_ELSEWHERE = "worse_elsewhere"


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a head may judge, and the figures that say so.

    Attributes
    ----------
    accepted : bool
    reason : Reason
    decisions : int
        How many decisions were replayed; none of them was fitted on.
    agreement : (float, float)
        Share of them that a judgement "more likely good than bad" agrees with, before and after.
    loss : (float, float)
        Mean log-loss on them, before and after.
    auc_drop : float
        The largest loss of ROC-AUC on the frozen set, over spam and unwanted.
    more_held, more_rejected : float
        How many more of the frozen set's good comments it holds, or rejects: shares.
    """

    accepted: bool
    reason: Reason
    decisions: int = 0
    agreement: tuple[float, float] = (0.0, 0.0)
    loss: tuple[float, float] = (0.0, 0.0)
    auc_drop: float = 0.0
    more_held: float = 0.0
    more_rejected: float = 0.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What ``learn`` returns: a head, and whether it may judge."""

    head: HouseHead
    gate: Gate


@dataclass(frozen=True, slots=True)
class Alike:
    """A decided comment near another one, and the cosine between them."""

    evidence: Evidence
    similarity: float


def learn(
    evidence: Iterable[Evidence],
    basis: Basis,
    current: HouseHead | None = None,
    *,
    without: Collection[int] = (),
) -> Learned:
    """Return a head fitted on all of *evidence*, and what the gate says of it.

    The latest fifth (10 to 200 decisions) is first kept from a trial head, which has to do better
    on it than *current* (nothing learned, if None); the head fitted on everything then has to do no
    harm on the frozen set. Put it in place only if ``gate.accepted``. Under a second for 10,000
    decisions on one core; equal evidence gives an equal head, bit by bit, in whatever order.

    Parameters
    ----------
    evidence : iterable of Evidence
        All of one site. Of the same comment the latest decision counts.
    basis : Basis
        ``Scorer.basis``.
    current : HouseHead or None
        The head that judges now.
    without : collection of int
        People (``Evidence.by``) whose decisions are left out.
    """
    rows = _in_order(evidence, basis.name, without)
    kept = min(200, max(10, len(rows) // 5))
    head = fit(rows, basis)
    if len(rows) < FEWEST + 10:
        return Learned(head, Gate(accepted=False, reason=Reason.TOO_FEW))
    if not head.moves:
        return Learned(head, Gate(accepted=False, reason=Reason.NOTHING_LEARNED))
    here = gate(fit(rows[:-kept], basis), current, rows[-kept:], None)
    there = gate(head, None, (), basis.frozen)
    reason = there.reason if here.accepted else here.reason
    return Learned(
        head,
        replace(
            here,
            accepted=here.accepted and there.accepted,
            reason=reason,
            auc_drop=there.auc_drop,
            more_held=there.more_held,
            more_rejected=there.more_rejected,
        ),
    )


def fit(evidence: Iterable[Evidence], basis: Basis, *, without: Collection[int] = ()) -> HouseHead:
    """Return a head fitted on *evidence*; one that moves nothing where that can't be justified.

    For each of "spam" and "unwanted here" it is a logistic regression on the features, with the
    shared model's logit as offset and a Gaussian prior on the weights. The variance of the prior is
    chosen by cross-validation, near-duplicates never apart; unless it beats the head that moves
    nothing by more than a standard error, that one stays.
    """
    rows = _in_order(evidence, basis.name, without)[-MOST:]
    size = basis.directions.shape[1]
    nothing = np.zeros(size + 1, np.float32)
    rows = [one for one in rows if len(one.features) == size]
    if not rows:
        return HouseHead(basis.name, nothing, nothing)
    groups = _groups([one.signature for one in rows], [one.features for one in rows])
    weights = _weights(rows, groups)
    X = _scaled(np.frombuffer(b"".join(one.features for one in rows), np.int8).reshape(-1, size))
    X = np.hstack([X, np.ones((len(X), 1))])
    found = []
    for bad, offsets in (
        (Answer.SPAM, [one.spam for one in rows]),
        (Answer.REJECT, [one.unwanted for one in rows]),
    ):
        asked = np.array([one.answer in {Answer.APPROVE, bad} for one in rows], bool)
        target = np.array([one.answer == bad for one in rows], float)
        found.append(
            _fitted(
                X[asked], target[asked], np.array(offsets)[asked], weights[asked], groups[asked]
            )
        )
    (spam, spam_strength, spam_gain), (unwanted, unwanted_strength, unwanted_gain) = found
    return HouseHead(
        basis.name,
        spam,
        unwanted,
        decisions=len(set(groups.tolist())),
        until=max(one.at for one in rows),
        strengths=(spam_strength, unwanted_strength),
        gains=(spam_gain, unwanted_gain),
    )


def gate(
    head: HouseHead,
    current: HouseHead | None,
    recent: Sequence[Evidence],
    frozen: Frozen | None,
) -> Gate:
    """Say whether *head* does better than *current* on *recent*, and no harm on *frozen*.

    *recent* are the site's last decisions, none of which *head* was fitted on. Either of *recent*
    and *frozen* may be left out, and is not asked then.
    """
    reason, figures = Reason.BETTER, Gate(accepted=True, reason=Reason.BETTER)
    if recent:
        before, after = _replayed(current, recent), _replayed(head, recent)
        figures = replace(
            figures,
            decisions=len(recent),
            loss=(before[0], after[0]),
            agreement=(before[1], after[1]),
        )
        if after[0] >= before[0]:
            reason = Reason.NO_BETTER_HERE
    if frozen is not None:
        shifts = head.shifts(frozen.features)
        moved = frozen.shared + shifts
        drops = [
            _auc(frozen.labels[:, column], frozen.shared[:, column])
            - _auc(frozen.labels[:, column], moved[:, column])
            for column in range(2)
        ]
        figures = replace(figures, auc_drop=float(max(drops)))
        if max(drops) > MOST_AUC_DROP:
            reason = Reason.WORSE_ELSEWHERE
    return replace(figures, accepted=reason == Reason.BETTER, reason=reason)


#: The most that a head may take from the ROC-AUC on the frozen set.
MOST_AUC_DROP = 0.002


def nearest(
    features: bytes, evidence: Sequence[Evidence], k: int = 5, *, alike: float = ALIKE
) -> list[Alike]:
    """Return at most *k* decided comments that are alike, the nearest first; often none.

    The cosine of features decides, from *alike* on: ``docs/learning.md`` says how often comments
    that near were decided the same.
    """
    usable = [one for one in evidence if len(one.features) == len(features)]
    if not usable or not features:
        return []
    rows = np.frombuffer(b"".join(one.features for one in usable), np.int8)
    rows = rows.reshape(len(usable), -1).astype(np.float32)
    own = np.frombuffer(features, np.int8).astype(np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows) * (own @ own)) + 1e-9
    cosines = rows @ own / norms
    order = np.argsort(-cosines, kind="stable")[:k]
    return [Alike(usable[one], float(cosines[one])) for one in order if cosines[one] >= alike]


def _scaled(features: Bytes) -> Numbers:
    """Return features as they are fitted on: a comment of usual length has norm 1."""
    rows: Numbers = features.astype(np.float64) / (UNITS * np.sqrt(features.shape[1]))
    return rows


def _in_order(evidence: Iterable[Evidence], basis: str, without: Collection[int]) -> list[Evidence]:
    """Return the evidence of *basis* by time, the latest of each comment alone."""
    usable = (one for one in evidence if one.basis == basis and one.by not in without)
    order = sorted(usable, key=lambda one: (one.at, one.comment, one.to_bytes()))
    latest = {one.comment: one for one in order}
    return sorted(latest.values(), key=lambda one: (one.at, one.comment))


def _groups(signatures: Sequence[int], features: Sequence[bytes]) -> NDArray[np.intp]:
    """Return a number for each row, equal for near-duplicates: by signature, or by equal features."""
    parent = list(range(len(signatures)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    first: dict[bytes, int] = {}
    for row, own in enumerate(features):
        parent[root(row)] = root(first.setdefault(own, row))
    signs = np.array(signatures, np.uint64)
    # Two signatures that differ in 3 bits at most share one of four quarters.
    for shift in range(0, 64, 16):
        quarters = (signs >> np.uint64(shift)) & np.uint64(0xFFFF)
        order = np.argsort(quarters, kind="stable")
        order = order[signs[order] != 0]
        for begin, end in zip(*_runs(quarters[order]), strict=True):
            members = order[begin:end][:200]
            for place in range(len(members) - 1):
                rest = members[place + 1 :]
                close = np.bitwise_count(signs[rest] ^ signs[members[place]]) <= MAX_DISTANCE
                for other in rest[close].tolist():
                    parent[root(other)] = root(int(members[place]))
    return np.array([root(row) for row in range(len(parent))], np.intp)


def _runs(values: NDArray[np.uint64]) -> tuple[list[int], list[int]]:
    """Return where runs of equal values, two and more of them, begin and end."""
    if not len(values):
        return [], []
    edges = np.flatnonzero(np.r_[True, values[1:] != values[:-1], True]).tolist()
    pairs = [(begin, end) for begin, end in pairwise(edges) if end - begin > 1]
    return [begin for begin, _ in pairs], [end for _, end in pairs]


def _weights(rows: Sequence[Evidence], groups: NDArray[np.intp]) -> Numbers:
    """Return the weight of each decision: by why it was seen, once a group, bounded a person."""
    weights = np.array([WEIGHTS[one.seen] for one in rows])
    sizes = np.bincount(groups, minlength=len(rows))
    weights = weights / sizes[groups]
    people = np.array([one.by for one in rows])
    if len(set(people.tolist())) > 1:
        for person in sorted(set(people.tolist())):
            own = people == person
            rest = float(weights[~own].sum())
            most = PERSON_SHARE / (1 - PERSON_SHARE) * rest
            weights[own] *= min(1.0, most / float(weights[own].sum()))
    return weights


def _fitted(
    X: Numbers, target: Numbers, offset: Numbers, weight: Numbers, groups: NDArray[np.intp]
) -> tuple[NDArray[np.float32], float, float]:
    """Return weights, the variance that was chosen, and the gain a decision; zeros if none helps."""
    nothing = np.zeros(X.shape[1], np.float32)
    sides = [len(set(groups[target == side].tolist())) for side in (0, 1)]
    if min(sides) < FEWEST_A_SIDE or sum(sides) < FEWEST:
        return nothing, 0.0, 0.0
    folds = _folds(target, groups)
    base = _losses(offset, target)
    best, strength, gain = 0.0, 0.0, 0.0
    for variance in STRENGTHS:
        gains = np.zeros(len(target))
        for fold in range(FOLDS):
            out = folds == fold
            w = _newton(X[~out], target[~out], offset[~out], weight[~out], variance)
            moved = np.clip(X[out] @ w, -BOUND, BOUND)
            gains[out] = base[out] - _losses(offset[out] + moved, target[out])
        mean = float(np.average(gains, weights=weight))
        spread = float(np.average((gains - mean) ** 2, weights=weight))
        error = np.sqrt(spread * float((weight**2).sum()) / float(weight.sum()) ** 2)
        if mean > error and mean > best:
            best, strength, gain = mean, variance, mean
    if strength == 0:
        return nothing, 0.0, 0.0
    w = _newton(X, target, offset, weight, strength)
    return w.astype(np.float32), strength, gain


def _folds(target: Numbers, groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Deal groups to folds in their order, each side by itself."""
    folds = np.zeros(len(target), np.intp)
    for side in (0, 1):
        dealt: dict[int, int] = {}
        for row in np.flatnonzero(target == side).tolist():
            folds[row] = dealt.setdefault(int(groups[row]), len(dealt)) % FOLDS
    both: dict[int, int] = {}
    for row, group in enumerate(groups.tolist()):
        folds[row] = both.setdefault(group, int(folds[row]))
    return folds


def _losses(logits: Numbers, target: Numbers) -> Numbers:
    result: Numbers = np.logaddexp(0.0, np.where(target > 0.5, -logits, logits))
    return result


def _newton(
    X: Numbers, target: Numbers, offset: Numbers, weight: Numbers, variance: float
) -> Numbers:
    """Return the weights of a logistic regression with an offset and a Gaussian prior.

    scikit-learn's has no offset. The problem is convex; the step is halved until it helps.
    """
    w = np.zeros(X.shape[1])
    penalty = np.full(len(w), 1 / variance)
    penalty[-1] = 1.0

    def value(at: Numbers) -> float:
        return float(weight @ _losses(offset + X @ at, target) + penalty @ at**2 / 2)

    now = value(w)
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(offset + X @ w, -60, 60)))
        gradient = X.T @ (weight * (p - target)) + penalty * w
        hessian = X.T @ (X * (weight * p * (1 - p))[:, None])
        hessian[np.diag_indices_from(hessian)] += penalty
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (then := value(w - size * step)) > now and size > 1e-4:
            size /= 2
        if then > now:
            break
        w = w - size * step
        if now - then < 1e-7 * (1 + abs(now)):
            break
        now = then
    return w


def _replayed(head: HouseHead | None, recent: Sequence[Evidence]) -> tuple[float, float]:
    """Return the mean log-loss of "bad" on decisions, and the share that is agreed with."""
    bad = np.array([one.answer != Answer.APPROVE for one in recent], float)
    shared = np.array([(one.spam, one.unwanted) for one in recent])
    moved = np.array([_pair(head, one.features) for one in recent])
    # Bad is what is spam or unwanted.
    p = 1 - np.prod(1 / (1 + np.exp(np.clip(shared + moved, -30, 30))), axis=1)
    p = np.clip(p, 1e-6, 1 - 1e-6)
    losses = -(bad * np.log(p) + (1 - bad) * np.log1p(-p))
    return float(losses.mean()), float(((p >= 0.5) == (bad > 0.5)).mean())


def _pair(head: HouseHead | None, features: bytes) -> tuple[float, float]:
    if head is None:
        return 0.0, 0.0
    shift = head.shift(features)
    return shift.spam, shift.unwanted


def _auc(labels: NDArray[np.integer], scores: NDArray[np.floating]) -> float:
    """Return the ROC-AUC of those that are labelled, by ranks; 0.5 if they are all of one kind."""
    known = labels >= 0
    positive = labels[known] == 1
    _, ranks, counts = np.unique(scores[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return 0.5
    return float((middle[ranks][positive].sum() - n * (n + 1) / 2) / (n * m))
