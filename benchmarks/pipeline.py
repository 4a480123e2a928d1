"""Comments a second from acceptance in batches to verdict, beside peers of the same run.

One RQ job for each comment, with RQ's forking worker and with its SimpleWorker (two of each, as
Winnow has two); the scorer alone in as many processes as there are cores; and a bare pipelined write
of the same comments as JSON, a hash each, by one process. The comments have 200 characters;
everything is on this machine. What has to be sent is ready before the clock starts: the jobs in their
queue, the batches as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks import _peer
from benchmarks._comments import document, drafts
from moderation.comment import Draft
from tests.support.service import Running, running
from tests.support.valkey import serving
from tests.support.waiting import wait_until

COMMENTS, FORKED, SIMPLE, RUNS, BATCH = 10_000, 60, 400, 5, 1000
#: Clients that send their batches at once.
BLOGS = 2
CORES = os.cpu_count() or 1
LIMITS = {"forking": 100.0, "simple": 15.0, "scorer": 0.25}


def spread(pool: ProcessPoolExecutor, texts: list[str]) -> float:
    """Return how many comments a second the scorer alone does on all cores."""
    share = len(texts) // CORES
    parts = [texts[n * share : (n + 1) * share] for n in range(CORES)]
    began = time.perf_counter()
    list(pool.map(_peer.scored, parts))
    return share * CORES / (time.perf_counter() - began)


def peers(pool: ProcessPoolExecutor, url: str, texts: list[str], *, forking: bool) -> float:
    """Return how many comments a second as many RQ workers judge as there are cores."""
    _peer.enqueue(url, texts)
    began = time.perf_counter()
    for done in [pool.submit(_peer.work, url, forking=forking) for _ in range(CORES)]:
        done.result()
    return len(texts) / (time.perf_counter() - began)


def written(url: str, made: list[Draft]) -> float:
    """Return how many comments a second are written to Redis when nothing else is done to them."""
    documents = [json.dumps(document(draft)).encode() for draft in made]
    began = time.perf_counter()
    _peer.write(url, documents, BATCH)
    return len(made) / (time.perf_counter() - began)


def ours(winnow: Running, made: list[Draft], turn: int) -> float:
    """Return how many comments a second go from a batch to their verdict."""
    documents = [
        document(replace(draft, external_id=f"{turn}-{n}", parent=""))
        for n, draft in enumerate(made)
    ]
    bodies = [
        json.dumps({"comments": documents[at : at + BATCH]}).encode()
        for at in range(0, len(documents), BATCH)
    ]
    before = judged(winnow)
    began = time.perf_counter()
    with ThreadPoolExecutor(BLOGS) as blogs:
        answers = [blogs.submit(winnow.ask, "POST", "/v1/comments/batch", body) for body in bodies]
    for status, answered in (answer.result() for answer in answers):
        if status != 202:
            raise SystemExit(f"a batch was answered {status}: {answered}")
    wait_until(lambda: judged(winnow) - before >= len(made), 120, "the verdicts")
    return len(made) / (time.perf_counter() - began)


def judged(winnow: Running) -> int:
    """Return how many comments have a verdict, from what Prometheus would scrape."""
    import urllib.request  # noqa: PLC0415 - nothing else here asks for a page

    with urllib.request.urlopen(f"{winnow.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return round(
        sum(float(line.split()[-1]) for line in lines if line.startswith("winnow_screened_total"))
    )


def main() -> None:
    """Print the medians and the ratios."""
    made = list(drafts(COMMENTS))
    texts = [draft.content for draft in made]
    rates: dict[str, list[float]] = {name: [] for name in ("ours", *LIMITS, "write")}
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", WINNOW_SITE_RATE="10000000/minute") as winnow,
        serving() as valkey,
        ProcessPoolExecutor(CORES, mp_context=context) as pool,
    ):
        spread(pool, texts[:512])  # every process has its scorer
        for turn in range(RUNS):
            rates["ours"].append(ours(winnow, made, turn))
            rates["write"].append(written(valkey.url, made))
            rates["scorer"].append(spread(pool, texts))
            rates["simple"].append(peers(pool, valkey.url, texts[:SIMPLE], forking=False))
            rates["forking"].append(peers(pool, valkey.url, texts[:FORKED], forking=True))
    for name, found in rates.items():
        print(f"{name}: {statistics.median(found):,.0f} comments/s")
    figures = {
        f"to_{name}": round(
            statistics.median(a / b for a, b in zip(rates["ours"], rates[name], strict=True)), 2
        )
        for name in rates
        if name != "ours"
    }
    print(json.dumps(figures | {f"limit_{name}": limit for name, limit in LIMITS.items()}))


if __name__ == "__main__":
    main()
