"""One attempt to deliver a webhook: where it may go, how long it may take, what the answer means.

Nothing here knows of queues or retries. :func:`attempt` makes one HTTP request and returns an
:class:`Attempt`, whatever happens; it raises nothing of the network's.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import MappingProxyType

import urllib3
import urllib3.connection
import urllib3.exceptions

from moderation.addresses import Target, check_headers, check_url, refusal_reason
from moderation.errors import InvalidInput

#: Gives the addresses of a name; raises OSError when it has none. May block, and is not trusted.
Resolver = Callable[[str, int], Sequence[str]]

#: Connects to an address and port; its third argument is the time limit, in seconds.
Dial = Callable[[str, int, float], socket.socket]

#: How much of an answer is kept, and read.
EXCERPT_BYTES = 1024

#: A status decides; a body that trickles after it gets this long, so that it holds no slot.
BODY_SECONDS = 2.0

#: Longest Retry-After that is obeyed, in seconds.
LONGEST_RETRY_AFTER_SECONDS = 86_400.0

#: A name may have hundreds of addresses; one that answers is among the first, or it is down.
MOST_ADDRESSES_DIALLED = 4

#: Answers that mean "not so fast", whether or not they say for how long.
SLOW_DOWN = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one delivery attempt. No field ever holds a header, a secret or a URL's path."""

    status: int | None = None  #: the answer's; None when none came
    error: str | None = None  #: why it isn't delivered, in words; None when it is
    duration_seconds: float = 0.0
    response_excerpt: str = ""  #: the first kilobyte of a public target's answer
    permanent: bool = False  #: trying again changes nothing
    disable: bool = False  #: the receiver is gone for good (410)
    slow_down: bool = False  #: send less to this endpoint for a while (429, 502, 504)
    retry_after: float | None = None  #: seconds that the receiver asked to be left alone
    refused: str | None = None  #: why the target must not be called, such as "10.0.0.1 is private"

    @property
    def delivered(self) -> bool:
        """Say whether the receiver has it: any 2xx."""
        return self.error is None


class _AddressRefused(Exception):
    """Raised when an address must not be dialled."""


class _OutOfTime(Exception):
    """Raised when the deadline passes before a status has come."""


class _Unresolved(Exception):
    """Raised when a name has no address."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of *host*, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to *address*, which is no name: nothing is looked up."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        connection.settimeout(seconds)
        connection.connect((address, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def attempt(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow_private: bool = False,
    method: str = "POST",
    timeout_seconds: float = 15.0,
    resolver: Resolver = resolve,
    dialler: Dial = dial,
    custom_headers: Mapping[str, str] = MappingProxyType({}),
    tls: ssl.SSLContext | None = None,
    now: Callable[[], float] = time.time,
) -> Attempt:
    """Send *body* to *url* once, by POST or another *method*, and return the result.

    *headers* are Winnow's own (type and signature); *custom_headers* are the endpoint's and are
    checked. The name is resolved here, all of its addresses are checked, and one of those very
    addresses is dialled (by *dialler*), so that a name server can't change its answer in between.
    Redirects aren't followed and proxies of the environment aren't used. Everything together, from the name
    server to the last byte, takes *timeout_seconds* at most. *tls* says which certificates are
    believed (default: the system's), *now* what time a Retry-After date is measured from.
    """
    began = time.monotonic()
    try:
        target = check_url(url, allow_private=allow_private)
        check_headers(custom_headers)
    except InvalidInput as problem:
        return Attempt(error=str(problem), permanent=True, refused=str(problem))
    sent = {
        "User-Agent": "Winnow (Standard Webhooks)",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **_without_those_in(headers, custom_headers),
        **headers,
    }
    deadline = began + timeout_seconds
    try:
        addresses = _checked_addresses(target, resolver, deadline, allow_private=allow_private)
        public = not any(refusal_reason(address) for address in addresses)
        came = _send(
            method,
            target,
            addresses,
            sent,
            body,
            deadline=deadline,
            dialler=dialler,
            tls=tls,
            keep_answer=public,
            now=now,
        )
    except _AddressRefused as reason:
        came = Attempt(error=f"refused: {reason}", refused=str(reason))
    except Exception as problem:  # noqa: BLE001 - whatever a stranger's server makes libraries raise
        came = Attempt(error=_in_words(problem, timeout_seconds, deadline))
    return replace(came, duration_seconds=time.monotonic() - began)


def _without_those_in(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    taken = {name.lower() for name in ours}
    return {name: value for name, value in theirs.items() if name.lower() not in taken}


# -- where to ---------------------------------------------------------------------------------


def _checked_addresses(
    target: Target, resolver: Resolver, deadline: float, *, allow_private: bool
) -> Sequence[str]:
    """Return the addresses to dial; raise _AddressRefused if even one of them must not be.

    One bad address among good ones is an attempt to be lucky, not an accident.
    """
    if target.address is not None:
        addresses: Sequence[str] = [str(target.address)]
    else:
        addresses = _resolved(target, resolver, deadline)
    for address in addresses:
        reason = refusal_reason(address, allow_private=allow_private)
        if reason:
            raise _AddressRefused(reason)
    return addresses[:MOST_ADDRESSES_DIALLED]


def _resolved(target: Target, resolver: Resolver, deadline: float) -> Sequence[str]:
    """Ask *resolver* in a separate thread: only so can a caller stop waiting for a name server."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(resolver(target.host, target.port)))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        addresses = answers.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise _OutOfTime from None
    if not addresses:
        raise _Unresolved
    return addresses


# -- the request ------------------------------------------------------------------------------


class _CutOff:
    """Shuts a connection down at a deadline, from a timer.

    A socket's own time-out restarts with each byte, so that a server which drips its answer
    could hold a slot for ever. The timer works on a copy of the descriptor, since TLS takes over
    the original, and its number may be another connection's by then.
    """

    def __init__(self) -> None:
        self._copy: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def hold(self, connected: socket.socket, deadline: float) -> None:
        """Take charge of *connected*."""
        self._copy = connected.dup()
        self.at(deadline)

    def at(self, deadline: float) -> None:
        """Move the deadline."""
        self._stop()
        self._timer = threading.Timer(_remaining(deadline), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """Let go of the connection, which its owner closes."""
        self._stop()
        if self._copy is not None:
            self._copy.close()

    def _cut(self) -> None:
        if self._copy is not None:
            with contextlib.suppress(OSError):
                self._copy.shutdown(socket.SHUT_RDWR)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


class _Dialling:
    """Makes urllib3 dial addresses that were checked, whatever the host's name says by now."""

    addresses: Sequence[str]
    deadline: float
    dialler: Dial
    cut_off: _CutOff
    port: int

    def _new_conn(self) -> socket.socket:
        for left in range(len(self.addresses), 0, -1):
            # Each address gets its share of the time, so that a dead one can't use it up.
            seconds = _remaining(self.deadline) / left
            try:
                dialled = self.dialler(self.addresses[-left], self.port, seconds)
            except OSError:
                if left == 1:
                    raise
                continue
            dialled.settimeout(_remaining(self.deadline))
            self.cut_off.hold(dialled, self.deadline)
            return dialled
        raise _Unresolved


class _HTTP(_Dialling, urllib3.connection.HTTPConnection):
    """Plain HTTP to a checked address."""


class _HTTPS(_Dialling, urllib3.connection.HTTPSConnection):
    """HTTPS to a checked address, with the name in SNI and in the certificate."""


def _send(
    method: str,
    target: Target,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    deadline: float,
    dialler: Dial,
    tls: ssl.SSLContext | None,
    keep_answer: bool,
    now: Callable[[], float],
) -> Attempt:
    connection: _HTTP | _HTTPS
    if target.scheme == "https":
        connection = _HTTPS(target.host, target.port, ssl_context=tls or _system_tls())
    else:
        connection = _HTTP(target.host, target.port)
    with contextlib.closing(_CutOff()) as cut_off, contextlib.closing(connection):
        connection.addresses, connection.dialler = addresses, dialler
        connection.deadline, connection.cut_off = deadline, cut_off
        connection.request(
            method,
            target.path,
            body=body,
            headers=headers,
            preload_content=False,
            decode_content=False,
        )
        with contextlib.closing(connection.getresponse()) as response:
            _remaining(deadline)  # a head that was cut off looks like one that ended
            came = _meaning(response.status, response.headers.get("Retry-After"), now)
            # An answer from inside a private network is not shown to the person who set the URL.
            excerpt = ""
            if keep_answer:
                cut_off.at(min(deadline, time.monotonic() + BODY_SECONDS))
                excerpt = _excerpt(response)
    return replace(came, response_excerpt=excerpt)


def _remaining(deadline: float) -> float:
    """Return the seconds left; raise _OutOfTime at 0."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise _OutOfTime
    return seconds


@functools.cache
def _system_tls() -> ssl.SSLContext:
    # Loading the system's certificates takes 20 ms, more than most deliveries do.
    return ssl.create_default_context()


def _excerpt(response: urllib3.BaseHTTPResponse) -> str:
    """Return the beginning of the answer, as far as it arrives before the cut-off."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    found = b""
    with contextlib.suppress(urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
        while len(found) < EXCERPT_BYTES and (piece := response.read1(EXCERPT_BYTES - len(found))):
            found += piece
    text = found.decode("utf-8", "replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text)


# -- what it means ----------------------------------------------------------------------------


def _meaning(status: int, retry_after: str | None, now: Callable[[], float]) -> Attempt:
    """Return what the Standard Webhooks specification says of *status*."""
    if 200 <= status < 300:
        return Attempt(status=status)
    if status == HTTPStatus.GONE:
        return Attempt(status=status, error="answered 410 Gone", permanent=True, disable=True)
    with contextlib.suppress(ValueError):
        phrase = HTTPStatus(status).phrase
        error = f"answered {status} {phrase}"
        if 300 <= status < 400:
            error += "; redirects are not followed"
        return Attempt(
            status=status,
            error=error,
            slow_down=status in SLOW_DOWN,
            retry_after=_seconds(retry_after, now),
        )
    return Attempt(status=status, error=f"answered {status}")


def _seconds(retry_after: str | None, now: Callable[[], float]) -> float | None:
    """Return what a Retry-After header asks for, in seconds or as a date, within our bounds."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,20}", text):
        seconds = float(text)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _in_words(problem: BaseException, timeout_seconds: float, deadline: float) -> str:
    """Return what went wrong, in words of our own: a library's may repeat a header or a URL."""
    causes = tuple(_causes(problem))
    late = f"no answer within {timeout_seconds:g} s"
    # A connection that was shut down at the deadline looks like one that the receiver closed.
    if time.monotonic() >= deadline or _any(causes, _OutOfTime, TimeoutError):
        return late
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
    for kinds, words in _WORDS:
        if _any(causes, *kinds):
            return words
    return f"the request failed ({type(causes[-1]).__name__})"


#: The first that fits is said.
_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((_Unresolved,), "its name has no address"),
    ((ssl.SSLError,), "TLS could not be agreed on"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((http.client.RemoteDisconnected,), "the connection was closed without an answer"),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "the connection was reset"),
    ((http.client.HTTPException, urllib3.exceptions.HTTPError), "its answer is not HTTP"),
    ((OSError,), "the network cannot reach it"),
)


def _any(causes: Sequence[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
