"""A verdict: the machine's answer to a comment, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Action(StrEnum):
    """What the machine would do with a comment."""

    ALLOW = "allow"
    FLAG = "flag"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code for programs and a sentence for people."""

    code: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """Return the reason as JSON shows it."""
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allow, flag or reject; ``label`` leads, and decides between rejected and spam."""

    action: Action
    reasons: tuple[Reason, ...]
    label: str = ""

    def to_list(self) -> list[Any]:
        """Return a compact form for storage."""
        return [self.action, self.label, [[reason.code, reason.text] for reason in self.reasons]]

    @classmethod
    def from_list(cls, stored: list[Any]) -> Self:
        """Rebuild what :meth:`to_list` gave."""
        action, label, reasons = stored
        return cls(Action(action), tuple(Reason(code, text) for code, text in reasons), label)
