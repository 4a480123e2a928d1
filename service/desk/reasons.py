"""Why a comment was held or decided, in the reader's language."""

from __future__ import annotations

from typing import Any

import flask_babel

from moderation import reasons
from moderation.reasons import Reason
from moderation.scores import Label
from moderation.verdict import Action
from service.desk.words import WORDS, _, later, word

#: Shares from this one on are shown in whole percent, smaller ones with one decimal.
MANY = 0.1


#: What a score says in words.
LIKELY = {
    Label.SPAM: later("%(score)s %% likely spam"),
    Label.TOXICITY: later("%(score)s %% likely toxic"),
    Label.SEVERE_TOXICITY: later("%(score)s %% likely severely toxic"),
    Label.OBSCENE: later("%(score)s %% likely obscene"),
    Label.THREAT: later("%(score)s %% likely a threat"),
    Label.INSULT: later("%(score)s %% likely an insult"),
    Label.IDENTITY_ATTACK: later("%(score)s %% likely an attack on a group"),
}


def because(reason: Reason, action: Action = Action.FLAG, *, leads: bool = True) -> str:
    """Return a verdict's reason as a sentence; for a score, with the threshold that it reached."""
    if reason.code not in LIKELY:
        return reasons.sentence(reason, _)
    score, bar_at = float(reason.values["score"]), float(reason.values["bar"])
    if not leads:
        return likely(reason.code, score)
    shown, bar = _apart(score, bar_at)
    phrase = _likely(reason.code, shown)
    if action is Action.REJECT:
        return _("%(likely)s; rejected from %(bar)s %%", likely=phrase, bar=bar)
    return _("%(likely)s; held from %(bar)s %%", likely=phrase, bar=bar)


def likely(label: str, score: float, bar: float | None = None) -> str:
    """Return what the score of a label says in words; with the *bar* that it reached, if one is given."""
    if bar is None:
        return _likely(label, _percent(score))
    shown, held = _apart(score, bar)
    return _("%(likely)s; held from %(bar)s %%", likely=_likely(label, shown), bar=held)


def _likely(label: str, percent: str) -> str:
    return str(LIKELY[Label(label)] % {"score": percent})


def _apart(score: float, bar: float) -> tuple[str, str]:
    """Return a score and a bar in percent, with enough digits to differ, three at most."""
    for more in range(3):
        one, other = _percent(score, more), _percent(bar, more)
        if one != other:
            return one, other
    return _percent(score), _percent(bar)


def _percent(share: float, more: int = 0) -> str:
    """Return a share from 0 to 1 in percent: whole, or with one decimal below MANY.

    *more* is a number of further decimals, zeros included.
    """
    digits = (1 if share < MANY else 0) + more
    form = f"#,##0.{'0' * digits}" if more else None
    return str(flask_babel.format_decimal(round(100 * share, digits), form))


def explained(reason: Any) -> str:
    """Return one part of the model's explanation as a sentence (models.explain.Contribution)."""
    return _(reason.text, **reason.values)


def moved(reason: str) -> str:
    """Return why a comment's status changed: codes as sentences, a person's note as it was typed."""
    codes = reason.split(",")
    return ", ".join(map(word, codes)) if all(code in WORDS for code in codes) else reason
