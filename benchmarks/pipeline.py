"""Comments a second from acceptance in batches to verdict, beside peers of the same run.

*Read*: as Winnow comes, the encoder reads each comment; lengths are those of blogs' comments. Beside
it the scorer alone, in as many processes as there are cores.

*Skimmed*: without the encoder, comments of 200 characters. Beside it the scorer alone; one RQ job for
each comment, with RQ's forking worker and with its SimpleWorker (two of each, as Winnow has two); and a
bare pipelined write of the same comments as JSON, a hash each, by one process.

Everything is on this machine. What has to be sent is ready before the clock starts: the jobs in their
queue, the batches as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import _peer
from benchmarks._asked import help_asked
from benchmarks._comments import document, drafts
from moderation.comment import Draft
from tests.support.service import Running, running
from tests.support.valkey import serving
from tests.support.waiting import wait_until

READ, SKIMMED, FORKED, SIMPLE = 800, 6000, 40, 200
RUNS, BATCH = 3, 400
#: Clients that send their batches at once.
BLOGS = 2
CORES = os.cpu_count() or 1
#: Comments of real length that the encoder reads in a second, on two cores.
READ_LIMIT = 320.0
#: Least ratios to what is beside it, without the encoder.
LIMITS = {"forking": 100.0, "simple": 15.0, "scorer": 0.13}

#: Measures one thing once: comments a second.
Measure = Callable[[int], float]


def spread(pool: ProcessPoolExecutor, texts: list[str], *, encoder: bool) -> float:
    """Return how many comments a second the scorer alone does on all cores."""
    share = len(texts) // CORES
    parts = [texts[n * share : (n + 1) * share] for n in range(CORES)]
    began = time.perf_counter()
    list(pool.map(partial(_peer.scored, encoder=encoder), parts))
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
    sent = [
        document(replace(draft, external_id=f"{turn}-{n}", parent=""))
        for n, draft in enumerate(made)
    ]
    bodies = [
        json.dumps({"comments": sent[at : at + BATCH]}).encode()
        for at in range(0, len(sent), BATCH)
    ]
    before = judged(winnow)
    began = time.perf_counter()
    with ThreadPoolExecutor(BLOGS) as blogs:
        answers = [blogs.submit(winnow.ask, "POST", "/v1/comments/batch", body) for body in bodies]
    for status, answer in (one.result() for one in answers):
        if status != 202:
            raise SystemExit(f"a batch was answered {status}: {answer}")
    wait_until(lambda: judged(winnow) - before >= len(made), 300, "the verdicts")
    return len(made) / (time.perf_counter() - began)


def judged(winnow: Running) -> int:
    """Return how many comments have a verdict, from what Prometheus would scrape."""
    with urllib.request.urlopen(f"{winnow.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return round(
        sum(float(line.split()[-1]) for line in lines if line.startswith("winnow_screened_total"))
    )


def in_turn(measures: Mapping[str, Measure]) -> dict[str, list[float]]:
    """Return what each of *measures* gave in each run."""
    rates: dict[str, list[float]] = {name: [] for name in measures}
    for turn in range(RUNS):
        for name, measure in measures.items():
            rates[name].append(measure(turn))
    return rates


def ratio(rates: Mapping[str, list[float]], name: str) -> float:
    """Return the median ratio of ours to what is called *name*."""
    pairs = zip(rates["ours"], rates[name], strict=True)
    return round(statistics.median(one / other for one, other in pairs), 2)


def pool() -> ProcessPoolExecutor:
    """Return a process for each core."""
    return ProcessPoolExecutor(CORES, mp_context=multiprocessing.get_context("spawn"))


def read() -> dict[str, list[float]]:
    """Return the rates of each run with the encoder."""
    made = list(drafts(READ, real_lengths=True))
    texts = [draft.content for draft in made]
    print(f"lengths: {statistics.mean(map(len, texts)):.0f} characters on average", flush=True)
    # On a busy machine the last ones wait for longer than those that are read in a hurry.
    settings = {"WINNOW_SITE_RATE": "10000000/minute", "WINNOW_HURRY_AFTER": "3600"}
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", **settings) as winnow,
        pool() as processes,
    ):
        spread(processes, texts[:64], encoder=True)  # every process has its scorer
        return in_turn(
            {
                "ours": lambda turn: ours(winnow, made, turn),
                "scorer": lambda _: spread(processes, texts, encoder=True),
            },
        )


def skimmed() -> dict[str, list[float]]:
    """Return the rates of each run without the encoder."""
    made = list(drafts(SKIMMED))
    texts = [draft.content for draft in made]
    with (
        tempfile.TemporaryDirectory() as data,
        running(
            Path(data) / "data", WINNOW_SITE_RATE="10000000/minute", WINNOW_ENCODER="off"
        ) as winnow,
        serving() as valkey,
        pool() as processes,
    ):
        spread(processes, texts[:512], encoder=False)
        return in_turn(
            {
                "ours": lambda turn: ours(winnow, made, turn),
                "write": lambda _: written(valkey.url, made),
                "scorer": lambda _: spread(processes, texts, encoder=False),
                "simple": lambda _: peers(processes, valkey.url, texts[:SIMPLE], forking=False),
                "forking": lambda _: peers(processes, valkey.url, texts[:FORKED], forking=True),
            },
        )


def main() -> None:
    """Print the medians and the ratios."""
    parts: dict[str, dict[str, list[float]]] = {}
    for part, rates in (("read", read), ("skimmed", skimmed)):
        parts[part] = rates()
        for name, found in parts[part].items():
            print(f"{part}, {name}: {statistics.median(found):,.0f} comments/s", flush=True)
    figures = {
        "read_a_second": round(statistics.median(parts["read"]["ours"])),
        "limit_read": READ_LIMIT,
        "read_to_scorer": ratio(parts["read"], "scorer"),
    }
    for name in parts["skimmed"]:
        if name != "ours":
            figures[f"to_{name}"] = ratio(parts["skimmed"], name)
    print(json.dumps(figures | {f"limit_{name}": limit for name, limit in LIMITS.items()}))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
