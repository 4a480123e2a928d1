"""Each page of the desk beside a thousand, ten thousand, a hundred thousand and a million comments stored.

Every tenth comment waits for a moderator, every tenth is by one and the same author, four in ten of the
others are by another, and a site notes something of one in twenty people, as many as it may. A text has
nine words of a vocabulary of 5,000, every fourth a link, and one in fifty is of a campaign; twenty comments, however
many there are, share a rare text and the domain that it links to, so that their pages list the same number
everywhere. Filled through the store's own functions by three
processes; measured as a moderator who is signed in asks, the sizes in turn. What is compared is the
processor's time of this process and of Valkey's together, which other work on the machine hardly changes;
the time that passes stands beside it, and how many comments the page lists, of which each takes its time.
Ratios are of the largest size to each other one.

    .venv/bin/python -m benchmarks.stored 1000 10000 100000
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import structlog

from benchmarks._asked import help_asked
from benchmarks.desk import signed_in
from benchmarks.search import judged, served, word
from moderation import wiring
from moderation.actor import moderator
from moderation.comment import Author, Decision, Draft, Post, Status
from moderation.records import Order
from moderation.search import of_domain
from moderation.settings import Settings
from moderation.treatment import MAX_PEOPLE, PersonRecord, Subject, SubjectKind, Treatment
from service.desk.queue import PAGE
from tests.support.valkey import serving
from tests.support.world import World, make_world

SIZES = (1_000, 10_000, 100_000, 1_000_000)
VOCABULARY, WORDS, TEXTS = 5_000, 8, 20_000
ROUNDS, BATCH, FLAGGED, BUSY = 15, 1000, 10, 10
#: How a page marks a comment that it lists.
ROW = 'class="card comment'
#: Bound of the ratios: of the queue to the smallest, of searches and people's pages to ten thousand.
LIMIT = 1.5
BUSIEST = "busy@mail.example"
#: The domain that a campaign links to: one comment in fifty, all with one text.
ADVERTISED = "jampots.example.net"
#: The domain that RARE comments of a store link to, spread evenly over it, all with one text.
SELDOM, RARE = "seldom.example.net", 20


@dataclass
class Store:
    """A Valkey with *size* comments of one site, and the milliseconds, spent and passed, of each thing asked."""

    world: World
    size: int
    client: Any = None
    took: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    waiting: Iterator[str] = field(default_factory=lambda: iter(()))


def made(size: int) -> Iterator[Draft]:
    """Yield drafts of eight words, every tenth by one author; every fourth has a link."""
    apart = max(1, size // RARE)
    chance = random.Random(7)
    words = [word(rank) for rank in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
    texts = [" ".join(chance.choices(words, cum_weights=weights, k=WORDS)) for _ in range(TEXTS)]
    posts = [Post(f"https://blog.example/2026/{one}/", f"On {one}") for one in words[:200]]
    busy = Author("Busy Bee", BUSIEST, ip="10.9.9.9", id="bee")
    for n in range(size):
        text = f"{words[0]} {chance.choice(texts)}"
        if n in {3, size - 3}:
            text += " xylophonic"
        link = f" https://{words[chance.randrange(2000)]}.example.org/" if n % 4 == 0 else ""
        if n % 50 == 7:
            text, link = f"{words[0]} {' '.join(words[4000:4007])}", f" https://{ADVERTISED}/"
        elif n % apart == apart // 2:
            text, link = f"{words[0]} {' '.join(words[4010:4017])}", f" https://{SELDOM}/"
        who = int(chance.paretovariate(0.8)) % 100_000
        name = words[who % VOCABULARY]
        by = Author(
            name,
            f"{name}{who // VOCABULARY or ''}@mail.example",
            ip=f"10.{who % 256}.{n % 4}.{n % 256}",
        )
        yield Draft(
            text + link, busy if n % BUSY == 0 else by, chance.choice(posts), external_id=str(n)
        )


def verdict(n: int) -> Any:
    """Return what stands for the machine's verdict: every tenth is held."""
    one = judged(100 * n + 3) if n % FLAGGED == 1 else judged(100 * n + 50)
    return replace(one, priority=(n * 7919 % 10_007) / 10_007)


def accepting(settings: Settings, site_id: str, size: int) -> None:
    """Accept *size* comments of a site."""
    adapters, rest = wiring.connect(settings), made(size)
    while batch := list(islice(rest, BATCH)):
        now = adapters.clock.now_ms()
        adapters.comments.accept(site_id, batch, backlog=10**9, now_ms=now)


def judging(settings: Settings, _site_id: str, size: int) -> None:
    """Commit a verdict on each of *size* comments as they come."""
    adapters, done = wiring.connect(settings), 0
    for _ in waited_for():
        now = adapters.clock.now_ms()
        taken = adapters.comments.take(0, "bench:1", size=BATCH, lease_ms=60_000, now_ms=now)
        if taken:
            pairs = [(one, verdict(int(one.draft.external_id or 0))) for one in taken.items]
            done += adapters.comments.commit(0, taken.token, pairs, now_ms=now)
        if done >= size:
            return


def indexing(settings: Settings, site_id: str, size: int) -> None:
    """Add *size* comments to the index as they come."""
    adapters = wiring.connect(settings)
    for _ in waited_for():
        whole = adapters.comments.accepted() >= size  # before, since more come meanwhile
        left = adapters.comments.index(site_id, most=10**6, seconds=3600, at_once=8192)
        if whole and not left:
            return


def waited_for() -> Iterator[None]:
    """Yield every 20 ms. Raises SystemExit after an hour."""
    for _ in range(3600 * 50):
        yield
        time.sleep(0.02)
    raise SystemExit("the comments did not come")


def fill(store: Store) -> float:
    """Bring *store* to its size; return how many seconds that took.

    Three processes accept, judge and index at a time, as web and workers do. The server's
    append-only file is off, then and later.
    """
    comments, site = store.world.adapters.comments, store.world.site
    settings, began = store.world.adapters.settings, time.perf_counter()
    redis: Any = store.world.adapters.redis
    redis.config_set("appendonly", "no")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        parts = [
            pool.submit(part, settings, site.id, store.size)
            for part in (accepting, judging, indexing)
        ]
        for part in as_completed(parts):
            part.result()
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
        form = {"id": next(store.waiting), "decision": Decision.SPAM, "csrf_token": token}
        return client.post("/desk/decide", data=form, headers={"Accept": "application/json"})

    def undo() -> Any:
        form = {"csrf_token": token}
        return client.post("/desk/undo", data=form, headers={"Accept": "application/json"})

    comment = comments.get(held.partition(":")[0])
    # A queue of one page has no cursor, and is asked for that page.
    second = comments.queue(site, limit=PAGE).next or ""
    now = store.world.adapters.clock.now_ms()
    spam, rare = (
        comments.search(site, of_domain(domain), now_ms=now, limit=1).items[0].id
        for domain in (ADVERTISED, SELDOM)
    )
    return {
        "queue": get(f"/queue?site={site}"),
        "queue, all sites": get("/queue"),
        "queue, newest": get(f"/queue?site={site}&order=newest"),
        "queue, second page": get(f"/queue?site={site}&cursor={second}"),
        "queue, a filter": get(f"/queue?site={site}&q={word(0)}"),
        "bulk, the filter": get(f"/bulk?site={site}&kind=filter&author={word(2)}@mail.example"),
        "bulk, a domain": get(f"/bulk?site={site}&kind=domain&value={SELDOM}"),
        "poll": get(f"/poll?site={site}&ids={comment.id}"),
        "a card": get(f"/comments/{comment.id}"),
        "decide": decide,
        "undo": undo,
        "all comments": get(f"/comments?site={site}"),
        "a tab": get(f"/comments?site={site}&status=approved"),
        "a tab of few": get(f"/comments?site={site}&status=spam"),
        "a rare word": get(f"/comments?site={site}&q=xylophonic"),
        "two common words": get(f"/comments?site={site}&q={word(15)}+{word(16)}"),
        "a word in every comment": get(f"/comments?site={site}&q={word(0)}"),
        "an author": get(f"/comments?site={site}&author={word(3)}@mail.example"),
        "people": get(f"/people?site={site}"),
        "a person": get(f"/person?site={site}&kind=email&value={word(3)}@mail.example"),
        "a person of a tenth": get(f"/person?site={site}&kind=email&value={BUSIEST}"),
        "a domain": get(f"/person?site={site}&kind=domain&value={SELDOM}"),
        "a campaign": get(f"/campaign?comment={rare}&kind=domain&value={SELDOM}"),
        "nearly a text": get(f"/campaign?comment={rare}&kind=text"),
        "a domain of many": get(f"/person?site={site}&kind=domain&value={ADVERTISED}"),
        "a campaign of many": get(f"/campaign?comment={spam}&kind=domain&value={ADVERTISED}"),
        "nearly a text of many": get(f"/campaign?comment={spam}&kind=text"),
        "overview": get(f"/overview?site={site}"),
        "learning": get(f"/learning?site={site}"),
    }


def measure(store: Store, name: str, do: Callable[[], Any]) -> None:
    """Note how long *do* takes. Raises SystemExit for an error answer."""
    spent: list[int] = []
    began = time.perf_counter()

    def ask() -> None:
        before = time.process_time_ns()
        answer = do()
        spent.append(time.process_time_ns() - before)
        spent.append(answer.status_code)
        store.rows[name] = answer.text.count(ROW)

    server = served(store.world, ask)
    process, status = spent
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
    ratios: dict[str, list[float]] = {}
    for name in plans[0]:
        spent, passed = (
            [statistics.median(one[at] for one in store.took[name]) for store in stores]
            for at in (0, 1)
        )
        ratios[name] = [round(spent[-1] / one, 2) for one in spent[:-1]]
        shown = "".join(f"{one:>9.1f} ms" for one in spent)
        rows = [store.rows[name] for store in stores]
        print(
            f"{name:24}{shown}   {ratios[name]}   rows {rows}   passed {[round(one) for one in passed]}"
        )
    of = [f"{store.size} to {stores[-1].size}" for store in stores[:-1]]
    print(json.dumps({"of": of, **ratios, "limit": LIMIT}))


if __name__ == "__main__":
    help_asked(__doc__)
    main(*map(int, sys.argv[1:]))
