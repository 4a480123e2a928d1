"""Cleaning up a campaign: one decision on everything that shares a trait with a comment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from moderation.actor import Actor, ActorKind
from moderation.comment import Comment, Decision, Status
from moderation.lists import domains_in, is_domain
from moderation.records import Tally
from moderation.search import Query, like, network_of
from moderation.treatment import Subject, SubjectKind

#: The trait of nearly the same text; the others are kinds of subjects.
TEXT = "text"
#: Domains of a comment that are offered as traits.
_MOST_DOMAINS = 5
#: Statuses that a clean-up decides on by default: comments that are public or may become so.
REACHED = (Status.APPROVED, Status.FLAGGED, Status.PENDING)


@dataclass(frozen=True, slots=True)
class Trait:
    """What the comments of a campaign have in common: a subject, or nearly the same text."""

    kind: str
    value: str = ""

    @property
    def subject(self) -> Subject | None:
        """The subject that they share, None for a text."""
        return None if self.kind == TEXT else Subject.read(self.kind, self.value)


class CleanUpState(StrEnum):
    """How far a clean-up is."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a clean-up would decide on: how many comments, and the latest.

    ``next`` is where counting goes on, None where it does not: there are no more, or enough were counted.
    """

    tally: Tally
    examples: tuple[Comment, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class CleanUp:
    """A clean-up and how far it is; ``cursor`` is where the next step goes on.

    ``kept`` counts comments that could not be decided or brought back.
    """

    id: str
    site_id: str
    comment_id: str
    trait: Trait
    decision: Decision
    statuses: tuple[Status, ...]
    by: Actor
    at: int
    state: CleanUpState = CleanUpState.RUNNING
    cursor: str = ""
    decided: int = 0
    kept: int = 0
    undone: int = 0
    #: Unix ms of the last step.
    stepped_at: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether there is more to do."""
        return self.state in {CleanUpState.RUNNING, CleanUpState.UNDOING}

    def to_dict(self) -> dict[str, Any]:
        """Return the clean-up as JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave."""
        by = stored["by"]
        return cls(**{
            **stored,
            "trait": Trait(**stored["trait"]),
            "decision": Decision(stored["decision"]),
            "statuses": tuple(map(Status, stored["statuses"])),
            "by": Actor(ActorKind(by["kind"]), by["name"], by["via"]),
            "state": CleanUpState(stored["state"]),
        })  # fmt: skip


def traits_of(comment: Comment) -> list[Trait]:
    """Return what other comments may share with this one, the most telling first."""
    author = comment.draft.author
    found = [
        Trait(SubjectKind.DOMAIN, domain)
        for domain in sorted(filter(is_domain, domains_in(comment.content, author.url).hosts))[
            :_MOST_DOMAINS
        ]
    ]
    if comment.content:
        found.append(Trait(TEXT))
    traits = (
        (SubjectKind.USER, author.id),
        (SubjectKind.EMAIL, author.email),
        (SubjectKind.ADDRESS, author.ip),
    )
    found += [Trait(kind, value) for kind, value in traits if value]
    if network := network_of(author.ip):
        found.append(Trait(SubjectKind.NETWORK, network))
    return found


def same_text(comment: Comment) -> Query:
    """Return the query that finds nearly the same text as a comment's."""
    return like(comment.content)
