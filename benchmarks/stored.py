"""Each page of the desk beside a thousand, ten thousand, a hundred thousand and a million comments stored.

Every tenth comment waits for a moderator, every tenth is by one and the same author, and a site notes
something of one in twenty people, as many as it may. Filled through the store's own functions; measured
as a moderator who is signed in asks, the sizes in turn. What is compared is the processor's time of this
process and of Valkey's together, which other work on the machine hardly changes; the time that passes stands
beside it. The million takes 1 GB of memory and twenty minutes of two cores to fill.

    .venv/bin/python -m benchmarks.stored 1000 10000 100000
"""

from __future__ import annotations

import json
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import structlog

from benchmarks.desk import signed_in
from benchmarks.search import drafts, judged, served, word
from moderation import campaign
from moderation.actor import moderator
from moderation.comment import Author, Decision, Draft, Status
from moderation.records import Order
from moderation.treatment import MAX_PEOPLE, PersonRecord, Subject, SubjectKind, Treatment
from tests.support.valkey import serving
from tests.support.world import World, make_world

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS, BATCH, FLAGGED, BUSY = 15, 1000, 10, 10
#: Bounds of the ratios of the largest size to the second: of searches and people's pages, and of the queue to the smallest.
LIMIT = 1.5
BUSIEST = "busy@mail.example"


@dataclass
class Store:
    """A Valkey with *size* comments of one site, and the milliseconds, spent and passed, of each thing asked."""

    world: World
    size: int
    client: Any = None
    took: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    waiting: Iterator[str] = field(default_factory=lambda: iter(()))


def made(size: int) -> Iterator[Draft]:
    """Yield drafts, every tenth by one author."""
    for n, draft in enumerate(drafts(size)):
        by = Author("Busy Bee", BUSIEST, ip="10.9.9.9", id="bee")
        yield replace(draft, author=by) if n % BUSY == 0 else draft


def verdict(n: int) -> Any:
    """Return what stands for the machine's verdict: every tenth is held."""
    one = judged(100 * n + 3) if n % FLAGGED == 1 else judged(100 * n + 50)
    return replace(one, priority=(n * 7919 % 10_007) / 10_007)


def fill(store: Store) -> float:
    """Bring *store* to its size; return how many seconds that took."""
    comments, site = store.world.adapters.comments, store.world.site
    clock, began, numbers = store.world.adapters.clock, time.perf_counter(), count()
    rest = made(store.size)
    while batch := list(islice(rest, BATCH)):
        now = clock.now_ms()
        comments.accept(site.id, batch, backlog=10**9, now_ms=now)
        while taken := comments.take(0, "bench:1", size=BATCH, lease_ms=60_000, now_ms=now):
            pairs = [(one, verdict(next(numbers))) for one in taken.items]
            comments.commit(0, taken.token, pairs, now_ms=now)
        comments.index(site.id, most=10**6, seconds=3600)
    by = moderator("ada")
    for n in range(min(store.size // 20, MAX_PEOPLE)):
        subject = Subject(SubjectKind.EMAIL, f"{word(n)}@people.example")
        comments.note_person(site.id, PersonRecord(subject, Treatment.BLOCK, None, "", by, n))
    store.client = signed_in(store.world)
    store.waiting = each_waiting(store)
    return time.perf_counter() - began


def each_waiting(store: Store) -> Iterator[str]:
    """Yield ids of comments that wait, with their versions."""
    comments, cursor = store.world.adapters.comments, None
    while True:
        found = comments.queue(store.world.site.id, order=Order.NEWEST, cursor=cursor, limit=50)
        yield from (f"{one.id}:{one.version}" for one in found.items)
        cursor = found.next


def asked(store: Store) -> dict[str, Callable[[], Any]]:
    """Return what is measured, by name."""
    site, client = store.world.site.id, store.client
    comments = store.world.adapters.comments
    held = next(store.waiting)
    page = client.get(f"/desk/queue?site={site}").text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    token = found[1] if found else ""

    def get(path: str) -> Callable[[], Any]:
        return lambda: client.get(f"/desk{path}")

    def decide() -> Any:
        told = {"id": next(store.waiting), "decision": Decision.SPAM, "csrf_token": token}
        return client.post("/desk/decide", data=told, headers={"Accept": "application/json"})

    def undo() -> Any:
        told = {"csrf_token": token}
        return client.post("/desk/undo", data=told, headers={"Accept": "application/json"})

    comment = comments.get(held.partition(":")[0])
    trait = campaign.traits_of(comment)[0]
    return {
        "queue": get(f"/queue?site={site}"),
        "queue, all sites": get("/queue"),
        "queue, newest": get(f"/queue?site={site}&order=newest"),
        "poll": get(f"/poll?site={site}&ids={comment.id}"),
        "a card": get(f"/comments/{comment.id}"),
        "decide": decide,
        "undo": undo,
        "all comments": get(f"/comments?site={site}"),
        "a tab": get(f"/comments?site={site}&status=approved"),
        "a rare word": get(f"/comments?site={site}&q=xylophonic"),
        "two common words": get(f"/comments?site={site}&q={word(200)}+{word(300)}"),
        "a word in every comment": get(f"/comments?site={site}&q={word(0)}"),
        "an author": get(f"/comments?site={site}&author={word(3)}@mail.example"),
        "people": get(f"/people?site={site}"),
        "a person": get(f"/person?site={site}&kind=email&value={word(3)}@mail.example"),
        "a person of a tenth": get(f"/person?site={site}&kind=email&value={BUSIEST}"),
        "a domain": get(f"/person?site={site}&kind=domain&value={word(29)}.example.org"),
        "a campaign": get(f"/campaign?comment={comment.id}&kind={trait.kind}&value={trait.value}"),
        "overview": get(f"/overview?site={site}"),
        "learning": get(f"/learning?site={site}"),
    }


def measure(store: Store, name: str, do: Callable[[], Any]) -> None:
    """Note how long *do* takes. Raises SystemExit for an answer that is none."""
    spent: list[int] = []
    began = time.perf_counter()

    def ask() -> None:
        before = time.process_time_ns()
        spent.append(do().status_code)
        spent.append(time.process_time_ns() - before)

    server = served(store.world, ask)
    status, process = spent
    passed = 1000 * (time.perf_counter() - began)
    store.took.setdefault(name, []).append((server / 1000 + process / 1e6, passed))
    if status != 200:
        raise SystemExit(f"{name} answered {status} with {store.size:,}")


def main(*sizes: int) -> None:
    """Print the medians and their ratios."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable()
    stores = []
    with ExitStack() as stack:
        for size in sizes or SIZES:
            valkey = stack.enter_context(serving())
            data = stack.enter_context(tempfile.TemporaryDirectory())
            store = Store(make_world(valkey.url, Path(data)), size)
            took = fill(store)
            redis: Any = store.world.adapters.redis
            memory = redis.info("memory")["used_memory"] / 2**20
            print(f"filled {size:,} in {took:.0f} s, {memory:.0f} MiB", file=sys.stderr, flush=True)
            stores.append(store)
        plans = [asked(store) for store in stores]
        for turn in range(ROUNDS + 2):
            if turn == 2:  # the first two rounds warm up
                for store in stores:
                    store.took.clear()
            for name in plans[0]:
                for store, plan in zip(stores, plans, strict=True):
                    measure(store, name, plan[name])
        waiting = [one.world.adapters.comments.counts()[Status.FLAGGED] for one in stores]
    print(f"{'':24}{''.join(f'{store.size:>12,}' for store in stores)}")
    print(f"{'waiting':24}{''.join(f'{number:>12,}' for number in waiting)}")
    ratios, base = {}, 1 if len(stores) > 2 else 0  # the smallest has too little to say
    for name in plans[0]:
        spent, passed = (
            [statistics.median(one[at] for one in store.took[name]) for store in stores]
            for at in (0, 1)
        )
        ratios[name] = round(spent[-1] / spent[base], 2)
        shown = "".join(f"{one:>9.1f} ms" for one in spent)
        print(f"{name:24}{shown}   {ratios[name]:>5}   passed {[round(one) for one in passed]}")
    print(json.dumps({"of": [stores[base].size, stores[-1].size], **ratios, "limit": LIMIT}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
