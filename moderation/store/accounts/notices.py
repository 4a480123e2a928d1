"""How moderators wish to hear of waiting comments, and their private feeds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from moderation.channels import Channel
from moderation.errors import InvalidInput, NotFound
from moderation.reminders import INTERVALS, Subscription
from moderation.store import keys
from moderation.store.accounts.base import fold
from moderation.store.client import Client
from moderation.vault import Vault

_G = keys.GLOBAL


class Notices:
    """A hash for each moderator. A feed's address is known by a digest and shown only once."""

    def __init__(self, redis: Client, vault: Vault) -> None:
        """Keep all of it in *redis*; an address may hold a token, and *vault* seals it."""
        self._redis: Any = redis
        self._vault = vault

    def subscription(self, name: str) -> Subscription:
        """Return a moderator's wishes."""
        stored: Mapping[bytes, bytes] = self._redis.hgetall(_key(name))
        feed = stored.get(b"feed", b"")
        sent = {one: int(stored.get(_sent(one).encode(), 0)) for one in Channel}
        return Subscription(
            addresses={
                one: self._vault.unseal(stored[one.encode()].decode(), about=_about(name, one))
                for one in Channel
                if stored.get(one.encode())
            },
            hours=int(stored.get(b"hours", Subscription().hours)),
            quiet=(int(stored.get(b"quiet_from", 0)), int(stored.get(b"quiet_to", 0))),
            sent_ms=sent,
            has_feed=bool(feed) and feed.startswith(self._epoch(name)),
        )

    def subscribe(
        self,
        name: str,
        addresses: Mapping[Channel, str],
        hours: int,
        quiet: tuple[int, int] = (0, 0),
    ) -> None:
        """Write to *addresses* at most once in *hours*, not from one hour (UTC) to the other.

        An empty address: never. Raises InvalidInput that names the channel whose address is none.
        """
        if hours not in INTERVALS:
            raise InvalidInput("choose one of the intervals", field="hours")
        if not all(0 <= hour < 24 for hour in quiet):
            raise InvalidInput("an hour is 0 to 23", field="quiet")
        kept: dict[str, str] = {
            one: self._vault.seal(one.address(text), about=_about(name, one)) if text else ""
            for one, text in addresses.items()
        }
        times = {"hours": hours, "quiet_from": quiet[0], "quiet_to": quiet[1]}
        self._redis.hset(_key(name), mapping={**kept, **times})

    def sent(self, name: str, channel: Channel, *, now_ms: int) -> None:
        """Note when a moderator was last written to by *channel*."""
        self._redis.hset(_key(name), _sent(channel), now_ms)

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


def _about(name: str, channel: Channel) -> str:
    return f"notice:{fold(name)}:{channel}"


def _sent(channel: Channel) -> str:
    return f"sent:{channel}"


def _key(name: str) -> str:
    return keys.NOTICES(
        _G, hashlib.sha256(name.casefold().encode("utf-8", "replace")).hexdigest()[:32]
    )


def _coded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
