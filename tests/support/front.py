"""The terminator in a thread, before an application of the test's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from service.front import Bounds, Front
from tests.support.waiting import PATIENCE_SECONDS

_WIRES: list[Wire] = []


@contextmanager
def fronting(
    app: Any, *, threads: int = 2, bounds: Bounds | None = None, **more: Any
) -> Iterator[Front]:
    """Serve *app* on a port of its own; yield the terminator."""
    front = Front(
        app, host="127.0.0.1", port=0, threads=threads,
        bounds=bounds or Bounds(stop_seconds=0.2, sweep_seconds=0.02), **more,
    )  # fmt: skip
    thread = threading.Thread(target=lambda: front.run(signals=False), daemon=True)
    thread.start()
    assert front.listening.wait(PATIENCE_SECONDS)
    try:
        yield front
    finally:
        front.stop()
        thread.join(PATIENCE_SECONDS)
        while _WIRES:
            _WIRES.pop().close()


def pass_seconds(front: Front, seconds: float) -> None:
    """Have *seconds* pass for *front* at once, so that no limit is so short that a slow machine meets it."""
    now = front.now
    front.now = lambda: now() + seconds


class Wire:
    """A client that writes what it likes; closed with the terminator at the latest."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self._kept = b""
        _WIRES.append(self)
        self.socket = socket.create_connection(
            ("127.0.0.1", port), PATIENCE_SECONDS, source_address=(source, 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, text: str | bytes) -> Wire:
        self.socket.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        return self

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of the next answer; status 0: it is closed."""
        data, self._kept = self._kept, b""
        while b"\r\n\r\n" not in data:
            data += (more := self._read())
            if not more:
                return 0, {}, data
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        status = int(first.split()[1])
        while len(body) < int(headers.get("content-length", 0)):
            body += (more := self._read())
            if not more:
                break
        length = int(headers.get("content-length", 0))
        self._kept = body[length:]
        return status, headers, body[:length]

    def is_closed(self) -> bool:
        """Return whether the other side has ended it, after what it still said."""
        try:
            while self.socket.recv(65536):
                continue
        except ConnectionError:
            return True
        return True

    def _read(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionError:
            return b""

    def trickle(self) -> None:
        """Send one byte more, if anybody takes it."""
        with suppress(ConnectionError):
            self.socket.sendall(b"x")

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
