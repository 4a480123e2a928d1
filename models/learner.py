"""Learns a site's own head with one scorer, from readings that hold no text."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from models.house import (
    ALIKE,
    MOST,
    Answer,
    Evidence,
    HouseHead,
    Seen,
    learn,
    nearest,
)
from models.scorer import Bars, Item, Score, Scorer
from models.simhash import signatures

#: Magic, basis, first bytes of the shared model's version, logits of spam and toxicity, signature.
_READING = struct.Struct("<2s6s6sffQ")
_MAGIC = b"R1"
#: Why a comment was seen, by the caller's word: a blog's own decisions from before are on what no
#: machine had held.
_SEEN = {**{str(seen): seen for seen in Seen}, "import": Seen.SURE}


class _UnpackedReading(NamedTuple):
    basis: str
    spam: float
    unwanted: float
    signature: int
    features: bytes


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted head with the result of its gate; has the attributes of ``moderation.ports.Fit``.

    Attributes
    ----------
    head : bytes
    digest : str
    accepted : bool
    why : str
        A value of ``house.GateReason``.
    decisions, replayed : int
    agreement : (float, float)
    auc_drop : float
    contrary : tuple of (int, float, float)
    unproven : tuple of (int, int)
    """

    head: bytes = field(repr=False)
    digest: str
    accepted: bool
    why: str
    decisions: int
    replayed: int
    agreement: tuple[float, float]
    auc_drop: float
    contrary: tuple[tuple[int, float, float], ...]
    unproven: tuple[tuple[int, int], ...]


class HeadLearner:
    """Reads texts and fits heads with one scorer.

    Parameters
    ----------
    scorer : Scorer
        One without a basis, or anything else that scores, reads and learns nothing.
    """

    def __init__(self, scorer: Scorer | Any) -> None:
        self._scorer = scorer
        self._basis = getattr(scorer, "basis", None)
        name = self._basis.name if self._basis else ""
        #: The basis and the shared model; texts read by another model are read again while they are kept.
        self.reader = f"{name}:{scorer.version}" if name else ""

    def read(self, items: Sequence[Item]) -> list[bytes]:
        """Return the reading of each item in a few hundred bytes; 5 to 30 ms each.

        Empty where the encoder did not read.
        """
        if self._basis is None:
            return [b""] * len(items)
        scores = self._scorer.score(items)
        signed = signatures([item.content for item in items])
        return [
            self._packed(score, int(signature)) if score.features else b""
            for score, signature in zip(scores, signed, strict=True)
        ]

    def _packed(self, score: Score, signature: int) -> bytes:
        assert self._basis is not None
        head = _READING.pack(
            _MAGIC,
            bytes.fromhex(self._basis.name),
            self._scorer.version.encode()[:6],
            *score.shared,
            signature,
        )
        return head + score.features

    def fits(self, reading: bytes) -> bool:
        """Say whether a head can be fitted on *reading*: it is of this basis."""
        read = _unpacked(reading)
        return bool(read and self._basis and read.basis == self._basis.name)

    def learn(
        self, lessons: Sequence[Any], *, current: bytes | None, vouched: Collection[int] = ()
    ) -> Fitted:
        """Return a head fitted on *lessons*, the latest 10,000; see ``models.house.learn``.

        Raises BrokenHouse where *current* is no head.
        """
        assert self._basis is not None
        now = HouseHead.from_bytes(current) if current else None
        learned = learn(_evidence(lessons[-MOST:]), self._basis, now, vouched=vouched)
        head, gate = learned.head, learned.gate
        return Fitted(
            head.to_bytes(),
            head.digest,
            gate.accepted,
            str(gate.reason),
            head.decisions,
            gate.decisions,
            gate.agreement,
            gate.auc_drop,
            tuple((one.by, one.agreed, one.others) for one in learned.contrary),
            learned.unproven,
        )

    def head(self, packed: bytes, number: int, lessons: Sequence[Any] = ()) -> HouseHead:
        """Return the head for ``Scorer.score(house=...)``, called ``s<number>``.

        Comments that it moves are said to be like those of *lessons* that are. Raises BrokenHouse, a
        ValueError.
        """
        head = HouseHead.from_bytes(packed).numbered(number)
        known = tuple(one for one in _evidence(lessons) if one.basis == head.basis)
        return replace(head, known=known)

    def moved(
        self, scores: Sequence[Score], head: HouseHead, bars: Bars | None = None
    ) -> list[Score]:
        """Return *scores*, which no head has moved, as *head* moves them; *bars* as in the scorer."""
        return [self._scorer.moved_by(score, head, bars) for score in scores]

    def alike(
        self, reading: bytes, lessons: Sequence[Any], *, most: int
    ) -> list[tuple[str, float]]:
        """Return ids and likeness of the lessons most like *reading*; often none is alike."""
        read = _unpacked(reading)
        if read is None:
            return []
        found = nearest(read.features, _evidence(lessons), most)
        return [(one.evidence.comment, one.similarity) for one in found]

    def pairs(self, lessons: Sequence[Any]) -> list[tuple[str, str]]:
        """Return ids of lessons that are alike and of different people: each with its nearest one."""
        read = [(lesson, one) for lesson in lessons if (one := _unpacked(lesson.reading))]
        if self._basis is None or len(read) < 2:
            return []
        size = max(len(one.features) for _, one in read)
        read = [pair for pair in read if len(pair[1].features) == size]
        rows = np.frombuffer(b"".join(one.features for _, one in read), np.int8)
        wide = rows.reshape(len(read), size).astype(np.float32)
        wide /= np.linalg.norm(wide, axis=1, keepdims=True) + 1e-9
        people = np.array([lesson.person for lesson, _ in read])
        near = wide @ wide.T
        near[people[:, None] == people] = -1
        best = near.argmax(axis=1)
        found = {
            tuple(sorted((read[row][0].comment_id, read[int(other)][0].comment_id)))
            for row, other in enumerate(best)
            if near[row, other] >= ALIKE
        }
        return [(one, other) for one, other in sorted(found)]


def _evidence(lessons: Sequence[Any]) -> list[Evidence]:
    return [
        Evidence(
            comment=lesson.comment_id,
            at=lesson.at // 1000,
            answer=Answer(lesson.decision),
            seen=_SEEN[lesson.seen],
            by=lesson.person,
            basis=read.basis,
            features=read.features,
            spam=read.spam,
            unwanted=read.unwanted,
            signature=read.signature,
        )
        for lesson in lessons
        if (read := _unpacked(lesson.reading))
    ]


def _unpacked(reading: bytes) -> _UnpackedReading | None:
    """Return what ``HeadLearner.read`` packed; None for anything else."""
    if len(reading) <= _READING.size or not reading.startswith(_MAGIC):
        return None
    _, basis, _, spam, unwanted, signature = _READING.unpack_from(reading)
    return _UnpackedReading(basis.hex(), spam, unwanted, signature, reading[_READING.size :])
