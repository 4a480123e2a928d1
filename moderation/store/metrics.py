"""Counters that several processes add to and one scrape reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moderation.records import Judged
from moderation.store import keys
from moderation.store.client import Client

#: Upper bounds of the histogram of screening times, seconds per batch.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts since this data set was made."""

    verdicts: dict[tuple[str, str], int]
    attempts: dict[str, int]
    learned: dict[str, int]
    batches: dict[float, int]
    batch_seconds: float


class Metrics:
    """Adds to, and reads, one hash of counters."""

    def __init__(self, redis: Client) -> None:
        """Count in *redis*."""
        self._redis: Any = redis

    def screened(self, judged: Sequence[Judged], seconds: float) -> None:
        """Count a batch's verdicts, by action and model version, and how long it took."""
        verdicts = Counter(
            f"verdict|{one.verdict.action}|{one.scores.model if one.scores else 'none'}"
            for one in judged
        )
        pipeline = self._redis.pipeline(transaction=False)
        for name, number in verdicts.items():
            pipeline.hincrby(keys.METRICS(keys.GLOBAL), name, number)
        bound = next((bound for bound in BUCKETS if seconds <= bound), float("inf"))
        pipeline.hincrby(keys.METRICS(keys.GLOBAL), f"batch|{bound}", 1)
        pipeline.hincrbyfloat(keys.METRICS(keys.GLOBAL), "batch_seconds", seconds)
        pipeline.execute()

    def attempted(self, result: str) -> None:
        """Count one attempt at delivering a webhook, by its result."""
        self._redis.hincrby(keys.METRICS(keys.GLOBAL), f"attempt|{result}", 1)

    def learned(self, outcome: str) -> None:
        """Count one attempt at learning from a site's decisions, by its outcome."""
        self._redis.hincrby(keys.METRICS(keys.GLOBAL), f"learned|{outcome}", 1)

    def read(self) -> Measured:
        """Return every counter."""
        stored = {
            name.decode(): value.decode()
            for name, value in self._redis.hgetall(keys.METRICS(keys.GLOBAL)).items()
        }
        verdicts: dict[tuple[str, str], int] = {}
        attempts: dict[str, int] = {}
        learned: dict[str, int] = {}
        batches = dict.fromkeys((*BUCKETS, float("inf")), 0)
        for name, value in stored.items():
            kind, _, rest = name.partition("|")
            if kind == "verdict":
                action, _, model = rest.partition("|")
                verdicts[action, model] = int(value)
            elif kind == "attempt":
                attempts[rest] = int(value)
            elif kind == "learned":
                learned[rest] = int(value)
            elif kind == "batch":
                batches[float(rest)] = int(value)
        return Measured(
            verdicts,
            attempts,
            learned,
            batches,
            float(stored.get("batch_seconds", 0)),
        )
