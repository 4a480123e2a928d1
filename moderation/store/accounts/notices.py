"""How moderators wish to be notified of waiting comments, and their private feeds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moderation import ids
from moderation.channels import Channel
from moderation.errors import InvalidInput, NotFound
from moderation.reminders import MOST, Subscription
from moderation.store import keys
from moderation.store.accounts.base import fold, notices_key
from moderation.store.client import Client
from moderation.vault import Vault

_G = keys.GLOBAL
#: Fields of the hash: a wish, and how its channel does.
_WISH, _STATE = "wish:", "state:"
#: A channel that nothing is wrong with.
_FRESH: dict[str, Any] = {
    "failures": 0,
    "failing_since_ms": 0,
    "next_try_ms": 0,
    "error": "",
    "refusals": 0,
    "off": False,
    "tested": False,
}
_OF_STATE = ("sent_ms", *_FRESH)


class Notices:
    """A hash for each moderator. A feed's address is known by a digest and shown only once."""

    def __init__(self, redis: Client, vault: Vault) -> None:
        """Keep all of it in *redis*; an address may hold a token, and *vault* seals it."""
        self._redis: Any = redis
        self._vault = vault

    def subscriptions(self, name: str) -> list[Subscription]:
        """Return a moderator's wishes, the oldest first."""
        stored: Mapping[bytes, bytes] = self._redis.hgetall(notices_key(name))
        found = [
            self._read(name, field[len(_WISH) :].decode(), packed, stored)
            for field, packed in stored.items()
            if field.startswith(_WISH.encode())
        ]
        return sorted(found, key=lambda one: one.id)

    def subscription(self, name: str, wish_id: str) -> Subscription:
        """Return one of a moderator's wishes. Raises NotFound."""
        for one in self.subscriptions(name):
            if one.id == wish_id:
                return one
        raise NotFound("there is no such notice, or not any more")

    def subscribe(self, name: str, wish: Subscription, *, now_ms: int) -> Subscription:
        """Keep a wish, a new one where it has no id; a channel that had failed is tried again.

        Raises InvalidInput that names what cannot be, and NotFound for one that is no more.
        """
        wish.check()
        address = wish.channel.address(wish.address)
        known = self.subscriptions(name)
        if not wish.id and len(known) >= MOST:
            raise InvalidInput(f"a moderator has {MOST} notices at most", field="channel")
        if wish.id and wish.id not in {one.id for one in known}:
            raise NotFound("there is no such notice, or not any more")
        kept = replace(wish, address=address, id=wish.id or ids.new_id(now_ms), **_FRESH)
        packed = json.dumps(
            {
                "channel": kept.channel,
                "address": self._vault.seal(address, about=_about(name, kept.id)),
                "sites": kept.sites,
                "minutes": kept.minutes,
                "quiet": kept.quiet,
                "zone": kept.zone,
                "quotes": kept.quotes,
            }
        )
        state = {f"{_WISH}{kept.id}": packed, f"{_STATE}{kept.id}": _state(packed, kept)}
        self._redis.hset(notices_key(name), mapping=state)
        return kept

    def unsubscribe(self, name: str, wish_id: str) -> None:
        """Forget a wish, with its address."""
        self._redis.hdel(notices_key(name), f"{_WISH}{wish_id}", f"{_STATE}{wish_id}")

    def ask_test(self, name: str, wish_id: str) -> None:
        """Have a message sent at the next run, even if no comment waits. Raises NotFound."""
        self._note(name, replace(self.subscription(name, wish_id), tested=True))

    def sent(self, name: str, wish: Subscription, *, now_ms: int) -> None:
        """Note that a message was sent: nothing fails any more."""
        self._note(name, replace(wish, sent_ms=now_ms, **_FRESH))

    def failed(self, name: str, wish: Subscription) -> None:
        """Record that a channel failed."""
        self._note(name, wish)

    def has_trouble(self, name: str) -> bool:
        """Tell whether one of a moderator's channels fails, or was switched off."""
        stored: Mapping[bytes, bytes] = self._redis.hgetall(notices_key(name))
        return any(
            json.loads(state).get("failures")
            for field, state in stored.items()
            if field.startswith(_STATE.encode())
        )

    def has_feed(self, name: str) -> bool:
        """Tell whether a moderator has a private feed."""
        feed: bytes = self._redis.hget(notices_key(name), "feed") or b""
        return bool(feed) and feed.startswith(self._epoch(name))

    def forget(self, name: str) -> None:
        """Forget everything that a moderator wished."""
        self._redis.delete(notices_key(name))

    def _read(
        self, name: str, wish_id: str, packed: bytes, stored: Mapping[bytes, bytes]
    ) -> Subscription:
        wish = json.loads(packed)
        state = json.loads(stored.get(f"{_STATE}{wish_id}".encode(), b"{}"))
        if state.pop("of", "") != _digest(packed.decode()):  # of what it was before a change
            state = {}
        return Subscription(
            id=wish_id,
            channel=Channel(wish["channel"]),
            address=self._vault.unseal(wish["address"], about=_about(name, wish_id)),
            sites=tuple(wish["sites"]),
            minutes=wish["minutes"],
            quiet=tuple(wish["quiet"]),
            zone=wish["zone"],
            quotes=wish["quotes"],
            **state,
        )

    def _note(self, name: str, wish: Subscription) -> None:
        """Keep the state of a channel, unless the wish was changed or dropped meanwhile."""
        packed = self._redis.hget(notices_key(name), f"{_WISH}{wish.id}")
        if packed is None:
            return
        as_kept = self._read(name, wish.id, packed, {})
        state = {one: getattr(wish, one) for one in _OF_STATE}
        if replace(as_kept, **state) == wish:
            self._redis.hset(notices_key(name), f"{_STATE}{wish.id}", _state(packed.decode(), wish))

    def open_feed(self, name: str) -> str:
        """Return the secret part of a new feed's address; an older one stops working.

        It ends with the sessions of its owner: at a new password, and when they are disabled.
        """
        token = f"{_coded(name)}.{secrets.token_urlsafe(32)}"
        self._redis.hset(notices_key(name), "feed", self._epoch(name) + _digest(token).encode())
        return token

    def close_feed(self, name: str) -> None:
        """Let a moderator's feed stop working."""
        self._redis.hdel(notices_key(name), "feed")

    def feed_owner(self, token: str) -> str:
        """Return whose feed this is. Raises NotFound."""
        try:
            name = base64.urlsafe_b64decode(token.partition(".")[0] + "==").decode()
        except ValueError:
            raise NotFound("there is no such feed") from None
        stored = self._redis.hget(notices_key(name), "feed") or b""
        if not hmac.compare_digest(stored, self._epoch(name) + _digest(token).encode()):
            raise NotFound("there is no such feed")
        return name

    def _epoch(self, name: str) -> bytes:
        """Return what changes whenever a moderator's sessions end."""
        epoch: bytes = self._redis.hget(keys.EPOCHS(_G), fold(name)) or b"0"
        return epoch + b":"


def _about(name: str, wish_id: str) -> str:
    return f"notice:{fold(name)}:{wish_id}"


def _state(packed: str, wish: Subscription) -> str:
    """Return the state of a channel, and a digest of the settings that it belongs to."""
    return json.dumps({"of": _digest(packed)} | {one: getattr(wish, one) for one in _OF_STATE})


def _coded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
