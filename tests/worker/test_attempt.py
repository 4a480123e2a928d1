"""One attempt at a webhook: delivered or not, in time, and only where it may go."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from moderation.signing import headers as signature_headers
from moderation.signing import new_secret, verify
from tests.support.receiver import (
    Receiver,
    answer,
    drip,
    flood,
    hang,
    hang_up,
    raw,
    redirect,
    reset,
)
from tests.support.waiting import PATIENCE_SECONDS
from worker.attempt import LONGEST_RETRY_AFTER_SECONDS, Attempt, attempt, dial

BODY = b'{"type":"comment.approved"}'
NOW = 1_700_000_000.0
TYPE = {"Content-Type": "application/json"}
#: What is over within a moment by itself takes less than this on the slowest machine, and what nobody ends
#: takes more: a receiver that hangs does so for minutes.
AT_ONCE_SECONDS = 20.0


def send(receiver: Receiver, **changed) -> Attempt:
    """Try once to deliver to *receiver*, which an admin allowed although it is on this machine."""
    arguments = {
        "allow_private": True,
        "timeout_seconds": PATIENCE_SECONDS,
        "now": lambda: NOW,
    } | changed
    return attempt(arguments.pop("url", receiver.url()), TYPE, BODY, **arguments)


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


# -- what is sent ---------------------------------------------------------------------------------


def test_the_receiver_gets_the_body_and_a_signature_that_verifies(receiver):
    secret = new_secret()
    signed = signature_headers([secret], "evt_1", int(NOW), BODY)
    came = attempt(receiver.url("/hook?site=1"), TYPE | signed, BODY, allow_private=True)
    assert came.delivered
    (request,) = receiver.requests
    verify([secret], request.headers, request.body, now=NOW)
    assert (request.method, request.path) == ("POST", "/hook?site=1")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(BODY))
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_the_host_header_is_the_name_and_not_the_address_that_was_dialled(receiver):
    came = send(
        receiver,
        url=receiver.url(host="blog.example"),
        resolver=lambda host, port: ["127.0.0.1"],
    )
    assert came.delivered
    assert receiver.requests[0].headers["host"] == f"blog.example:{receiver.port}"


def test_custom_headers_travel_but_never_replace_ours(receiver):
    came = send(receiver, custom_headers={"Authorization": "Bearer blog", "X-Site": "1"})
    assert came.delivered
    assert receiver.requests[0].headers["authorization"] == "Bearer blog"
    assert receiver.requests[0].headers["x-site"] == "1"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "host",
        "HOST",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Webhook-Id",
        "webhook-signature",
        "webhook-timestamp",
        "WEBHOOK-ANYTHING",
        "Proxy-Authorization",
        "Expect",
        "Upgrade",
        "Content-Type",
    ],
)
def test_a_custom_header_that_rewrites_the_request_is_refused(receiver, name):
    came = send(receiver, custom_headers={name: "x"})
    assert came.permanent
    assert name in came.error
    assert not receiver.connections


@pytest.mark.parametrize("value", ["a\r\nHost: other", "a\nb", "a\0b", "ä", "\x7f"])
def test_a_custom_header_s_value_can_not_begin_another_one(receiver, value):
    came = send(receiver, custom_headers={"X-Token": value})
    assert came.permanent
    assert "X-Token" in came.error
    assert value not in came.error
    assert not receiver.connections


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY", "Ä"])
def test_a_custom_header_s_name_is_a_name(receiver, name):
    assert send(receiver, custom_headers={name: "x"}).permanent
    assert not receiver.connections


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    """A proxy would look the name up for itself, after we checked."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert send(receiver).delivered


# -- what an answer means -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(receiver, status):
    receiver.behaviour = answer(status, b"")
    came = send(receiver)
    assert came.delivered
    assert (came.status, came.error, came.permanent) == (status, None, False)
    assert 0 < came.duration_seconds < PATIENCE_SECONDS


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(receiver, status):
    with Receiver() as elsewhere:
        receiver.behaviour = redirect(elsewhere.url(), status)
        came = send(receiver)
        assert came.status == status
        assert "redirects are not followed" in came.error
        assert not came.permanent
        assert not elsewhere.connections


def test_410_disables_the_endpoint(receiver):
    receiver.behaviour = answer(410)
    came = send(receiver)
    assert (came.disable, came.permanent, came.delivered) == (True, True, False)


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_receiver_that_is_overrun_slows_us_down(receiver, status):
    receiver.behaviour = answer(status)
    came = send(receiver)
    assert (came.slow_down, came.permanent, came.disable) == (True, False, False)


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500, 501, 503, 505, 599, 999])
def test_every_other_answer_is_worth_another_try(receiver, status):
    receiver.behaviour = answer(status)
    came = send(receiver)
    assert came.status == status
    assert f"answered {status}" in came.error
    assert (came.permanent, came.disable, came.slow_down) == (False, False, False)


def date(seconds: float) -> str:
    return format_datetime(dt.datetime.fromtimestamp(NOW + seconds, tz=dt.UTC), usegmt=True)


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("120", 120),
        (" 0 ", 0),
        ("99999999999", LONGEST_RETRY_AFTER_SECONDS),
        ("9" * 400, None),
        (date(90), 90),
        (date(-90), 0),
        (date(10**8), LONGEST_RETRY_AFTER_SECONDS),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_obeyed_within_bounds(receiver, header, seconds):
    receiver.behaviour = answer(503, headers={"Retry-After": header} if header else None)
    assert send(receiver).retry_after == seconds


# -- what can go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour, reason",
    [
        (hang_up, "closed without an answer"),
        (reset, "was reset"),
        (raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "is not HTTP"),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), "is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), "is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), "is not HTTP"),
    ],
)
def test_a_receiver_that_breaks_the_protocol_is_a_failure_worth_another_try(behaviour, reason):
    with Receiver(behaviour) as receiver:
        came = send(receiver)
    assert reason in came.error
    assert came.status is None
    assert not came.permanent


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_time_is_up_however_the_answer_trickles(behaviour):
    """A socket's time-out restarts with each byte; ours is for the whole attempt."""
    with Receiver(behaviour) as receiver:
        came = send(receiver, timeout_seconds=0.4)
    assert came.error == "no answer within 0.4 s"
    assert 0.3 < came.duration_seconds < AT_ONCE_SECONDS


def test_a_tls_handshake_that_never_ends_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        came = attempt(url, TYPE, BODY, allow_private=True, timeout_seconds=0.3)
    assert came.error == "no answer within 0.3 s"
    assert came.duration_seconds < AT_ONCE_SECONDS


def test_a_name_server_that_never_answers_is_cut_off():
    done = threading.Event()

    def resolver(host, port):
        done.wait(PATIENCE_SECONDS)
        return []

    came = attempt("http://blog.example/", TYPE, BODY, timeout_seconds=0.2, resolver=resolver)
    done.set()
    assert came.error == "no answer within 0.2 s"
    assert came.duration_seconds < AT_ONCE_SECONDS


@pytest.mark.parametrize("behaviour", [flood, drip(b"HTTP/1.1 200 OK\r\n\r\n")])
def test_a_body_without_an_end_does_not_hold_a_delivered_webhook_up(public, behaviour):
    """The status decides; of the rest a kilobyte is read, for a moment at most."""
    public.behaviour = behaviour
    came = send_publicly(public, timeout_seconds=PATIENCE_SECONDS)
    assert came.delivered
    assert len(came.response_excerpt) <= 1024
    assert came.duration_seconds < AT_ONCE_SECONDS


def test_a_closed_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    came = attempt(f"http://127.0.0.1:{port}/", TYPE, BODY, allow_private=True)
    assert came.error == "the connection was refused"
    assert not came.permanent


@pytest.mark.parametrize("raised", [socket.gaierror(-2, "no"), OSError(), UnicodeError()])
def test_a_name_without_an_address_is_worth_another_try(raised):
    def resolver(host, port):
        raise raised

    came = attempt("http://blog.example/", TYPE, BODY, resolver=resolver)
    assert came.error == "its name has no address"
    assert not came.permanent


def test_the_next_address_is_tried_when_one_is_dead(receiver):
    """127.0.0.2 refuses; the name's other address answers."""
    came = send(
        receiver,
        url=receiver.url(host="blog.example"),
        resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"],
    )
    assert came.delivered


@pytest.mark.parametrize("behaviour", [hang_up, raw(b"no http"), answer(500), redirect("/s3cret")])
def test_an_error_never_repeats_a_url_a_header_or_a_body(behaviour):
    secret = "s3cret"
    with Receiver(behaviour) as receiver:
        came = attempt(
            receiver.url(f"/{secret}?token={secret}"),
            TYPE | {"webhook-signature": secret},
            secret.encode(),
            allow_private=True,
            custom_headers={"Authorization": secret},
        )
    assert secret not in repr(came)


# -- answers of public targets --------------------------------------------------------------------


@pytest.fixture
def public():
    """A receiver that is reached by a public address."""
    with Receiver() as receiver:
        yield receiver


def to_this_machine(address, port, seconds):
    """Dial as the network would, if it led from each public address to this machine."""
    assert address == "9.9.9.9"
    return dial("127.0.0.1", port, seconds)


def send_publicly(receiver: Receiver, **changed) -> Attempt:
    """Deliver to *receiver* as to a public address."""
    arguments = {"resolver": lambda host, port: ["9.9.9.9"], "dialler": to_this_machine} | changed
    return attempt(receiver.url(host="blog.example"), TYPE, BODY, **arguments)


def test_the_first_kilobyte_of_a_public_answer_is_kept(public):
    public.behaviour = answer(500, b"reason\x1b[31m\xff" + b"x" * 5000)
    came = send_publicly(public)
    assert came.response_excerpt.startswith("reason\ufffd[31m\ufffdxxx")
    assert len(came.response_excerpt) == 1024


def test_a_packed_answer_is_not_kept(public):
    """It would be noise, or a bomb."""
    public.behaviour = answer(200, b"\x1f\x8b...", {"Content-Encoding": "gzip"})
    came = send_publicly(public)
    assert came.delivered
    assert came.response_excerpt == ""


def test_an_answer_of_a_private_target_is_never_kept(receiver):
    """The person who set the URL must not read the answer of a machine inside the network."""
    receiver.behaviour = answer(500, b"root:x:0:0")
    assert send(receiver).response_excerpt == ""


def test_the_very_address_that_was_checked_is_dialled(public):
    """The name is asked for once; what it says afterwards doesn't matter."""
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["9.9.9.9"] if len(asked) == 1 else ["127.0.0.1"]

    assert send_publicly(public, resolver=rebinding).delivered
    assert asked == ["blog.example"]


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for blog.example and 127.0.0.1, and a context that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "blog.example")])
    start = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("blog.example"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    believing = ssl.create_default_context(cafile=str(pem))
    return serving, believing


@pytest.mark.parametrize("host", ["blog.example", "127.0.0.1"])
def test_tls_asks_for_the_name_and_not_for_the_address_that_was_dialled(authority, host):
    serving, believing = authority
    asked = []
    serving.sni_callback = lambda _, name, __: asked.append(name)
    with Receiver(tls=serving) as receiver:
        came = send(
            receiver,
            url=receiver.url(host=host),
            tls=believing,
            resolver=lambda host, port: ["127.0.0.1"],
        )
    assert came.delivered, came.error
    assert asked == ["blog.example" if host == "blog.example" else None]


def test_a_certificate_of_another_name_is_refused(authority):
    serving, believing = authority
    with Receiver(tls=serving) as receiver:
        came = send(
            receiver,
            url=receiver.url(host="other.example"),
            tls=believing,
            resolver=lambda host, port: ["127.0.0.1"],
        )
    assert "its certificate is not valid" in came.error
    assert not receiver.requests


def test_a_certificate_that_nobody_vouches_for_is_refused(authority):
    serving, _ = authority
    with Receiver(tls=serving) as receiver:
        came = send(receiver)
    assert "its certificate is not valid: self-signed certificate" in came.error
    assert not receiver.requests


def test_plain_http_on_the_tls_side_is_named(receiver):
    came = send(receiver, url=receiver.url().replace("http:", "https:"))
    assert came.error == "TLS could not be agreed on"
