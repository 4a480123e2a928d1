"""Listens, and joins connections to the threads that run the application."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

import structlog

from moderation.errors import BadSettings
from service.clients import Proxies
from service.front.bounds import Bounds
from service.front.connection import Connection
from service.front.crowd import Crowd
from service.front.pool import Job, Joint, Pool, Request, Response, Wsgi

log = structlog.get_logger(__name__)

#: Connections that the kernel keeps for us, and that one turn of the loop takes of them.
_BACKLOG, _ACCEPTED = 4096, 128
#: Files that are no connections: Redis, logs, the model.
_OTHER_FILES = 256


class Front:
    """The terminator of one application."""

    def __init__(
        self,
        app: Wsgi,
        *,
        host: str,
        port: int,
        threads: int,
        bounds: Bounds | None = None,
        proxies: Proxies | None = None,
        body_limit: Callable[[str, str], int] | None = None,
        lanes: Mapping[str, int] | None = None,
        at_once: Mapping[bytes, Callable[[Request], Response | None]] | None = None,
        joint: Joint | None = None,
    ) -> None:
        """Serve *app* at *host* and *port* by *threads*.

        *lanes* are paths with threads of their own, and the number of them: for what must answer
        while all others are taken, and for what must never take all others. *body_limit* returns the
        most bytes that a body for a method and path may have. *at_once* answers requests for a path
        in the event loop, without a thread, or returns None: it must take microseconds. *joint*
        answers some requests several at once.
        """
        bounds = bounds or Bounds()
        self.crowd = Crowd(bounds)
        self.proxies = proxies or Proxies(())
        self.body_limit = body_limit or (lambda _method, _path: bounds.small_body)
        self.stopping = False
        self.now: Callable[[], float] = lambda: 0.0
        self._host, self._port, self._threads = host, port, threads
        self._app, self._lane_threads = app, dict(lanes or {})
        self._lanes: dict[bytes, Pool] = {}
        self._at_once = dict(at_once or {})
        self._joint = joint
        self._main: Pool | None = None
        self._answers: deque[tuple[Connection, Request, Response]] = deque()
        self._called = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        #: Set once connections are taken.
        self.listening = threading.Event()

    # -- what connections ask ---------------------------------------------------------------------

    def submit(self, job: Job) -> bool:
        """Have a request run; False when too many wait."""
        # However its path is spelt: otherwise %2D for a hyphen would lead around a lane.
        pool = self._lanes.get(unquote_to_bytes(job.request.path), self._main)
        return pool is not None and pool.submit(job)

    def at_once(self, request: Request) -> Response | None:
        """Return the answer to what needs no thread; None for all else."""
        answer = self._at_once.get(request.path)
        return answer(request) if answer else None

    def deliver(self, place: Connection, request: Request, answer: Response) -> None:
        """Bring an answer from a thread to the event loop."""
        self._answers.append((place, request, answer))
        if not self._called and self._loop is not None:
            self._called = True
            with contextlib.suppress(RuntimeError):  # it ended while the thread was at work
                self._loop.call_soon_threadsafe(self._take_answers)

    def _take_answers(self) -> None:
        self._called = False
        while self._answers:
            place, request, answer = self._answers.popleft()
            place.take(request, answer)

    # -- its life --------------------------------------------------------------------------------

    def run(self, *, signals: bool = True) -> None:
        """Serve until SIGTERM, SIGINT or `stop`. Raises BadSettings when it cannot listen."""
        listener = _listener(self._host, self._port, self.crowd.bounds.socket_bytes)
        self._port = listener.getsockname()[1]
        with asyncio.Runner() as runner:
            runner.run(self._serve(listener, signals=signals))

    def stop(self) -> None:
        """Stop from another thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    async def _serve(self, listener: socket.socket, *, signals: bool) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self.now, self._stop = loop.time, asyncio.Event()
        if signals:
            for signum in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(signum, self._stop.set)
        self._main = self._pool("web", self._threads, joint=self._joint)
        self._lanes = {
            path.encode(): self._pool(path, threads) for path, threads in self._lane_threads.items()
        }
        server = await loop.create_server(
            lambda: Connection(self), sock=listener, backlog=_ACCEPTED
        )
        listener.listen(_BACKLOG)  # create_server would take as many at a time as it lets wait
        sweeper = asyncio.ensure_future(self._sweep())
        self.listening.set()
        await self._stop.wait()
        server.close()
        sweeper.cancel()
        await self._finish()

    async def _sweep(self) -> None:
        while True:
            await self.crowd.somebody.wait()
            await asyncio.sleep(self.crowd.bounds.sweep_seconds)
            self.crowd.sweep(self.now())

    async def _finish(self) -> None:
        """Answer the requests in work, for a bounded time."""
        self.stopping = True
        deadline = self.now() + self.crowd.bounds.stop_seconds
        for one in self.crowd.everyone():
            one.close_when_done()
        while len(self.crowd) and self.now() < deadline:  # noqa: ASYNC110 - a look is enough
            await asyncio.sleep(0.02)
        for one in self.crowd.everyone():
            one.abort()
        await asyncio.sleep(0)

    def _pool(self, name: str, threads: int, *, joint: Joint | None = None) -> Pool:
        bounds = self.crowd.bounds
        return Pool(
            self._app,
            name=name,
            threads=threads,
            waiting=bounds.waiting,
            waiting_of_one=bounds.waiting_of_one,
            server=(self._host, self._port),
            joint=joint,
        )


def allow_files(connections: int) -> int:
    """Have the kernel allow as many open files as *connections* take; return how many fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return min(connections, max(64, soft - _OTHER_FILES))


def _listener(host: str, port: int, socket_bytes: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Connections take it over: one that is never read from holds this and no more.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, socket_bytes)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        raise BadSettings(
            f"cannot listen on {host} port {port}: {problem.strerror}; "
            "set WINNOW_HOST and WINNOW_PORT to a free address of this machine"
        ) from None
    return listener
