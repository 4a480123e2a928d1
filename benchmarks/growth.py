"""What one more comment costs in a site that has ten thousand, a hundred thousand, a million.

A comment's *cost* is the wall time of the verbs that submit and screen it (with the shipped model but
its encoder, in this process), which wait for Valkey. Beside it stand each verb's time, Valkey's CPU time, and the bytes
that Valkey's memory and its append-only file grow by. Each size has a Valkey of its own and all take turns, so that whatever else the machine does meets all alike. Then what the
hourly purge costs for each comment that it looks at and keeps, as it will be twenty days later.

    .venv/bin/python -m benchmarks.growth --sizes 10000,100000

The million takes about 1 GB of memory, 3 GB of disk and six to ten minutes to fill. Filling goes
through the same verbs, in large batches, with scores that the shipped model gave to a few thousand
such comments, dealt out in turn, and signatures drawn at random; what is measured afterwards is
scored and signed as in production.

Each turn adds as many comments as gather before a worker adds them to the index of words, so that each pays for that
once. An index is in blocks of 65,536 comments, and costs more the fuller its block is: ten thousand and a million lie
alike, a hundred thousand in the middle of a block.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import structlog

from benchmarks._comments import drafts, many
from benchmarks.memory import Later
from models import simhash
from models.scorer import Item, Scorer
from moderation import ids
from moderation.comment import Draft
from moderation.ports import Duplicates, Marked
from moderation.store import keys
from moderation.workflow.screening import Limits
from tests.support.valkey import serving
from tests.support.waiting import wait_until
from tests.support.world import World, make_world

SIZES = (10_000, 100_000, 1_000_000)
#: A turn is as many comments as a worker lets gather before it adds them to the index: each turn pays for that once.
RUNS, COMMENTS, SUBMITTED, SCREENED = 7, 1024, 64, Limits().batch
FILLED_AT_ONCE = 1000
LIMIT = 1.3
#: More than spam's text is kept for by default, less than any other's: see site.Retention.
LOOKED_AT_DAYS = 20
COSTS = {
    "valkey_us": "Valkey CPU, µs",
    "submit_us": "submit, µs",
    "screen_us": "screen, µs",
    "aof_bytes": "append-only file, bytes",
}


class Replayed:
    """A model that deals out, in turn, the scores that another gave to other comments."""

    def __init__(self, scorer: Scorer) -> None:
        """Score a few thousand comments with *scorer*, once."""
        self.version, self.thresholds, self.card = scorer.version, scorer.thresholds, scorer.card
        texts = [Item(draft.content) for draft in drafts(4000, seed=9)]
        self._scores = cycle(scorer.score(texts))

    def score(self, items: Sequence[Any], *, hurried: bool = False) -> Sequence[Any]:  # noqa: ARG002
        """Return one of the known scores for each of *items*."""
        return list(islice(self._scores, len(items)))


@dataclass
class Store:
    """A Valkey with *size* comments of one site, and what was measured there."""

    world: World
    size: int
    costs: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COSTS})
    bytes_each: float = 0.0
    events_each: float = 0.0
    purge_us: float = 0.0
    purge_valkey_us: float = 0.0

    def info(self, section: str) -> Any:
        """Return a section of Valkey's INFO."""
        return self.world.adapters.redis.info(section)

    def cpu_seconds(self) -> float:
        """Return the CPU time that Valkey has used, without its children's."""
        info = self.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    def settled(self) -> None:
        """Return once Valkey rewrites no append-only file."""
        wait_until(lambda: not self._rewrites(), 300, "the append-only file")

    def _rewrites(self) -> bool:
        info = self.info("persistence")
        return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    def events_bytes(self) -> int:
        """Return what the site's event stream takes, which is trimmed by age."""
        key = keys.EVENTS(0, ids.shorten(self.world.site.id))
        return int(self.world.adapters.redis.memory_usage(key, samples=0) or 0)


def submit(world: World, made: Sequence[Draft]) -> None:
    """Accept *made*."""
    world.adapters.submit(made, site=world.site)


def screen(world: World, model: Any, duplicates: Duplicates, at_once: int) -> None:
    """Screen all that is pending."""
    adapters = replace(world.adapters, current=lambda: model, duplicates=duplicates)
    limits = Limits(batch=at_once, budget_seconds=600, linger_seconds=0)
    adapters.screen(0, holder="benchmark:1", limits=limits)


@dataclass
class Unlike:
    """Takes no text for another: signatures drawn at random, and nothing compared."""

    chance: random.Random

    def signatures(self, contents: Sequence[str]) -> list[int]:
        """Return a number for each text."""
        return [self.chance.getrandbits(64) for _ in contents]

    def others(
        self, _seen: Sequence[int], batch: Sequence[Marked]
    ) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return none for each."""
        return [(0, []) for _ in batch]


def fill(store: Store, model: Replayed) -> float:
    """Bring *store* to its size; return how many seconds that took."""
    unlike, began = Unlike(random.Random(1)), time.perf_counter()
    before = store.info("memory")["used_memory"]
    waiting = many(store.size)
    while part := list(islice(waiting, FILLED_AT_ONCE)):
        submit(store.world, part)
        screen(store.world, model, unlike, FILLED_AT_ONCE)
    took = time.perf_counter() - began
    events = store.events_bytes()
    store.bytes_each = (store.info("memory")["used_memory"] - before - events) / store.size
    store.events_each = events / store.size
    return took


def measure(store: Store, scorer: Scorer, turn: int) -> None:
    """Submit and screen some more comments and keep what each of them cost."""
    store.settled()
    made = list(drafts(COMMENTS, seed=1000 + turn))
    cpu, aof = store.cpu_seconds(), store.info("persistence")["aof_current_size"]
    began = time.perf_counter()
    for at in range(0, COMMENTS, SUBMITTED):
        submit(store.world, made[at : at + SUBMITTED])
    accepted = time.perf_counter()
    screen(store.world, scorer, simhash, SCREENED)
    ended = time.perf_counter()
    grown = store.info("persistence")["aof_current_size"] - aof
    found = {
        "valkey_us": (store.cpu_seconds() - cpu) * 1e6,
        "submit_us": (accepted - began) * 1e6,
        "screen_us": (ended - accepted) * 1e6,
        "aof_bytes": float(grown),
    }
    for name, cost in found.items():
        store.costs[name].append(cost / COMMENTS)


def purge(store: Store) -> None:
    """Run the purge as of a day when every comment is old enough to be looked at, none to expire."""
    later = Later(store.world.adapters.clock.now_ms() + LOOKED_AT_DAYS * 86_400_000)
    cpu, began = store.cpu_seconds(), time.perf_counter()
    changed = replace(store.world.adapters, clock=later).purge()
    seconds = time.perf_counter() - began
    kept = sum(store.world.adapters.comments.counts().values()) - changed
    store.purge_us = seconds * 1e6 / kept
    store.purge_valkey_us = (store.cpu_seconds() - cpu) * 1e6 / kept


def ratios(small: Store, large: Store) -> dict[str, float]:
    """Return the median of each cost's ratio over the rounds, of the bytes, and of both verbs' cost."""
    found = {
        name.rpartition("_")[0]: statistics.median(
            b / a for a, b in zip(small.costs[name], large.costs[name], strict=True)
        )
        for name in COSTS
    }
    found["cost"] = statistics.median(
        (large.costs["submit_us"][n] + large.costs["screen_us"][n])
        / (small.costs["submit_us"][n] + small.costs["screen_us"][n])
        for n in range(RUNS)
    )
    found["memory"] = large.bytes_each / small.bytes_each
    return {name: round(value, 2) for name, value in found.items()}


def report(store: Store) -> None:
    """Print what a comment costs in *store*."""
    parts = [f"{text} {statistics.median(store.costs[name]):,.0f}" for name, text in COSTS.items()]
    print(
        f"{store.size:>9,}: {', '.join(parts)}, memory, bytes {store.bytes_each:,.0f} "
        f"and events {store.events_each:,.0f}; a purge, µs for each kept {store.purge_us:,.0f}, of "
        f"these Valkey CPU {store.purge_valkey_us:,.0f}"
    )


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the costs at each size, and the ratios of the last size to the first."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    scorer = Scorer.load(encoder=False)
    model = Replayed(scorer)
    with ExitStack() as stack:
        stores = []
        for size in sizes:
            valkey = stack.enter_context(serving())
            data = stack.enter_context(tempfile.TemporaryDirectory())
            store = Store(make_world(valkey.url, Path(data)), size)
            took = fill(store, model)
            print(f"filled {size:,} in {took:.0f} s", file=sys.stderr, flush=True)
            stores.append(store)
        for turn in range(-2, RUNS):
            if turn == 0:  # two rounds to warm up, until the recent texts are real ones everywhere
                for store in stores:
                    store.costs = {name: [] for name in COSTS}
            for store in stores:
                measure(store, scorer, turn)
        for store in stores:
            purge(store)
    for store in stores:
        report(store)
    found = ratios(stores[0], stores[-1])
    print(json.dumps({"sizes": [sizes[0], sizes[-1]], **found, "limit": LIMIT}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    main([int(size) for size in parser.parse_args().sizes.split(",")])
