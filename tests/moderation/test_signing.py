"""What we sign is what the specification's and Svix's own libraries verify."""

from __future__ import annotations

import base64
import datetime as dt
import time

import pytest
import standardwebhooks
import svix

from moderation.errors import InvalidInput
from moderation.signing import BadSignature, headers, key_of, new_secret, sign, verify

BODY = '{"type":"comment.approved","data":{"id":"ä"}}'.encode()
ID = "evt_018f_1_2_approved"

#: Receivers as they are out there: each takes one secret and raises unless the message is genuine.
RECEIVERS = [
    pytest.param(
        standardwebhooks.Webhook, standardwebhooks.WebhookVerificationError, id="standardwebhooks"
    ),
    pytest.param(svix.Webhook, svix.WebhookVerificationError, id="svix"),
]
receivers = pytest.mark.parametrize("library, refusal", RECEIVERS)


def signed(*secrets: str, at: float | None = None, body: bytes = BODY) -> dict[str, str]:
    return headers(secrets, ID, int(time.time() if at is None else at), body)


def test_the_specification_s_vector_comes_out():
    """Standard Webhooks, libraries/go/webhook_test.go."""
    assert (
        sign(
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@receivers
def test_other_libraries_verify_what_we_sign(library, refusal):
    secret = new_secret()
    library(secret).verify(BODY, signed(secret))


@receivers
def test_during_rotation_both_the_old_and_the_new_secret_verify(library, refusal):
    """A receiver changes its secret when it likes, within the day that both sign."""
    old, new = new_secret(), new_secret()
    for secret in (old, new):
        library(secret).verify(BODY, signed(old, new))


@receivers
@pytest.mark.parametrize("position", range(0, len(BODY), 7))
def test_a_changed_byte_is_refused(library, refusal, position):
    secret = new_secret()
    changed = bytearray(BODY)
    changed[position] ^= 1
    with pytest.raises(refusal):
        library(secret).verify(bytes(changed).decode("latin-1"), signed(secret))


@receivers
@pytest.mark.parametrize("shift", [-400, 400])
def test_an_old_or_future_timestamp_is_refused(library, refusal, shift):
    secret = new_secret()
    with pytest.raises(refusal):
        library(secret).verify(BODY, signed(secret, at=time.time() + shift))


@receivers
def test_a_wrong_secret_is_refused(library, refusal):
    with pytest.raises(refusal):
        library(new_secret()).verify(BODY, signed(new_secret(), new_secret()))


@receivers
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_changed_id_or_time_is_refused(library, refusal, name):
    secret = new_secret()
    received = signed(secret)
    received[name] = str(int(received[name]) + 1) if name.endswith("timestamp") else "evt_other"
    with pytest.raises(refusal):
        library(secret).verify(BODY, received)


@receivers
def test_we_verify_what_other_libraries_sign(library, refusal):
    secret, now = new_secret(), dt.datetime.now(tz=dt.UTC)
    received = signed(secret) | {
        "webhook-signature": library(secret).sign(ID, now, BODY.decode()),
        "webhook-timestamp": str(int(now.timestamp())),
    }
    verify([secret], received, BODY, now=now.timestamp())


def test_our_own_check_agrees():
    old, new = new_secret(), new_secret()
    now = 1_700_000_000
    received = signed(old, new, at=now)
    verify([old], received, BODY, now=now + 299)
    verify([new_secret(), new], received, BODY, now=now - 299)
    verify([old], {name.title(): value for name, value in received.items()}, BODY, now=now)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"webhook-timestamp": "1699999000"}, "more than 300 s"),
        ({"webhook-timestamp": "1700000001"}, "no signature"),
        ({"webhook-timestamp": "nan"}, "no time"),
        ({"webhook-timestamp": "١٧٠٠٠٠٠٠٠٠"}, "no time"),
        ({"webhook-id": "evt_other"}, "no signature"),
        ({"webhook-signature": ""}, "no signature"),
        ({"webhook-signature": "v1,ä"}, "no signature"),
        ({"webhook-signature": "v1"}, "no signature"),
    ],
)
def test_our_own_check_says_what_is_wrong(change, reason):
    secret = new_secret()
    with pytest.raises(BadSignature, match=reason):
        verify([secret], signed(secret, at=1_700_000_000) | change, BODY, now=1_700_000_000)


def test_a_signature_of_another_version_does_not_count():
    """v1a is another algorithm; the same bytes under its name prove nothing."""
    secret = new_secret()
    received = signed(secret, at=1)
    received["webhook-signature"] = received["webhook-signature"].replace("v1,", "v1a,")
    with pytest.raises(BadSignature):
        verify([secret], received, BODY, now=1)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing):
    secret = new_secret()
    received = signed(secret)
    del received[missing]
    with pytest.raises(BadSignature, match=missing):
        verify([secret], received, BODY, now=time.time())


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_!!!!", "whsec_" + base64.b64encode(b"short").decode(), "whsec_ä"]
    + ["whsec_" + base64.b64encode(bytes(size)).decode() for size in (23, 65)],
)
def test_a_secret_that_is_none_is_refused_and_never_repeated(secret):
    with pytest.raises(InvalidInput, match="24 to 64") as refusal:
        key_of(secret)
    assert len(secret) < 8 or secret not in str(refusal.value)


def test_a_new_secret_is_new_and_long_enough():
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(key_of(new_secret())) == 32


def test_an_id_with_a_dot_is_not_signed():
    """A dot would let bytes move between the id, the time and the body."""
    with pytest.raises(ValueError, match="dot"):
        sign([new_secret()], "evt.1", 1, b"")
