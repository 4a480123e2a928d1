"""Feedback: what a person decided on a comment, kept for the site's own head to learn from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from moderation.actor import Actor, ActorKind
from moderation.comment import Decision
from moderation.scores import Scores
from moderation.verdict import Action, Verdict


class Basis(StrEnum):
    """What led a person to a comment; says whom the decision speaks for."""

    #: The machine held it. Most decisions are of this kind, and they are no sample of all comments.
    HELD = "held"
    #: The machine was sure, and somebody looked all the same: often because it was wrong.
    SURE = "sure"
    #: The machine was sure, and chance picked it: a fair sample of what it settles by itself.
    SPOT_CHECK = "spot check"
    #: A blog's own decision from before Winnow, whatever the machine would have said.
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A decision with what it was made on, without the text.

    ``scores`` and ``verdict`` are the machine's when the person decided, None for a comment that no
    model had read. ``reading`` is what the shared model makes of the text, packed by whoever learns;
    empty until a worker has read it. ``place`` orders a site's feedback: the later, the higher.
    """

    comment_id: str
    revision: int
    decision: Decision
    by: Actor
    at: int
    spot_check: bool = False
    scores: Scores | None = None
    verdict: Verdict | None = None
    reading: bytes = b""
    place: int = 0

    @property
    def basis(self) -> Basis:
        """What led the person to the comment."""
        if self.by.kind is ActorKind.IMPORT:
            return Basis.IMPORT
        if self.spot_check:
            return Basis.SPOT_CHECK
        sure = self.verdict is not None and self.verdict.action is not Action.FLAG
        return Basis.SURE if sure else Basis.HELD

    @property
    def person(self) -> str:
        """Who decided; see :func:`person_of`."""
        return person_of(self.by)


def person_of(actor: Actor) -> str:
    """Return by what one person's decisions are told from another's.

    A name that a key's holder gives is no proof: whatever comes through one door or key counts as
    one person's, so that inventing reporters wins no influence.
    """
    if actor.kind in {ActorKind.BLOG, ActorKind.TOKEN}:
        return f"{actor.kind}:{actor.via}"
    return f"{actor.kind}:{actor.name}"
