"""Scores: what a model measured in a comment, with the version that measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Label(StrEnum):
    """What is measured; each score is a calibrated probability."""

    SPAM = "spam"
    TOXICITY = "toxicity"
    SEVERE_TOXICITY = "severe_toxicity"
    OBSCENE = "obscene"
    THREAT = "threat"
    INSULT = "insult"
    IDENTITY_ATTACK = "identity_attack"


@dataclass(frozen=True, slots=True)
class Scores:
    """One comment's scores: label -> 0..1, and what the model could tell of the text itself."""

    labels: Mapping[str, float]
    model: str
    language: str = ""
    known_language: bool = True
    empty: bool = False
    near_duplicates: int = field(default=0)

    def __getitem__(self, label: str) -> float:
        """Return the score of *label*; 0 for one that this model does not measure."""
        return self.labels.get(label, 0.0)

    def to_list(self) -> list[Any]:
        """Return a compact form for storage: probabilities in ten-thousandths, in Label order."""
        flags = int(self.known_language) | int(self.empty) << 1
        values = [round(self[label] * 10_000) for label in Label]
        return [self.model, values, self.language, flags, self.near_duplicates]

    @classmethod
    def from_list(cls, stored: list[Any]) -> Self:
        """Rebuild what :meth:`to_list` gave."""
        model, values, language, flags, near = stored
        labels = {str(label): value / 10_000 for label, value in zip(Label, values, strict=False)}
        return cls(labels, model, language, bool(flags & 1), bool(flags & 2), near)
