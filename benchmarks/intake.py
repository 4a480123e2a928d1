"""How many comments a second are taken in singly, beside a Flask endpoint that does nothing.

Both run on the same server with the same generator and concurrency, in turn; Winnow with its
embedded Valkey and its workers, which screen at the same time, without the encoder: with it, they
alone would take all there is. Then, over thirty seconds as fast as comments are taken in: the share
that is judged meanwhile, and the rate that the whole machine keeps up: the number accepted by the time until
all of them are judged. At a higher rate the backlog grows.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._asked import help_asked
from benchmarks._comments import document, drafts
from benchmarks._load import send
from tests.support.service import Running, free_port, running
from tests.support.waiting import wait_until

CONNECTIONS, SECONDS, RUNS, LONG_SECONDS = 16, 4, 5, 30
LIMIT = 0.4


@contextmanager
def null() -> Iterator[int]:
    """Serve the endpoint that does nothing; yield its port."""
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "WINNOW_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._null"], env=environ)
    try:
        wait_until(lambda: _answers(port), 30, "the null endpoint")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return bool(send(port, "/x", ["{}"], headers=_HEADERS, connections=1, seconds=0.01))
    except subprocess.CalledProcessError:
        return False


_HEADERS = {"Content-Type": "application/json"}


def bodies(count: int = 2000) -> list[str]:
    """Return comments as a blog would send them, each without an id of its own."""
    documents = (document(draft) | {"external_id": "", "parent": ""} for draft in drafts(count))
    return [json.dumps({key: value for key, value in one.items() if value}) for one in documents]


def load(winnow: Running | None, port: int, texts: list[str], seconds: float) -> dict[str, Any]:
    """Return the results of sending *texts* for *seconds*."""
    headers = dict(_HEADERS)
    if winnow is not None:
        headers["Authorization"] = f"Bearer {winnow.key}"
    return send(
        port, "/v1/comments", texts, headers=headers, connections=CONNECTIONS, seconds=seconds
    )


def main() -> None:
    """Print requests a second of both, their ratio, and how far verdicts fall behind."""
    texts = bodies()
    with (
        tempfile.TemporaryDirectory() as data,
        running(
            Path(data) / "data", WINNOW_SITE_RATE="10000000/minute", WINNOW_ENCODER="off"
        ) as winnow,
        null() as port,
    ):
        pairs = []
        for _ in range(RUNS):
            nothing = load(None, port, texts, SECONDS)["per_second"]
            pairs.append((nothing, load(winnow, winnow.port, texts, SECONDS)["per_second"]))
        ratio = statistics.median(ours / nothing for nothing, ours in pairs)
        nothing, ours = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
        print(f"null endpoint {nothing:,.0f}/s, comments taken in {ours:,.0f}/s")
        wait_until(lambda: winnow.cli("stats")["comments"]["pending"] == 0, 60, "verdicts")
        before = winnow.cli("stats")["comments"]
        began = time.monotonic()
        result = load(winnow, winnow.port, texts, LONG_SECONDS)
        after = winnow.cli("stats")["comments"]
        lasted = time.monotonic() - began
        wait_until(
            lambda: winnow.cli("stats")["comments"]["pending"] == 0, 120, "the last verdicts"
        )
        until_judged = time.monotonic() - began
    accepted = sum(after.values()) - sum(before.values())
    judged = accepted - after["pending"]
    print(f"{accepted:,} accepted and {judged:,} judged in {lasted:.0f} s: {result['statuses']}")
    print(f"sustained: {accepted / until_judged:,.0f}/s taken in and judged")
    figures = {
        "intake_to_null": round(ratio, 2),
        "limit": LIMIT,
        "judged_of_accepted": round(judged / max(1, accepted), 3),
        "sustained_to_null": round(accepted / until_judged / nothing, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
