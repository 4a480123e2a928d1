"""What is known about a draft besides its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from moderation.scores import Scores
from moderation.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Near:
    """Near-duplicates by other authors: count, and up to 5 ids, newest first."""

    count: int = 0
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that model and rules ask for; without storage, as in `winnow score`, there are none.

    ``signature`` is the text's SimHash, kept so that later texts can be compared with it; 0: none.
    ``first_comment``: no comment by this author was approved yet; looked up only for a site whose
    policy asks for it. ``house`` is the site's own head, as Learner.head gave it; None: it has none,
    or lets it judge nothing. ``treatment`` is how the site treats the author, the address or a domain
    that the draft names; None: as anybody.
    """

    near: Near = Near()
    signature: int = 0
    first_comment: bool = False
    house: object | None = None
    #: The author's standing at the site, -1 (rejected before) to 1; see judging.trust.
    trust: float = 0.0
    treatment: Treatment | None = None

    @classmethod
    def kept_in(cls, scores: Scores | None) -> Self:
        """Return the facts that are kept with a comment's scores."""
        return cls(Near(scores.near_duplicates, scores.alike)) if scores else cls()


#: The facts without storage: none.
NOTHING = Facts()
