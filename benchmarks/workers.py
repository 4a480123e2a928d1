"""What four screening workers take of memory beside one: they share the scorer that was loaded once.

PSS, which gives each process its share of the pages that it shares (RSS would count them in each),
of the supervisor and all that it forked, after every screening worker has scored for a while and
nothing is pending. Four that shared nothing would take four times as much as one; the limit is half
of that.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
from pathlib import Path

import redis

from benchmarks._asked import help_asked
from benchmarks.intake import bodies
from benchmarks.latency import pending
from moderation.dispatch import SCREENING
from moderation.store.embedded import socket_url
from tests.support.service import Running, running
from tests.support.waiting import wait_until

FEW, MANY, RUNS, BATCH = 1, 4, 5, 1000
#: Seconds that every worker has worked before its memory counts.
WARM_SECONDS = 0.5
LIMIT = 2.0
_MB = 1024


def memory(winnow: Running) -> dict[str, float]:
    """Return PSS and RSS, in MB, of the supervisor and its children."""
    rollups = [
        Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in winnow.pids("winnow-worker")
    ]
    return {
        name: sum(
            int(size)
            for one in rollups
            for size in re.findall(rf"^{name}: +(\d+)", one, re.MULTILINE)
        )
        / _MB
        for name in ("Pss", "Rss")
    }


def all_worked(winnow: Running, workers: int) -> bool:
    """Tell whether each of *workers* has screened for a while, by RQ's own books."""
    with redis.Redis.from_url(socket_url(winnow.data)) as valkey:
        worked = [
            float(valkey.hget(key, "total_working_time") or 0)
            for key in valkey.scan_iter(f"rq:worker:{SCREENING}-*", count=1000, _type="hash")
        ]
    return sum(seconds >= WARM_SECONDS for seconds in worked) >= workers


def measured(workers: int) -> dict[str, float]:
    """Return what a Winnow with *workers* takes once all of them have worked."""
    comments = [json.loads(body) for body in bodies(BATCH)]
    with (
        tempfile.TemporaryDirectory() as data,
        running(
            Path(data) / "data", WINNOW_WORKERS=str(workers), WINNOW_SITE_RATE="10000000/minute"
        ) as winnow,
    ):

        def worked() -> bool:
            if pending(winnow) < BATCH * workers:
                winnow.ask("POST", "/v1/comments/batch", {"comments": comments})
            return all_worked(winnow, workers)

        wait_until(worked, 120, "every worker's share")
        wait_until(lambda: pending(winnow) == 0, 60, "verdicts")
        return memory(winnow)


def main() -> None:
    """Print the medians, the ratio, and what each further worker costs."""
    runs = [(measured(FEW), measured(MANY)) for _ in range(RUNS)]
    few, many = (statistics.median(run[n]["Pss"] for run in runs) for n in (0, 1))
    further = statistics.median((b["Pss"] - a["Pss"]) / (MANY - FEW) for a, b in runs)
    rss = statistics.median(run[1]["Rss"] for run in runs)
    print(f"{FEW} worker {few:.0f} MB, {MANY} workers {many:.0f} MB, each further {further:.0f} MB")
    print(f"(the sum of {MANY} workers' RSS, which counts what they share in each: {rss:.0f} MB)")
    figures = {
        "memory_of_4_to_1": round(statistics.median(b["Pss"] / a["Pss"] for a, b in runs), 2),
        "limit": LIMIT,
        "further_worker_mb": round(further, 1),
        "cores": os.cpu_count(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
