"""What others notice while one site floods Akismet's door: health, and a quiet site's checks.

The encoder reads each check. *Flood*: sixteen connections of one site, each with one check after the
other. Meanwhile, and before without it, somebody asks ``GET /healthz`` and a quiet site has a comment
checked, in turn, with a short rest between.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

from benchmarks._asked import help_asked
from benchmarks._load import send
from benchmarks.doors import CONNECTIONS, HEADERS, checks
from tests.support.service import running

SECONDS, REST_SECONDS = 12.0, 0.02
HEALTH_LIMIT_MS, QUIET_LIMIT = 50.0, 10.0


def asked(port: int, forms: Sequence[str], seconds: float) -> dict[str, list[float]]:
    """Return how many milliseconds health and checks took, asked in turn for *seconds*."""
    took: dict[str, list[float]] = {"health": [], "check": []}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    ends, more = time.monotonic() + seconds, cycle(forms)
    while time.monotonic() < ends:
        for name, waits in took.items():
            began = time.monotonic()
            if name == "health":
                connection.request("GET", "/healthz")
            else:
                connection.request("POST", "/1.1/comment-check", next(more), HEADERS)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or body == b"unavailable":
                raise SystemExit(f"{name} was answered {answer.status}: {body!r}")
            waits.append((time.monotonic() - began) * 1000)
            time.sleep(REST_SECONDS)
    return took


def p99(took: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return sorted(took)[int(len(took) * 0.99)]


def main() -> None:
    """Print p50 and p99 of both, quiet and in the flood; the last line is JSON."""
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data) / "data", WINNOW_SITE_RATE="10000000/minute") as winnow,
        ThreadPoolExecutor(1) as pool,
    ):
        winnow.cli("site", "add", "quiet")
        loud, quiet = (
            checks(winnow.cli("key", "add", site, "--kind", "door")["key"])
            for site in ("demo", "quiet")
        )
        asked(winnow.port, quiet, 1)
        alone = asked(winnow.port, quiet[1000:], SECONDS)
        flood = pool.submit(
            send, winnow.port, "/1.1/comment-check", loud, headers=HEADERS,
            connections=CONNECTIONS, seconds=SECONDS + 2,
        )  # fmt: skip
        time.sleep(1)
        during = asked(winnow.port, quiet[2000:], SECONDS)
        flooded = flood.result()
    for name, took in (("quiet", alone), ("in the flood", during)):
        for what, waits in took.items():
            print(f"{name}, {what}: p50 {statistics.median(waits):.1f} ms, p99 {p99(waits):.1f} ms")
    print(f"the flood: {flooded['per_second']:.0f} checks a second, p50 {flooded['p50_ms']:.0f} ms")
    figures = {
        "health_p99_ms": round(p99(during["health"]), 1),
        "health_limit_ms": HEALTH_LIMIT_MS,
        "check_p50_alone_ms": round(statistics.median(alone["check"]), 1),
        "quiet_p99_in_flood": round(p99(during["check"]) / p99(alone["check"]), 2),
        "quiet_limit": QUIET_LIMIT,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
