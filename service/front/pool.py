"""Threads that run the WSGI application on complete requests, in turn by address."""

from __future__ import annotations

import io
import queue
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import structlog

log = structlog.get_logger(__name__)

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Any]
#: Status, headers and body of an answer.
Answer = tuple[str, list[tuple[str, str]], bytes]

#: In the environ: this pass asks whether the body, which is not here yet, may come.
GATE = "winnow.gate"
#: Header of the answer that lets the body come; its value says whether a key vouches for it.
OPEN = "Winnow-Gate"
#: In the environ: lends this thread's place to another while the view waits; False: too many wait.
LEND = "winnow.lend"


@dataclass(slots=True, eq=False)
class Request:
    """One request as it was read."""

    peer: str
    #: The address or network that limits count it as.
    who: str
    method: str = ""
    path: bytes = b""
    query: bytes = b""
    version: str = "1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    #: Announced bytes of the body; None: not announced.
    length: int | None = None
    chunked: bool = False
    keep_alive: bool = True
    #: Its client is gone, or was refused.
    dropped: bool = False
    #: Gives back the room that a large body has.
    release: Callable[[], None] | None = None


@dataclass(slots=True)
class Response:
    """One answer, ready to be written."""

    status: int
    data: bytes
    keep_alive: bool
    #: Set for a pass through the gate that lets the body come: "keyed" or "open".
    opened: str = ""


class ResponseSink(Protocol):
    """What serves one request after the other under an address."""

    def answered(self, request: Request, answer: Response) -> None:
        """Take the answer to *request*; called by a thread of the pool."""


@dataclass(slots=True, eq=False)
class Job:
    """A request for the application, and where its answer goes."""

    request: Request
    place: ResponseSink
    gate: bool = False
    #: What others of it join this job; None: it runs alone.
    kind: Hashable | None = None
    #: Set where the request was read before: it runs alone.
    environ: Environ | None = None


class Joint(Protocol):
    """Answers requests of a kind, several at once."""

    def kind(self, request: Request) -> Hashable | None:
        """Return what *request* has in common with those that it may be answered with; None: nothing.

        It runs in the event loop, and must take microseconds.
        """

    def most(self, kind: Hashable) -> int:
        """Return the largest number of requests of *kind* that one call answers."""

    def together(self, environs: Sequence[Environ]) -> Sequence[Answer | None]:
        """Return the answers to requests of one kind; None for what the application is to answer."""


class Pool:
    """Threads and the requests that wait for them; each address gets its turn.

    A view that waits for something lends its place (:data:`LEND`), so that *threads* are at work
    however many requests wait. What comes of a kind while one of it waits or is at work is answered
    next by the same thread, together: waking a thread for each costs more than answering it.
    """

    def __init__(
        self,
        app: Wsgi,
        *,
        name: str,
        threads: int,
        waiting: int,
        waiting_of_one: int,
        server: tuple[str, int],
        joint: Joint | None = None,
        most_lent: int = 256,
    ) -> None:
        """Start *threads* for *app*, and for what *joint* answers of the requests to it."""
        self._app, self._name, self._server = app, name, server
        self._waiting, self._waiting_of_one, self._most_lent = waiting, waiting_of_one, most_lent
        self._lock = threading.Lock()
        self._turns: OrderedDict[str, deque[Job]] = OrderedDict()
        self._joint = joint
        #: What waits of each kind of which a job has its turn, or will.
        self._joining: dict[Hashable, deque[Job]] = {}
        self._count = 0
        self._ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._spares: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._idle_spares = self._lent = 0
        self._here = threading.local()
        for _ in range(threads):
            self._start()

    def submit(self, job: Job) -> bool:
        """Have *job* run; False when too many wait, of this address or of all."""
        if self._joint is not None and job.environ is None and not job.gate:
            job.kind = self._joint.kind(job.request)
        with self._lock:
            joining = self._joining.get(job.kind) if job.kind is not None else None
            ahead = self._turns.get(job.request.who) if joining is None else joining
            if self._count >= self._waiting or (ahead and len(ahead) >= self._waiting_of_one):
                return False
            self._count += 1
            if joining is not None:
                joining.append(job)
                return True
            if job.kind is not None:
                self._joining[job.kind] = deque()
            self._queue(job)
        return True

    def _queue(self, job: Job) -> None:
        """Give *job* its place in the turns, and wake a thread; under the lock."""
        self._turns.setdefault(job.request.who, deque()).append(job)
        self._ready.put(None)

    def lend(self) -> bool:
        """Give this thread's place to another until its job is done; False when too many wait."""
        if getattr(self._here, "lent", False):
            return True
        with self._lock:
            if self._lent >= self._most_lent:
                return False
            self._lent += 1
            if spare := self._idle_spares > 0:
                self._idle_spares -= 1
        self._here.lent = True
        if spare:
            self._spares.put(None)
        else:
            self._start()
        return True

    def _start(self) -> None:
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _next(self) -> Job:
        """Take the oldest job of the address whose turn it is."""
        with self._lock:
            who, mine = self._turns.popitem(last=False)
            job = mine.popleft()
            if mine:
                self._turns[who] = mine
            self._count -= 1
        return job

    def _work(self) -> None:
        while True:
            self._ready.get()
            job = self._next()
            if job.kind is None:
                job.place.answered(job.request, self._answer(job))
            else:
                self._answer_kind(job)
            del job  # or the last body would be kept until the next comes
            if getattr(self._here, "lent", False):
                self._here.lent = False
                with self._lock:
                    self._lent -= 1
                    self._idle_spares += 1
                self._spares.get()

    def _answer_kind(self, first: Job) -> None:
        """Answer *first* with what waits of its kind, until nothing does or others wait for a thread."""
        assert self._joint is not None
        kind, group = first.kind, [first]
        most = self._joint.most(kind)
        while True:
            with self._lock:
                joining = self._joining[kind]
                while joining and len(group) < most:
                    group.append(joining.popleft())
                    self._count -= 1
                if not group:
                    del self._joining[kind]
                    return
            self._answer_together(group)
            group = []
            with self._lock:
                if joining and self._turns:
                    self._queue(joining.popleft())
                    return

    def _answer_together(self, group: Sequence[Job]) -> None:
        assert self._joint is not None
        environs: Sequence[Environ | None] = [None] * len(group)
        answers: Sequence[Answer | None]
        try:
            environs = read = [self._environ(one.request, gate=False) for one in group]
            answers = self._joint.together(read)
        except Exception as problem:
            log.exception("bug", kind=type(problem).__name__)
            answers = [("500 Internal Server Error", [], b"")] * len(group)
        for job, environ, answer in zip(group, environs, answers, strict=True):
            if answer is not None:
                job.place.answered(job.request, _response(job.request, *answer))
                continue
            # By a thread of its own, since it may wait for long.
            job.kind, job.environ = None, environ
            if not self.submit(job):
                data = refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1)
                job.place.answered(job.request, Response(503, data, keep_alive=False))

    def _answer(self, job: Job) -> Response:
        request = job.request
        if request.dropped:
            return Response(0, b"", keep_alive=False)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], problem: Any = None) -> Any:
            del problem
            started[:] = [(status, headers)]
            return _no_write

        try:
            environ = job.environ or self._environ(request, gate=job.gate)
            parts = self._app(environ, start)
            try:
                body = b"".join(parts)
            finally:
                with suppress(AttributeError):
                    parts.close()
            status, headers = started[0]
            if job.gate:
                opened = next((value for name, value in headers if name == OPEN), "")
                if opened:
                    return Response(int(status[:3]), b"", keep_alive=True, opened=opened)
            return _response(request, status, headers, body, gate=job.gate)
        except Exception as problem:
            log.exception("bug", kind=type(problem).__name__)
            return _response(request, "500 Internal Server Error", [], b"", gate=job.gate)

    def _environ(self, request: Request, *, gate: bool) -> dict[str, Any]:
        host, port = self._server
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "QUERY_STRING": request.query.decode("latin-1"),
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "REMOTE_ADDR": request.peer,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b"" if gate else request.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            GATE: gate,
            LEND: self.lend,
        }
        length = len(request.body)
        if not gate:
            request.body = bytearray()  # the application has its copy
        for raw, value in request.headers:
            # `X_Real_IP` must not pass for `X-Real-IP`, which CGI names alike.
            if b"_" in raw:
                continue
            name = raw.decode("latin-1").upper().replace("-", "_")
            if name not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                name = f"HTTP_{name}"
            text = value.decode("latin-1")
            joint = "; " if name == "HTTP_COOKIE" else ","
            environ[name] = f"{environ[name]}{joint}{text}" if name in environ else text
        if not gate and (request.chunked or request.length is not None):
            environ["CONTENT_LENGTH"] = str(length)
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ


def _response(
    request: Request,
    status: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    gate: bool = False,
) -> Response:
    code, keep = int(status[:3]), request.keep_alive and not gate
    bare = request.method == "HEAD" or code in {204, 304}
    return Response(code, wire(status, headers, body, keep_alive=keep, bare=bare), keep)


def wire(
    status: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    keep_alive: bool,
    bare: bool = False,
) -> bytes:
    """Return an answer in HTTP/1.1; *bare*: without the body, as for HEAD."""
    lines = [f"HTTP/1.1 {status}\r\n"]
    names = set()
    for name, value in headers:
        names.add(name.lower())
        lines.append(f"{name}: {value}\r\n")
    if "content-length" not in names and not bare:
        lines.append(f"Content-Length: {len(body)}\r\n")
    if "date" not in names:
        lines.append(f"Date: {_date(int(time()))}\r\n")
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n")
    head = "".join(lines).encode("latin-1")
    return head if bare else head + body


@lru_cache(2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def refusal(status: HTTPStatus, *, retry_after: int | None = None) -> bytes:
    """Return the answer to a request that the application does not see."""
    body = f"{status.phrase}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return wire(f"{status.value} {status.phrase}", headers, body, keep_alive=False)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("this server takes whole answers; return the body")
