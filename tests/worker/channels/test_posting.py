"""Messages as each service gets them, over a real connection; nothing private is ever called."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from moderation.channels import Channel, Gone, Refused
from moderation.errors import InvalidInput
from moderation.settings import Settings
from tests.support.receiver import Received, Receiver, answer, redirect
from worker.channels import discord, matrix, ntfy, senders, slack, telegram, webhook
from worker.posting import Poster, Shape

SUBJECT, TEXT = "3 comments waiting", "blog: 3 <a & b> @everyone *x* [y](z)"
FOOT = "Decide on them at https://winnow.example/desk/queue?a_b=1&c=2"
TOKEN = "123456:" + "A" * 30
ROOM = "!room/x:matrix.example"


@dataclass(frozen=True)
class Way:
    """How one service is called, and where it takes the text."""

    shape: Shape
    #: The address, of a receiver without a slash at its end.
    to: Callable[[str], str]
    path: str
    text: str
    most: int
    size: Callable[[str], int] = len
    method: str = "POST"


def bytes_of(text: str) -> int:
    return len(text.encode())


def units_of(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def ways(base: str) -> dict[Channel, Way]:
    return {
        Channel.SLACK: Way(slack.shape, "{}/services/T/B/x".format, "/services/T/B/x", "text", 4000),
        Channel.DISCORD: Way(
            discord.shape, "{}/api/webhooks/1/x".format, "/api/webhooks/1/x", "content", 2000, units_of
        ),
        Channel.TELEGRAM: Way(
            partial(telegram.shape, api=base), lambda _: f"{TOKEN}/-100",
            f"/bot{TOKEN}/sendMessage", "text", 4096, units_of,
        ),
        Channel.NTFY: Way(ntfy.shape, "{}/my-topic".format, "/", "message", 4096, bytes_of),
        Channel.WEBHOOK: Way(webhook.shape, "{}/hook".format, "/hook", "text", 65_536),
        Channel.MATRIX: Way(
            matrix.shape, f"{{}} {ROOM} syt_secret".format,
            "/_matrix/client/v3/rooms/%21room%2Fx%3Amatrix.example/send/m.room.message/key-1",
            "body", 32_768, bytes_of, "PUT",
        ),
    }  # fmt: skip


CHANNELS = sorted(set(Channel) - {Channel.MAIL})


def send(channel: Channel, receiver: Receiver, text: str = TEXT) -> tuple[Way, Received, dict]:
    base = receiver.url("").rstrip("/")
    way = ways(base)[channel]
    Poster(way.shape, allow_private=True).send(way.to(base), SUBJECT, text, foot=FOOT, key="key-1")
    request = receiver.requests[-1]
    return way, request, json.loads(request.body)


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_service_gets_the_message_where_it_takes_it(channel: Channel):
    with Receiver() as receiver:
        way, request, body = send(channel, receiver)
    assert (request.method, request.path) == (way.method, way.path)
    assert request.headers["content-type"] == "application/json"
    assert FOOT.replace("&", "&amp;" if channel is Channel.SLACK else "&") in body[way.text]
    assert "blog" in body[way.text]


@pytest.mark.parametrize("letter", ["x", "&", "\\", "*", "ä", "😀", "\n", "<@1> "])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_long_text_is_cut_to_what_the_service_takes_and_the_links_stay(
    channel: Channel, letter: str
):
    with Receiver() as receiver:
        way, _, body = send(channel, receiver, letter * 70_000)
    assert way.size(body[way.text]) <= way.most
    assert way.size(body[way.text]) > way.most / 7
    assert body[way.text].rstrip().endswith("c=2")
    assert "…" in body[way.text]


def test_nothing_of_a_message_is_markup_and_nobody_is_mentioned():
    with Receiver() as receiver:
        _, _, slacks = send(Channel.SLACK, receiver)
        _, _, discords = send(Channel.DISCORD, receiver)
        _, _, telegrams = send(Channel.TELEGRAM, receiver)
        _, _, matrices = send(Channel.MATRIX, receiver)
        _, _, ntfys = send(Channel.NTFY, receiver)
    assert "&lt;a &amp; b&gt;" in slacks["text"]
    assert (slacks["mrkdwn"], slacks["unfurl_links"]) == (False, False)
    assert r"\<a & b\> \@everyone \*x\* \[y\]\(z\)" in discords["content"]
    assert discords["allowed_mentions"] == {"parse": []}
    assert "parse_mode" not in telegrams
    assert telegrams["chat_id"] == "-100"
    assert "formatted_body" not in matrices
    assert (matrices["msgtype"], matrices["m.mentions"]) == ("m.notice", {})
    assert (ntfys["topic"], ntfys["title"], "markdown" in ntfys) == ("my-topic", SUBJECT, False)


def test_matrix_is_told_by_a_token_in_a_header_and_the_same_message_once():
    with Receiver() as receiver:
        _, first, _ = send(Channel.MATRIX, receiver)
        _, second, _ = send(Channel.MATRIX, receiver)
    assert first.headers["authorization"] == "Bearer syt_secret"
    assert "secret" not in first.path
    assert first.path == second.path, "one transaction, which the homeserver carries out once"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_service_that_takes_nothing_is_an_error_that_names_no_secret(channel: Channel):
    with Receiver(answer(500)) as receiver, pytest.raises(OSError, match="500") as refused:
        send(channel, receiver)
    assert not any(secret in str(refused.value) for secret in ("secret", TOKEN, "services"))


@pytest.mark.parametrize("channel", CHANNELS)
def test_one_that_says_that_it_is_gone_is_told_from_one_that_fails(channel: Channel):
    with Receiver(answer(410)) as receiver, pytest.raises(Gone):
        send(channel, receiver)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_what_only_a_person_can_change_is_a_refusal(status: int):
    with Receiver(answer(status)) as receiver, pytest.raises(Refused, match=str(status)):
        send(Channel.MATRIX, receiver)


@pytest.mark.parametrize("status", [302, 408, 425, 429, 500, 503])
def test_what_may_pass_is_no_refusal(status: int):
    with Receiver(answer(status)) as receiver, pytest.raises(OSError, match=str(status)) as failed:
        send(Channel.MATRIX, receiver)
    assert not isinstance(failed.value, Refused)


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_service_leads_elsewhere(channel: Channel):
    with Receiver() as elsewhere, Receiver(redirect(elsewhere.url(), 307)) as receiver:
        with pytest.raises(OSError, match="redirects are not followed"):
            send(channel, receiver)
        assert elsewhere.requests == []


def test_no_channel_reaches_a_private_address():
    with Receiver() as receiver:
        for channel, sender in senders(Settings()).items():
            base = receiver.url("").rstrip("/")
            to = {
                Channel.WEBHOOK: f"{base}/hook",
                Channel.NTFY: f"{base}/topic",
                Channel.MATRIX: f"{base.replace('http:', 'https:')} {ROOM} syt_secret",
            }.get(channel)
            if to:
                with pytest.raises(OSError, match=r"loopback|refused"):
                    sender.send(to, SUBJECT, TEXT)
        assert receiver.requests == []


@pytest.mark.parametrize(
    "channel, text",
    [
        (Channel.SLACK, "https://evil.example/services/x"),
        (Channel.DISCORD, "https://discord.com/login"),
        (Channel.WEBHOOK, "http://hooks.example/x"),
        (Channel.WEBHOOK, "https://127.0.0.1/x"),
        (Channel.WEBHOOK, "https://localhost/x"),
        (Channel.NTFY, "https://ntfy.sh/a/b"),
        (Channel.TELEGRAM, "123/456"),
        (Channel.MATRIX, "https://matrix.example !room:matrix.example"),
        (Channel.MATRIX, "http://matrix.example !room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://127.0.0.1 !room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://matrix.example/path !room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://a:b@matrix.example !room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://matrix.example #room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://matrix.example !room:matrix.example syt_äbcdef"),
    ],
)
def test_an_address_of_another_service_is_refused(channel: Channel, text: str):
    with pytest.raises(InvalidInput) as refused:
        channel.address(text)
    assert refused.value.field == channel


@pytest.mark.parametrize(
    "channel, text",
    [
        (Channel.SLACK, "https://hooks.slack.com/services/T0/B0/xyz"),
        (Channel.DISCORD, "https://discord.com/api/webhooks/1/xyz"),
        (Channel.TELEGRAM, "123456:" + "A" * 30 + "/-100123"),
        (Channel.NTFY, "https://ntfy.sh/my-topic"),
        (Channel.WEBHOOK, "https://hooks.example/x?y=1"),
        (Channel.MATRIX, "https://matrix.example !room:matrix.example syt_abcdef"),
        (Channel.MATRIX, "https://matrix.example:8448 !MDQxMTJhYjc syt_abcdef"),
    ],
)
def test_an_address_of_its_own_is_taken_as_it_is(channel: Channel, text: str):
    assert channel.address(text) == text
