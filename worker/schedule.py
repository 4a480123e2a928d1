"""What is done from time to time: job, every so many seconds, on which queue."""

from __future__ import annotations

from dataclasses import dataclass

from moderation import dispatch


@dataclass(frozen=True, slots=True)
class Periodic:
    """One line of the table."""

    job: str
    every_seconds: int
    queue: str


SCHEDULE = (
    # Texts and verdicts whose retention is over.
    Periodic(dispatch.PURGE, 3600, dispatch.UPKEEP),
    # Events that everybody has heard and no feed is promised any more.
    Periodic(dispatch.TRIM_EVENTS, 3600, dispatch.UPKEEP),
    # Texts that a site learned from, once another shared model judges.
    Periodic(dispatch.LEARN_ANEW, 600, dispatch.UPKEEP),
    # E-mail to moderators who wish to hear of what waits; each decides how seldom.
    Periodic(dispatch.REMIND, 600, dispatch.UPKEEP),
)
