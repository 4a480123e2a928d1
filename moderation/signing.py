"""Standard Webhooks v1 signatures: an HMAC over id, time and body, one per valid secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Iterable, Mapping

from moderation.errors import InvalidInput, WinnowError

PREFIX = "whsec_"

#: The specification's bounds for a key.
KEY_BYTES = range(24, 65)

#: How far a receiver's clock may be from ours; older messages may be replays.
TOLERANCE_SECONDS = 300

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"


class BadSignature(WinnowError):
    """Raised when a webhook was not signed by us, was changed on its way, or is too old."""


def new_secret() -> str:
    """Return a secret of 32 random bytes, as receivers' libraries take it: ``whsec_...``."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def sign(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` header: a signature by each secret, in their order.

    *timestamp* is of this attempt, in Unix seconds; a receiver refuses what is five minutes old,
    so each retry is signed again. Pass an old and a new secret while a receiver changes over.
    Raises InvalidInput for an invalid secret, and ValueError for an id with a dot, which
    would let bytes move between the signed fields.
    """
    if "." in message_id:
        raise ValueError("a webhook id holds no dot")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_mac(key_of(secret), signed)}" for secret in secrets)


def headers(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers that make *body* a Standard Webhook."""
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(secrets, message_id, timestamp, body),
    }


def verify(secrets: Iterable[str], received: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Return if *body* was signed by one of *secrets* within five minutes of *now*.

    *received* holds the headers, in any case; *body* the bytes as they came, not parsed and
    written again. Raises BadSignature otherwise.
    """
    lowered = {name.lower(): value for name, value in received.items()}
    try:
        message_id = lowered[ID_HEADER]
        timestamp = lowered[TIMESTAMP_HEADER]
        signatures = lowered[SIGNATURE_HEADER].split(" ")
    except KeyError as missing:
        raise BadSignature(f"the header {missing.args[0]} is missing") from None
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        raise BadSignature(f"{TIMESTAMP_HEADER} is no time in Unix seconds")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature(f"{TIMESTAMP_HEADER} is more than {TOLERANCE_SECONDS} s from now")
    signed = f"{message_id}.{timestamp}.".encode() + body
    # Every pair is compared, in constant time each, so that time tells nothing of which matched.
    matches = [
        hmac.compare_digest(f"v1,{_mac(key_of(secret), signed)}".encode(), signature.encode())
        for secret in secrets
        for signature in signatures
    ]
    if not any(matches):
        raise BadSignature("no signature matches")


def key_of(secret: str) -> bytes:
    """Return the key that *secret* stands for; raise InvalidInput when it stands for none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in KEY_BYTES:
        # Never the secret itself: this message may be logged.
        raise InvalidInput(
            f"a signing secret is {PREFIX} and the base64 of "
            f"{KEY_BYTES[0]} to {KEY_BYTES[-1]} random bytes",
            field="secret",
        )
    return key


def _mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
