"""An honest client: ``python -m tests.hostile.honest HOST PORT KEY SECONDS`` prints what it met with.

It submits comments and asks for a page in turns, now on a connection that it keeps, now on a new
one, and says of how many milliseconds its answers took.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

_TIMEOUT_SECONDS = 60
_REST_SECONDS = 0.005


@dataclass
class Met:
    """The results of one client's requests."""

    p50_ms: float
    p99_ms: float
    count: int
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Requests that were refused or not answered."""
        return sum(n for outcome, n in self.outcomes.items() if outcome not in {"200", "202"})


def honest(host: str, port: int, key: str, seconds: float) -> Met:
    """Return what an honest client meets with, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.honest", host, str(port), key, str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Met(**json.loads(done.stdout))


def _main(host: str, port: int, key: str, seconds: float) -> None:
    took: list[float] = []
    outcomes: Counter[str] = Counter()
    kept = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    ends, n = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        n += 1
        new = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        connection = kept if n % 2 else new
        began = time.perf_counter()
        try:
            if n % 4 < 3 and key:
                body = json.dumps({"content": f"A fine day, for the {n}th time."})
                headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
                connection.request("POST", "/v1/comments", body, headers)
            else:
                connection.request("GET", "/desk/sign-in")
            answer = connection.getresponse()
            answer.read()
            outcomes[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as problem:
            outcomes[type(problem).__name__] += 1
            connection.close()
        took.append((time.perf_counter() - began) * 1000)
        new.close()
        time.sleep(_REST_SECONDS)
    kept.close()
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    print(
        json.dumps({"p50_ms": cuts[49], "p99_ms": cuts[98], "count": n, "outcomes": dict(outcomes)})
    )


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
