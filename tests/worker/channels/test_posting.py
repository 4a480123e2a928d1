"""Messages as each service gets them, over a real connection; nothing private is ever called."""

from __future__ import annotations

import json
from functools import partial

import pytest

from moderation.channels import Channel
from moderation.errors import InvalidInput
from moderation.settings import Settings
from tests.support.receiver import Receiver, answer
from worker.channels import discord, ntfy, senders, slack, telegram, webhook
from worker.posting import Poster

SUBJECT, TEXT = "3 comments waiting", "blog: 3 <a & b> @everyone"


def sent(shape, to: str, receiver: Receiver) -> tuple[str, dict]:
    Poster(shape, allow_private=True).send(to, SUBJECT, TEXT)
    (request,) = receiver.requests
    return request.path, json.loads(request.body)


def test_each_service_gets_the_message_in_its_own_shape():
    token = "123456:" + "A" * 30
    for shape, to, path, told in (
        (slack.shape, "/services/T/B/x", "/services/T/B/x", {
            "text": f"{SUBJECT}\nblog: 3 &lt;a &amp; b&gt; @everyone", "unfurl_links": False,
        }),
        (discord.shape, "/api/webhooks/1/x", "/api/webhooks/1/x", {
            "content": f"**{SUBJECT}**\n{TEXT}", "allowed_mentions": {"parse": []},
        }),
        (ntfy.shape, "/my-topic", "/", {"topic": "my-topic", "title": SUBJECT, "message": TEXT}),
        (webhook.shape, "/hook", "/hook", {"subject": SUBJECT, "text": TEXT}),
    ):  # fmt: skip
        with Receiver() as receiver:
            assert sent(shape, f"{receiver.url('').rstrip('/')}{to}", receiver) == (path, told)
    with Receiver() as receiver:
        shape = partial(telegram.shape, api=receiver.url("").rstrip("/"))
        path, told = sent(shape, f"{token}/-100", receiver)
        assert path == f"/bot{token}/sendMessage"
        assert (told["chat_id"], told["text"]) == ("-100", f"{SUBJECT}\n{TEXT}")


def test_a_service_that_takes_nothing_is_an_error_that_names_no_secret():
    with Receiver(answer(500)) as receiver, pytest.raises(OSError, match="500") as refused:
        sent(slack.shape, f"{receiver.url('').rstrip('/')}/services/secret", receiver)
    assert "secret" not in str(refused.value)


def test_no_channel_reaches_a_private_address():
    with Receiver() as receiver:
        for channel, sender in senders(Settings()).items():
            if channel in {Channel.WEBHOOK, Channel.NTFY}:
                with pytest.raises(OSError, match=r"loopback|refused"):
                    sender.send(f"{receiver.url('').rstrip('/')}/topic", SUBJECT, TEXT)
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
    ],
)
def test_an_address_of_its_own_is_taken_as_it_is(channel: Channel, text: str):
    assert channel.address(text) == text
