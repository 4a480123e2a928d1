"""In whatever order steps happen, no comment is lost or stuck, and no event is delivered twice.

Hypothesis interleaves every step of the protocol with deaths, expiries and repeats on a real
server; after each step the invariants of design section 4 are read from Redis itself.
``WINNOW_PROPERTIES=long`` looks for longer.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from moderation import ids
from moderation.actor import ActorKind
from moderation.comment import Author, Decision, Draft, Status
from moderation.errors import Conflict, NotFound
from moderation.facts import NOTHING
from moderation.policy import Policy
from moderation.records import Batch
from moderation.store import keys
from moderation.store.client import connect
from moderation.store.comments import Comments
from moderation.workflow.judging import judge
from tests.support.actors import ADA, BLOG
from tests.support.world import PlainModel

LONG = os.environ.get("WINNOW_PROPERTIES") == "long"
TEXTS = st.sampled_from(["fine", "toxicity=0.6", "spam=0.95", "toxicity=0.95", "fine again"])
LEASE_MS, HOLD_MS = 10_000, 5_000
MODEL = PlainModel()
SITES = [ids.new_id(1), ids.new_id(2)]


#: What a function must answer again with, once it answered so the first time.
SAME_ANSWER = {
    "decide": {b"ok": {b"ok"}},
    "undo": {b"ok": {b"ok"}},
    "retry": {b"ok": {b"ok"}},
    "edit": {b"ok": {b"same"}},
    "erase": {b"ok": {b"already"}},
    "record": {b"new": {b"same"}},
}


class Resending:
    """A client whose functions are called again at times, as redis-py does when an answer is lost."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.twice = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def fcall(self, name: str, *arguments: Any) -> Any:
        first = self.client.fcall(name, *arguments)
        if not self.twice:
            return first
        again = self.client.fcall(name, *arguments)
        function = name.rpartition("_")[0]
        if function == "take":
            assert [row[0] for row in again[2:]] == [row[0] for row in first[2:]]
            assert again[1] == first[1]
        elif function in SAME_ANSWER and first[0] in SAME_ANSWER[function]:
            assert again[0] in SAME_ANSWER[function][first[0]]
        return again


class Protocol(RuleBasedStateMachine):
    comments: Comments
    redis: Any

    known = Bundle("known")
    batches = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.redis.twice = False
        self.now = 1_800_000_000_000
        self.accepted: set[str] = set()
        self.holders = 0
        self.externals = 0

    # -- what may happen -------------------------------------------------------------------------

    @rule(target=known, text=TEXTS, site=st.sampled_from(SITES), email=st.sampled_from(["", "a@b"]))
    def accept(self, text: str, site: str, email: str) -> str:
        self.externals += 1
        draft = Draft(text, Author(email=email), external_id=str(self.externals))
        (one,), _ = self.comments.accept(site, [draft], backlog=1000, now_ms=self.now)
        (again,), _ = self.comments.accept(site, [draft], backlog=1000, now_ms=self.now)
        assert again.id == one.id
        self.accepted.add(one.id)
        return one.id

    @rule(target=known, text=TEXTS, site=st.sampled_from(SITES))
    def record(self, text: str, site: str) -> str:
        draft = Draft(text)
        judged = judge(draft, NOTHING, Policy(), model=MODEL)
        one = self.comments.record_many(site, [(draft, judged)], via="door", now_ms=self.now)[0]
        self.accepted.add(one.id)
        return one.id

    @rule(comment=known, text=TEXTS)
    def edit(self, comment: str, text: str) -> None:
        self.attempt(self.comments.edit, comment, Draft(text + " edited"), by=BLOG)

    @rule(comment=known)
    def erase(self, comment: str) -> None:
        self.comments.erase(comment, by=BLOG, now_ms=self.now)

    @rule(comment=known, decision=st.sampled_from(Decision), times=st.integers(1, 2))
    def decide(self, comment: str, decision: Decision, times: int) -> None:
        arguments = {"by": ADA, "reason": "", "note": "", "version": None, "hold_ms": HOLD_MS}
        for _ in range(times):
            self.attempt(self.comments.decide, comment, decision, **arguments)

    @rule(comment=known)
    def undo(self, comment: str) -> None:
        self.attempt(self.comments.undo, comment, by=ADA)

    @rule(comment=known)
    def retry(self, comment: str) -> None:
        self.attempt(self.comments.retry, comment, by=ADA)

    @rule(target=batches, size=st.integers(1, 5))
    def take(self, size: int) -> Batch | None:
        self.holders += 1
        return self.comments.take(
            0, f"w:{self.holders}", size=size, lease_ms=LEASE_MS, now_ms=self.now
        )

    @rule(batch=batches, left_out=st.integers(0, 2), times=st.integers(1, 2))
    def commit(self, batch: Batch | None, left_out: int, times: int) -> None:
        if batch is None:
            return
        judged = [
            (one, judge(one.draft, NOTHING, Policy(), model=MODEL))
            for one in batch.items[left_out:]
        ]
        for _ in range(times):
            self.comments.commit(0, batch.token, judged, now_ms=self.now)

    @rule(batch=batches)
    def worker_dies(self, batch: Batch | None) -> None:
        if batch is not None:
            holder = batch.token.rpartition(":")[0]
            self.comments.reclaim(0, holder=holder, now_ms=self.now)

    @rule(twice=st.booleans())
    def answers_are_lost(self, twice: bool) -> None:
        """From here on each script is sent once, or twice."""
        self.redis.twice = twice

    @rule()
    def watchdog(self) -> None:
        self.comments.reclaim(0, lease_ms=LEASE_MS, now_ms=self.now)
        self.comments.release(0, hold_ms=HOLD_MS, now_ms=self.now)

    @rule(milliseconds=st.sampled_from([1, 1000, HOLD_MS, LEASE_MS + 1, -3_600_000]))
    def time_passes(self, milliseconds: int) -> None:
        """An hour back is a clock that was set."""
        self.now += milliseconds

    # -- what must hold --------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        assert {one.id for one in self.comments.get_many(sorted(self.accepted))} == self.accepted

    @invariant()
    def a_pending_comment_is_in_exactly_one_list_or_lease(self) -> None:
        places: Counter[str] = Counter()
        lists = [keys.SUSPECTS(0), *(keys.PENDING(0, ids.shorten(site)) for site in SITES)]
        tokens = [token.decode() for token in self.redis.zrange(keys.LEASES(0), 0, -1)]
        for key in (*lists, *(keys.LEASE(0, token) for token in tokens)):
            places.update(ids.lengthen(one.decode()) for one in self.redis.lrange(key, 0, -1))
        assert not [one for one, number in places.items() if number > 1]
        for comment in self.every():
            if comment.status is Status.PENDING:
                assert places[comment.id] == 1, comment.history
        waiting = {site for site in SITES if self.redis.llen(keys.PENDING(0, ids.shorten(site)))}
        ring = {ids.lengthen(one.decode()) for one in self.redis.zrange(keys.RING(0), 0, -1)}
        assert waiting <= ring

    @invariant()
    def the_queue_is_what_is_flagged(self) -> None:
        for site in SITES:
            flagged = {
                one.id for one in self.every()
                if one.status is Status.FLAGGED and one.site_id == site
            }  # fmt: skip
            for kind in (keys.QUEUE, keys.WAITING):
                stored = self.redis.zrange(kind(0, ids.shorten(site)), 0, -1)
                assert {ids.lengthen(one.decode()) for one in stored} == flagged

    @invariant()
    def counters_agree(self) -> None:
        truth = Counter(one.status for one in self.every())
        assert {k: v for k, v in self.comments.counts().items() if v} == dict(truth)

    @invariant()
    def history_is_whole_and_legal(self) -> None:
        for comment in self.every():
            if comment.status is Status.ERASED:
                continue
            assert len(comment.history) == comment.version
            old = Status.PENDING
            for step in comment.history:
                assert step.old is old
                old = step.new
            assert old is comment.status

    @invariant()
    def no_event_is_told_twice(self) -> None:
        for site in SITES:
            ids = [one.id for one in self.comments.events(site, limit=10_000)]
            assert len(ids) == len(set(ids))

    @invariant()
    def what_the_machine_settled_was_told(self) -> None:
        """Each verdict that stands as a transition has its event, in the same script."""
        events = {
            (one.subject_id, one.sequence)
            for site in SITES
            for one in self.comments.events(site, limit=10_000)
        }
        for comment in self.every():
            for number, step in enumerate(comment.history, 1):
                if step.by.kind is ActorKind.MACHINE:
                    assert (comment.id, number) in events

    # --------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Whatever was going on: once workers run again, nothing is stuck.

        Nor does anything wait for a clock that was set back to be where it was.
        """
        for _ in range(3):
            self.now += LEASE_MS + HOLD_MS
            self.watchdog()
        for _ in range(200):
            self.watchdog()
            batch = self.take(50)
            if batch is None:
                break
            self.commit(batch, 0, 1)
        assert self.comments.counts()["pending"] == 0
        assert self.redis.zcard(keys.HELD(0)) == 0

    def every(self) -> list[Any]:
        return self.comments.get_many(sorted(self.accepted))

    def attempt(self, step: Any, *args: Any, **options: Any) -> None:
        """Try a step that may be refused; a refusal changes nothing, which the invariants see."""
        with contextlib.suppress(Conflict, NotFound):
            step(*args, now_ms=self.now, **options)


@pytest.mark.timeout(3000 if LONG else 600)
def test_no_interleaving_loses_doubles_or_strands_a_comment(redis_url: str):
    redis = Resending(connect(redis_url))
    machine = type("On", (Protocol,), {
        "redis": redis, "comments": Comments(redis, pepper=b"p" * 32),
    })  # fmt: skip
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=1500 if LONG else 100,
            stateful_step_count=60 if LONG else 40,
            deadline=None,
            derandomize=not LONG,
            database=None,
            # Shrinking a failure takes minutes: that is for the long run.
            phases=list(Phase) if LONG else [Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
