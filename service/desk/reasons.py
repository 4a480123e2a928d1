"""Why a comment was held or decided, in the reader's language."""

from __future__ import annotations

from typing import Any

from moderation import reasons
from moderation.reasons import Reason
from service.desk.words import WORDS, _, word


def because(reason: Reason) -> str:
    """Return what a verdict's reason says."""
    return reasons.sentence(reason, _)


def explained(reason: Any) -> str:
    """Return what a reason of the model's says (models.explain.Reason)."""
    return _(reason.text, **reason.values)


def moved(reason: str) -> str:
    """Return why a comment's status changed: codes in words, a person's own words as they are."""
    codes = reason.split(",")
    return ", ".join(map(word, codes)) if all(code in WORDS for code in codes) else reason
