"""``python -m worker.alive [screening] [delivery]``: whether this host's own workers do their part.

A container's health check: 0 if each part has had a recent heartbeat under this host's name, else 1 and
what is missing. Another host's workers count for nothing, which /readyz and ``winnow doctor`` count.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable

from moderation import installation
from moderation.errors import WinnowError
from moderation.store.client import connect
from moderation.store.clock import RedisClock
from moderation.store.embedded import socket_url
from moderation.store.liveness import ALIVE_MS, Liveness, Part
from worker.pulse import is_here

#: Parts that beat while each word's processes run. The upkeep worker's long jobs do not beat.
BEATING = {
    "screening": frozenset({Part.SCREENER, Part.WATCHDOG}),
    "delivery": frozenset({Part.DELIVERER, Part.WATCHDOG}),
}


def missing(parts: Iterable[Part], liveness: Liveness, *, now_ms: int) -> list[Part]:
    """Return those of *parts* that no process of this host does."""
    since = now_ms - ALIVE_MS
    return [part for part in parts if not any(map(is_here, liveness.alive(part, since_ms=since)))]


def main(words: Collection[str]) -> int:
    """Print which parts of *words* are missing; return the exit status."""
    if not BEATING.keys() >= set(words):
        print(f"usage: python -m worker.alive [{'] ['.join(BEATING)}]", file=sys.stderr)  # noqa: T201 - as below
        return 2
    try:
        settings = installation.find(os.environ).settings
        redis = connect(
            settings.redis_url or socket_url(settings.data_dir), cluster=settings.cluster
        )
        parts = sorted(frozenset().union(*(BEATING[word] for word in words)))
        gone = missing(parts, Liveness(redis), now_ms=RedisClock(redis).now_ms())
    except WinnowError as problem:
        print(f"winnow: {problem}", file=sys.stderr)  # noqa: T201 - what a health check shows
        return 1
    if gone:
        print(f"winnow: no {' and no '.join(gone)} is alive here", file=sys.stderr)  # noqa: T201 - as above
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(BEATING)))
