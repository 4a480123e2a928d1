"""No client holds a thread with what it has not sent or does not read."""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from service.clients import Proxies
from service.front import Bounds, Front
from service.front.crowd import Stage
from service.front.pool import (
    GATE,
    LEND,
    OPEN,
    Answer,
    Environ,
    Request,
    Response,
    wire,
)
from tests.support.front import Wire, fronting, pass_seconds
from tests.support.waiting import PATIENCE_SECONDS, wait_until

FAST = Bounds(sweep_seconds=0.02, stop_seconds=0.2)
GET = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n"
CHUNKED = "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nTransfer-Encoding: chunked\r\n\r\n"


class App:
    """Says what it was asked; `/hold` waits until it is let go, `/large` answers much."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.held = 0
        self.seen: list[dict[str, Any]] = []
        self.key = "Bearer good"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        self.seen.append(environ)
        if environ[GATE]:
            if environ.get("HTTP_AUTHORIZATION") != self.key:
                start_response("401 Unauthorized", [])
                return [b"no"]
            start_response("204 No Content", [(OPEN, "keyed")])
            return []
        if path == "/lend":
            assert environ[LEND]()
        if path in {"/hold", "/lend"}:
            self.held += 1
            assert self.go.wait(PATIENCE_SECONDS)
        body = environ["wsgi.input"].read()
        if path == "/large":
            body = b"x" * 8_000_000
        if path == "/break":
            raise RuntimeError("broken")
        if path == "/header":
            start_response("200 OK", [("X-Name", "\u2014")])
            return []
        answer = {
            "n": len(body),
            "from": environ["REMOTE_ADDR"],
            "text": body[:99].decode("latin-1"),
        }
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body if path == "/large" else json.dumps(answer).encode()]


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    yield app
    app.go.set()


@pytest.fixture
def front(app: App) -> Iterator[Front]:
    with fronting(app, bounds=FAST, lanes={"/healthz": 1}) as front:
        yield front


def works(front: Front, source: str = "127.0.0.1") -> bool:
    with Wire(front.port, source) as one:
        return one.send(GET).answer()[0] == 200


def arriving(front: Front) -> int:
    """Return how many requests have begun and are not here whole."""
    return sum(map(len, front.crowd._arriving.values()))


def test_a_request_is_answered_and_its_connection_serves_the_next(front: Front):
    with Wire(front.port) as one:
        for _ in range(3):
            status, headers, body = one.send(POST.format(5) + "hello").answer()
            assert (status, json.loads(body)["text"]) == (200, "hello")
            assert headers["connection"] == "keep-alive"


def test_requests_sent_at_once_are_answered_in_their_order(front: Front):
    with Wire(front.port) as one:
        one.send("".join(POST.format(1) + letter for letter in "abcdef"))
        assert "".join(json.loads(one.answer()[2])["text"] for _ in range(6)) == "abcdef"


def test_a_body_may_come_byte_by_byte_and_in_chunks(front: Front, app: App):
    with Wire(front.port) as one:
        for piece in POST.format(3) + "abc":
            one.send(piece)
        assert json.loads(one.answer()[2])["text"] == "abc"
    head = "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Wire(front.port) as one:
        one.send(f"{head}3\r\nabc\r\n2\r\nde\r\n0\r\nHost: b\r\n\r\n")
        assert json.loads(one.answer()[2])["text"] == "abcde"
        assert app.seen[-1]["CONTENT_LENGTH"] == "5"
        assert app.seen[-1]["HTTP_HOST"] == "a"


OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_request_that_offers_http_2_is_answered_with_its_body_and_the_next_one_too(
    front: Front, app: App, piece: int
):
    """Java's client begins its first requests with this offer."""
    offered = POST.format(5).replace("Host", f"{OFFER}Host") + "hello"
    head = f"POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n{OFFER}"
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    for text in (offered + GET, offered + offered):
        with Wire(front.port) as one:
            for at in range(0, len(text), piece):
                one.send(text[at : at + piece])
            first, second = one.answer(), one.answer()
            assert (first[0], second[0]) == (200, 200)
            assert json.loads(first[2])["text"] == "hello"
    with Wire(front.port) as one:
        assert json.loads(one.send(chunked).answer()[2])["text"] == "abc"
        assert json.loads(one.send(offered).answer()[2])["text"] == "hello"
    assert "HTTP_UPGRADE" not in app.seen[-1]


@pytest.mark.parametrize("after", [GET, POST.format(5) + "hello", "GET /x HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_sent_with_a_large_one_never_takes_its_place(front: Front, app: App, after: str):
    """It is not taken: the large one says that it is the connection's last."""
    with Wire(front.port) as one:
        status, headers, body = one.send(f"{CHUNKED}3\r\nabc\r\n0\r\n\r\n{after}").answer()
        assert (status, json.loads(body)["text"], headers["connection"]) == (200, "abc", "close")
        assert one.answer()[0] == 0
    assert len(app.seen) == 2  # asked for leave, and answered


def test_a_large_body_behind_an_offer_of_http_2_needs_leave_as_any_other(front: Front):
    with Wire(front.port) as one:
        one.send(f"POST /x HTTP/1.1\r\nHost: a\r\n{OFFER}Transfer-Encoding: chunked\r\n\r\n")
        assert one.answer()[0] == 401


def test_a_request_behind_an_offer_that_is_malformed_is_refused(front: Front, app: App):
    with Wire(front.port) as one:
        one.send(f"POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n{OFFER}Content-Length: 2\r\n\r\nab")
        assert one.answer()[0] == 400
    assert app.seen == []


def test_a_body_of_very_many_tiny_chunks_is_refused(front: Front):
    with Wire(front.port) as one:
        assert one.send(CHUNKED + "1\r\na\r\n" * 2000).answer()[0] == 400


@pytest.mark.parametrize("framing", ["0\r\nX: {}", "5;{}"], ids=["trailer", "extension"])
def test_a_body_that_is_all_framing_is_refused(front: Front, framing: str):
    """The parser keeps a trailer until it ends and copies all of it for each piece; 60 MB took the event loop 2 s."""
    with Wire(front.port) as one:
        one.send(CHUNKED + "3\r\nabc\r\n")
        wait_until(lambda: any(each.stage is Stage.BODY for each in front.crowd.everyone()))
        with suppress(OSError):  # it may be closed while this is sent
            one.send(framing.format("a" * 1_000_000))
        wait_until(lambda: front.crowd.refused["malformed"])


def test_a_body_may_have_extensions_and_trailers_of_ordinary_size(front: Front):
    with Wire(front.port) as one:
        one.send(CHUNKED)
        for _ in range(20):
            one.send(f"7d0;sum={'0' * 64}\r\n{'x' * 2000}\r\n")
        assert json.loads(one.send("0\r\nDigest: abc\r\n\r\n").answer()[2])["n"] == 40_000


def test_spaces_around_a_headers_value_are_no_part_of_it(front: Front, app: App):
    with Wire(front.port) as one:
        one.send("POST /x HTTP/1.1\r\nHost:  a \t\r\nContent-Length: 3 \r\n\r\nabc")
        assert json.loads(one.answer()[2])["text"] == "abc"
    assert app.seen[0]["HTTP_HOST"] == "a"


def test_head_requests_and_old_clients_are_served(front: Front):
    with Wire(front.port) as one:
        status, headers, _ = one.send(
            "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ).answer()
        assert status == 200
        assert headers["connection"] == "close"
        assert one.is_closed()
    with Wire(front.port) as one:
        assert one.send("GET /x HTTP/1.0\r\n\r\n").answer()[0] == 200
        assert one.is_closed()


def test_a_client_that_ends_its_side_after_the_request_is_answered(front: Front, app: App):
    with Wire(front.port) as one:
        one.send(GET.replace("/x", "/hold"))
        wait_until(lambda: app.held)
        one.socket.shutdown(1)
        app.go.set()
        assert one.answer()[0] == 200


@pytest.mark.parametrize(
    "text",
    [
        "nonsense\r\n\r\n",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    ],
)
def test_what_two_servers_might_read_differently_is_refused(front: Front, app: App, text: str):
    with Wire(front.port) as one:
        assert one.send(text).answer()[0] == 400
        assert one.is_closed()
    assert not app.seen


def test_a_header_with_an_underscore_passes_for_no_other(front: Front, app: App):
    with Wire(front.port) as one:
        one.send("GET /x HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 9.9.9.9\r\n\r\n").answer()
    assert "HTTP_X_FORWARDED_FOR" not in app.seen[0]


@pytest.mark.parametrize("path", ["/break", "/header"])
def test_a_bug_of_the_application_is_an_answer(front: Front, path: str):
    """Also a header that HTTP cannot have, which ended the thread."""
    for _ in range(3):  # of two threads
        with Wire(front.port) as one:
            assert one.send(GET.replace("/x", path)).answer()[0] == 500


@pytest.mark.parametrize("part", ["", "GET /x HT", POST.format(5), POST.format(5) + "hel"])
def test_what_does_not_come_holds_no_thread_and_is_ended(app: App, part: str):
    with fronting(app, threads=1, bounds=FAST) as front:
        slow = [Wire(front.port).send(part) for _ in range(20)]
        wait_until(lambda: len(front.crowd) == 20)
        assert works(front)
        pass_seconds(front, 11)
        wait_until(lambda: front.crowd.refused["late"] == (20 if part else 0))
        pass_seconds(front, 3)  # what was refused may read why
        wait_until(lambda: len(front.crowd) == 0)
        for one in slow:
            assert one.answer()[0] == (408 if part else 0)
            one.close()
        assert not app.seen[1:]


def test_nobody_is_looked_for_while_nobody_is_connected(front: Front):
    """A server at rest wakes for connections, not by the clock."""
    crowd = front.crowd
    assert not crowd.somebody.is_set()
    with Wire(front.port) as one:
        assert one.send(GET).answer()[0] == 200
        assert crowd.somebody.is_set()
    wait_until(lambda: not crowd.somebody.is_set(), message="the connection's end")
    assert works(front)


def test_a_body_that_trickles_is_ended_though_it_moves(app: App):
    bounds = replace(FAST, pace_grace_seconds=0.3)
    with fronting(app, bounds=bounds) as front, Wire(front.port) as one:
        one.send(POST.format(5000))
        wait_until(lambda: one.trickle() or front.crowd.refused["late"])
        assert front.crowd.refused["late"] == 1


def test_answers_that_nobody_reads_hold_no_thread_and_are_ended(app: App):
    bounds = replace(FAST, pace_grace_seconds=0.5)
    with fronting(app, threads=1, bounds=bounds) as front:
        deaf = [Wire(front.port).send(GET.replace("/x", "/large")) for _ in range(5)]
        assert works(front)
        wait_until(lambda: len(front.crowd) == 0)
        for one in deaf:
            one.close()


def test_a_large_answer_reaches_whoever_reads_it(front: Front):
    with Wire(front.port) as one:
        assert len(one.send(GET.replace("/x", "/large")).answer()[2]) == 8_000_000
        assert one.send(GET).answer()[0] == 200


def test_an_address_that_holds_too_many_unfinished_requests_loses_its_oldest(app: App):
    with fronting(app, bounds=replace(FAST, arriving_of_one=3)) as front:
        slow = [Wire(front.port) for _ in range(5)]
        for n, one in enumerate(slow, 1):
            one.send(POST.format(5) + "h")
            wait_until(lambda n=n: arriving(front) == min(n, 3))
        assert [one.answer()[0] for one in slow[:2]] == [408, 408]
        assert works(front)
        assert [one.send("ello").answer()[0] for one in slow[2:]] == [200, 200, 200]


def test_an_address_that_holds_too_many_connections_loses_those_that_never_asked(app: App):
    with fronting(app, bounds=replace(FAST, connections_of_one=16)) as front:
        honest = Wire(front.port)
        assert honest.send(GET).answer()[0] == 200
        idle = [Wire(front.port) for _ in range(40)]
        wait_until(lambda: front.crowd.refused["crowded"] >= 25)
        assert honest.send(GET).answer()[0] == 200
        assert works(front)
        for one in idle:
            one.close()


def test_when_all_connections_are_taken_the_address_with_most_gives_first(app: App):
    with fronting(app, bounds=replace(FAST, connections=20)) as front:
        honest = Wire(front.port, "127.0.0.2")
        idle = [Wire(front.port) for _ in range(40)]
        assert honest.send(GET).answer()[0] == 200
        assert works(front, "127.0.0.3")
        for one in idle:
            one.close()


def test_behind_a_trusted_proxy_the_client_counts(app: App):
    bounds = replace(FAST, arriving_of_one=1)
    with fronting(app, bounds=bounds, proxies=Proxies(["127.0.0.1"])) as front:
        head = POST.format(5).replace("Host", "X-Forwarded-For: {}\r\nHost")
        clients = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
        slow = []
        for n, one in enumerate(clients, 1):  # in this order
            slow.append(Wire(front.port).send(head.format(one)))
            wait_until(lambda n=n: arriving(front) == min(n, 3))
        wait_until(lambda: front.crowd.refused["crowded"] == 1)
        assert slow[2].answer()[0] == 408  # the same /64
        for n in (0, 1, 3):
            assert slow[n].send("hello").answer()[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/health%7A"])
def test_health_is_told_while_every_thread_is_taken(front: Front, app: App, path: str):
    """A path with threads of its own has them however it is spelt, so that nobody signs in by all of the others'."""
    held = [Wire(front.port).send(GET.replace("/x", "/hold")) for _ in range(5)]
    wait_until(lambda: app.held == 2)
    with Wire(front.port) as one:
        assert one.send(GET.replace("/x", path)).answer()[0] == 200
    app.go.set()
    assert [one.answer()[0] for one in held] == [200] * 5


def test_over_the_queue_clients_are_told_to_come_again(app: App):
    with fronting(app, threads=1, bounds=replace(FAST, waiting=2)) as front:
        held = [Wire(front.port).send(GET.replace("/x", "/hold")) for _ in range(1)]
        wait_until(lambda: app.held)
        held += [Wire(front.port).send(GET) for _ in range(2)]
        wait_until(lambda: front._main._count == 2)
        with Wire(front.port) as one:
            status, headers, _ = one.send(GET).answer()
            assert (status, headers["retry-after"]) == (503, "1")


MOST_TOGETHER = 64


class Joining:
    """Answers what is posted to `/join` together, save what says that it is alone."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.groups: list[list[bytes]] = []
        self.broken = False

    def kind(self, request: Request) -> str | None:
        return "joined" if request.path == b"/join" else None

    def most(self, kind: Hashable) -> int:
        assert kind == "joined"
        return MOST_TOGETHER

    def together(self, environs: Sequence[Environ]) -> list[Answer | None]:
        assert self.go.acquire(timeout=20)
        if self.broken:
            raise RuntimeError("broken")
        bodies = [one["wsgi.input"].read() for one in environs]
        self.groups.append(bodies)
        for one in environs:
            one["wsgi.input"].seek(0)
        return [None if body == b"alone" else ("200 OK", [], b"joined " + body) for body in bodies]


def joined(front: Front, *bodies: str) -> list[Wire]:
    """Return connections that each posted one of *bodies* to `/join`."""
    return [
        Wire(front.port).send(f"{POST.format(len(body))}{body}".replace("/x", "/join"))
        for body in bodies
    ]


@pytest.fixture
def joining() -> Joining:
    return Joining()


def gathered(front: Front, number: int) -> None:
    """Wait until *number* requests wait for a thread."""
    assert front._main is not None
    wait_until(lambda: front._main._count == number)


def test_what_comes_of_a_kind_while_one_is_at_work_is_answered_together(app: App, joining: Joining):
    with fronting(app, threads=4, bounds=FAST, joint=joining) as front:
        first = joined(front, "1")
        wait_until(lambda: front._main._joining and not front._main._count)
        others = joined(front, "2", "3", "4")
        gathered(front, 3)
        joining.go.release(2)
        answers = [one.answer()[2] for one in [*first, *others]]
    assert answers == [b"joined 1", b"joined 2", b"joined 3", b"joined 4"]
    assert [sorted(group) for group in joining.groups] == [[b"1"], [b"2", b"3", b"4"]]
    assert app.seen == []


def test_what_is_not_answered_together_is_asked_of_the_application_whole(
    app: App, joining: Joining
):
    with fronting(app, threads=1, bounds=FAST, joint=joining) as front:
        first = joined(front, "alone")
        wait_until(lambda: front._main._joining and not front._main._count)
        others = joined(front, "2", "alone")
        gathered(front, 2)
        joining.go.release(2)
        answers = [one.answer()[2] for one in [*first, *others]]
    assert answers[1] == b"joined 2"
    for one in (answers[0], answers[2]):
        assert json.loads(one)["text"] == "alone"
    assert len(app.seen) == 2


def test_a_busy_kind_gives_others_their_turn(app: App, joining: Joining):
    with fronting(app, threads=1, bounds=FAST, joint=joining) as front:
        first = joined(front, "1")
        wait_until(lambda: front._main._joining and not front._main._count)
        second = joined(front, *["2"] * (MOST_TOGETHER + 1))
        gathered(front, MOST_TOGETHER + 1)
        other = Wire(front.port).send(GET)
        gathered(front, MOST_TOGETHER + 2)
        joining.go.release(1)  # and no more: the only thread has to come to the other one
        assert other.answer()[0] == 200
        assert first[0].answer()[2] == b"joined 1"
        joining.go.release(2)
        assert {one.answer()[2] for one in second} == {b"joined 2"}
    assert sorted(map(len, joining.groups)) == [1, 1, MOST_TOGETHER]


def test_of_a_kind_no_more_wait_than_of_an_address(app: App, joining: Joining):
    with fronting(app, threads=2, bounds=replace(FAST, waiting_of_one=2), joint=joining) as front:
        first = joined(front, "1")
        wait_until(lambda: front._main._joining and not front._main._count)
        others = joined(front, "2", "3")
        gathered(front, 2)
        assert joined(front, "4")[0].answer()[0] == 503
        joining.go.release(2)
        assert [one.answer()[0] for one in [*first, *others]] == [200] * 3


def test_a_bug_in_answering_together_is_an_answer(app: App, joining: Joining):
    joining.broken = True
    with fronting(app, threads=1, bounds=FAST, joint=joining) as front:
        joining.go.release(2)
        assert joined(front, "1")[0].answer()[0] == 500
        joining.broken = False
        assert joined(front, "2")[0].answer()[2] == b"joined 2"


def test_addresses_take_turns(app: App):
    with fronting(app, threads=1) as front:
        first = Wire(front.port).send(GET.replace("/x", "/hold"))
        wait_until(lambda: app.held)
        flood = [Wire(front.port).send(GET) for _ in range(10)]
        wait_until(lambda: front._main._count == 10)
        other = Wire(front.port, "127.0.0.2").send(GET)
        wait_until(lambda: front._main._count == 11)
        app.go.set()
        for one in (first, *flood, other):
            assert one.answer()[0] == 200
        order = [seen["REMOTE_ADDR"] for seen in app.seen]
        assert order.index("127.0.0.2") <= 2


def test_a_view_that_waits_lends_its_thread(front: Front, app: App):
    waiting = [Wire(front.port).send(GET.replace("/x", "/lend")) for _ in range(10)]
    wait_until(lambda: app.held == 10)
    assert works(front)
    app.go.set()
    assert [one.answer()[0] for one in waiting] == [200] * 10
    assert works(front)


LARGE = "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nContent-Length: {}\r\n{}\r\n"


def large(app: App, size: int, **bounds: Any):
    return fronting(app, bounds=replace(FAST, **bounds), body_limit=lambda *_: size)


def test_a_large_body_is_read_only_when_the_application_agreed(app: App):
    with large(app, 10**6) as front:
        with Wire(front.port) as one:
            assert one.send(LARGE.format("Bearer bad", 10**6, "")).answer()[0] == 401
        with Wire(front.port) as one:
            one.send(LARGE.format("Bearer good", 10**6, "Expect: 100-continue\r\n"))
            assert one.answer()[0] == 100
            assert json.loads(one.send("x" * 10**6).answer()[2])["n"] == 10**6
            assert one.send(GET).answer()[0] == 200
        with Wire(front.port) as one:
            one.send(LARGE.format("Bearer good", 10**6, "") + "x" * 10**6)
            assert json.loads(one.answer()[2])["n"] == 10**6


def test_a_refused_client_that_sends_all_the_same_still_reads_why(app: App):
    with large(app, 10**6) as front, Wire(front.port) as one:
        one.send(LARGE.format("Bearer bad", 10**6, "") + "x" * 10**6)
        assert one.answer()[0] == 401


def test_large_bodies_share_their_room(app: App):
    """Half of it is for others, and what waits is let in when there is room."""
    with large(app, 10**6, keyed_bytes=4 * 10**6, room_seconds=PATIENCE_SECONDS) as front:
        head = LARGE.format("Bearer good", 10**6, "Expect: 100-continue\r\n")
        mine = [Wire(front.port) for _ in range(3)]
        for one in mine[:2]:  # one after the other: the application is asked by several threads
            assert one.send(head).answer()[0] == 100
        mine[2].send(head)
        with Wire(front.port, "127.0.0.2") as other:
            assert other.send(head).answer()[0] == 100
        wait_until(lambda: len(front.crowd.keyed._queue) == 1)
        assert mine[0].send("x" * 10**6).answer()[0] == 200
        assert mine[2].answer()[0] == 100
        mine[1].close()
        assert mine[2].send("x" * 10**6).answer()[0] == 200
        wait_until(lambda: not front.crowd.keyed._taken)


def test_whoever_waits_for_room_too_long_is_told_to_come_again(app: App):
    with large(app, 10**6, keyed_bytes=2 * 10**6, room_seconds=0.2) as front:
        head = LARGE.format("Bearer good", 10**6, "Expect: 100-continue\r\n")
        assert Wire(front.port).send(head).answer()[0] == 100
        status, headers, _ = Wire(front.port).send(head).answer()
        assert (status, headers["retry-after"]) == (503, "1")


def test_the_server_stops_though_clients_are_connected(app: App):
    with fronting(app, bounds=replace(FAST, stop_seconds=PATIENCE_SECONDS)) as front:
        idle = [Wire(front.port) for _ in range(3)]
        slow = Wire(front.port).send(POST.format(5))
        held = Wire(front.port).send(GET.replace("/x", "/hold"))
        wait_until(lambda: app.held and len(front.crowd) == 5)
        front.stop()
        assert all(one.is_closed() for one in [*idle, slow])
        app.go.set()
        assert held.answer()[0] == 200


def at_once(request: Request) -> Response | None:
    if request.method != "GET":
        return None
    keep = request.keep_alive
    return Response(200, wire("200 OK", [], b"at once", keep_alive=keep), keep)


def test_what_needs_no_thread_is_answered_while_all_threads_are_taken(app: App):
    with (
        fronting(app, threads=1, bounds=FAST, at_once={b"/quick": at_once}) as front,
        Wire(front.port) as held,
        Wire(front.port) as one,
    ):
        held.send(GET.replace("/x", "/hold"))
        wait_until(lambda: app.held == 1)
        for _ in range(3):
            assert one.send(GET.replace("/x", "/quick")).answer()[::2] == (200, b"at once")
        app.go.set()
        assert held.answer()[0] == 200


def test_one_request_of_a_piece_is_answered_at_once_and_the_others_keep_their_order(app: App):
    quick = GET.replace("/x", "/quick")
    with fronting(app, bounds=FAST, at_once={b"/quick": at_once}) as front, Wire(front.port) as one:
        one.send(GET + quick * 3 + GET + quick)
        early = [one.answer()[2] == b"at once" for _ in range(6)]
        assert early == [False, True, False, False, False, False]
        one.send(quick * 3)
        assert [one.answer()[2] == b"at once" for _ in range(3)] == [True, False, False]
        assert one.send(quick).answer()[2] == b"at once"


def test_a_connection_ends_after_an_answer_at_once_where_the_client_said_so(app: App):
    last = GET.replace("/x", "/quick").replace("Host", "Connection: close\r\nHost")
    with fronting(app, bounds=FAST, at_once={b"/quick": at_once}) as front:
        with Wire(front.port) as one:
            assert one.send(last + GET).answer()[1]["connection"] == "close"
            assert one.is_closed()
        assert works(front)
    assert [environ["PATH_INFO"] for environ in app.seen] == ["/x"]
