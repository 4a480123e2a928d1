"""Protocols of what has a substitute in tests: a clock, a model, a learner, a comparer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Return the time; in production Redis TIME, so that all hosts agree."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model may know of one comment (models.scorer.Item has the same attributes)."""

    content: str
    author_name: str = ""
    author_email: str = ""
    author_url: str = ""
    user_agent: str = ""
    post_url: str = ""
    post_title: str = ""
    language: str = ""
    honeypot: bool = False
    seconds_to_submit: float | None = None
    near_duplicates: int = 0
    #: The author's standing at the site, from -1 (rejected before) to 1 (approved many times).
    trust: float = 0.0


#: Thresholds: "flag" and "reject", each by label.
Bars = Mapping[str, Mapping[str, float]]


class Model(Protocol):
    """A trained model; models.scorer.Scorer is the one implementation."""

    version: str
    thresholds: Mapping[str, Mapping[str, float]]

    def score(self, items: Sequence[Any], *, hurried: bool = False) -> Sequence[Any]:
        """Return one object for each Sample: labels, model, language, known_language and empty.

        One that a head moved also has its ``unmoved`` labels, and ``alike``: id and decision of the
        decided comments that it is most like.

        ``model`` names who read it. *hurried* spares the dearest part of the model what the rest
        is sure of. Where a site has its own head, ``house`` is given, too: one for each Sample
        that Learner.head returned, or None; so are ``bars``, thresholds like its own, of each site
        that has set any, or None.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lesson:
    """A decision as a learner needs it.

    ``person`` numbers who decided, ``seen`` is one of feedback.Seen, ``at`` in Unix ms.
    """

    comment_id: str
    decision: str
    seen: str
    person: int
    at: int
    reading: bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """A head that was fitted, packed, and whether it may judge.

    ``why`` is a code. Agreement is with the latest decisions, which it had not seen: the share
    before and after. ``auc_drop`` is the most that the frozen set loses. ``contrary`` has a row for
    each person who was left out for deciding the opposite of the others: their number, and the
    share of pairs of decisions that the others put in the same order, of theirs and of the others'.
    ``unproven`` has a row for each person of whom decisions on what the machine had settled were left
    out, since they don't help with the others' decisions: their number, and how many.
    """

    head: bytes
    digest: str
    accepted: bool
    why: str
    decisions: int = 0
    replayed: int = 0
    agreement: tuple[float, float] = (0.0, 0.0)
    auc_drop: float = 0.0
    contrary: Sequence[tuple[int, float, float]] = ()
    unproven: Sequence[tuple[int, int]] = ()


class Learner(Protocol):
    """Learns a site's own head; models.learner.HeadLearner is the one implementation."""

    @property
    def reader(self) -> str:
        """Who reads texts here, to tell readings by; empty where nothing can be learned."""
        ...

    def read(self, items: Sequence[Any]) -> Sequence[bytes]:
        """Return the shared model's reading of each Sample, packed, without the text."""
        ...

    def fits(self, reading: bytes) -> bool:
        """Tell whether a head can be fitted on *reading*."""
        ...

    def learn(
        self, lessons: Sequence[Lesson], *, current: bytes | None, vouched: Collection[int] = ()
    ) -> Fit | Any:
        """Fit a head on *lessons*, and hold it against the one in use.

        Who decides the opposite of the others is left out, unless *vouched* has their number.
        """
        ...

    def head(self, packed: bytes, number: int, lessons: Sequence[Lesson] = ()) -> Any:
        """Return a head that a Model takes, named by its *number*. Raises ValueError.

        What it moves is said to be like those of *lessons* that are.
        """
        ...

    def moved(self, scores: Sequence[Any], head: Any, bars: Bars | None = None) -> Sequence[Any]:
        """Return what Model.score gave without any head as *head* would have moved it."""
        ...

    def alike(
        self, reading: bytes, lessons: Sequence[Lesson], *, most: int
    ) -> Sequence[tuple[str, float]]:
        """Return the ids of the decided comments most like *reading*, with their likeness, 0 to 1."""
        ...

    def pairs(self, lessons: Sequence[Lesson]) -> Sequence[tuple[str, str]]:
        """Return ids of decided comments that are alike and that different people decided."""
        ...


#: A text to compare: its signature, a number for its author, and the halves of its comment's id.
Marked = tuple[int, int, int, int]


class Duplicates(Protocol):
    """Tells which texts say nearly the same."""

    def signatures(self, contents: Sequence[str]) -> Sequence[int]:
        """Return for each text a number of 64 bits, 0 for one too short to compare."""
        ...

    def others(
        self, seen: Sequence[int], batch: Sequence[Marked]
    ) -> Sequence[tuple[int, Sequence[tuple[int, int]]]]:
        """Return near-duplicates by other authors for each text of *batch*: count, and up to 5 ids.

        *seen* holds the numbers of earlier texts, four each. Ids are halves, the latest first.
        """
        ...
