"""What one dead endpoint among fifty costs the others: their p99 with it over that without it."""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
import threading
import time
from pathlib import Path

import structlog

from benchmarks._asked import help_asked
from moderation.actor import moderator
from moderation.endpoint import Endpoint
from tests.support.receiver import Received, Receiver, answer, hang
from tests.support.valkey import serving
from tests.support.waiting import wait_until
from tests.support.world import make_world
from worker.deliverer import Deliverer

ENDPOINTS, COMMENTS, RUNS = 50, 20, 5


def p99(*, dead: bool) -> float:
    """Return the 99th percentile, in seconds, of event to receipt at the living endpoints."""
    took: list[float] = []
    lock = threading.Lock()

    def receive(handler: object, received: Received) -> None:
        if dead and received.path == "/0":
            hang(handler, received)
            return
        if received.path != "/0":
            with lock:
                took.append(received.at)
        answer(204, b"")(handler, received)

    with serving() as valkey, Receiver(receive) as receiver, tempfile.TemporaryDirectory() as data:
        world = make_world(valkey.url, Path(data), webhook_timeout=2.0)
        for n in range(ENDPOINTS):
            endpoint = Endpoint("", world.site.id, receiver.url(f"/{n}"), allow_private=True)
            world.adapters.accounts.add_endpoint(endpoint, by=moderator("benchmark"), now_ms=1)
        deliverer = Deliverer(world.adapters)
        thread = threading.Thread(target=deliverer.run)
        thread.start()
        latencies: list[float] = []
        for n in range(COMMENTS):
            took.clear()
            world.submit(f"comment {n}")
            world.screen()
            began = time.time()
            wait_until(lambda: len(took) == ENDPOINTS - 1, 30, "the living endpoints")
            latencies += [at - began for at in took]
        deliverer.stop()
        thread.join()
    return statistics.quantiles(latencies, n=100)[98]


def main() -> None:
    """Print the medians of interleaved runs and their ratio."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    runs = [(p99(dead=False), p99(dead=True)) for _ in range(RUNS)]
    without, beside = (statistics.median(run[n] for run in runs) for n in (0, 1))
    print(f"p99 without a dead endpoint {without * 1000:.0f} ms, beside one {beside * 1000:.0f} ms")
    print(json.dumps({"dead_endpoint_p99_ratio": round(beside / without, 2), "limit": 1.5}))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
