"""What a small Winnow takes as a whole: start, memory, and an idle second.

A Winnow with two workers, its Valkey and the encoder. *Start* is from the command to readiness, with the
processor time that all its processes used for it. *Memory* is PSS of all of them, which counts a
page that several share once, after each worker has judged comments in five scripts. *Idle* is what they
use in a second in which nothing is asked, over the minute after: by the scheduler's account in nanoseconds, since
one tick of /proc/PID/stat is more than they use in ten seconds.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
import time
from pathlib import Path

import redis

from benchmarks._asked import help_asked
from benchmarks.latency import pending
from moderation.store.embedded import socket_url
from tests.support.service import Running, descendants, running
from tests.support.waiting import wait_until

RUNS, COMMENTS, IDLE_SECONDS = 3, 200, 60
#: After this what comes after work is over: workers listen for comments, and the index has caught up.
SETTLED_SECONDS = 15
LIMITS = {"start_seconds": 2.0, "pss_mb": 260.0, "idle_round_trips": 4.0, "idle_cpu_ms": 1.0}
TEXTS = (
    "Thank you, the second example cleared it up for me.",
    "Der zweite Absatz hat mir geholfen, vielen Dank für die Mühe.",
    "Спасибо за статью, очень интересно.",
    "ありがとうございます。とても役に立ちました。",
    "شكرا جزيلا على هذا المقال المفيد",
)
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_ms(winnow: Running) -> float:
    """Return the processor time of all processes so far."""
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in descendants(winnow._process.pid)]  # noqa: SLF001
    fields = [one.rpartition(")")[2].split() for one in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS * 1000


def scheduled_ms(winnow: Running) -> float:
    """Return the processor time so far of every thread of all processes, as the scheduler counts it."""
    tasks = [
        task
        for pid in descendants(winnow._process.pid)  # noqa: SLF001
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def pss_mb(winnow: Running) -> float:
    """Return the proportional memory of all processes."""
    pids = descendants(winnow._process.pid)  # noqa: SLF001
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(re.findall(r"^Pss: +(\d+)", one, re.MULTILINE)[0]) for one in rollups) / 1024


def round_trips(winnow: Running) -> int:
    """Return the requests that Valkey has read."""
    with redis.Redis.from_url(socket_url(winnow.data)) as valkey:
        return int(valkey.info("stats")["total_reads_processed"])


def measured() -> dict[str, float]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as data:
        begun = time.monotonic()
        with running(Path(data) / "data", WINNOW_WORKERS="2") as winnow:
            figures = {"start_seconds": time.monotonic() - begun, "start_cpu_ms": cpu_ms(winnow)}
            sent = [{"content": f"{TEXTS[n % len(TEXTS)]} {n}"} for n in range(COMMENTS)]
            for start in range(0, COMMENTS, 20):
                winnow.ask("POST", "/v1/comments/batch", {"comments": sent[start : start + 20]})
            wait_until(lambda: pending(winnow) == 0, 60, "verdicts")
            figures["pss_mb"] = pss_mb(winnow)
            time.sleep(SETTLED_SECONDS)
            before = scheduled_ms(winnow), round_trips(winnow)
            time.sleep(IDLE_SECONDS)
            figures["idle_cpu_ms"] = (scheduled_ms(winnow) - before[0]) / IDLE_SECONDS
            figures["idle_round_trips"] = (round_trips(winnow) - before[1] - 1) / IDLE_SECONDS
            return figures


def main() -> None:
    """Print the medians; the last line is JSON."""
    runs = [measured() for _ in range(RUNS)]
    figures = {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}
    print(f"start: {figures['start_seconds']} s, {figures['start_cpu_ms']:.0f} ms of processor")
    print(f"memory: {figures['pss_mb']:.0f} MB in all")
    print(
        f"an idle second: {figures['idle_cpu_ms']} ms of processor, {figures['idle_round_trips']} round trips"
    )
    print(json.dumps(figures | {f"limit_{name}": limit for name, limit in LIMITS.items()}))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
