"""A load generator: keep-alive connections that each send one request after the other.

``python -m benchmarks._load`` reads what to do as JSON from standard input and prints the
result: a separate process, whose work does not count as the measured ones'.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any


def send(
    port: int,
    path: str,
    bodies: Sequence[str],
    *,
    headers: dict[str, str],
    connections: int,
    seconds: float,
    pause_seconds: float = 0.0,
) -> dict[str, Any]:
    """Send *bodies* in turn for *seconds*; return status counts and latencies in milliseconds.

    Each connection rests *pause_seconds* between an answer and its next request.
    """
    plan = {
        "port": port, "path": path, "bodies": list(bodies), "headers": headers,
        "connections": connections, "seconds": seconds, "pause": pause_seconds,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._load"],
        input=json.dumps(plan), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def _main(plan: dict[str, Any]) -> dict[str, Any]:
    head = f"POST {plan['path']} HTTP/1.1\r\nHost: localhost\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in plan["headers"].items()
    )
    requests = [
        f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        for body in plan["bodies"]
    ]
    ends = time.monotonic() + plan["seconds"]
    statuses: dict[str, int] = {}
    took: list[float] = []
    turn = iter(range(10**9))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"])
        while time.monotonic() < ends:
            began = time.monotonic()
            writer.write(requests[next(turn) % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.monotonic() - began)
            status = answer[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
            if plan["pause"]:
                await asyncio.sleep(plan["pause"])
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(connection() for _ in range(plan["connections"])))
    elapsed = time.monotonic() - began
    took.sort()
    return {
        "statuses": statuses,
        "per_second": len(took) / elapsed,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(json.loads(sys.stdin.read())))))
