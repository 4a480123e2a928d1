"""Akismet's comment-check beside a Flask endpoint that does nothing, on the same server.

Throughput with many connections in turn, and the 99th percentile at light load: one connection that
rests between requests. A check is scored, without the encoder, and recorded before it is answered.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks._asked import help_asked
from benchmarks._comments import drafts
from benchmarks._load import send
from benchmarks.intake import null
from tests.support.service import running

CONNECTIONS, SECONDS, RUNS = 16, 4, 5
LIGHT_SECONDS, LIGHT_PAUSE = 4, 0.02
LIMIT, P99_LIMIT = 0.3, 5.0
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "benchmark"}


def checks(key: str, count: int = 5000) -> list[str]:
    """Return the forms of *count* different comments."""
    return [
        urlencode(
            {
                "api_key": key,
                "blog": "https://blog.example/",
                "user_ip": draft.author.ip,
                "user_agent": draft.author.user_agent,
                "permalink": draft.post.url,
                "comment_type": "comment",
                "comment_author": draft.author.name,
                "comment_author_email": draft.author.email,
                "comment_content": draft.content,
            }
        )
        for draft in drafts(count)
    ]


def load(port: int, forms: list[str], *, light: bool) -> dict[str, Any]:
    """Return the results of sending *forms*."""
    return send(
        port,
        "/1.1/comment-check",
        forms,
        headers=HEADERS,
        connections=1 if light else CONNECTIONS,
        seconds=LIGHT_SECONDS if light else SECONDS,
        pause_seconds=LIGHT_PAUSE if light else 0.0,
    )


def main() -> None:
    """Print both figures of both, and their ratios."""
    with (
        tempfile.TemporaryDirectory() as data,
        running(
            Path(data) / "data", WINNOW_SITE_RATE="10000000/minute", WINNOW_ENCODER="off"
        ) as winnow,
        null() as port,
    ):
        made = winnow.cli("key", "add", "demo", "--kind", "door")
        forms = checks(made["key"])
        rates, waits = [], []
        for _ in range(RUNS):
            for light, kept, figure in ((False, rates, "per_second"), (True, waits, "p99_ms")):
                nothing, ours = (load(at, forms, light=light) for at in (port, winnow.port))
                kept.append((nothing[figure], ours[figure]))
    (nothing, ours), (nothing_ms, ours_ms) = (
        [statistics.median(pair[n] for pair in pairs) for n in (0, 1)] for pairs in (rates, waits)
    )
    print(f"null endpoint {nothing:,.0f}/s, comment-check {ours:,.0f}/s")
    print(f"light load, p99: null endpoint {nothing_ms:.1f} ms, comment-check {ours_ms:.1f} ms")
    figures = {
        "check_to_null": round(statistics.median(b / a for a, b in rates), 2),
        "limit": round(LIMIT, 2),
        "light_p99_ratio": round(statistics.median(b / a for a, b in waits), 2),
        "p99_limit": P99_LIMIT,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
