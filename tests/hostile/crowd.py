"""Many bad connections at once: they trickle, say nothing, or never read.

``python -m tests.hostile.crowd`` reads what to do as JSON from standard input, says "ready" when its
connections stand, and goes on until its standard input ends: a process of its own, so that the
honest client that is timed beside it shares nothing with it but the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Connections that are made at a time: a flood of our own would only time our own loop.
_AT_ONCE = 200


@contextmanager
def crowd(host: str, port: int, key: str = "", **counts: int) -> Iterator[Counter[str]]:
    """Keep *counts* of bad connections (trickling, idle, unread, polling) open.

    Yields what has become of them, which is complete after the block.
    """
    body = json.dumps({"host": host, "port": port, "key": key, **counts})
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.crowd", body],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    became: Counter[str] = Counter()
    try:
        assert process.stdout.readline() == "ready\n"
        yield became
    finally:
        out, _ = process.communicate("")
        became.update(json.loads(out or "{}"))


class Bad:
    """The bad connections of one process."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self.host, self.port, self.key = host, port, key
        self.became: Counter[str] = Counter()
        self.turn = 0
        self.kept: list[Any] = []

    async def connected(self, kind: str) -> tuple[Any, Any] | None:
        """Return a connection; on this machine every second one has an address of its own."""
        self.turn += 1
        local = self.host.startswith("127.") and self.turn % 2
        source = (f"127.1.{self.turn % 250}.{self.turn // 250 % 250 + 1}", 0) if local else None
        try:
            pair = await asyncio.open_connection(self.host, self.port, local_addr=source)
        except OSError:
            self.became[f"{kind}, no connection"] += 1
            return None
        self.became[f"{kind}, connected"] += 1
        return pair

    async def trickling(self, n: int) -> None:
        """Announce a body, and send a byte of it every second; reconnect whenever the server closes."""
        heads = (
            "POST /desk/sign-in HTTP/1.1\r\nHost: {}\r\nContent-Length: 4000\r\n\r\nname=",
            "POST /1.1/verify-key HTTP/1.1\r\nHost: {}\r\nContent-Length: 4000\r\n\r\nkey=",
            (
                "POST /v1/comments HTTP/1.1\r\nHost: {}\r\nContent-Length: 4000\r\n"
                "Content-Type: application/json\r\n\r\n{{"
            ),
            "GET /desk/sign-in HTTP/1.1\r\nHost: {}\r\nX-Slow: ",
        )
        while True:
            pair = await self.connected("trickling")
            if pair is None:
                await asyncio.sleep(1)
                continue
            reader, writer = pair
            self.kept.append(writer)
            with contextlib.suppress(OSError):
                writer.write(heads[n % len(heads)].format(self.host).encode())
                while not reader.at_eof():
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        if await asyncio.wait_for(reader.read(1000), 1):
                            break
                    writer.write(b"a")
            self.became["trickling, ended"] += 1
            writer.close()
            await asyncio.sleep(0.5)

    async def idle(self, _n: int) -> None:
        """Connect and send nothing; reconnect whenever the server closes."""
        while True:
            pair = await self.connected("idle")
            if pair is None:
                await asyncio.sleep(1)
                continue
            with contextlib.suppress(OSError):
                await pair[0].read(1)
            self.became["idle, ended"] += 1
            pair[1].close()
            await asyncio.sleep(0.5)

    async def unread(self, _n: int) -> None:
        """Ask for page after page and read none of them."""
        while True:
            pair = await self.connected("unread")
            if pair is None:
                await asyncio.sleep(1)
                continue
            reader, writer = pair
            reader._transport.pause_reading()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8)
                    await asyncio.sleep(0.5)
                    if writer.is_closing():
                        break
            self.became["unread, ended"] += 1
            writer.close()
            await asyncio.sleep(0.5)

    async def polling(self, _n: int) -> None:
        """Wait for events that never come, with one site's key; obey Retry-After."""
        head = (
            "GET /v1/events?wait=10&after=9999999999999 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self.key}\r\nConnection: close\r\n\r\n"
        ).encode()
        while True:
            pair = await self.connected("polling")
            answer = b""
            if pair is not None:
                with contextlib.suppress(OSError):
                    pair[1].write(head)
                    answer = await pair[0].read(100_000)
                pair[1].close()
            status = answer[9:12].decode("latin-1") or "none"
            self.became[f"polling, answered {status}"] += 1
            await asyncio.sleep(0 if status == "200" else 2)


async def _main(plan: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    os.nice(10)  # strangers have processors of their own: they shall not take the service's
    bad = Bad(plan["host"], plan["port"], plan["key"])
    tasks, begun = set(), 0
    for kind in ("trickling", "idle", "unread", "polling"):
        for n in range(plan.get(kind, 0)):
            tasks.add(asyncio.ensure_future(getattr(bad, kind)(n)))
            begun += 1
            if begun % _AT_ONCE == 0:
                await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(bad.became), flush=True)
    os._exit(0)  # a cancelled task of thousands may miss it, and the kernel closes what is open


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
