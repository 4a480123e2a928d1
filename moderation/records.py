"""What the store takes and hands over, beside comments themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from moderation.actor import Actor
from moderation.comment import Comment, Decision, Draft, Status
from moderation.scores import Scores
from moderation.verdict import Verdict


class IntakeOutcome(StrEnum):
    """How a draft fared on its way in."""

    NEW = "new"
    SAME = "same"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of accepting one draft: its comment's id and status, and whether it is a repeat."""

    id: str
    status: Status
    outcome: IntakeOutcome


@dataclass(frozen=True, slots=True)
class Batch:
    """Comments on lease to one worker. ``token`` names the lease.

    ``wake``: there are others, and the caller is to wake a worker for them.
    """

    token: str
    items: tuple[Comment, ...]
    wake: bool = False
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """Result of judging a draft; ``signature`` is its text's SimHash, 0 for none.

    ``spot_check``: chance picked it to be looked at although it is settled.
    """

    scores: Scores | None
    verdict: Verdict
    status: Status
    priority: float = 0.0
    signature: int = 0
    spot_check: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of sites and authors before comments are judged."""

    #: By site, the numbers of its recent texts, four each (ports.Marked).
    signatures: Mapping[str, Sequence[int]]
    #: Sites that have records of people.
    treating: frozenset[str]
    #: Of each author how many comments were approved, and how many refused.
    standings: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Past:
    """A comment from before Winnow and what its blog decided; None: nobody has decided yet."""

    draft: Draft
    created_ms: int
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of comments and the cursor of the next one, None at the end."""

    items: tuple[Comment, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search, the cursor of the next one, and how many comments cannot be found yet."""

    items: tuple[Comment, ...]
    next: str | None
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many comments a search would find, by status; not ``whole`` where counting stopped early.

    ``sure``: each that was counted would be found. Otherwise its text might say something else.
    """

    counts: Mapping[Status, int]
    whole: bool = True
    sure: bool = True

    @property
    def total(self) -> int:
        """Return how many in all."""
        return sum(self.counts.values())


class Order(StrEnum):
    """How a queue is read."""

    PRIORITY = "priority"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A moderator's decision with what it was decided on, kept to learn from later."""

    comment_id: str
    revision: int
    decision: Decision
    by: Actor
    at: int
    reason: str = ""
    note: str = ""
    draft: Draft | None = None
    scores: Scores | None = None
    verdict: Verdict | None = None
    undone: bool = False
    #: It was made on a moderator's text in the place of the author's; *draft* is the author's.
    changed: bool = False

    @property
    def is_on_the_verdict(self) -> bool:
        """Whether it says if the machine was right: an approval of another text than it read does not."""
        return not (self.changed and self.decision is Decision.APPROVE)


@dataclass(frozen=True, slots=True)
class Agenda:
    """What a shard's watchdog has to do, and when; times are Unix ms, None for nothing to do."""

    #: Comments wait for a worker.
    work: bool
    lease_ends: int | None
    window_closes: int | None
    #: A site has something new to learn.
    learning_due: int | None = None
