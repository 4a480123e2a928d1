"""A verdict: the machine's answer to a comment, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from moderation.reasons import Reason


class Action(StrEnum):
    """What the machine would do with a comment."""

    ALLOW = "allow"
    FLAG = "flag"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allow, flag or reject; ``label`` leads, and decides between rejected and spam."""

    action: Action
    reasons: tuple[Reason, ...]
    label: str = ""

    def to_list(self) -> list[Any]:
        """Return a compact form for storage."""
        reasons = [
            [reason.code, dict(reason.values)] if reason.values else [reason.code]
            for reason in self.reasons
        ]
        return [self.action, self.label, reasons]

    @classmethod
    def from_list(cls, stored: list[Any]) -> Self:
        """Rebuild what :meth:`to_list` gave."""
        action, label, reasons = stored
        return cls(Action(action), tuple(Reason(*reason) for reason in reasons), label)
