"""A load generator: keep-alive connections that each send one request after the other.

``python -m benchmarks._load`` reads what to do as JSON from standard input and prints what came of
it, so that it runs in a process of its own and leaves the measured ones alone.
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
    told = {
        "port": port, "path": path, "bodies": list(bodies), "headers": headers,
        "connections": connections, "seconds": seconds, "pause": pause_seconds,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._load"],
        input=json.dumps(told), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def _main(told: dict[str, Any]) -> dict[str, Any]:
    head = f"POST {told['path']} HTTP/1.1\r\nHost: localhost\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in told["headers"].items()
    )
    requests = [
        f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        for body in told["bodies"]
    ]
    ends = time.monotonic() + told["seconds"]
    statuses: dict[str, int] = {}
    took: list[float] = []
    turn = iter(range(10**9))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", told["port"])
        while time.monotonic() < ends:
            began = time.monotonic()
            writer.write(requests[next(turn) % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.monotonic() - began)
            status = answer[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
            if told["pause"]:
                await asyncio.sleep(told["pause"])
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(connection() for _ in range(told["connections"])))
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
