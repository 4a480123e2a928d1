"""Whether memory grows with work: a whole Winnow that takes in and judges comments, again and again.

Each round is a site of its own: its comments are posted in batches and some singly, a few are read and decided, events
go to an endpoint that answers. Then the site is removed and what Valkey keeps of comments is deleted, so that what is left
of growth is ours. (The purge would take ten times as long as all before it: each word's postings are written again.) After each round the memory of every process that no file backs (RssAnon) is noted.

    .venv/bin/python -m benchmarks.soak 1000000

The slope is of a line through the rounds, the first quarter left out, in MB for a million comments. Its interval is
the middle 95 % of the slopes of 1,000 lines, each through the same line with its residuals drawn again in blocks of neighbours. Without the
encoder, or a million would take three hours; `encoder` behind the number reads with it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks._asked import help_asked
from benchmarks._comments import document, drafts
from moderation import wiring
from moderation.actor import moderator
from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint
from moderation.settings import Settings
from moderation.store import keys
from tests.support.receiver import Receiver
from tests.support.service import Running, descendants, running, status_of
from tests.support.waiting import wait_until

COMMENTS, ROUND, BATCH, CONNECTIONS, SINGLY, DECIDED = 100_000, 10_000, 500, 3, 100, 50
#: MB for a million comments, of all processes together.
LIMIT = 20.0
_DRAWS, _BLOCKS = 1000, 6

Points = Sequence[tuple[float, float]]


def anonymous(pid: int) -> float:
    """Return the memory of a process that no file backs, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel says nothing of memory")


def processes(winnow: Running) -> dict[str, int]:
    """Return the processes by what they do. A Winnow of two workers starts them in this order."""
    up = descendants(winnow._process.pid)  # noqa: SLF001
    (web,), (valkey,) = winnow.pids("winnow-web"), winnow.pids("valkey-server")
    forks = winnow.pids("winnow-worker")
    (supervisor,) = (pid for pid in forks if int(status_of(pid)[1]) not in forks)
    names = ("worker 1", "worker 2", "upkeep", "deliverer")
    found = {"up": up[0], "web": web, "valkey": valkey, "supervisor": supervisor}
    return found | dict(zip(names, winnow.workers(), strict=True))


def line(points: Points) -> tuple[float, float]:
    """Return slope and height at zero of the line through *points* that misses them least."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    return slope, middle_y - slope * middle_x


def interval(points: Points) -> tuple[float, float]:
    """Return between which slopes 95 of 100 lie that noise like this one would have given."""
    slope, height = line(points)
    left = [y - height - slope * x for x, y in points]
    size, chance = max(1, len(points) // _BLOCKS), random.Random(1)
    drawn = []
    for _ in range(_DRAWS):
        noise: list[float] = []
        while len(noise) < len(points):
            start = chance.randrange(len(left) - size + 1)
            noise += left[start : start + size]
        moved = [
            (x, height + slope * x + more) for (x, _), more in zip(points, noise, strict=False)
        ]
        drawn.append(line(moved)[0])
    drawn.sort()
    return drawn[round(0.025 * _DRAWS)], drawn[round(0.975 * _DRAWS) - 1]


def wipe(adapters: wiring.Adapters) -> None:
    """Delete all that belongs to comments; not what processes remember by number."""
    kept = keys.TERMS(0).encode()
    scanned = adapters.redis.scan_iter(f"{keys.tag(0)}*", count=2000)
    found = [key for key in scanned if key != kept]
    for start in range(0, len(found), 1000):
        adapters.redis.unlink(*found[start : start + 1000])


def written(number: int) -> list[dict[str, Any]]:
    """Return the comments of a round."""
    return [document(draft) for draft in drafts(ROUND, seed=number)]


def go_round(
    winnow: Running, adapters: wiring.Adapters, receiver: Receiver, number: int, posting: Executor,
    comments: list[dict[str, Any]],
) -> None:  # fmt: skip
    """Have a new site's comments judged, and remove the site with all of them."""
    accounts, now = adapters.accounts, adapters.clock.now_ms()
    site = accounts.add_site(f"soak {number}", now_ms=now)
    _, key = accounts.add_key(site.id, KeyKind.API, now_ms=now)
    endpoint = Endpoint(
        "", site.id, receiver.url("/"), events=("comment.spam",), allow_private=True
    )
    accounts.add_endpoint(endpoint, by=moderator("soak"), now_ms=now)

    def ask(method: str, path: str, content: Any = None) -> Any:
        status, answer = winnow.ask(method, path, content, key=key)
        assert status < 300, answer
        return answer

    many, rest = comments[:-SINGLY], comments[-SINGLY:]
    batches = [{"comments": many[start : start + BATCH]} for start in range(0, len(many), BATCH)]
    list(posting.map(lambda batch: ask("POST", "/v1/comments/batch", batch), batches))
    single = [ask("POST", "/v1/comments", one)["id"] for one in rest]
    wait_until(
        lambda: not int(adapters.redis.hget(keys.COUNTS(0), "pending") or 0), 600, "verdicts"
    )
    for comment_id in single:
        ask("GET", f"/v1/comments/{comment_id}")
    ask("POST", "/v1/decisions", {"ids": single[:DECIDED], "decision": "spam"})
    accounts.remove_site(site.id, by=moderator("soak"), now_ms=adapters.clock.now_ms())
    adapters.jobs.enqueue("worker.jobs.trim_events")
    wipe(adapters)


def main(count: int = COMMENTS, reader: str = "") -> None:
    """Print memory by quarters and the slopes; the last line is JSON."""
    rounds = max(8, count // ROUND)
    settings = {"WINNOW_WORKERS": "2", "WINNOW_ENCODER": "on" if reader == "encoder" else "off"}
    settings |= {
        "WINNOW_SITE_RATE": "60000000/minute",
        "WINNOW_UNDO_SECONDS": "1",
        "WINNOW_LOG_LEVEL": "warning",
    }
    grown: dict[str, list[tuple[float, float]]] = {}
    began = time.monotonic()
    with (
        Receiver() as receiver,
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", **settings) as winnow,
        ThreadPoolExecutor(CONNECTIONS) as posting,
        ThreadPoolExecutor(1) as writing,
    ):
        adapters = wiring.connect(Settings(data_dir=winnow.data))
        pids, following = processes(winnow), writing.submit(written, 0)
        for number in range(rounds):
            comments, following = following.result(), writing.submit(written, number + 1)
            go_round(winnow, adapters, receiver, number, posting, comments)
            held = {name: anonymous(pid) for name, pid in pids.items()}
            held |= {"all": sum(held.values())}
            held |= {"Valkey's data": int(adapters.redis.info("memory")["used_memory"]) / 2**20}
            for name, mb in held.items():
                grown.setdefault(name, []).append(((number + 1) * ROUND / 1e6, mb))
            if (number + 1) % max(1, rounds // 20) == 0:
                shown = ", ".join(f"{name} {mb:.1f}" for name, mb in held.items())
                print(
                    f"after {(number + 1) * ROUND:,} in {time.monotonic() - began:.0f} s, MB: {shown}",
                    flush=True,
                )
    slopes = {}
    for name, points in grown.items():
        steady = points[len(points) // 4 :]
        low, high = interval(steady)
        slopes[name] = round(line(steady)[0], 2)
        print(f"{name}: {slopes[name]:+.2f} MB a million comments ({low:+.2f} to {high:+.2f})")
    print(json.dumps({"comments": rounds * ROUND, "slopes_mb": slopes, "limit": LIMIT}))


if __name__ == "__main__":
    help_asked(__doc__)
    main(*[int(word) if word.isdigit() else word for word in sys.argv[1:]])
