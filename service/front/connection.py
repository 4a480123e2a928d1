"""One connection: its requests are read whole, run one after the other, and answered in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import NoReturn, Protocol, cast

import httptools

from service.clients import Proxies, network_of
from service.front.crowd import Crowd, RefusalCause, Stage
from service.front.pool import Job, Request, Response, refusal

_PIPELINED = " pipelined"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Digits of a Content-Length: more than any limit of ours has.
_LENGTH_DIGITS = 12
#: Chunks of any size that a body may have, and the bytes that each further one brings on average.
_SMALL_CHUNKS, _CHUNK_BYTES = 1000, 64
#: Bytes that frame a body in chunks, such as their sizes, extensions and trailers: of any body, and the bytes of
#: it that each further one needs. Nothing of ours reads them, and the parser keeps a trailer until its end.
_FRAMING, _FRAMED = 32 * 1024, 4
#: Bytes of a refused request that are thrown away before its connection is.
_LINGER_BYTES = 4 * 1024 * 1024


class Service(Protocol):
    """What connections are for."""

    crowd: Crowd
    proxies: Proxies
    stopping: bool
    #: Return the event loop's time in seconds.
    now: Callable[[], float]
    #: Return how many bytes a body for a method and path may have.
    body_limit: Callable[[str, str], int]

    def submit(self, job: Job) -> bool:
        """Have a request run; False when too many wait."""

    def at_once(self, request: Request) -> Response | None:
        """Return the answer to what needs no thread; None for all else."""

    def deliver(self, place: Connection, request: Request, answer: Response) -> None:
        """Bring an answer from a thread to the event loop."""


class _ParsingEnded(Exception):
    """Raised in a call of the parser's when the request was refused."""


class Connection(asyncio.Protocol):
    """Reads requests and writes answers; see :class:`Stage`."""

    def __init__(self, service: Service) -> None:
        """Serve *service*."""
        self._service = service
        self._crowd = service.crowd
        self._bounds = service.crowd.bounds
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        #: The request that is being read, the one at work, and complete ones that follow it.
        self._reading: Request | None = None
        self._working: Request | None = None
        self._following: deque[Request] = deque()
        self._url = b""
        self._head_bytes = self._limit = 0
        self._expects = self._whole = False
        #: The request asks for another protocol, and is read once more without that.
        self._offered = False
        self._hosts = self._head_size = self._chunks = self._framing = 0
        #: No request is taken after the one at work.
        self._last = False
        #: The event loop may answer one request of each piece that it reads.
        self._may_at_once = False
        self._finished = 0
        self._arriving_as = ""
        self._counted = self._mark = self._thrown_away = 0
        self._moved = 0.0
        self.stage = Stage.IDLE
        #: When this stage began or last moved on, and when it is over at the latest.
        self.since = self._deadline = 0.0

    # -- asyncio's calls -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        # So that resume_writing is called when all of an answer has left.
        self._transport.set_write_buffer_limits(high=0)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self.address = network_of(self.peer)
        self.from_proxy = self._service.proxies.trusts(self.peer)
        self._to(Stage.IDLE, self._bounds.first_byte_seconds)
        self._crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that the connection holds."""
        del exc
        self._drop_requests()
        self._crowd.leave(self)
        self._parser = None

    def data_received(self, data: bytes) -> None:
        """Read the bytes that came."""
        if self._parser is None or self._last or self.stage is Stage.LINGER:
            self._throw_away(data)
            return
        before = self._reading
        framed = len(before.body) if before is not None and self.stage is Stage.BODY else None
        self._may_at_once = True
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._refused():  # unless a callback has done so
                self._refuse(HTTPStatus.BAD_REQUEST, RefusalCause.MALFORMED)
            return
        if self.stage is Stage.HEAD:
            self._head_bytes = len(data) + (self._head_bytes if before is self._reading else 0)
            if self._head_bytes > self._bounds.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, RefusalCause.TOO_LARGE)
                return
        if framed is not None and self._reading is before and self._is_all_framing(data, framed):
            return
        if self._reading is not None:
            if self.stage is Stage.HEAD or self.stage is Stage.BODY:
                self._arrive(self._reading)
            else:
                self._transport.pause_reading()
        elif self._following:
            self._transport.pause_reading()

    def _is_all_framing(self, data: bytes, before: int) -> bool:
        """Refuse a body, of *before* bytes until *data* came, that its framing is too large for; tell whether it was."""
        body = len(self._reading.body) if self._reading is not None else 0
        self._framing += len(data) - (body - before)
        if self._framing <= _FRAMING + body // _FRAMED:
            return False
        self._refuse(HTTPStatus.BAD_REQUEST, RefusalCause.MALFORMED)
        return True

    def _feed(self, data: bytes) -> None:
        """Give the parser what came. An offer to speak another protocol is declined: its request is an ordinary one.

        The parser takes a body behind such an offer for the other protocol, so that the head is read once more,
        without the offer, and the body after it.
        """
        while self._parser is not None and data and not self._last:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                request = self._reading
                if not self._offered or request is None:
                    self._last = True  # a CONNECT
                    return
                data = _plain_head(request, self._url) + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            else:
                return

    def eof_received(self) -> bool:
        """Keep the way back open while there is something to answer."""
        self._last = True
        return self.at_work()

    def resume_writing(self) -> None:
        """Go on when all of an answer has left."""
        if self.stage is Stage.ANSWER:
            self._next()

    # -- the parser's calls ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request. One that follows a whole one at the gate is not taken: that one is the last."""
        if self._whole:
            self._last = True
            if self._reading is not None:
                self._reading.keep_alive = False
            return
        self._reading = Request(self.peer, self.address)
        self._url, self._limit = b"", 0
        self._hosts = self._head_size = self._chunks = self._framing = 0
        self._expects = self._offered = False
        if not self.at_work():
            self._to(Stage.HEAD, self._bounds.head_seconds)

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        request = self._reading
        if request is None or request.method:  # a trailer: nothing of ours reads any
            return
        value = value.strip(b" \t")  # the parser keeps what stands behind it
        request.headers.append((name, value))
        self._head_size += len(name) + len(value) + 4
        if len(request.headers) > self._bounds.headers:
            self._refuse_now(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, RefusalCause.TOO_LARGE)
        match name.lower():
            case b"host":
                self._hosts += 1
            case b"content-length":
                if not value.isdigit() or len(value) > _LENGTH_DIGITS:
                    self._refuse_now(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, RefusalCause.TOO_LARGE)
                request.length = int(value)
            case b"transfer-encoding":
                request.chunked = True
            case b"expect":
                self._expects = value.lower() == b"100-continue"
            case b"x-forwarded-for" if self.from_proxy:
                client = self._service.proxies.client_of(self.peer, value.decode("latin-1"))
                request.who = network_of(client)

    def on_headers_complete(self) -> None:
        """Decide what becomes of the body before any of it is asked for."""
        request, parser = self._reading, self._parser
        if request is None or parser is None or self._whole:
            return
        if self._head_size + len(self._url) > self._bounds.head_bytes:
            self._refuse_now(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, RefusalCause.TOO_LARGE)
        request.method = parser.get_method().decode("ascii", "replace")
        request.version = parser.get_http_version()
        self._offered = parser.should_upgrade() and request.method != "CONNECT"
        if self._offered:
            return
        request.keep_alive = parser.should_keep_alive()
        target = httptools.parse_url(self._url)
        request.path, request.query = target.path or b"/", target.query or b""
        if self._hosts > 1 or (self._hosts == 0 and request.version == "1.1"):
            self._refuse_now(HTTPStatus.BAD_REQUEST, RefusalCause.MALFORMED)
        if not (request.chunked or request.length):
            return
        self._limit = self._bounds.always_body
        large = request.chunked or (request.length or 0) > self._limit
        if large:
            path = request.path.decode("latin-1")
            self._limit = self._service.body_limit(request.method, path)
            large = (
                request.chunked
                or (request.length or 0) > self._bounds.small_body
                or (request.length or 0) > self._limit
            )
        if self.at_work():
            # A pipelined request: its turn will come, unless the app would have to be asked first.
            self._last = self._last or large
        elif large:
            self._to(Stage.GATE, self._bounds.room_seconds)
            self._stop_arriving()
            self._transport.pause_reading()
            if not self._service.submit(Job(request, self, gate=True)):
                self._refuse_now(HTTPStatus.SERVICE_UNAVAILABLE, RefusalCause.BUSY, retry_after=1)
        else:
            self._to(Stage.BODY, self._bounds.body_seconds)
            self._continue()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        request = self._reading
        if request is None or self._whole:
            return
        request.body += body
        if len(request.body) > self._limit and self.stage is not Stage.GATE:
            self._refuse_now(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, RefusalCause.TOO_LARGE)

    def on_chunk_header(self) -> None:
        """Count a chunk: each costs a call, so that a body must not consist of tiny ones."""
        self._chunks += 1
        if self._reading is not None:
            fair = _SMALL_CHUNKS + len(self._reading.body) // _CHUNK_BYTES
            if self._chunks > fair:
                self._refuse_now(HTTPStatus.BAD_REQUEST, RefusalCause.MALFORMED)

    def on_message_complete(self) -> None:
        """Have the request run, now or after those before it."""
        request = self._reading
        if request is None or self._last or self._offered:
            return
        if self.stage is Stage.GATE:
            self._whole = True
            return
        self._reading = None
        if self._working is None and self.stage is not Stage.ANSWER:
            self._work(request)
        elif len(self._following) < self._bounds.pipelined:
            self._following.append(request)
        else:
            self._last = True

    # -- what the crowd asks and tells -----------------------------------------------------------

    def at_work(self) -> bool:
        """Tell whether a request is being answered."""
        return self.stage is Stage.WORK or self.stage is Stage.ANSWER

    def unread(self) -> int:
        """Return how many bytes of answers the client has not taken."""
        return self._transport.get_write_buffer_size()

    def worth(self) -> int:
        """Return how much is lost by closing this connection: 0 is least."""
        match self.stage:
            case Stage.LINGER:
                return 0
            case Stage.IDLE | Stage.HEAD:
                return 4 if self._finished else 1
            case Stage.GATE | Stage.BODY:
                return 2
            case _:
                return 3

    def is_late(self, now: float) -> bool:
        """Tell whether the client takes too long."""
        if self.stage is Stage.WORK:
            return False
        if self.stage is Stage.ANSWER:
            return self._is_slow(now, -self.unread())
        if self.stage is Stage.BODY and self._reading is not None:
            return now > self._deadline or self._is_slow(now, len(self._reading.body))
        return now > self._deadline

    def refuse_late(self, reason: RefusalCause) -> None:
        """End what takes too long."""
        if self.stage in {Stage.HEAD, Stage.GATE, Stage.BODY}:
            waits = self.stage is Stage.GATE
            status = HTTPStatus.SERVICE_UNAVAILABLE if waits else HTTPStatus.REQUEST_TIMEOUT
            self._refuse(status, reason, retry_after=1)
            return
        if self.stage is Stage.ANSWER:
            self._crowd.refused[reason] += 1
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._drop_requests()
        self._transport.abort()

    def close_when_done(self) -> None:
        """Answer the requests in work, then close."""
        self._last = True
        if not self.at_work():
            self.abort()

    # -- answers ---------------------------------------------------------------------------------

    def answered(self, request: Request, answer: Response) -> None:
        """Take an answer from a thread."""
        self._service.deliver(self, request, answer)

    def take(self, request: Request, answer: Response) -> None:
        """Write an answer, or let the body come that the app has agreed to."""
        if request.release is not None:
            request.release()
        if request.dropped:
            return
        if self.stage is Stage.GATE:
            if answer.opened:
                self._ask_for_room(request, keyed=answer.opened == "keyed")
            else:
                self._refuse_with(answer.data)
            return
        self._working = None
        self._finished += 1
        self._last = self._last or not answer.keep_alive or self._service.stopping
        self._to(Stage.ANSWER)
        self._transport.write(answer.data)
        self._mark = -self.unread()
        if not self._mark:
            self._next()

    def _next(self) -> None:
        """Go on to what follows an answer that has left."""
        if self._following:
            request = self._following.popleft()
            # Its own turn, beside the address's: a client that asks for hundreds of answers at once
            # and reads none would else have all others of its address wait.
            request.who += _PIPELINED
            self._work(request)
            return
        if self._last:
            self._transport.close()
            return
        if self._reading is None:
            self._to(Stage.IDLE, self._bounds.idle_seconds)
        elif not self._limit:
            self._to(Stage.HEAD, self._bounds.head_seconds)
        else:
            self._to(Stage.BODY, self._bounds.body_seconds)
        self._transport.resume_reading()

    def _ask_for_room(self, request: Request, *, keyed: bool) -> None:
        room = self._crowd.keyed if keyed else self._crowd.unkeyed
        request.release = partial(room.leave, request)
        self._to(Stage.GATE, self._bounds.room_seconds)
        room.ask(request, self._limit if request.length is None else request.length, self._admit)

    def _admit(self) -> None:
        """Let the body come."""
        request = self._reading
        if request is None:
            return
        self._to(Stage.BODY, self._bounds.body_seconds)
        self._continue()
        if len(request.body) > self._limit:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, RefusalCause.TOO_LARGE)
            return
        if self._whole:
            self._reading, self._whole = None, False
            self._work(request)
        else:
            self._arrive(request)
        self._transport.resume_reading()

    def _continue(self) -> None:
        if self._expects:
            self._transport.write(_CONTINUE)

    def _work(self, request: Request) -> None:
        self._stop_arriving()
        self._working = request
        self._to(Stage.WORK)
        # One for a piece that was read: a piece may hold thousands, for which all others would wait.
        if self._may_at_once and (answer := self._service.at_once(request)) is not None:
            self._may_at_once = False
            self.take(request, answer)
            return
        if not self._service.submit(Job(request, self)):
            self._crowd.refused[RefusalCause.BUSY] += 1
            self._refuse_with(refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1))

    # -- refusals --------------------------------------------------------------------------------

    def _refuse(
        self, status: HTTPStatus, reason: RefusalCause, *, retry_after: int | None = None
    ) -> None:
        """Refuse the request that is being read; the connection ends with it."""
        self._crowd.refused[reason] += 1
        if self.at_work():  # those before it are answered first
            self._last, self._reading = True, None
        else:
            self._refuse_with(refusal(status, retry_after=retry_after))

    def _refuse_now(
        self, status: HTTPStatus, reason: RefusalCause, *, retry_after: int | None = None
    ) -> NoReturn:
        """Refuse from within a call of the parser's."""
        self._refuse(status, reason, retry_after=retry_after)
        raise _ParsingEnded

    def _refuse_with(self, data: bytes) -> None:
        self._drop_requests()
        self._to(Stage.LINGER, self._bounds.linger_seconds)
        self._transport.write(data)
        with suppress(OSError):  # the client is gone already
            self._transport.write_eof()
        self._transport.resume_reading()

    def _throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away > _LINGER_BYTES:
            self.abort()

    def _drop_requests(self) -> None:
        self._stop_arriving()
        for request in [self._reading, self._working, *self._following]:
            if request is not None:
                request.dropped = True
        # A request in work keeps its memory counted until its thread is done.
        if self._reading is not None and self._reading.release is not None:
            self._reading.release()
        self._reading = self._working = None
        self._following.clear()

    def _refused(self) -> bool:
        return self.stage is Stage.LINGER or (self._last and self.at_work())

    # -- bookkeeping -----------------------------------------------------------------------------

    def _to(self, stage: Stage, seconds: float = 0.0) -> None:
        self.stage, self.since = stage, self._service.now()
        self._deadline = self.since + seconds
        self._mark = 0

    def _is_slow(self, now: float, progress: int) -> bool:
        """Tell whether bytes move on more slowly than they have to."""
        if progress - self._mark >= self._bounds.pace_bytes * self._bounds.pace_grace_seconds:
            self._mark, self._moved = progress, now
            return False
        return now - max(self.since, self._moved) > self._bounds.pace_grace_seconds

    def _arrive(self, request: Request) -> None:
        """Count a request that is here in part, and the bytes of its body."""
        if not self._arriving_as:
            # Behind a proxy, whose request it is shows in its head.
            if self.from_proxy and self.stage is Stage.HEAD:
                return
            self._arriving_as = request.who
            self._crowd.arrives(self, request.who)
        if self.stage is Stage.BODY and request.release is None:
            more = len(request.body) - self._counted
            self._counted += more
            self._crowd.took_bytes(more)

    def _stop_arriving(self) -> None:
        if self._arriving_as:
            self._crowd.arrived(self, self._arriving_as)
            self._crowd.arriving_bytes -= self._counted
            self._arriving_as, self._counted = "", 0


def _plain_head(request: Request, url: bytes) -> bytes:
    """Return the head of a request without its offer to speak another protocol."""
    lines = [b"%b %b HTTP/%b" % (request.method.encode(), url, request.version.encode())]
    lines += [
        b"%b: %b" % (name, value) for name, value in request.headers if name.lower() != b"upgrade"
    ]
    return b"\r\n".join([*lines, b"", b""])
