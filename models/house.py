"""A site's own head: a bounded correction of the shared model, fitted on the site's decisions.

Evidence is one decided comment. ``learn`` fits a head on a site's evidence, replays it, and says
whether it may be put in place; ``Scorer.score(items, house=...)`` uses it. Nothing here does I/O
except ``Basis.load`` and ``Basis.save``, and nothing needs scikit-learn.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artifacts import SHIPPED, BrokenArtifact, put
from models.simhash import MAX_DISTANCE

Numbers = NDArray[np.float64]
Bytes = NDArray[np.int8]

#: Largest change of a logit by a head, up or down. With the shipped thresholds 2.9 lie between holding and
#: rejecting for spam, 2.6 for toxicity.
BOUND = 2.0
#: The most decisions that are looked at, the latest, and the most that a head is fitted on: more of
#: them change little, and a site changes.
MOST, FITTED = 10_000, 2_000
#: Fewest decisions for a fit, near-duplicates counted once, and fewest of each class.
FEWEST, FEWEST_A_SIDE = 20, 4
#: The largest share of the weight that one person's decisions have, where two people decided, and
#: where more did.
TWO_SHARE, PERSON_SHARE = 0.5, 0.4
#: People whose decisions are held against the others', those with most; decisions of each, and of the
#: others, the latest. The fewest of a person.
LOOKED_AT, LOOKED_FAR, FEWEST_OF_A_PERSON = 6, 500, 30
#: Decisions on what the machine had settled are tried for people with most of them, and for all others
#: together: groups; the latest decisions of each, and of the other people; parts of these.
TRIED, TRIED_FAR, TRIED_FOLDS = 4, 250, 3
#: Decisions that the gate replays at least: among fewer, chance says which head does better.
REPLAYED = 30
#: Standard errors by which a share has to be on one side of a half.
SURELY = 3.0
#: A feature is kept as an int8: its value times this. The largest have a spread of 2 to 3.
UNITS = 12
#: A signal is at most this many standard deviations from its mean: a rare one says little more by
#: being rarer.
FAR = 5.0
#: Variances of the prior of a weight that are tried; zero, the head that moves nothing, always is.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
#: Parts of the cross-validation, and decisions of each side that it is done on: the latest.
FOLDS, VALIDATED = 5, 250
#: Cosine in feature space from which two comments are called alike (``nearest``).
ALIKE = 0.8
#: The most that a head may take from the ROC-AUC on the frozen set, and how many more of its good
#: comments it may hold, or reject: shares.
MOST_AUC_DROP, MOST_MORE_HELD, MOST_MORE_REJECTED = 0.002, 0.01, 0.002
#: Factor by which a head that does harm on the frozen set is made weaker, and how often at most.
WEAKER, TIMES_WEAKER = 0.75, 8
#: Shares of its intercept that are tried first: what a site gets more of is no news about others.
BASES = (1.0, 0.5, 0.0)
#: The variance of an intercept's prior.
BASE = 1.0


class Answer(StrEnum):
    """A person's decision; the values of ``moderation.comment.Decision``."""

    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"


class Seen(StrEnum):
    """Why a person saw the comment; sets the weight of the decision."""

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
    """Raised when bytes cannot be read as evidence or as a head."""


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
        One int8 for each feature of the basis (``Score.features``), at most 400.
    spam, unwanted : float
        The shared model's logits of spam and of toxicity (``Score.shared``) at the time.
    signature : int
        ``models.simhash.signature``, 64 bits; 0 if the text is too short to compare.
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
    """A head's change of the logits of one comment, each within +-``BOUND``."""

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
    spam, unwanted : ndarray of shape (n_features + 1,), float32
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
    #: Some of what it was fitted on, the latest, by which ``Scorer`` says what a moved comment is
    #: like; not among its bytes.
    known: tuple[Evidence, ...] = field(default=(), repr=False, compare=False)

    @property
    def version(self) -> str:
        """How scores name it, behind the shared model's version: ``s12``."""
        return f"s{self.number}"

    @property
    def digest(self) -> str:
        """The first 12 hex digits of a digest of its weights: heads with equal digests move alike."""
        raw = self.spam.tobytes() + self.unwanted.tobytes() + self.basis.encode()
        return hashlib.sha256(raw).hexdigest()[:12]

    @property
    def moves(self) -> bool:
        """Whether any of its weights is not zero."""
        return bool(self.spam.any() or self.unwanted.any())

    def numbered(self, number: int) -> HouseHead:
        """Return it as the site's version *number*."""
        return replace(self, number=number)

    def weakened(self, side: int, share: float, base: float) -> HouseHead:
        """Return it with the weights of a side (0: spam) times *share*, its intercept times *base*."""
        own = (self.spam, self.unwanted)[side] * np.float32(share)
        own[-1] *= np.float32(base)
        return replace(self, spam=own) if side == 0 else replace(self, unwanted=own)

    def shift(self, features: bytes) -> Shift:
        """Return how it moves the logits of a comment with these features; nothing for ``b""``."""
        if len(features) + 1 != len(self.spam):
            return Shift(0.0, 0.0)
        spam, unwanted = self.shifts(np.frombuffer(features, np.int8)[None])[0].tolist()
        return Shift(spam, unwanted)

    def shifts(self, features: Bytes) -> Numbers:
        """Return the moves of several comments, float64 of shape (n_comments, 2): spam, unwanted.

        *features* is int8 of shape (n_comments, n_features). Each move is within +-``BOUND``.
        """
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
    features : ndarray of shape (n_comments, n_features), int8
    shared : ndarray of shape (n_comments, 2), float32
        The shared logits of spam and toxicity.
    labels : ndarray of shape (n_comments, 2), int8
        1, 0, or -1 where it isn't known, for spam and unwanted.
    sources : ndarray of shape (n_comments,), int16
        Which source each is of.
    levels : ndarray of shape (2, 2), float32
        The logits from which spam and toxicity are held (first row), and rejected.
    """

    features: Bytes
    shared: NDArray[np.float32]
    labels: Bytes
    sources: NDArray[np.int16]
    levels: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.features)


def _none() -> NDArray[np.float32]:
    return np.empty(0, np.float32)


@dataclass(frozen=True)
class Basis:
    """What sites' heads are fitted in: what the encoder says, reduced, and the signals of a text.

    The encoder's part is a linear reduction to the directions in which comments differ most. The
    signals (links, digits, length, ...) follow, standardised. It ships with the model in
    ``house.npz``, beside the heads, and belongs to one encoder.

    Attributes
    ----------
    encoder : str
        The encoder's version.
    mean : ndarray of shape (768,), float32
    directions : ndarray of shape (768, n_directions), int8
    scales : ndarray of shape (n_directions,), float32
        What each direction is multiplied by.
        Applied to features less their mean. Results have a mean square of 1 over all comments and
        directions; the spread of each is the fourth root of its variance in features, halfway
        between what the encoder gives and what is equal for all.
    frozen : Frozen
    model : str
        The version of the shared model whose logits the frozen set has.
    signal_means, signal_spreads : ndarray of shape (n_signals,), float32
        Mean and standard deviation of each signal over comments. Empty in a basis without signals.
    signal_weight : float
        What a standardised signal is multiplied by, so that all of them count for less than the
        encoder.
    """

    encoder: str
    mean: NDArray[np.float32]
    directions: Bytes
    scales: NDArray[np.float32]
    frozen: Frozen
    model: str = ""
    signal_means: NDArray[np.float32] = field(default_factory=_none)
    signal_spreads: NDArray[np.float32] = field(default_factory=_none)
    signal_weight: float = 0.0

    @property
    def size(self) -> int:
        """How many features a comment has."""
        return len(self.scales) + len(self.signal_means)

    @cached_property
    def _factors(self) -> NDArray[np.float32]:
        factors: NDArray[np.float32] = self.directions.astype(np.float32) * self.scales
        return factors

    @cached_property
    def name(self) -> str:
        """The name of features in it: 12 hex digits."""
        raw = self.encoder.encode() + self.mean.tobytes()
        raw += self.directions.tobytes() + self.scales.tobytes()
        if len(self.signal_means):
            raw += self.signal_means.tobytes() + self.signal_spreads.tobytes()
            raw += struct.pack("<d", self.signal_weight)
        return hashlib.sha256(raw).hexdigest()[:12]

    def reduced(
        self,
        features: NDArray[np.floating],
        owners: NDArray[np.intp],
        signals: NDArray[np.floating],
    ) -> Bytes:
        """Return int8 of shape (n_comments, n_features) from what was read of comments.

        Parameters
        ----------
        features : ndarray of shape (n_windows, 768), float32
        owners : ndarray of shape (n_windows,), intp
            The comment of each window, ascending; each comment has one.
        signals : ndarray of shape (n_comments, n_signals), float
            ``models.signals.table``.
        """
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else owners
        counts = np.diff(np.r_[starts, len(owners)])
        means = (
            np.add.reduceat(features, starts, axis=0) / counts[:, None] if len(starts) else features
        )
        # Einstein sums add in one order whatever the number of rows: alone as in a batch.
        rows = np.einsum("ij,jk->ik", means - self.mean, self._factors, optimize=False)
        if len(self.signal_means):
            apart = (signals - self.signal_means) / self.signal_spreads
            rows = np.hstack([rows, np.clip(apart, -FAR, FAR) * self.signal_weight])
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
            directions=self.directions,
            scales=self.scales,
            signal_means=self.signal_means,
            signal_spreads=self.signal_spreads,
            signal_weight=np.array(self.signal_weight),
            features=self.frozen.features,
            shared=self.frozen.shared,
            labels=self.frozen.labels,
            sources=self.frozen.sources,
            levels=self.frozen.levels,
        )
        put(path, buffer.getvalue())

    @classmethod
    def load(cls, directory: Path = SHIPPED) -> Basis | None:
        """Return the basis below *directory*; None if it is missing: then nothing is learned.

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
                    file["directions"],
                    file["scales"],
                    Frozen(
                        file["features"],
                        file["shared"],
                        file["labels"],
                        file["sources"],
                        file["levels"],
                    ),
                    str(file["model"]),
                    # A model that was promoted before has none.
                    *(
                        (
                            file["signal_means"],
                            file["signal_spreads"],
                            float(file["signal_weight"]),
                        )
                        if "signal_means" in file
                        else ()
                    ),
                )
        except (OSError, ValueError, KeyError) as error:
            raise BrokenArtifact(f"{FILE} can't be read below {directory}") from error


#: The file of the basis, beside the heads.
FILE = "house.npz"


class GateReason(StrEnum):
    """Why a head was accepted or refused."""

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
    """Whether a head may be used, and the figures that decided it.

    Attributes
    ----------
    accepted : bool
    reason : GateReason
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
    reason: GateReason
    decisions: int = 0
    agreement: tuple[float, float] = (0.0, 0.0)
    loss: tuple[float, float] = (0.0, 0.0)
    auc_drop: float = 0.0
    more_held: float = 0.0
    more_rejected: float = 0.0


@dataclass(frozen=True, slots=True)
class Contrary:
    """A person who decides the opposite of what the others do, and who is therefore set aside.

    Attributes
    ----------
    by : int
    agreed, others : float
        Share of pairs, one comment decided as bad and one approved by the same person, that a head
        of the others' decisions puts in the same order: of this person, and of the others, each
        judged without themselves and without this person.
    """

    by: int
    agreed: float
    others: float


@dataclass(frozen=True, slots=True)
class Learned:
    """The result of ``learn``: a head, whether it may be used, and whose decisions were left out.

    ``unproven`` has each person of whom decisions on what the machine had settled were left out, and
    how many.
    """

    head: HouseHead
    gate: Gate
    contrary: tuple[Contrary, ...] = ()
    unproven: tuple[tuple[int, int], ...] = ()


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
    vouched: Collection[int] = (),
) -> Learned:
    """Return a head fitted on all of *evidence*, and what the gate says of it.

    Left out are people who decide the opposite of the others (``contrary``), and decisions on what
    the machine had settled where they don't help with the other people's (``unproven``).

    The latest two fifths (30 to 400 decisions; of few more than two fifths) are replayed in parts,
    each by a trial head fitted on what came before it, of the strength that cross-validation chooses on everything. The
    trials have to do better on them than what judged until then; the head fitted on everything then
    has to do no harm on the frozen set, and is made weaker until it does none. Put it in place only if ``gate.accepted``. Under a second for 10,000 decisions on
    one core; equal evidence gives an equal head, bit by bit, in whatever order.

    Parameters
    ----------
    evidence : iterable of Evidence
        All of one site. Of the same comment the latest decision counts.
    basis : Basis
        ``Scorer.basis``.
    current : HouseHead or None
        The head that judges now. It is asked about decisions that are later than its own, the
        shared model about the others.
    without : collection of int
        People (``Evidence.by``) whose decisions are left out.
    vouched : collection of int
        People whose decisions all count, whatever they decide.
    """
    rows = _in_order(evidence, basis.name, without)[-MOST:]
    opposed = contrary(rows, basis, vouched=vouched)
    if opposed:
        out = {one.by for one in opposed}
        rows = [one for one in rows if one.by not in out]
    doubted = unproven(rows, basis, vouched=vouched)
    left = Counter(one.by for one in rows if one.seen is Seen.SURE and one.by in doubted)
    rows = [one for one in rows if one.seen is not Seen.SURE or one.by not in doubted]
    return replace(
        _learned(rows, basis, current), contrary=opposed, unproven=tuple(sorted(left.items()))
    )


def _learned(rows: list[Evidence], basis: Basis, current: HouseHead | None) -> Learned:
    part = min(200, len(rows) // 5)
    if part < 10:
        return Learned(_nothing(basis), Gate(accepted=False, reason=GateReason.TOO_FEW))
    whole = _of_rows(rows, basis, None)
    replays = []
    parts = max(2, -(-REPLAYED // part))
    for end in range(len(rows) - (parts - 1) * part, len(rows) + 1, part):
        trial = harmless(_of_rows(rows[: end - part], basis, whole), basis.frozen)
        replays.append(gate(trial, current, rows[end - part : end], None))
    here = _joined(replays)
    if not whole.moves:
        return Learned(whole, replace(here, accepted=False, reason=GateReason.NOTHING_LEARNED))
    head = harmless(whole, basis.frozen)
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


def _joined(replays: Sequence[Gate]) -> Gate:
    """Return the mean of gates whose replays follow one another and have equally many decisions."""
    (loss_before, loss_after), (before, after) = (
        np.mean([getattr(one, name) for one in replays], axis=0).tolist()
        for name in ("loss", "agreement")
    )
    better = loss_after < loss_before
    return Gate(
        accepted=better,
        reason=GateReason.BETTER if better else GateReason.NO_BETTER_HERE,
        decisions=sum(one.decisions for one in replays),
        agreement=(before, after),
        loss=(loss_before, loss_after),
    )


def fit(evidence: Iterable[Evidence], basis: Basis, *, without: Collection[int] = ()) -> HouseHead:
    """Return a head fitted on *evidence*; one that moves nothing where that can't be justified.

    For each of "spam" and "unwanted here" it is a logistic regression on the features, with the
    shared model's logit as offset and a Gaussian prior on the weights. The variance of the prior is
    chosen by cross-validation; unless it beats the head that moves
    nothing by more than a standard error, that one stays. The latest ``FITTED`` decisions count.
    """
    return _of_rows(_in_order(evidence, basis.name, without), basis, None)


def harmless(head: HouseHead, frozen: Frozen) -> HouseHead:
    """Return *head* with each side scaled down until it passes on *frozen*, to zero if none does."""
    for side in range(2):
        others = head.weakened(1 - side, 0, 0) if side == 0 else head
        tries = ((WEAKER**times, base) for times in range(TIMES_WEAKER) for base in BASES)
        share, base = next(
            (
                tried
                for tried in tries
                if gate(others.weakened(side, *tried), None, (), frozen).accepted
            ),
            (0.0, 0.0),
        )
        head = head.weakened(side, share, base)
    return head


def _nothing(basis: Basis) -> HouseHead:
    zeros = np.zeros(basis.size + 1, np.float32)
    return HouseHead(basis.name, zeros, zeros)


def _of_rows(rows: list[Evidence], basis: Basis, chosen: HouseHead | None) -> HouseHead:
    """Return a head fitted on *rows*, of the strengths of *chosen*, or else by cross-validation."""
    size = basis.size
    rows = _once([one for one in rows[-FITTED:] if len(one.features) == size])
    if not rows:
        return _nothing(basis)
    weights = _weights(rows)
    X = _scaled(np.frombuffer(b"".join(one.features for one in rows), np.int8).reshape(-1, size))
    X = np.hstack([X, np.ones((len(X), 1))])
    found = []
    for side, (bad, offsets) in enumerate(
        (
            (Answer.SPAM, np.array([one.spam for one in rows])),
            (Answer.REJECT, np.array([one.unwanted for one in rows])),
        )
    ):
        asked = np.array([one.answer in {Answer.APPROVE, bad} for one in rows], bool)
        target = np.array([one.answer == bad for one in rows], float)[asked]
        question = _Question(X[asked], target, offsets[asked], weights[asked])
        if chosen is None:
            strength, gain = question.chosen()
        else:
            strength, gain = chosen.strengths[side], chosen.gains[side]
        found.append((question.answered(strength).astype(np.float32), strength, gain))
    (spam, spam_strength, spam_gain), (unwanted, unwanted_strength, unwanted_gain) = found
    return HouseHead(
        basis.name,
        spam,
        unwanted,
        decisions=len(rows),
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

    *recent* are the site's last decisions, none of which *head* was fitted on; *current* is asked
    about those that are later than its own. Either of *recent* and *frozen* may be left out, and is
    not asked then.
    """
    reason, figures = GateReason.BETTER, Gate(accepted=True, reason=GateReason.BETTER)
    if recent:
        before = _replayed(current, recent, current.until if current else 0)
        after = _replayed(head, recent)
        figures = replace(
            figures,
            decisions=len(recent),
            loss=(before[0], after[0]),
            agreement=(before[1], after[1]),
        )
        if after[0] >= before[0]:
            reason = GateReason.NO_BETTER_HERE
    if frozen is not None:
        moved = frozen.shared + head.shifts(frozen.features)
        good = (frozen.labels == 0).all(axis=1)
        drop = max(
            _auc(frozen.labels[:, side], frozen.shared[:, side])
            - _auc(frozen.labels[:, side], moved[:, side])
            for side in range(2)
        )
        held, rejected = (
            float((moved[good] >= level).any(axis=1).mean())
            - float((frozen.shared[good] >= level).any(axis=1).mean())
            for level in frozen.levels
        )
        figures = replace(figures, auc_drop=drop, more_held=held, more_rejected=rejected)
        if drop > MOST_AUC_DROP or held > MOST_MORE_HELD or rejected > MOST_MORE_REJECTED:
            reason = GateReason.WORSE_ELSEWHERE
    return replace(figures, accepted=reason == GateReason.BETTER, reason=reason)


def contrary(
    rows: Sequence[Evidence], basis: Basis, *, vouched: Collection[int] = ()
) -> tuple[Contrary, ...]:
    """Return who decides the opposite of the others: surely, and where the others surely agree.

    A strict or a lenient person puts comments in the same order as the others and is not set aside,
    so order is all that is compared. Decisions on what the machine had settled are left out: a
    person who corrects its mistakes would seem to oppose the others. It takes three people: of two
    nobody knows who is wrong. At most half a second.

    Parameters
    ----------
    rows : sequence of Evidence
        By time, one of each comment.
    vouched : collection of int
        People who are never among them.
    """
    rows = [one for one in rows if one.seen is not Seen.SURE]
    counts = Counter(one.by for one in rows)
    people = [by for by, count in counts.items() if count >= FEWEST_OF_A_PERSON]
    people = sorted(people, key=lambda by: (-counts[by], by))[:LOOKED_AT]
    if len(people) < 3:
        return ()
    found: list[Contrary] = []
    for by in people:
        if by in vouched:
            continue
        share, error = _ordered([by], {by}, rows, basis)
        if not share + SURELY * error < 0.5:
            continue
        rest = [one for one in people if one != by]
        others, other_error = _ordered(rest, {by}, rows, basis)
        if others - SURELY * other_error > 0.5:
            found.append(Contrary(by, share, others))
    # Where most people oppose the others, nobody knows who is right.
    return tuple(found) if 2 * len(found) < len(people) else ()


def unproven(
    rows: Sequence[Evidence], basis: Basis, *, vouched: Collection[int] = ()
) -> frozenset[int]:
    """Return whose decisions on what the machine had settled do not help, where others decide, too.

    A person who decides on what was settled chooses the comments, mostly those that the machine got
    wrong, or those that it should get wrong from now on. The shared model is sure of the opposite,
    so each such decision has a large pull. A person's therefore count if a head judges the other
    people's decisions on what was held or spot-checked better with them than without: decisions
    that it was not fitted on, and by more than a standard error of the log-loss. Where the others
    have fewer than ``FEWEST`` of those, all count.

    Parameters
    ----------
    rows : sequence of Evidence
        By time, one of each comment.
    vouched : collection of int
        People who are never among them.
    """
    counts = Counter(one.by for one in rows if one.seen is Seen.SURE and one.by not in vouched)
    people = sorted(counts, key=lambda by: (-counts[by], by))
    groups = [{by} for by in people[: TRIED - 1]]
    if rest := set(people[TRIED - 1 :]):
        groups.append(rest)
    return frozenset(by for group in groups if not _helps(group, rows, basis) for by in group)


def _helps(group: Collection[int], rows: Sequence[Evidence], basis: Basis) -> bool:
    """Say whether decisions of *group* on what was settled help with the others' on what was not."""
    settled = [one for one in rows if one.by in group and one.seen is Seen.SURE][-TRIED_FAR:]
    others = [one for one in rows if one.by not in group and one.seen is not Seen.SURE]
    others = _once(others[-TRIED_FAR:])
    if len(others) < FEWEST:
        return True
    known = replace(_nothing(basis), strengths=(1.0, 1.0))
    gains: list[Numbers] = []
    for fold in range(TRIED_FOLDS):
        unseen = others[fold::TRIED_FOLDS]
        seen = [one for place, one in enumerate(others) if place % TRIED_FOLDS != fold]
        without, with_them = (
            _losses_of(_of_rows(some, basis, known), unseen) for some in (seen, seen + settled)
        )
        gains.append(without - with_them)
    gain = np.concatenate(gains)
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))


def _ordered(
    people: Sequence[int], without: Collection[int], rows: Sequence[Evidence], basis: Basis
) -> tuple[float, float]:
    """Return the share of pairs of decisions that others put in the same order, and its error.

    Each of *people* is judged by a head fitted without them and *without*; the mean over people.
    The error is NaN where somebody decided everything the same.
    """
    shares, variances = [], []
    for by in people:
        out = {by, *without}
        own = _once([one for one in rows if one.by == by][-LOOKED_FAR:])
        others = [one for one in rows if one.by not in out][-LOOKED_FAR:]
        head = _of_rows(others, basis, replace(_nothing(basis), strengths=(1.0, 1.0)))
        bad = np.array([one.answer != Answer.APPROVE for one in own])
        share, variance = _auc_with_variance(bad, _badness(head, own))
        shares.append(share)
        variances.append(variance)
    return float(np.mean(shares)), float(np.sqrt(np.sum(variances)) / len(people))


def _auc_with_variance(bad: NDArray[np.bool_], scores: Numbers) -> tuple[float, float]:
    """Return a ROC-AUC and its variance after DeLong; NaN where all are of one kind."""
    wins = (scores[bad][:, None] > scores[~bad]) + 0.5 * (scores[bad][:, None] == scores[~bad])
    if min(wins.shape) < 2:
        return 0.5, float("nan")
    by_bad, by_good = wins.mean(axis=1), wins.mean(axis=0)
    variance = by_bad.var(ddof=1) / len(by_bad) + by_good.var(ddof=1) / len(by_good)
    return float(wins.mean()), float(variance)


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
    """Return features as float64, scaled so that a comment of usual length has norm 1."""
    rows: Numbers = features.astype(np.float64) / (UNITS * np.sqrt(features.shape[1]))
    return rows


def _in_order(evidence: Iterable[Evidence], basis: str, without: Collection[int]) -> list[Evidence]:
    """Return the evidence of *basis* by time, the latest of each comment alone."""
    usable = (one for one in evidence if one.basis == basis and one.by not in without)
    order = sorted(usable, key=lambda one: (one.at, one.comment, one.to_bytes()))
    latest = {one.comment: one for one in order}
    return sorted(latest.values(), key=lambda one: (one.at, one.comment))


def _once(rows: list[Evidence]) -> list[Evidence]:
    """Return the latest decision of each group of near-duplicates."""
    groups = _groups([one.signature for one in rows], [one.features for one in rows]).tolist()
    latest = dict(zip(groups, range(len(rows)), strict=True))
    return [rows[place] for place in sorted(latest.values())]


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
    """Return the begin and end of each run of two or more equal values."""
    if not len(values):
        return [], []
    edges = np.flatnonzero(np.r_[True, values[1:] != values[:-1], True]).tolist()
    pairs = [(begin, end) for begin, end in pairwise(edges) if end - begin > 1]
    return [begin for begin, _ in pairs], [end for _, end in pairs]


def _weights(rows: Sequence[Evidence]) -> Numbers:
    """Return the weight of each decision: by why it was seen, and bounded for each person."""
    weights = np.array([WEIGHTS[one.seen] for one in rows])
    people = np.array([one.by for one in rows])
    names = sorted(set(people.tolist()))
    if len(names) > 1:
        share = TWO_SHARE if len(names) == 2 else PERSON_SHARE
        total = {name: float(weights[people == name].sum()) for name in names}
        for name in names:
            most = share / (1 - share) * (sum(total.values()) - total[name])
            weights[people == name] *= min(1.0, most / total[name])
    return weights


@dataclass(frozen=True, slots=True)
class _Question:
    """The regression problem of one side of a head: spam or not, or unwanted or not.

    Attributes
    ----------
    X : ndarray of shape (n_decisions, n_directions + 1), float
        Features, and 1 for the intercept.
    target, offset, weight : ndarray of shape (n_decisions,), float
        The oldest first.
    """

    X: Numbers
    target: Numbers
    offset: Numbers
    weight: Numbers

    def answered(self, strength: float) -> Numbers:
        """Return the weights for the variance *strength*; zeros for 0."""
        if strength == 0:
            return np.zeros(self.X.shape[1])
        return _newton(self.X, self.target, self.offset, self.weight, strength)

    def chosen(self) -> tuple[float, float]:
        """Return the variance that cross-validation chooses, and what it gains a decision.

        The best is chosen of those that take more than a standard error off the log-loss of unseen
        decisions; none (0) if there are none.
        """
        sides = [int((self.target == side).sum()) for side in (0, 1)]
        if min(sides) < FEWEST_A_SIDE or sum(sides) < FEWEST:
            return 0.0, 0.0
        some = self._latest()
        folds = _folds(some.target)
        base = _losses(some.offset, some.target)
        gains = np.zeros((len(STRENGTHS), len(some.target)))
        for fold in range(FOLDS):
            out = folds == fold
            rest, w = some.where(~out), None
            for row, strength in enumerate(STRENGTHS):
                w = _newton(rest.X, rest.target, rest.offset, rest.weight, strength, w, rough=True)
                moved = np.clip(some.X[out] @ w, -BOUND, BOUND)
                gains[row, out] = base[out] - _losses(some.offset[out] + moved, some.target[out])
        means = np.average(gains, axis=1, weights=some.weight)
        spread = np.average((gains - means[:, None]) ** 2, axis=1, weights=some.weight)
        errors = np.sqrt(spread * (some.weight**2).sum()) / some.weight.sum()
        usable = np.flatnonzero(means > errors).tolist()
        if not usable:
            return 0.0, 0.0
        best = max(usable, key=lambda row: float(means[row]))
        return STRENGTHS[best], float(means[best])

    def where(self, rows: NDArray[np.bool_]) -> _Question:
        """Return the decisions that *rows* chooses."""
        return _Question(self.X[rows], self.target[rows], self.offset[rows], self.weight[rows])

    def _latest(self) -> _Question:
        rows = np.zeros(len(self.target), bool)
        for side in (0, 1):
            rows[np.flatnonzero(self.target == side)[-VALIDATED:]] = True
        return self.where(rows)


def _folds(target: Numbers) -> NDArray[np.intp]:
    """Deal decisions to folds in their order, each side by itself."""
    folds = np.zeros(len(target), np.intp)
    for side in (0, 1):
        rows = np.flatnonzero(target == side)
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def _losses(logits: Numbers, target: Numbers) -> Numbers:
    result: Numbers = np.logaddexp(0.0, np.where(target > 0.5, -logits, logits))
    return result


def _newton(
    X: Numbers,
    target: Numbers,
    offset: Numbers,
    weight: Numbers,
    variance: float,
    start: Numbers | None = None,
    *,
    rough: bool = False,
) -> Numbers:
    """Return the weights of a logistic regression with an offset and a Gaussian prior.

    scikit-learn's has no offset. The problem is convex; a step is halved until it helps. Where
    there are fewer decisions than weights, it is solved among combinations of the decisions.
    """
    penalty = np.full(X.shape[1], 1 / variance)
    penalty[-1] = 1 / BASE
    few = len(X) < X.shape[1]
    if few:
        # X = L Q with orthonormal rows of Q, in weights that the penalty measures alike.
        root = 1 / np.sqrt(penalty)
        Q, R = np.linalg.qr((X * root).T)
        X, start = R.T, None if start is None else Q.T @ (start / root)
        penalty = np.ones(X.shape[1])
    w = np.zeros(X.shape[1]) if start is None else start

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
        if now - then < (1e-4 if rough else 1e-9) * (1 + abs(now)):
            break
        now = then
    return root * (Q @ w) if few else w


def _replayed(
    head: HouseHead | None, recent: Sequence[Evidence], after: int = 0
) -> tuple[float, float]:
    """Return the mean log-loss of "bad" on decisions, and the share that is agreed with.

    Decisions at *after* and before are judged by the shared model alone.
    """
    bad = np.array([one.answer != Answer.APPROVE for one in recent])
    agreed = (_badness(head, recent, after) >= 0.5) == bad
    return float(_losses_of(head, recent, after).mean()), float(agreed.mean())


def _losses_of(head: HouseHead | None, rows: Sequence[Evidence], after: int = -1) -> Numbers:
    """Return the log-loss of "bad" on each decision, as *head* moves what is later than *after*."""
    bad = np.array([one.answer != Answer.APPROVE for one in rows])
    p = np.clip(_badness(head, rows, after), 1e-6, 1 - 1e-6)
    losses: Numbers = -np.log(np.where(bad, p, 1 - p))
    return losses


def _badness(head: HouseHead | None, rows: Sequence[Evidence], after: int = -1) -> Numbers:
    """Return how probably each is bad, which is spam or unwanted, as *head* moves what is later."""
    shared = np.array([(one.spam, one.unwanted) for one in rows])
    moved = np.array([_pair(head if one.at > after else None, one.features) for one in rows])
    bad: Numbers = 1 - np.prod(1 / (1 + np.exp(np.clip(shared + moved, -30, 30))), axis=1)
    return bad


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
