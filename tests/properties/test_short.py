"""The short way past Flask is no way of its own: whatever is sent, both answer the same, to the byte.

Each request goes to two installations, one without the short way. Ids, which are made up, are compared
by the order in which they come.
"""

from __future__ import annotations

import json
import queue
import random
import re
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import flask
import pytest

from moderation.actor import moderator
from moderation.comment import Draft, Status
from moderation.credentials import KeyKind
from moderation.errors import StorageUnavailable
from moderation.records import Accepted, IntakeOutcome
from service.api.base import CALLERS, LIMITER
from service.doors.base import LIMITER as DOOR_LIMITER
from service.doors.base import SITES
from service.front import Front
from service.front.pool import Answer, Environ, Job, Pool, Request, Response
from service.problems import FAILED
from service.short import (
    SHORT_WAY,
    Asked,
    PlainCheck,
    PlainHealth,
    PlainSubmission,
    ShortWay,
)
from tests.support import odd
from tests.support.front import Wire, fronting
from tests.support.valkey import serving
from tests.support.world import World, make_world

#: Ten thousand requests, each sent twice: a busy machine takes minutes.
pytestmark = pytest.mark.timeout(900)
SUBMISSIONS, CHECKS = 7_500, 2_500
#: Of each kind; at least a fifth of them is answered by the short way, or little is shown.
SHORT = 1 / 5

_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_GUID = re.compile(rb"(?m)(?<=^X-akismet-guid: )[0-9a-f]{32}")
_DATE = re.compile(rb"(?m)^Date: [^\r]+")
_REQUEST_ID = re.compile(rb"(?m)^X-Request-Id: [0-9a-f]{16}\r")


@dataclass(frozen=True)
class Sent:
    """A request, with names in braces for the keys of the installation that it goes to."""

    method: str = "POST"
    path: str = "/v1/comments"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunked: bool = False


@dataclass
class Side:
    """An installation behind the threads of its terminator."""

    world: World
    keys: dict[str, str]
    pool: Pool
    seen: dict[bytes, bytes] = field(default_factory=dict)
    slow: int = 0
    _answers: queue.SimpleQueue[tuple[Request, Response]] = field(default_factory=queue.SimpleQueue)

    def answered(self, request: Request, answer: Response) -> None:
        self._answers.put((request, answer))

    def ask(self, sent: Sent) -> bytes:
        """Return the answer's bytes, without what differs by chance."""
        self.submit(self.pool, sent)
        return self.next_answer()[1]

    def submit(self, pool: Pool, sent: Sent) -> Request:
        """Give *pool* a request, to be answered here."""

        def filled(text: str) -> bytes:
            for name, key in self.keys.items():
                text = text.replace(f"{{{name}}}", key)
            return text.encode("latin-1", "replace")

        headers = [(filled(name), filled(value)) for name, value in sent.headers]
        body = sent.body
        for name, key in self.keys.items():
            body = body.replace(f"{{{name}}}".encode(), key.encode())
        if body or sent.method == "POST":
            length = (b"Transfer-Encoding", b"chunked") if sent.chunked else (
                b"Content-Length", str(len(body)).encode()
            )  # fmt: skip
            headers.append(length)
        request = Request(
            "127.0.0.1", "127.0.0.1", sent.method, filled(sent.path), filled(sent.query), "1.1",
            headers, bytearray(body), None if sent.chunked else len(body), sent.chunked,
        )  # fmt: skip
        assert pool.submit(Job(request, self))
        return request

    def next_answer(self) -> tuple[Request, bytes]:
        """Return the next answer's bytes, without what differs by chance, and what it answers."""
        request, answer = self._answers.get(timeout=60)
        data = _REQUEST_ID.sub(b"X-Request-Id: made\r", _DATE.sub(b"Date:", answer.data))
        return request, _GUID.sub(self._numbered, _ID.sub(self._numbered, data))

    def _numbered(self, found: re.Match[bytes]) -> bytes:
        return self.seen.setdefault(found[0], b"id %d" % len(self.seen))


@contextmanager
def side(data: Path, url: str, *, short: bool, **settings: Any) -> Iterator[Side]:
    world = make_world(url, data, short_way=short, **settings)
    adapters, now = world.adapters, world.adapters.clock.now_ms()
    other = adapters.accounts.add_site("other", now_ms=now)
    keys = {"KEY": world.key, "TOKEN": world.token}
    for name, site, kind in (
        ("OTHER", other, KeyKind.API), ("DOOR", world.site, KeyKind.DOOR), ("REVOKED", other, KeyKind.API),
    ):  # fmt: skip
        known, keys[name] = adapters.accounts.add_key(site.id, kind, now_ms=now)
    adapters.accounts.revoke_key(known.id, by=moderator("ada"), now_ms=now)
    pool = Pool(
        world.app, name="test", threads=1, waiting=4, waiting_of_one=4, server=("127.0.0.1", 8025)
    )
    one = Side(world, keys, pool)

    def count(*_: object, **__: object) -> None:
        one.slow += 1

    with flask.request_started.connected_to(count, world.app):
        yield one


@pytest.fixture
def sides(tmp_path: Path, redis_url: str) -> Iterator[tuple[Side, Side]]:
    with (
        serving() as second,
        side(tmp_path / "short", redis_url, short=True, site_rate="10000000/minute") as short,
        side(tmp_path / "slow", second.url, short=False, site_rate="10000000/minute") as slow,
    ):
        yield short, slow


PLAIN = (("Host", "localhost:8025"), ("Content-Type", "application/json"))
KEYED = (*PLAIN, ("Authorization", "Bearer {KEY}"))
HEADERS = {
    "Content-Type": (
        "application/json; charset=utf-8", "application/json;charset=utf-8", "application/JSON", "text/json",
        "application/json; charset=latin-1", "application/x-ndjson", "application/problem+json", "",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json,application/json",
    ),
    "Authorization": (
        "Bearer {OTHER}", "Bearer {REVOKED}", "Bearer {TOKEN}", "Bearer {DOOR}", "bearer {KEY}", "Bearer  {KEY}",
        "Bearer {KEY} ", "Bearer\t{KEY}", "Basic {KEY}", "{KEY}", "Bearer", "Bearer ", "Bearer {KEY}x",
        "Bearer {KEY},Bearer {KEY}",
    ),
    "Host": (
        "127.0.0.1", "[::1]:8025", "evil.example", "localhost:x", "localhost:99999", "a.localhost", "", "x y",
        "LOCALHOST", "user@localhost", "localhost/x",
    ),
    "Prefer": ("wait=0", "respond-async", "wait=x"),
    "Cookie": ("session=x", "winnow=1; session=e30.x.y", "x"),
    "X-Request-Id": ("mine-1", "a" * 65, "x y", "A.b_C-9"),
    "X-Forwarded-For": ("192.0.2.1", "nobody"),
    "X-Forwarded-Proto": ("https",),
    "X-HTTP-Method-Override": ("PUT",),
    "Content-Encoding": ("gzip",),
    "Accept": ("text/html", "application/xml"),
    "Origin": ("https://evil.example",),
    "Expect": ("100-continue",),
}  # fmt: skip
FIELDS = (
    "content", "external_id", "parent", "honeypot", "form_served_at", "submitted_at", "author", "post",
    "author.name", "author.email", "author.url", "author.ip", "author.user_agent", "author.role", "author.id",
    "post.url", "post.title", "post.published_at", "post.language", "site", "status", "author.x", "",
)  # fmt: skip
BODIES = (
    b"", b"{", b"null", b"[]", b'"x"', b"1", b"{}", b"\xef\xbb\xbf{}", b'{"content":"\xff"}', b'{"content":"x"}x',
    b'{"content":"a","content":"b"}', b'{"content":"\\ud83d\\ude00"}', b'{"content":"\\ud800"}', b"[" * 3000,
    b'{"content":"\\u0000"}', b'{"content": NaN}', b'{"content":"x","external_id":1e5}', b'{"content":"x"}\n\n',
    b'\t{"content":"x"}', b'{"content":"x",}', b"{'content':'x'}", '{"content":"x"}'.encode("utf-16"),
    b'{"content":"x","author":null}', b'{"content":"x","author":{"id":7}}', b'{"content":"x","parent":-0}',
)  # fmt: skip


def submissions(count: int) -> Iterator[Sent]:
    """Yield *count* submissions: ordinary ones, most of them with something odd about them."""
    noise = random.Random(21)
    values = odd.json_values(odd.values(3000))
    for n in range(count):
        headers, body, more = dict(KEYED), _comment(noise, n), {}
        match noise.randrange(10):
            case 0:
                name = noise.choice(list(HEADERS))
                headers[name] = noise.choice(HEADERS[name])
            case 1:
                headers.pop(noise.choice(list(headers)))
            case 2 | 3 | 4:
                _set(body, noise.choice(FIELDS), noise.choice(values))
            case 5:
                more = noise.choice(
                    (
                        {"method": "PATCH"}, {"method": "PUT"}, {"method": "OPTIONS"}, {"method": "post"},
                        {"query": "site=demo"}, {"query": "x=1"}, {"path": "/v1/comments/"},
                        {"path": "/v1//comments"}, {"path": "/v1/comment%73"}, {"chunked": True},
                        {"body": noise.choice(BODIES)}, {"body": noise.choice(BODIES)},
                    )
                )  # fmt: skip
            case 6:
                body["content"] = "y" * noise.choice((3000, 4000, 4100, 17_000, 66_000))
            case _:
                pass
        text = json.dumps(body, ensure_ascii=noise.random() < 0.5).encode("utf-8", "surrogatepass")
        yield Sent(**{"headers": tuple(headers.items()), "body": text} | more)


def _comment(noise: random.Random, n: int) -> dict[str, Any]:
    body: dict[str, Any] = {"content": f"A comment like others, number {n}: “café” 🙂."}
    if noise.random() < 0.5:
        body["external_id"] = str(noise.randrange(6000))
    if noise.random() < 0.5:
        body["author"] = {"name": f"Ada {n % 7}", "email": f"ada{n % 7}@blog.example"}
        body["post"] = {"url": "https://blog.example/post", "title": "On looms"}
    return body


def _set(body: dict[str, Any], name: str, value: object) -> None:
    part, _, inner = name.partition(".")
    if inner:
        within = body.get(part)
        body[part] = (within if isinstance(within, dict) else {}) | {inner: value}
    else:
        body[part] = value


FORM = (
    ("Host", "localhost:8025"), ("Content-Type", "application/x-www-form-urlencoded"),
    ("User-Agent", "WordPress/6.9 | Akismet/5.5"),
)  # fmt: skip
FORM_HEADERS = {
    "Content-Type": (
        "application/x-www-form-urlencoded; charset=UTF-8", "application/x-www-form-urlencoded;charset=utf-8",
        "application/x-www-form-urlencoded; charset=latin-1", "application/json", "", "text/plain",
        "multipart/form-data; boundary=x",
    ),
    "User-Agent": ("", "Ruby Akismet/3.0.0", "WordPress/6.9", "Mozilla/5.0", "WordPress/x | Akismet/1.0\xe9"),
    "Host": ("{DOOR}.rest.akismet.com", "evil.example", "x y", "localhost:0"),
    **{name: HEADERS[name] for name in ("Cookie", "Prefer", "X-Request-Id", "Expect", "Content-Encoding")},
}  # fmt: skip
FORM_FIELDS = (
    "api_key", "key", "blog", "user_ip", "user_agent", "permalink", "comment_type", "comment_author",
    "comment_author_email", "comment_author_url", "comment_content", "user_role", "user_ID", "blog_lang",
    "blog_charset", "comment_parent", "honeypot_field_name", "recheck_reason", "is_test", "test_discard", "x",
)  # fmt: skip
FORM_VALUES = (
    "", "1", "true", "0", "retry", "nonsense", "latin-1", "utf-7", "shift_jis", "\\'", "a\\'b",
    "viagra-test-123", "akismet-guaranteed-spam@example.com", "user_ip", "breaks the model", "comment_author",
)  # fmt: skip
FORM_BODIES = (
    b"", b"&", b"=", b"api_key", b"api_key=%", b"api_key={DOOR}&blog=x&user_ip=%ff%fe&comment_content=\xff",
    b"api_key={DOOR}&blog=x&user_ip=1&api_key=other", b"api_key={DOOR};blog=x;user_ip=1", b"&" * 6000,
    b"api_key={DOOR}&blog=x&user_ip=1&blog_charset=latin-1&comment_content=caf%e9+\xe9",
    b"key={DOOR}&blog=x&user_ip=1&comment_content=" + b"y" * 70_000, b"api_key=%20{DOOR}&blog=x&user_ip=",
)  # fmt: skip


def checks(count: int) -> Iterator[Sent]:
    """Yield *count* checks: ordinary ones, most of them with something odd about them."""
    noise = random.Random(22)
    values = [*odd.values(3000), *FORM_VALUES * 50]
    for n in range(count):
        headers, more = dict(FORM), {}
        fields = {
            "api_key": "{DOOR}", "blog": "https://blog.example/", "user_ip": "192.0.2.1",
            "comment_author": f"Ada {n % 7}", "comment_author_email": f"ada{n % 7}@blog.example",
            # Some come again soon: the same check within a minute is the same comment.
            "comment_content": f"Number {n - noise.choice((0, 0, 0, 3))}: spam={noise.choice((0.1, 0.6, 0.95, 0.995))}",
        }  # fmt: skip
        match noise.randrange(10):
            case 0:
                name = noise.choice(list(FORM_HEADERS))
                headers[name] = noise.choice(FORM_HEADERS[name])
            case 1:
                fields.pop(noise.choice(list(fields)))
            case 2 | 3 | 4:
                fields[noise.choice(FORM_FIELDS)] = noise.choice(values)
            case 5:
                more = noise.choice(
                    (
                        {"method": "GET"}, {"method": "PUT"}, {"query": "blog=x"}, {"query": "api_key={DOOR}"},
                        {"path": "/1.1/comment-check/"}, {"chunked": True},
                        {"body": noise.choice(FORM_BODIES)}, {"body": noise.choice(FORM_BODIES)},
                    )
                )  # fmt: skip
            case 6:
                fields["comment_content"] = "y" * noise.choice((4000, 17_000, 66_000))
            case _:
                pass
        text = urlencode(fields, errors="replace").replace("%7BDOOR%7D", "{DOOR}")
        text = text.replace("%7BKEY%7D", "{KEY}")
        yield Sent(
            **{
                "path": "/1.1/comment-check",
                "headers": tuple(headers.items()),
                "body": text.encode(),
            }
            | more
        )


def compare(sides: tuple[Side, Side], requests: Sequence[Sent]) -> None:
    short, slow = sides
    differing = [
        (sent, one, other)
        for sent in requests
        if (one := short.ask(sent)) != (other := slow.ask(sent))
    ]
    assert not differing, differing[:3]


def test_odd_submissions_are_answered_alike(sides: tuple[Side, Side]):
    short, slow = sides
    requests = list(submissions(SUBMISSIONS))
    compare(sides, requests)
    assert slow.slow >= len(requests)
    assert short.slow <= len(requests) * (1 - SHORT)
    kept = [
        [
            one.draft
            for one in side.world.adapters.comments.get_many([id_.decode() for id_ in side.seen])
        ]
        for side in sides
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) > len(requests) * SHORT


@dataclass
class Held:
    """Has requests of a kind gather: the next group is answered once it is let go."""

    way: ShortWay
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    sizes: list[int] = field(default_factory=list)

    def kind(self, request: Request) -> Hashable | None:
        return self.way.kind(request)

    def most(self, kind: Hashable) -> int:
        return self.way.most(kind)

    def together(self, environs: Sequence[Environ]) -> Sequence[Answer | None]:
        assert self.go.acquire(timeout=60)
        self.sizes.append(len(environs))
        return self.way.together(environs)


@pytest.mark.parametrize("made", [submissions, checks])
def test_odd_requests_that_come_together_are_answered_alike(
    sides: tuple[Side, Side], made: Callable[[int], Iterator[Sent]]
):
    """The other installation is asked one by one, in the order in which these were answered."""
    short, slow = sides
    held = Held(short.world.app.extensions[SHORT_WAY])
    pool = Pool(
        short.world.app, name="test", threads=1, waiting=64, waiting_of_one=64,
        server=("127.0.0.1", 8025), joint=held,
    )  # fmt: skip
    requests = list(made(1_200))
    for at in range(0, len(requests), 12):
        sent = {id(one): one for one in requests[at : at + 12]}
        asked = [(short.submit(pool, one), one) for one in sent.values()]
        for _ in asked:
            held.go.release()
        answers = [short.next_answer() for _ in asked]
        for request, answer in answers:
            own = next(one for known, one in asked if known is request)
            assert answer == slow.ask(own), own
        while held.go.acquire(blocking=False):
            pass
    # Those with a usual key, after the first, for which the thread waited already.
    assert max(held.sizes) >= 4
    assert short.slow <= len(requests) * (1 - SHORT)


def test_odd_checks_are_answered_alike(sides: tuple[Side, Side]):
    short, slow = sides
    requests = list(checks(CHECKS))
    compare(sides, requests)
    assert slow.slow >= len(requests)
    assert short.slow <= len(requests) * (1 - SHORT)
    kept = [
        [
            (one.draft, one.status, one.verdict, one.scores.labels)
            for one in side.world.adapters.comments.recent(side.world.site.id, limit=200).items
        ]
        for side in sides
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 200


def health_requests(rng: random.Random, number: int) -> list[str]:
    """Return questions after health, as they come over the wire: most of them plain."""
    odd_headers = (
        "Cookie: winnow=x", "X-Request-Id: a b", "X-Request-Id: two", "Content-Length: 0", "X_Odd: 1",
        "Transfer-Encoding: chunked", "Range: bytes=0-1", "If-None-Match: *", "Upgrade: websocket",
        "Content-Length: 2", "X-Forwarded-For: 192.0.2.1, nonsense", "Expect: 100-continue", "Accept: text/x",
    )  # fmt: skip
    made = []
    for _ in range(number):
        method = rng.choice(["GET", "GET", "GET", "HEAD", "HEAD", "POST", "OPTIONS", "get"])
        path = rng.choice(
            ["/healthz"] * 8 + ["/healthz?x=1", "/healthz/", "/%68ealthz", "http://a/healthz"]
        )
        lines = [
            f"Host: {rng.choice(['localhost:8025'] * 6 + ['evil.example', 'a b', 'a,b', '[::1]:1', ''])}"
        ]
        lines += rng.choice(
            [[], [], ["X-Request-Id: probe-1"], ["User-Agent: probe", "Accept: */*"]]
        )
        lines += rng.sample(odd_headers, rng.choice([0, 0, 0, 1, 2]))
        version = rng.choice(["1.1", "1.1", "1.0"])
        made.append(
            "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "Connection: close", "", ""])
        )
    return made


def test_health_is_answered_to_the_byte_as_flask_answers_it(tmp_path: Path, redis_url: str):
    world = make_world(redis_url, tmp_path)
    slow = []

    def count(*_: object, **__: object) -> None:
        slow.append(1)

    def answered(front: Front, sent: str) -> bytes:
        with Wire(front.port) as one:
            # What has a body is sent whole: else the answer to the next would hang on time.
            ends = "xy" if "Content-Length: 2" in sent else "0\r\n\r\n" if "chunked" in sent else ""
            one.send(sent + ends)
            data = b""
            while more := one.socket.recv(65536):
                data += more
        return _REQUEST_ID.sub(b"X-Request-Id: made\r", _DATE.sub(b"Date:", data))

    plain = PlainHealth(world.app)
    requests = health_requests(random.Random(5), 600)
    with (
        fronting(world.app, at_once={plain.path: plain}) as short,
        fronting(world.app) as whole,
    ):
        with flask.request_started.connected_to(count, world.app):
            first = [answered(short, sent) for sent in requests]
        assert len(slow) < len(requests) * (1 - SHORT)
        for sent, answer in zip(requests, first, strict=True):
            assert answer == answered(whole, sent), sent
    text = world.client().get("/metrics").text
    counts = [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("winnow_request_seconds_count") and 'route="/healthz"' in line
    ]
    assert sum(counts) > len(requests)


def test_the_short_way_keeps_to_the_rate_of_a_site(tmp_path: Path, redis_url: str):
    plain = Sent(headers=KEYED, body=b'{"content": "x"}')
    with side(tmp_path, redis_url, short=True, site_rate="300/hour") as one:
        statuses = [one.ask(plain)[9:12] for _ in range(400)]
    assert statuses == [b"202"] * 300 + [b"429"] * 100
    assert one.slow < 300


PLAIN = pytest.mark.parametrize(
    "plain,step",
    [
        (Sent(headers=KEYED, body=b'{"content": "x"}'), "accept"),
        (
            Sent(
                path="/1.1/comment-check",
                headers=FORM,
                body=b"api_key={DOOR}&blog=x&user_ip=1&comment_content=x",
            ),
            "record_many",
        ),
    ],
    ids=["submission", "check"],
)


@PLAIN
def test_what_failed_after_it_was_begun_is_not_begun_again(
    sides: tuple[Side, Side], plain: Sent, step: str
):
    calls = []

    def away(*_: object, **__: object) -> None:
        calls.append(1)
        raise StorageUnavailable("Redis is away")

    for one in sides:
        one.ask(plain)
        setattr(one.world.adapters.comments, step, away)
    compare(sides, [plain])
    assert len(calls) == len(sides)


@PLAIN
def test_what_failed_is_answered_without_looking_its_key_up_again(
    tmp_path: Path, redis_url: str, plain: Sent, step: str
):
    """Where storage does not answer, that would take as long once more."""
    looked_up = []

    def away(*_: object, **__: object) -> None:
        app = one.world.app
        for known in (app.extensions[CALLERS], app.extensions[SITES]):
            known._known.clear()
        one.world.adapters.accounts.key = lambda *_, **__: looked_up.append(1)
        raise StorageUnavailable("Redis is away")

    with side(tmp_path, redis_url, short=True) as one:
        one.ask(plain)
        setattr(one.world.adapters.comments, step, away)
        answer = one.ask(plain)
    assert looked_up == []
    assert b"503" in answer[:20] or b"unavailable" in answer


def test_one_that_cannot_be_stored_takes_nothing_from_those_that_came_with_it(
    tmp_path: Path, redis_url: str
):
    with side(tmp_path, redis_url, short=True) as one:
        one.ask(Sent(headers=KEYED, body=b'{"content": "x"}'))
        world, stored = one.world, []

        def submit(drafts: Sequence[Draft], **_: object) -> list[Accepted]:
            if any("breaks" in draft.content for draft in drafts):
                raise ValueError("no text")
            stored.extend(draft.content for draft in drafts)
            return [Accepted(f"{len(stored)}", Status.PENDING, IntakeOutcome.NEW) for _ in drafts]

        extensions = world.app.extensions
        way = PlainSubmission(
            SimpleNamespace(submit=submit, settings=world.adapters.settings),
            extensions[CALLERS], extensions[LIMITER], world.app.json.dumps,
        )  # fmt: skip
        asked = [
            Asked({"HTTP_AUTHORIZATION": f"Bearer {world.key}"}, b'{"content": "%s"}' % text)
            for text in (b"one", b"breaks", b"two")
        ]
        answers = way.answers(asked)
    assert stored == ["one", "two"]
    assert [answer is None for answer in answers] == [False, True, False]
    assert [FAILED in one.environ for one in asked] == [False, True, False]


def plain_check(one: Side) -> PlainCheck:
    """Return the short way of checks of an installation that looked the key up a moment ago."""
    one.ask(Sent(path="/1.1/comment-check", headers=FORM, body=b"api_key={DOOR}&blog=x&user_ip=1"))
    extensions = one.world.app.extensions
    return PlainCheck(extensions["winnow"], extensions[SITES], extensions[DOOR_LIMITER])


def asked_of(one: Side, *contents: str) -> list[Asked]:
    """Return checks of these comments."""
    usual = {"api_key": one.keys["DOOR"], "blog": "x", "user_ip": "192.0.2.1"}
    return [Asked({}, urlencode(usual | {"comment_content": text}).encode()) for text in contents]


def test_a_check_that_cannot_be_read_takes_nothing_from_those_that_came_with_it(
    tmp_path: Path, redis_url: str
):
    with side(tmp_path, redis_url, short=True) as one:
        way, asked = plain_check(one), asked_of(one, "one", "breaks the model", "two")
        answers = way.answers(asked)
        kept = one.world.adapters.comments.recent(one.world.site.id).items
    assert [answer is None for answer in answers] == [False, True, False]
    problems = [known.environ.get(FAILED) for known in asked]
    assert [type(problem) for problem in problems] == [type(None), StorageUnavailable, type(None)]
    assert [comment.draft.content for comment in kept][:2] == ["two", "one"]


def test_storage_that_is_away_reaches_all_checks_that_came_together(tmp_path: Path, redis_url: str):
    calls = []

    def away(*_: object, **__: object) -> None:
        calls.append(1)
        raise StorageUnavailable("Redis is away")

    with side(tmp_path, redis_url, short=True) as one:
        way, asked = plain_check(one), asked_of(one, "one", "two")
        one.world.adapters.comments.record_many = away
        assert way.answers(asked) == [None, None]
    assert len(calls) == 1
    assert all(isinstance(known.environ[FAILED], StorageUnavailable) for known in asked)


def test_checks_that_come_together_share_their_round_trips(tmp_path: Path, redis_url: str):
    with side(tmp_path, redis_url, short=True) as one:
        way, redis = plain_check(one), one.world.adapters.redis

        def reads(number: int) -> int:
            asked = asked_of(one, *(f"Comment {n} of {number}" for n in range(number)))
            before = redis.info("stats")["total_reads_processed"]
            assert None not in way.answers(asked)
            return int(redis.info("stats")["total_reads_processed"]) - before

        assert reads(12) < 2 * reads(1)
