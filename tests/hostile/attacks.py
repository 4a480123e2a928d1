"""What strangers do to a service besides being slow: each attack is bounded, and says what it met."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from urllib.parse import quote

from tests.support import odd

_TIMEOUT_SECONDS = 60
_MEGABYTES = 16
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
#: Bodies that cost a reader without limits much more than their sender.
DEAR: tuple[tuple[str, str, bytes], ...] = (
    ("/1.1/verify-key", _FORM, b"a=" + b"\xff" * (_MEGABYTES << 20)),
    ("/1.1/comment-check", _FORM, b"a=1&" * (_MEGABYTES << 18)),
    ("/desk/sign-in", _FORM, b"%" * (_MEGABYTES << 20)),
    ("/desk/sign-in", "multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 300_000),
    ("/v1/comments", _JSON, b"[" * (_MEGABYTES << 20)),
    ("/v1/comments/batch", _JSON, b'{"comments":[' + b"{}," * (_MEGABYTES << 18)),
    ("/v1/moderations", _JSON, b'{"input":[' + b'"a",' * (_MEGABYTES << 18)),
    ("/v1alpha1/comments:analyze", _JSON, b'{"comment":{"text":"' + b"\\u0000" * (_MEGABYTES << 17)),
    ("/coral/000000000000", _JSON, b"{" * (_MEGABYTES << 20)),
    ("/nothing", "text/plain", b"x" * (_MEGABYTES << 20)),
)  # fmt: skip
#: What two servers might read differently, and what no server should take.
ODD: tuple[bytes, ...] = (
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /x HTTP/1.1\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 5_000,
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
)


def _fields(count: int) -> str:
    return "".join(f',"field{n}":1' for n in range(count))


#: What each would cost much more than its sender: errors by the million, and values at the edges.
OF_A_TENANT: tuple[tuple[str, str, bytes], ...] = (
    ("/v1/comments/batch", _JSON, ("[" + ",".join([f'{{"content":"x"{_fields(1000)}}}'] * 1000) + "]").encode()),
    ("/v1/comments", _JSON, f'{{"content":"x"{_fields(30_000)}}}'.encode()),
    ("/v1/comments", _JSON, f'{{"content":"x","author":{{"name":"a"{_fields(20_000)}}}}}'.encode()),
    ("/v1/comments", _JSON, b'{"content":"x","%s":1}' % (b"y" * 400_000)),
    ("/v1/comments", _JSON, b'{"content":"half \\ud83d a pair"}'),
    ("/v1/comments", _JSON, b'{"content":"x","post":{"title":"a\\u000b\\u0000"}}'),
    ("/v1/comments", _JSON, ('{"content":"' + "\ufdfa" * 21_000 + '"}').encode()),
    ("/v1/comments/batch", "application/x-ndjson", b'{"content":"x"}\n{"content":"y","submitted_at":"0001-01-01T00:00:00+23:59"}\n'),
    ("/v1/comments", _JSON, b'{"content":"x","form_served_at":"9999-12-31T23:59:59-23:59"}'),
    ("/v1/decisions", _JSON, b'{"ids":["x:\xc2\xb2"],"decision":"approve"}'),
    ("/v1/endpoints", _JSON, b'{"url":"http://[x","allow_private":true}'),
    ("/v1/endpoints", _JSON, b'{"url":"https://a.example","headers":{"x":"\\ud800"}}'),
)  # fmt: skip
#: Where a value of the query or the path is taken for a number, a cursor or an id.
ODD_PLACES = (
    "/v1/queue?cursor={}", "/v1/comments?cursor={}", "/v1/events?after={}", "/v1/events?limit={}",
    "/v1/comments?limit={}", "/v1/comments?external_id={}", "/v1/authors/comments?email={}",
    "/v1/authors/comments?ip=x&cursor={}", "/v1/queue?order={}", "/v1/comments/{}", "/v1/endpoints/{}",
)  # fmt: skip


def ask(host: str, port: int, data: bytes, source: str = "") -> str:
    """Return the status that raw *data* is answered with; "closed" without one."""
    try:
        with socket.create_connection(
            (host, port), _TIMEOUT_SECONDS, source_address=(source, 0) if source else None
        ) as wire:
            with contextlib.suppress(ConnectionError):
                wire.sendall(data)
            with contextlib.suppress(ConnectionError):
                answer = wire.recv(4096)
                return answer[9:12].decode("latin-1") or "closed"
            return "closed"
    except TimeoutError:
        return "timeout"
    except OSError:
        return "no connection"


def post(path: str, kind: str, body: bytes) -> bytes:
    """Return a request as it is written."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def dear_bodies(host: str, port: int, rounds: int) -> Counter[str]:
    """Send each dear body *rounds* times, four at once; return what they were answered."""
    requests = [post(*one) for one in DEAR] * rounds
    with ThreadPoolExecutor(4) as pool:
        return Counter(pool.map(lambda data: ask(host, port, data), requests))


def odd_requests(host: str, port: int) -> Counter[str]:
    """Send what no server should take; return what it was answered."""
    return Counter(ask(host, port, data) for data in ODD)


def by_a_tenant(host: str, port: int, key: str, count: int) -> Counter[str]:
    """Send what a site's key may send and no service should stumble over; *count* odd values, too."""
    asked = [request("POST", path, key, kind, body) for path, kind, body in OF_A_TENANT]
    places = cycle(ODD_PLACES)
    for value in odd.values(count):
        quoted = quote(value[:1000], safe="", errors="surrogatepass")
        asked.append(request("GET", next(places).format(quoted), key))
    return Counter(ask(host, port, data) for data in asked)


def request(method: str, path: str, key: str, kind: str = _JSON, body: bytes = b"") -> bytes:
    """Return a request with a key as it is written."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def invented(host: str, port: int, count: int) -> Counter[str]:
    """Ask by *count* methods, paths, hosts and headers that nobody knows."""
    return Counter(
        ask(
            host,
            port,
            f"METHOD{n} /path{n} HTTP/1.1\r\nHost: host{n}.example\r\nX-{n}: {n}\r\n\r\n".encode()
            if n % 2
            else f"PROPFIND /path{n}?{n}={n} HTTP/1.1\r\nHost: host{n}.example\r\n\r\n".encode(),
        )
        for n in range(count)
    )
