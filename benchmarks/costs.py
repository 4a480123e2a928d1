"""What one comment costs each part of a running Winnow without the encoder, beside the scorer alone.

CPU time of the web server, of the workers (with supervisor and deliverer) and of Valkey; requests
that Valkey reads, which are round trips unless a request is larger than 16 KB; bytes over the wire
and into the append-only file. Three ways: *rare*, one at a time, a fifth of a second
apart; *singly*, as fast as eight connections go; *batches* of a thousand. Each counts until the comments
are judged and can be searched, which a worker sees to seconds later. What an idle
Winnow uses in the same time is measured in each run and taken off. Then what an idle second costs with
more shards.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path

import redis

from benchmarks import _peer
from benchmarks._asked import help_asked
from benchmarks._comments import drafts
from benchmarks._load import send
from benchmarks.intake import bodies
from benchmarks.latency import LIGHT_REST, Blog, pending, timed, times
from moderation.store.embedded import socket_url
from tests.support.service import Running, running
from tests.support.waiting import wait_until

RUNS, RARE, BATCHES, BATCH = 5, 50, 3, 1000
SINGLY_SECONDS, CONNECTIONS, IDLE_SECONDS = 3, 8, 3
SHARDS = (16, 64)
#: Bytes that an idle installation may append to its file in a second.
REST_BYTES = 1000
_TICKS = os.sysconf("SC_CLK_TCK")
PARTS = ("web_ms", "worker_ms", "valkey_ms")
COSTS = (*PARTS, "round_trips", "aof_bytes", "wire_bytes")

Snapshot = Mapping[str, float]


def snapshot(winnow: Running) -> Snapshot:
    """Return what everything has cost so far, and when that was."""
    with redis.Redis.from_url(socket_url(winnow.data)) as valkey:
        info = valkey.info("everything")
    return {
        "at": time.monotonic(),
        "web_ms": cpu_ms(winnow.pids("winnow-web")),
        "worker_ms": cpu_ms(winnow.pids("winnow-worker")),
        "valkey_ms": (info["used_cpu_user"] + info["used_cpu_sys"]) * 1000,
        "round_trips": info["total_reads_processed"],
        "aof_bytes": info["aof_current_size"],
        "wire_bytes": info["total_net_input_bytes"] + info["total_net_output_bytes"],
    }


def cpu_ms(pids: Sequence[int]) -> float:
    """Return the CPU time that processes have used, in user and system mode."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS * 1000


def rest(winnow: Running) -> None:
    """Return once all comments have their verdicts and, for a second, next to nothing was written."""
    wait_until(lambda: pending(winnow) == 0, 60, "verdicts")
    looked = (0.0, 0)

    def is_quiet() -> bool:
        nonlocal looked
        now, (at, size) = time.monotonic(), looked
        if now < at + 1:
            return False
        with redis.Redis.from_url(socket_url(winnow.data)) as valkey:
            looked = now, valkey.info("persistence")["aof_current_size"]
        return bool(at) and looked[1] - size < REST_BYTES

    wait_until(is_quiet, 120, "the index of search")


def idle(winnow: Running) -> dict[str, float]:
    """Return what each second costs when nobody comments."""
    before = snapshot(winnow)
    ends = time.monotonic() + IDLE_SECONDS
    wait_until(lambda: time.monotonic() >= ends, IDLE_SECONDS + 5)
    after = snapshot(winnow)
    return {name: (after[name] - before[name]) / (after["at"] - before["at"]) for name in COSTS}


def each(winnow: Running, act: Callable[[], int], resting: Mapping[str, float]) -> dict[str, float]:
    """Return what each of the comments that *act* sends costs, until all are judged and indexed for search."""
    before = snapshot(winnow)
    count = act()
    rest(winnow)
    after = snapshot(winnow)
    seconds = after["at"] - before["at"]
    return {name: (after[name] - before[name] - resting[name] * seconds) / count for name in COSTS}


def scorer_ms(texts: Sequence[str]) -> float:
    """Return the CPU time of scoring one comment in batches, and nothing else."""
    began = time.process_time()
    _peer.scored(texts, encoder=False)
    return (time.process_time() - began) * 1000 / len(texts)


def ways(winnow: Running) -> dict[str, Callable[[], int]]:
    """Return how comments are sent; each sends some and returns how many."""
    ready = bodies(5000)
    more, blog = cycle(ready), Blog(winnow.port, winnow.key, wait=False)
    headers = {"Authorization": f"Bearer {winnow.key}", "Content-Type": "application/json"}
    batch = {"comments": [json.loads(body) for body in ready[:BATCH]]}

    def rare() -> int:
        timed(blog.post, more, on=times(RARE), rest=LIGHT_REST)
        return RARE

    def singly() -> int:
        found = send(
            winnow.port, "/v1/comments", ready, headers=headers, connections=CONNECTIONS,
            seconds=SINGLY_SECONDS,
        )  # fmt: skip
        return int(found["statuses"]["202"])

    def batches() -> int:
        for _ in range(BATCHES):
            status, answer = winnow.ask("POST", "/v1/comments/batch", batch)
            if status != 202:
                raise SystemExit(f"a batch was answered {status}: {answer}")
        return BATCHES * BATCH

    return {"rare": rare, "singly": singly, "batches": batches}


def main() -> None:
    """Print the medians, and how much of each is more than the scorer alone."""
    texts = [draft.content for draft in drafts(2000, seed=5)]
    resting: list[dict[str, float]] = []
    alone: list[float] = []
    with (
        tempfile.TemporaryDirectory() as data,
        running(
            Path(data) / "data", WINNOW_SITE_RATE="10000000/minute", WINNOW_ENCODER="off"
        ) as winnow,
    ):
        acts = ways(winnow)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in acts}
        for act in acts.values():
            act()
        rest(winnow)
        scorer_ms(texts)
        for _ in range(RUNS):
            alone.append(scorer_ms(texts))
            resting.append(idle(winnow))
            for name, act in acts.items():
                found[name].append(each(winnow, act, resting[-1]))
    print(f"the scorer alone: {statistics.median(alone):.3f} ms")
    show("an idle second", resting)
    ratios = {}
    for name, costs in found.items():
        show(name, costs)
        whole = [
            sum(cost[part] for part in PARTS) / one for cost, one in zip(costs, alone, strict=True)
        ]
        ratios[f"{name}_cpu_to_scorer"] = round(statistics.median(whole), 2)
    for shards in SHARDS:
        show(f"an idle second with {shards} shards", idle_with(shards))
    print(json.dumps(ratios))


def idle_with(shards: int) -> list[dict[str, float]]:
    """Return the cost of idle seconds of a Winnow whose data set has that number of shards."""
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", WINNOW_SHARDS=str(shards), WINNOW_ENCODER="off") as winnow,
    ):
        return [idle(winnow) for _ in range(RUNS)]


def show(name: str, costs: Sequence[Mapping[str, float]]) -> None:
    """Print one line of medians."""
    middle = {cost: statistics.median(one[cost] for one in costs) for cost in COSTS}
    print(
        f"{name}: web {middle['web_ms']:.2f} ms, workers {middle['worker_ms']:.2f} ms, Valkey "
        f"{middle['valkey_ms']:.2f} ms, {middle['round_trips']:.2f} round trips, "
        f"{middle['aof_bytes']:,.0f} bytes of append-only file, "
        f"{middle['wire_bytes']:,.0f} over the wire"
    )


if __name__ == "__main__":
    help_asked(__doc__)
    main()
