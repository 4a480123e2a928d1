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
    told = likely(reason.code, float(reason.values["score"]))
    if not leads:
        return told
    bar = _percent(float(reason.values["bar"]))
    if action is Action.REJECT:
        return _("%(likely)s; rejected from %(bar)s %%", likely=told, bar=bar)
    return _("%(likely)s; held from %(bar)s %%", likely=told, bar=bar)


def likely(label: str, score: float) -> str:
    """Return what the score of a label says in words."""
    return str(LIKELY[Label(label)] % {"score": _percent(score)})


def _percent(share: float) -> str:
    """Return a share from 0 to 1 in percent: whole, or with one decimal below MANY."""
    return str(flask_babel.format_decimal(round(100 * share, 1 if share < MANY else 0)))


def explained(reason: Any) -> str:
    """Return one part of the model's explanation as a sentence (models.explain.Contribution)."""
    return _(reason.text, **reason.values)


def moved(reason: str) -> str:
    """Return why a comment's status changed: codes as sentences, a person's note as it was typed."""
    codes = reason.split(",")
    return ", ".join(map(word, codes)) if all(code in WORDS for code in codes) else reason
