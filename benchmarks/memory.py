"""Redis memory per decided comment, whole and after its text has expired, by kind of key.

Each comment has 200 characters, author, post, scores, verdict and history, and is found by site,
day, status, external id, e-mail and address. First as its verdict left it; then each decided again
by a moderator, the decision kept for learning; then with its text expired. What is stored does not depend on
who read the comment, so the encoder, which would take five minutes for them, stays off.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from benchmarks._asked import help_asked
from benchmarks._comments import drafts
from models import simhash
from models.scorer import Scorer
from moderation.actor import moderator
from moderation.comment import Decision, Status
from moderation.store import keys
from moderation.workflow.screening import Limits
from service.cli.stats import measured
from tests.support.valkey import serving
from tests.support.world import World, make_world

COMMENTS, WARM_UP = 50_000, 200
LIMIT, LIMIT_EXPIRED = 700, 250
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Later:
    """A clock that is some days ahead."""

    now: int

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return self.now


def fill(world: World, count: int, *, seed: int = 1) -> None:
    """Submit and screen *count* comments with the shipped model, without its encoder."""
    model, waiting = Scorer.load(encoder=False), []
    adapters = replace(world.adapters, current=lambda: model, duplicates=simhash)
    for draft in drafts(count, seed=seed):
        waiting.append(draft)
        if len(waiting) < 200:
            continue
        adapters.submit(waiting, site=world.site)  # fmt: skip
        waiting = []
        adapters.screen(0, holder="benchmark:1", limits=Limits(budget_seconds=60, linger_seconds=0))  # fmt: skip


def decide_all(world: World) -> None:
    """Have a moderator overturn every verdict, and tell the events."""
    comments, now, cursor = world.adapters.comments, world.adapters.clock.now_ms(), None
    while True:
        page = comments.recent(world.site.id, cursor=cursor, limit=500)
        for one in page.items:
            other = Decision.SPAM if one.status is Status.APPROVED else Decision.APPROVE
            comments.decide(
                one.id, other, by=moderator("moderator ada"), reason="", note="", version=None, hold_ms=0,
                now_ms=now,
            )  # fmt: skip
        cursor = page.next
        if cursor is None:
            break
    while comments.release(0, now_ms=now + 1):
        pass


def expire(world: World) -> None:
    """Run the purge as it will be run a hundred days later, and the trimming of events."""
    later = Later(world.adapters.clock.now_ms() + 100 * _DAY_MS)
    replace(world.adapters, clock=later).purge()


def report(world: World, name: str, base: int, count: int) -> float:
    """Print bytes per comment by kind of key; return their sum without the event stream."""
    used = int(world.adapters.redis.info("memory")["used_memory"]) - base
    kinds = {kind: one["bytes"] for kind, one in measured(world.adapters.redis, 2000).items()}
    events = kinds.get(keys.EVENTS.name, 0)
    print(f"{name}: {(used - events) / count:,.0f} bytes a comment, events {events / count:,.0f}")
    for kind, size in sorted(kinds.items(), key=lambda pair: -pair[1]):
        if size / count >= 1:
            print(f"  {size / count:>6,.0f}  {kind}")
    return (used - events) / count


def main(count: int = COMMENTS) -> None:
    """Print bytes per comment in each state; the last line is JSON."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with serving() as valkey, tempfile.TemporaryDirectory() as data:
        world = make_world(valkey.url, Path(data))
        fill(world, WARM_UP, seed=2)  # scripts, clients and counters, which are there once
        base = int(world.adapters.redis.info("memory")["used_memory"])
        fill(world, count)
        judged = report(world, "as the verdict left it", base, count)
        decide_all(world)
        decided = report(world, "decided by a moderator", base, count)
        expire(world)
        expired = report(world, "with its text expired", base, count)
    result = {
        "comments": count,
        "judged_bytes": round(judged),
        "decided_bytes": round(decided),
        "limit": LIMIT,
        "expired_bytes": round(expired),
        "limit_expired": LIMIT_EXPIRED,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    help_asked(__doc__)
    main(*map(int, sys.argv[1:]))
