"""What finding comments costs: bytes a comment, the server's time at intake, and searches by size.

Comments have 40 words of a vocabulary of 500,000, as unevenly frequent as words are (Zipf's law), an
author among many, a post among 200, and every fourth a link. Three of a hundred are spam.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from benchmarks._asked import help_asked
from moderation.comment import Author, Draft, Post, Status
from moderation.reasons import Reason
from moderation.records import Judged
from moderation.scores import LABELS, Scores
from moderation.search import Query, query
from moderation.verdict import Action, Verdict
from tests.support.valkey import serving
from tests.support.world import World, make_world

SIZES = (10_000, 1_000_000)
VOCABULARY, WORDS = 500_000, 40
#: Bound of the ratio: a search at the larger size to one at the smaller.
LIMIT = 1.5
_BATCH = 250
_LETTERS = "etaoinshrdlcumwfgypbvk"


def word(rank: int) -> str:
    """Return the word of a rank: the commoner, the shorter."""
    letters = ""
    rank += len(_LETTERS)
    while rank:
        rank, letter = divmod(rank, len(_LETTERS))
        letters += _LETTERS[letter]
    return letters


def drafts(count: int) -> Iterator[Draft]:
    """Yield *count* drafts; the words and authors of the first and last are known to the searches."""
    chance = random.Random(7)
    words = [word(rank) for rank in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
    for n in range(count):
        text = " ".join(chance.choices(words, cum_weights=weights, k=WORDS))
        if n in {3, count - 3}:
            text += " xylophonic"
        link = f" https://{word(chance.randrange(30_000))}.example.org/" if n % 4 == 0 else ""
        who = int(chance.paretovariate(0.8)) % 100_000
        post = chance.randrange(200)
        yield Draft(
            f"{text}{link}",
            Author(
                f"{word(who).title()} {word(who + 31)}",
                f"{word(who)}@mail.example",
                ip=f"10.{who % 256}.{chance.randrange(4)}.{chance.randrange(256)}",
            ),
            Post(f"https://blog.example/2026/{word(post)}-{post}/", f"On {word(post)}"),
            external_id=str(n),
        )


def served(world: World, do: Callable[[], Any]) -> float:
    """Return the microseconds of processor time that *do* takes of the server."""
    redis: Any = world.adapters.redis

    def spent() -> float:
        info = redis.info("cpu")
        return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])

    before = spent()
    do()
    return 1e6 * (spent() - before)


def judged(n: int) -> Judged:
    """Return a verdict: three of a hundred are spam, two are held."""
    scores = Scores(dict.fromkeys(LABELS, 0.01), "benchmark", "en")
    status = Status.SPAM if n % 100 < 3 else Status.FLAGGED if n % 100 < 5 else Status.APPROVED
    action = {Status.SPAM: Action.REJECT, Status.FLAGGED: Action.FLAG}.get(status, Action.ALLOW)
    code = "clean" if action is Action.ALLOW else "hold_all"
    return Judged(scores, Verdict(action, (Reason(code),)), status, 0.5)


def fill(world: World, count: int) -> dict[str, float]:
    """Accept, judge and index *count* comments; return the server's µs a comment of each step."""
    comments, site, clock = world.adapters.comments, world.site, world.adapters.clock
    spent: dict[str, list[float]] = {"accept": [], "take and commit": [], "index": []}
    rest, done = drafts(count), 0
    while batch := list(islice(rest, _BATCH)):
        now = clock.now_ms()

        def accept() -> None:
            comments.accept(site.id, batch, backlog=10**9, now_ms=now)  # noqa: B023 - called at once

        spent["accept"].append(served(world, accept) / len(batch))

        def screen() -> None:
            taken = comments.take(0, "bench:1", size=_BATCH, lease_ms=60_000, now_ms=now)  # noqa: B023
            pairs = [(one, judged(done + n)) for n, one in enumerate(taken.items)]  # noqa: B023
            comments.commit(0, taken.token, pairs, now_ms=now)  # noqa: B023

        spent["take and commit"].append(served(world, screen) / len(batch))
        if hasattr(comments, "index") and done % 1000 == 0:
            took = served(world, lambda: comments.index(site.id, most=10**6, seconds=3600))
            spent["index"].append(took / 1000)
        done += len(batch)
    # The lower quartile: other processes on the machine only add to the time of some batches.
    return {name: round(sorted(took)[len(took) // 4], 1) for name, took in spent.items() if took}


def searches() -> dict[str, Query]:
    """Return what is sought."""
    return {
        "a rare word": query("xylophonic"),
        "two common words": query(f"{word(200)} {word(300)}"),
        "a word that is in every comment": query(word(0)),
        "an author": query(author=f"{word(3)}@mail.example"),
        "a network": query(author="10.7.1.0/24"),
        "a domain": query(f"{word(29)}.example.org"),
        "a post": query(post="https://blog.example/2026/e-0/"),
        "spam": query(statuses=[Status.SPAM]),
        "spam with a word": query(word(500), statuses=[Status.SPAM]),
        "nothing": query("nonexistentword"),
    }


def timed(world: World) -> dict[str, tuple[float, int]]:
    """Return the median ms of each search, and how many it found."""
    comments, found = world.adapters.comments, {}
    for name, sought in searches().items():
        took = []
        for _ in range(15):
            began = time.perf_counter()
            page = comments.search(
                world.site.id, sought, now_ms=world.adapters.clock.now_ms(), limit=30
            )
            took.append(1000 * (time.perf_counter() - began))
        found[name] = round(statistics.median(took), 2), len(page.items)
    return found


def main(*sizes: int) -> None:
    """Print both; the last line is JSON."""
    result: dict[str, Any] = {}
    for count in sizes or SIZES:
        with serving() as valkey, tempfile.TemporaryDirectory() as data:
            world = make_world(valkey.url, Path(data))
            redis: Any = world.adapters.redis
            spent = fill(world, count)
            memory = redis.info("memory")["used_memory"]
            kinds = kind_bytes(redis)
            times = timed(world)
        index = sum(kinds.get(kind, 0) for kind in ("nb", "nst", "ab", "wb", "np"))
        print(
            f"{count:,} comments: {memory / count:.0f} bytes each, of which to be found {index / count:.0f}"
        )
        print(
            "  "
            + ", ".join(
                f"{kind} {size / count:.0f}"
                for kind, size in sorted(kinds.items(), key=lambda pair: -pair[1])
                if size > count
            )
        )
        print(f"  server: {spent} µs a comment")
        for name, (took, number) in times.items():
            print(f"  {took:>7.2f} ms  {name}: {number}")
        result[str(count)] = {
            "bytes": round(memory / count),
            "index_bytes": round(index / count),
            "server_us": spent,
            "ms": times,
        }
    print(json.dumps(result))


def kind_bytes(redis: Any) -> dict[str, int]:
    """Return the bytes of all keys by the prefix of their kind."""
    sizes: dict[str, int] = {}
    keys = []

    def add() -> None:
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=0)
        for key, size in zip(keys, pipeline.execute(), strict=True):
            kind = key.split(b":")[2].decode() if key.startswith(b"{") else "rest"
            sizes[kind] = sizes.get(kind, 0) + (size or 0)
        keys.clear()

    for key in redis.scan_iter(count=1000):
        keys.append(key)
        if len(keys) == 1000:
            add()
    add()
    return sizes


if __name__ == "__main__":
    help_asked(__doc__)
    main(*map(int, sys.argv[1:]))
