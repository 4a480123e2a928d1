"""How soon the verdict is there: at light load beside one bare RQ job, and during another's flood.

Light load: comments come singly, a fifth of a second apart, so that a worker listens for each. After
a longer silence than it listens for, a comment wakes one by an RQ job: some such are timed, too.
*Answered* is from the start of the POST (with ``Prefer: wait``) to
the end of the answer that has the verdict; for the bare job, from ``enqueue`` to its result, by a
blocking read. *Stored* ends at the verdict's own time stamp (whole milliseconds, taken just before
the write); the bare job takes one at the same place. Both have a Valkey of their own on a socket;
the bare job pays for no HTTP, no storing of the comment and no index.

Flood: one site sends a comment at a time while another posts batches as fast as they go, beside the
same without the other's batches.
"""

from __future__ import annotations

import http.client
import json
import math
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import redis

from benchmarks import _peer
from benchmarks._asked import help_asked
from benchmarks._comments import drafts
from benchmarks._load import send
from benchmarks.intake import bodies
from moderation.store import keys
from moderation.store.embedded import socket_url
from tests.support.service import Running, running
from tests.support.valkey import serving
from tests.support.waiting import wait_until

COMMENTS, RUNS = 50, 5
#: Seconds between two comments, and between two that each find no worker listening.
LIGHT_REST = (0.12, 0.22)
SILENCE, SILENT = (5.2, 5.6), 20
LIMIT = 1.5
FLOOD_SECONDS, FLOOD_CONNECTIONS, FLOOD_BATCH = 10, 2, 1000
FLOOD_REST = (0.02, 0.04)
_FLOODED = 2000


@dataclass
class Waits:
    """Milliseconds that comments waited, each one's."""

    answered: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)

    def add(self, other: Waits) -> None:
        """Take in what another run measured."""
        self.answered += other.answered
        self.stored += other.stored


class Blog:
    """A blog that keeps its connection, and waits for each verdict or does not."""

    def __init__(self, port: int, key: str, *, wait: bool = True) -> None:
        """Post with *key* to *port*; without *wait* it takes a 202 and goes on."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        }
        if wait:
            self._headers["Prefer"] = "wait=10"
        self._expected = 200 if wait else 202

    def post(self, body: str) -> int:
        """Submit a comment; return when its verdict was stored, in Unix ms (0 if it has none yet)."""
        self._connection.request("POST", "/v1/comments", body, self._headers)
        answer = self._connection.getresponse()
        shape = json.loads(answer.read())
        if answer.status != self._expected:
            raise SystemExit(f"a comment was answered {answer.status}: {shape}")
        if "history" not in shape:
            return 0
        return round(datetime.fromisoformat(shape["history"][-1]["at"]).timestamp() * 1000)


def timed(ask: Callable[[str], int], bodies: Iterator[str], *, on: Callable[[], bool],
          rest: tuple[float, float]) -> Waits:  # fmt: skip
    """Return how long each of *bodies* waited, one after the other while *on* says so."""
    waits, chance = Waits(), random.Random(7)
    while on():
        body = next(bodies)
        wall, began = math.floor(time.time() * 1000), time.perf_counter()
        stored = ask(body)
        waits.answered.append((time.perf_counter() - began) * 1000)
        waits.stored.append(max(0, stored - wall))
        time.sleep(chance.uniform(*rest))  # what light load is
    return waits


def times(count: int) -> Callable[[], bool]:
    """Return a function that returns True *count* times, and False from then on."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def p(share: int, found: Sequence[float]) -> float:
    """Return a percentile."""
    return statistics.quantiles(found, n=100, method="inclusive")[share - 1]


@contextmanager
def peer() -> Iterator[Callable[[str], int]]:
    """Run a SimpleWorker in a process of its own on a Valkey of its own; yield what asks it."""
    with serving() as valkey:
        process = multiprocessing.get_context("spawn").Process(
            target=_peer.serve, args=(valkey.url,), daemon=True
        )
        process.start()
        numbers = iter(range(10**9))
        try:
            yield lambda text: _peer.awaited(valkey.url, next(numbers), text)
        finally:
            process.terminate()
            process.join(10)


def light(winnow: Running, comments: Iterator[str], texts: Iterator[str]) -> list[Any]:
    """Return pairs of runs, ours and the bare job's, in turns."""
    blog = Blog(winnow.port, winnow.key)
    with peer() as bare:
        for warm in (lambda: blog.post(next(comments)), lambda: bare(next(texts))):
            for _ in range(3):
                warm()
        return [
            (
                timed(blog.post, comments, on=times(COMMENTS), rest=LIGHT_REST),
                timed(bare, texts, on=times(COMMENTS), rest=LIGHT_REST),
            )
            for _ in range(RUNS)
        ]


def flooding(winnow: Running, batches: Sequence[str], pool: ThreadPoolExecutor) -> Future[Any]:
    """Begin to post batches to the demo site as fast as they go; return once many wait."""
    headers = {"Authorization": f"Bearer {winnow.key}", "Content-Type": "application/json"}
    flood = pool.submit(
        send, winnow.port, "/v1/comments/batch", batches, headers=headers,
        connections=FLOOD_CONNECTIONS, seconds=FLOOD_SECONDS,
    )  # fmt: skip
    wait_until(lambda: flood.done() or pending(winnow) >= _FLOODED, 30, "the flood")
    return flood


def pending(winnow: Running) -> int:
    """Return how many comments wait for a verdict, asking Valkey, so that nobody else has work."""
    with redis.Redis.from_url(socket_url(winnow.data)) as valkey:
        return int(valkey.hget(keys.COUNTS(0), "pending") or 0)


def quiet(winnow: Running, key: str, comments: Iterator[str], batches: Sequence[str]) -> list[Any]:
    """Return runs of the quiet site, without and with the other's flood, and what that one got."""
    blog, found = Blog(winnow.port, key), []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(RUNS):
            wait_until(lambda: pending(winnow) == 0, 120, "the last flood's verdicts")
            ends = time.monotonic() + FLOOD_SECONDS
            alone = timed(
                blog.post, comments, on=lambda ends=ends: time.monotonic() < ends, rest=FLOOD_REST
            )
            flood = flooding(winnow, batches, pool)
            beside = timed(
                blog.post, comments, on=lambda flood=flood: not flood.done(), rest=FLOOD_REST
            )
            found.append((alone, beside, flood.result()))
    return found


def pooled(runs: Sequence[Sequence[Any]], n: int) -> Waits:
    """Return the *n*th waits of all runs as one."""
    all_of = Waits()
    for run in runs:
        all_of.add(run[n])
    return all_of


def report(name: str, waits: Waits) -> None:
    """Print a line of percentiles."""
    a, s = waits.answered, waits.stored
    print(
        f"{name}: answered p50 {p(50, a):.1f} ms, p99 {p(99, a):.1f} ms; "
        f"stored p50 {p(50, s):.1f} ms, p99 {p(99, s):.1f} ms ({len(a)} comments)"
    )


def ratio(runs: Sequence[Sequence[Any]], kind: str, share: int, over: int, under: int) -> float:
    """Return the median over all runs of one percentile's ratio."""
    return round(
        statistics.median(
            p(share, getattr(run[over], kind)) / max(1, p(share, getattr(run[under], kind)))
            for run in runs
        ),
        2,
    )


def main() -> None:
    """Print percentiles and the medians of their ratios."""
    comments, texts = cycle(bodies(5000)), cycle([one.content for one in drafts(2000, seed=3)])
    lines = [json.loads(body) for body in bodies(FLOOD_BATCH)]
    batches = [json.dumps({"comments": lines})]
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", WINNOW_SITE_RATE="100000000/minute") as winnow,
    ):
        key = winnow.cli("site", "add", "quiet")["key"]
        winnow.ask("POST", "/v1/comments/batch", json.loads(batches[0]))
        # A site has as many recent texts to compare with as it keeps, as after a week or two.
        wait_until(lambda: pending(winnow) == 0, 60, "verdicts")
        single = light(winnow, comments, texts)
        report("light load, Winnow", pooled(single, 0))
        report("light load, bare RQ job", pooled(single, 1))
        blog = Blog(winnow.port, winnow.key)
        silent = timed(blog.post, comments, on=times(SILENT), rest=SILENCE)
        report("after five seconds of silence, Winnow", silent)
        flood = quiet(winnow, key, comments, batches)
        report("quiet site alone", pooled(flood, 0))
        report("quiet site during another's flood", pooled(flood, 1))
        sent = statistics.median(run[2]["per_second"] for run in flood)
        print(
            f"the flood: {sent:.1f} batches of {FLOOD_BATCH:,} a second, {flood[-1][2]['statuses']}"
        )
    figures = {
        "answered_p50_to_job": ratio(single, "answered", 50, 0, 1),
        "stored_p50_to_job": ratio(single, "stored", 50, 0, 1),
        "limit": LIMIT,
        "answered_p99_to_job": ratio(single, "answered", 99, 0, 1),
        "answered_p50_to_job_after_silence": round(
            p(50, silent.answered) / p(50, pooled(single, 1).answered), 2
        ),
        "quiet_p99_in_flood": ratio(flood, "answered", 99, 1, 0),
        "quiet_p50_in_flood": ratio(flood, "answered", 50, 1, 0),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
