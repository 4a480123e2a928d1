"""Scheduled jobs and their intervals. They run on the queue of upkeep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from moderation import dispatch
from worker import jobs


@dataclass(frozen=True, slots=True)
class Periodic:
    """One line of the table: a function of :mod:`worker.jobs`, and the seconds between two runs."""

    job: Callable[[], int]
    every_seconds: int

    @property
    def path(self) -> str:
        """The dotted path by which RQ finds the job."""
        return f"{self.job.__module__}.{self.job.__qualname__}"


SCHEDULE = (
    # Texts and verdicts whose retention is over.
    Periodic(jobs.purge, 3600),
    # Events that everybody has heard and no feed is promised any more.
    Periodic(jobs.trim_events, 3600),
    # Texts that a site learned from, once another shared model judges.
    Periodic(jobs.learn_anew, 600),
    # Clean-ups of campaigns that were cut off; each is also asked for when it begins.
    Periodic(jobs.clean_up, 600),
    # Letters that no mail server took; each is also asked for when it is put into the outbox.
    Periodic(jobs.write_letters, 600),
    # Erasures of people that were cut off; each is also asked for when it begins.
    Periodic(jobs.erase, 600),
    # Reminders of waiting comments to moderators who wish them; each chooses the interval.
    Periodic(jobs.remind, 300),
)

#: All that a worker will run: write access to Redis must not be a way to run anything else.
ALLOWED = frozenset({*dispatch.ASKED_FOR, *(one.path for one in SCHEDULE)})
