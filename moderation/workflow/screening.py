"""Screening: take batches of pending comments, judge them, and write their verdicts."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic, sleep

from moderation.comment import Comment, to_ms
from moderation.dispatch import Jobs
from moderation.errors import NotFound
from moderation.policy import Policy
from moderation.ports import Clock, Duplicates, Model
from moderation.records import Judged
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.store.metrics import Metrics
from moderation.workflow.judging import Candidate, Heads, gather, judge_all, spot_checked

log = logging.getLogger(__name__)

#: Longest single wait for comments, in seconds; bounds how late a stop is noticed.
_LISTEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one screening job takes on."""

    #: Comments of one batch: with the encoder one takes 5 ms of a core, a long one 30 ms.
    batch: int = 64
    #: Comments of the first batch, and seconds that the next ones should take at most, going by the
    #: one before: on a slow or busy machine a full one may take longer than a worker is given.
    first_batch: int = 64
    batch_seconds: float = math.inf
    lease_ms: int = 10_000
    #: Age of a batch's oldest comment, from which the model reads in a hurry.
    hurry_after_ms: int = 30_000
    budget_seconds: float = 1.0
    #: How long an idle job listens: comments that come meanwhile need no new job, which costs more
    #: than screening it.
    linger_seconds: float = 0.1
    #: Pause in which comments that come in numbers gather, for each of at most ``patience`` of them.
    gather_seconds: float = 0.004
    patience: int = 5


def screen(
    shard: int,
    *,
    holder: str,
    comments: Comments,
    accounts: Accounts,
    model: Model,
    duplicates: Duplicates,
    jobs: Jobs,
    clock: Clock,
    meter: Metrics,
    limits: Limits,
    heads: Heads = lambda _: {},
    chance: Callable[[], float] = random.random,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Take batches, judge and commit until the time budget ends; return how many verdicts.

    The wake-up is let go of first, so that a comment that comes meanwhile wakes another worker;
    and while there is more than one batch, another worker is woken to help.
    """
    comments.woken(shard)
    idle_since = monotonic()
    ends, written, came = idle_since + limits.budget_seconds, 0, 0
    seen: set[str] = set()
    size = min(limits.first_batch, limits.batch)
    while True:
        batch = comments.take(
            shard, holder, size=size, lease_ms=limits.lease_ms, now_ms=clock.now_ms()
        )
        if batch is None:
            left = min(idle_since + limits.linger_seconds, ends) - monotonic()
            if stopping() or left <= 0:
                break
            _wait(came, min(left, _LISTEN_SECONDS), shard, comments=comments, limits=limits)
            came = 0
            continue
        came = len(batch.items)
        seen |= {one.site_id for one in batch.items}
        if batch.wake:
            jobs.wake(shard)
        began = monotonic()
        policies = _policies(accounts, (one.site_id for one in batch.items))
        subjects = [
            Candidate(one.draft, one.site_id, policies[one.site_id], one.id) for one in batch.items
        ]
        facts = gather(subjects, comments=comments, duplicates=duplicates, clock=clock, heads=heads)
        cases = [(one.draft, known, one.policy) for one, known in zip(subjects, facts, strict=True)]
        oldest = min(one.created_at for one in batch.items)
        hurried = clock.now_ms() - to_ms(oldest) > limits.hurry_after_ms
        judged = judge_all(cases, model=model, stopping=stopping, hurried=hurried)
        judged = [
            spot_checked(one, case.policy, chance)
            for one, case in zip(judged, subjects, strict=False)
        ]
        # What is left out goes back to its list.
        screened = list(zip(batch.items, judged, strict=False))
        _report_unscored(screened)
        written += comments.commit(shard, batch.token, screened, now_ms=clock.now_ms())
        idle_since = monotonic()
        meter.screened(judged, idle_since - began)
        size = _fitting(came, idle_since - began, limits)
        if stopping() or monotonic() > ends:
            break
    if written:
        for site_id in seen:
            comments.index_many(site_id)
    comments.woken(shard)
    if comments.has_work(shard) and comments.claim_wake(shard):
        jobs.wake(shard)
    return written


def _fitting(came: int, seconds: float, limits: Limits) -> int:
    """Return the size of the batch after one of *came* comments that took *seconds*.

    It at most doubles, since one short comment says little about sixty others.
    """
    most = min(max(2 * came, limits.first_batch), limits.batch)
    if seconds * most <= limits.batch_seconds * came:
        return most
    return max(1, int(came * limits.batch_seconds / seconds))


def _wait(came: int, seconds: float, shard: int, *, comments: Comments, limits: Limits) -> None:
    """Wait for more comments after *came* of them: where many came, without listening."""
    if came > 1:
        sleep(limits.gather_seconds * min(came, limits.patience))
        return
    began = monotonic()
    if comments.listen(shard, seconds=seconds) and monotonic() - began < limits.gather_seconds:
        sleep(limits.gather_seconds)


def _policies(accounts: Accounts, site_ids: Iterable[str]) -> dict[str, Policy]:
    """Return the policy of each site; one that was removed meanwhile has the default one."""
    policies: dict[str, Policy] = {}
    for site_id in dict.fromkeys(site_ids):
        try:
            policies[site_id] = accounts.site(site_id).policy
        except NotFound:
            policies[site_id] = Policy()
    return policies


def _report_unscored(screened: Iterable[tuple[Comment, Judged]]) -> None:
    for comment, judged in screened:
        log.debug("judged %s: %s", comment.id, judged.verdict.action)
        if judged.scores is None:
            log.error("comment %s could not be scored: it is held", comment.id)
