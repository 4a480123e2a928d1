"""A real HTTP server that plays the receiver of webhooks, well-behaved or not."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import PATIENCE_SECONDS, wait_until


@dataclass(frozen=True)
class Received:
    """One request as it came. `headers` has lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)


#: What a receiver does with a request; the functions below make some.
Behaviour = Callable[["_Handler", Received], None]


def answer(
    status: int = 200, body: bytes = b"ok", headers: dict[str, str] | None = None
) -> Behaviour:
    """Answer at once."""

    def behave(handler: _Handler, _: Received) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def redirect(location: str, status: int = 302) -> Behaviour:
    """Send the caller elsewhere."""
    return answer(status, b"", {"Location": location})


def raw(data: bytes) -> Behaviour:
    """Answer with these bytes, HTTP or not, and hang up."""

    def behave(handler: _Handler, _: Received) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return behave


def hang(handler: _Handler, _: Received) -> None:
    """Never answer, until the receiver closes."""
    handler.server.closing.wait(2 * PATIENCE_SECONDS)


def reset(handler: _Handler, _: Received) -> None:
    """Tear the connection down with an RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: _Handler, _: Received) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def drip(head: bytes, *, every_seconds: float = 0.02) -> Behaviour:
    """Send *head*, then a byte now and then for ever."""

    def behave(handler: _Handler, _: Received) -> None:
        handler.wfile.write(head)
        while not handler.server.closing.wait(every_seconds):
            handler.wfile.write(b"x")
        handler.close_connection = True

    return behave


def flood(handler: _Handler, _: Received) -> None:
    """Answer 200 and a body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.closing.is_set():
        handler.wfile.write(bytes(65536))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, self.rfile.read(length))
        behaviour = self.server.receive(received)
        behaviour(self, received)

    do_GET = do_PUT = do_POST  # noqa: N815 - the names that http.server calls

    def log_message(self, *args: Any) -> None:
        """Say nothing; tests read `Receiver.requests`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], receive: Callable[[Received], Behaviour]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.receive = receive
        self.closing = threading.Event()
        self.connections = 0
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: callers that hang up are part of the tests."""


class Receiver:
    """Listens on an address of this machine while its `with` block lasts.

    *behaviour* is what it does with each request; `then` queues others for the next ones first.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.behaviour = behaviour or answer()
        self.requests: list[Received] = []
        self._next: list[Behaviour] = []
        self._lock = threading.Lock()
        self._server = _Server((host, port), self._receive)
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            # The handshake is left to the request's own thread, or one slow caller stops all.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="receiver", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def connections(self) -> int:
        """How often somebody connected, whether or not a request came."""
        return self._server.connections

    def url(self, path: str = "/hook", *, host: str = "127.0.0.1") -> str:
        """Return where to send webhooks, by whichever name."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def then(self, *behaviours: Behaviour) -> Self:
        """Do these with the next requests, one each."""
        with self._lock:
            self._next.extend(behaviours)
        return self

    def wait_for(self, count: int) -> list[Received]:
        """Return the requests once there are *count*."""
        wait_until(lambda: len(self.requests) >= count, message=f"{count} requests")
        return self.requests

    def _receive(self, received: Received) -> Behaviour:
        with self._lock:
            self.requests.append(received)
            return self._next.pop(0) if self._next else self.behaviour

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
