"""The first page of a queue of a hundred thousand beside that of a queue of a hundred.

Each order and a filter, as a moderator who is signed in gets them; the requests of both sites take
turns, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import json
import logging
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from benchmarks._asked import help_asked
from moderation.site import Site
from tests.support.valkey import serving
from tests.support.world import PASSWORD, World, make_world

SMALL, LARGE, ROUNDS, CHUNK = 100, 100_000, 40, 1000
LIMIT = 1.5
PAGES = {
    "priority": "/desk/queue?site={site}",
    "newest": "/desk/queue?site={site}&order=newest",
    "oldest": "/desk/queue?site={site}&order=oldest",
    "filtered": "/desk/queue?site={site}&label=toxicity",
}


def fill(world: World, site: Site, count: int) -> None:
    """Flag *count* comments of *site*."""
    for at in range(0, count, CHUNK):
        numbers = range(at, min(at + CHUNK, count))
        texts = [
            f"toxicity=0.{60 + n % 30} comment {n} of some length, as they are" for n in numbers
        ]
        world.submit(*texts, site=site)
        while world.adapters.comments.has_work(0):
            world.screen()


def signed_in(world: World) -> Any:
    """Return a client that is signed in."""
    world.add_moderator("ada", admin=True)
    client = world.client()
    page = client.get("/desk/sign-in").text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"name": "ada", "password": PASSWORD, "csrf_token": found[1] if found else ""}
    client.post("/desk/sign-in", data=form)
    return client


def main() -> None:
    """Print the medians and their ratios."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable()
    with serving() as valkey, tempfile.TemporaryDirectory() as data:
        world = make_world(valkey.url, Path(data), backlog=1_000_000)
        small = world.adapters.accounts.add_site("small", now_ms=1)
        fill(world, small, SMALL)
        fill(world, world.site, LARGE)
        client, ratios = signed_in(world), {}
        for name, path in PAGES.items():
            took: dict[str, list[float]] = {small.id: [], world.site.id: []}
            for _ in range(ROUNDS):
                for site, times in took.items():
                    began = time.perf_counter()
                    answer = client.get(path.format(site=site))
                    times.append(time.perf_counter() - began)
                    if answer.status_code != 200:
                        raise SystemExit(f"{path} answered {answer.status_code}")
            few, many = (statistics.median(times) * 1000 for times in took.values())
            ratios[name] = round(many / few, 2)
            print(f"{name}: {few:.1f} ms with {SMALL:,}, {many:.1f} ms with {LARGE:,}")
    print(json.dumps({**ratios, "limit": LIMIT}))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
