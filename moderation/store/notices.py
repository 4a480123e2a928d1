"""How moderators wish to hear of waiting comments: the port ``Notices``, and private feeds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

from email_validator import EmailNotValidError, validate_email

from moderation.errors import InvalidInput, NotFound
from moderation.reminders import INTERVALS, Subscription
from moderation.store import keys
from moderation.store.accounts import fold
from moderation.store.client import Client

_G = keys.GLOBAL


class RedisNotices:
    """A hash for each moderator. A feed's address is known by a digest and shown only once."""

    def __init__(self, redis: Client) -> None:
        """Keep all of it in *redis*."""
        self._redis: Any = redis

    def subscription(self, name: str) -> Subscription:
        """Return a moderator's wishes."""
        email, hours, sent, feed = self._redis.hmget(_key(name), "email", "hours", "sent", "feed")
        has_feed = bool(feed) and feed.startswith(self._epoch(name))
        return Subscription((email or b"").decode(), int(hours or 24), int(sent or 0), has_feed)

    def subscribe(self, name: str, email: str, hours: int) -> None:
        """Write to *email* at most every so many *hours*; no address: never. Raises InvalidInput."""
        email = _address(email) if email else ""
        if hours not in INTERVALS:
            raise InvalidInput("choose one of the intervals", field="hours")
        self._redis.hset(_key(name), mapping={"email": email, "hours": hours})

    def sent(self, name: str, *, now_ms: int) -> None:
        """Note when a moderator was last written to."""
        self._redis.hset(_key(name), "sent", now_ms)

    def open_feed(self, name: str) -> str:
        """Return the secret part of a new feed's address; an older one stops working.

        It ends with the sessions of its owner: at a new password, and when they are disabled.
        """
        token = f"{_coded(name)}.{secrets.token_urlsafe(32)}"
        self._redis.hset(_key(name), "feed", self._epoch(name) + _digest(token).encode())
        return token

    def close_feed(self, name: str) -> None:
        """Let a moderator's feed stop working."""
        self._redis.hdel(_key(name), "feed")

    def feed_owner(self, token: str) -> str:
        """Return whose feed this is. Raises NotFound."""
        try:
            name = base64.urlsafe_b64decode(token.partition(".")[0] + "==").decode()
        except ValueError:
            raise NotFound("there is no such feed") from None
        stored = self._redis.hget(_key(name), "feed") or b""
        if not hmac.compare_digest(stored, self._epoch(name) + _digest(token).encode()):
            raise NotFound("there is no such feed")
        return name

    def _epoch(self, name: str) -> bytes:
        """Return what changes whenever a moderator's sessions end."""
        epoch: bytes = self._redis.hget(keys.EPOCHS(_G), fold(name)) or b"0"
        return epoch + b":"


def _address(email: str) -> str:
    """Return *email* as a mail server takes it; raise InvalidInput that says why none would.

    A host of one's own network is as good as any: `ada@mailhost`.
    """
    try:
        sound = validate_email(
            email, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except (EmailNotValidError, ValueError) as problem:
        raise InvalidInput(f"that is no e-mail address: {problem}", field="email") from None
    return sound.ascii_email or sound.normalized


def _key(name: str) -> str:
    return keys.NOTICES(
        _G, hashlib.sha256(name.casefold().encode("utf-8", "replace")).hexdigest()[:32]
    )


def _coded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
