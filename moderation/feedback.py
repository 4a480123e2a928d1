"""Feedback: what a person decided on a comment, kept for the site's own head to learn from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from moderation.actor import Actor, ActorKind
from moderation.comment import Decision
from moderation.ports import Lesson
from moderation.scores import Scores
from moderation.verdict import Action, Verdict
from moderation.wording import said


class Seen(StrEnum):
    """Why a person saw a comment, which says how much their decision weighs."""

    #: The machine held it. Most decisions are of this kind, and they are no sample of all comments.
    HELD = "held"
    #: The machine was sure, and somebody looked all the same: often because it was wrong.
    SURE = "sure"
    #: The machine was sure, and chance picked it: a fair sample of what it settles by itself.
    SPOT_CHECK = "spot_check"
    #: A blog's own decision from before Winnow, whatever the machine would have said.
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A decision with what it was made on, without the text.

    ``scores`` and ``verdict`` are the machine's when the person decided, None for a comment that no
    model had read. ``reading`` is the shared model's reading of the text, packed by the learner;
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
    def seen(self) -> Seen:
        """Why the person saw the comment."""
        if self.by.kind is ActorKind.IMPORT:
            return Seen.IMPORT
        if self.spot_check:
            return Seen.SPOT_CHECK
        sure = self.verdict is not None and self.verdict.action is not Action.FLAG
        return Seen.SURE if sure else Seen.HELD

    @property
    def person(self) -> str:
        """Who decided; see :func:`person_of`."""
        return person_of(self.by)


def person_of(actor: Actor) -> str:
    """Return a key that is equal for all decisions of one person.

    A name that a key's holder gives is no proof: whatever comes through one door or key counts as
    one person's, so that inventing reporters wins no influence.
    """
    if actor.kind in {ActorKind.BLOG, ActorKind.TOKEN}:
        return f"{actor.kind}:{actor.via}"
    return f"{actor.kind}:{actor.name}"


def lessons(feedback: Sequence[Feedback]) -> list[Lesson]:
    """Return *feedback* as a learner needs it: people are numbers to it."""
    numbers = numbers_of(feedback)
    return [
        Lesson(one.comment_id, one.decision, one.seen, numbers[one.person], one.at, one.reading)
        for one in feedback
    ]


def numbers_of(feedback: Sequence[Feedback]) -> dict[str, int]:
    """Return the number of each person who decided."""
    return {person: n for n, person in enumerate(sorted({one.person for one in feedback}))}


class LearningMode(StrEnum):
    """What a site does with what its decisions teach."""

    #: A head that does better judges as soon as it is fitted.
    ON = "on"
    #: Heads are fitted and what they would change is shown; none judges.
    SUGGEST = "suggest"
    #: Nothing is fitted and no head judges; decisions are kept all the same.
    OFF = "off"


#: The result of a fit as a sentence, by ``FitReport.why``.
OUTCOMES: Mapping[str, str] = {
    "better": said("It does better and judges."),
    "too_few": said("There are too few decisions yet: it takes 50, and some of each kind."),
    "nothing_learned": said("It found nothing that would help."),
    "no_better_here": said(
        "It did no better on your latest decisions, so it was not put in place."
    ),
    "worse_elsewhere": said("It would have done harm elsewhere, so it was not put in place."),
    "no_reader": said("This model has no reader of sentences, so nothing can be learned."),
    "broken": said("It failed; the log of the workers says why. What judged goes on judging."),
    "overtaken": said(
        "Another version was put in place meanwhile, or a comment that it was fitted on was erased."
    ),
}


@dataclass(frozen=True, slots=True)
class FitReport:
    """The result of fitting a head: its figures, and why it is used or not.

    ``people`` counts by person the decisions that the head was fitted on. ``agreement`` is the share of the latest ``replayed``
    decisions, unseen by the head, that it agrees with, before and after. ``moved`` names comments
    of the latest ``compared`` that it would send elsewhere, ``elsewhere`` counts them all; None
    until that was looked at. ``digest`` is the same for heads that move alike. ``set_aside`` names
    people who decide the opposite of the others and were left out for it: the share of pairs of
    decisions, one good and one bad, that the others put in the same order, of theirs and of the
    others'. ``unproven`` counts by person the decisions on what the machine had settled that were
    left out, since they don't help with the others' decisions.
    """

    at: int
    why: str
    decisions: int = 0
    model: str = ""
    people: Mapping[str, int] = field(default_factory=dict)
    replayed: int = 0
    agreement: tuple[float, float] = (0.0, 0.0)
    auc_drop: float = 0.0
    compared: int = 0
    elsewhere: int | None = None
    moved: tuple[str, ...] = ()
    digest: str = ""
    set_aside: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unproven: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Rebuild what ``dataclasses.asdict`` gave, from JSON."""
        before, after = stored["agreement"]
        aside = {
            person: (own, others) for person, (own, others) in stored.get("set_aside", {}).items()
        }
        known = {"agreement": (before, after), "moved": tuple(stored["moved"]), "set_aside": aside}
        return cls(**{**stored, **known})


@dataclass(frozen=True, slots=True)
class Version:
    """A head that was fitted: its number, and the attempt that made it."""

    number: int
    made: FitReport
    #: Whether it ever judged.
    judged: bool = False

    @property
    def name(self) -> str:
        """How scores name it, behind the shared model."""
        return f"s{self.number}"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a site has learned, and what judges.

    ``current`` is the number of the head that judges, 0 for the shared model alone; ``trail`` those
    that judged, the latest last. While ``pinned`` no later head takes its place by itself.
    """

    current: int = 0
    pinned: bool = False
    trail: tuple[int, ...] = (0,)
    versions: tuple[Version, ...] = ()
    left_out: tuple[str, ...] = ()
    #: Who counts although they decide the opposite of the others, since somebody said so.
    vouched: tuple[str, ...] = ()
    latest: FitReport | None = None
    feedback: int = 0
    due: bool = False
    #: Who read the texts of this feedback.
    reader: str = ""
    #: The number that the next version gets.
    next: int = 1

    def before(self) -> int:
        """Return the version to roll back to: the one that judged before and is still kept."""
        kept = {version.number for version in self.versions}
        for number in reversed(self.trail[:-1]):
            if number != self.current and number in kept:
                return number
        return 0
