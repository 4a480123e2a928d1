"""Webhooks of Winnow, which follow Standard Webhooks v1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping

from winnow_client.errors import BadSignature
from winnow_client.values import Event

_PREFIX = "whsec_"
_TOLERANCE_SECONDS = 300
_MOST_SIGNATURES = 10


class Webhook:
    """Tells Winnow's events from others, by an endpoint's secret; by several during a rotation."""

    def __init__(self, *secrets: str, clock: Callable[[], float] = time.time) -> None:
        """Take the secrets as Winnow showed them. Raises ValueError for an invalid one."""
        if not secrets:
            raise ValueError("give at least one secret")
        self._keys = [_key_of(secret) for secret in secrets]
        self._clock = clock

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Return the event of a request's raw *body*. Raises BadSignature."""
        given = {name.lower(): value for name, value in headers.items()}
        event_id, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        if not event_id or not (at.isascii() and at.isdigit() and len(at) <= 12):
            raise BadSignature("no id or no time")
        if abs(self._clock() - int(at)) > _TOLERANCE_SECONDS:
            raise BadSignature("too old, or from the future")
        signed = f"{event_id}.{at}.".encode() + body
        offered = given.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
        good = False
        for key in self._keys:
            mine = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
            for one in offered:
                good = hmac.compare_digest(mine, one.encode("utf-8", "replace")) or good
        if not good:
            raise BadSignature("not signed by Winnow")
        try:
            return Event.of(json.loads(body), event_id)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadSignature("signed, but no event") from None


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < 24:
        raise ValueError("a webhook's secret looks like whsec_... and was shown when it was made")
    return key
