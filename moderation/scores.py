"""Scores: what a model measured in a comment, with the version that measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from moderation.wording import said


class Label(StrEnum):
    """What the model scores; each score is a calibrated probability."""

    SPAM = "spam", said("spam")
    TOXICITY = "toxicity", said("toxicity")
    SEVERE_TOXICITY = "severe_toxicity", said("severe toxicity")
    OBSCENE = "obscene", said("obscene")
    THREAT = "threat", said("threat")
    INSULT = "insult", said("insult")
    IDENTITY_ATTACK = "identity_attack", said("identity attack")

    #: What people call it.
    word: str

    def __new__(cls, value: str, word: str = "") -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, value)
        member._value_, member.word = value, word
        return member


#: To go through an enumeration takes several times as long.
LABELS = tuple(Label)


@dataclass(frozen=True, slots=True)
class Scores:
    """One comment's scores: label -> 0..1, and what the model could tell of the text itself."""

    labels: Mapping[str, float]
    model: str
    language: str = ""
    known_language: bool = True
    empty: bool = False
    near_duplicates: int = 0
    #: The ids of some of those near-duplicates, the latest first.
    alike: tuple[str, ...] = ()
    #: Whether a second way of reading sees abuse, too; without it nothing is rejected for abuse.
    seconded: bool = True
    #: The labels before the site's own head moved them, None where none did; not kept.
    unmoved: Mapping[str, float] | None = None
    #: Id and decision of decided comments that one that was moved is most like; not kept.
    precedents: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, label: str) -> float:
        """Return the score of *label*; 0 for one that this model does not measure."""
        return self.labels.get(label, 0.0)
