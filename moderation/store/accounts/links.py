"""Links that open something once, within their time, and the letters that are still to be written."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from moderation.errors import NotFound
from moderation.store import keys
from moderation.store.client import Client
from moderation.vault import Vault

_G = keys.GLOBAL
#: Letters that wait at most; over it the oldest is dropped.
MOST_LETTERS = 1000
_SEALED_FOR = "outbox"


class Purpose(StrEnum):
    """What a link is for, and the seconds for which it works."""

    #: Somebody new, or whose password an administrator has ended, chooses one.
    INVITATION = "invitation", 3 * 86_400
    #: Somebody who forgot their password chooses another.
    RESET = "reset", 3600
    #: Somebody confirms that an e-mail address is theirs.
    ADDRESS = "address", 86_400
    #: Somebody has given their password and still has to give a code.
    SECOND = "second", 300
    #: Somebody sets up an app whose secret the link holds, sealed.
    APP = "app", 900

    seconds: int

    def __new__(cls, value: str, seconds: int = 0) -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, value)
        member._value_, member.seconds = value, seconds
        return member


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """Whose a link is, their link epoch when it was made, and what else it says, such as an address."""

    name: str
    epoch: str
    says: str = ""


class OneTimeLinks:
    """Links by a digest of their token, so that a reader of Redis cannot open them."""

    def __init__(self, redis: Client) -> None:
        """Keep them in *redis*."""
        self._redis: Any = redis

    def make(self, purpose: Purpose, link: OneTimeLink) -> str:
        """Return the token of a new link."""
        token = secrets.token_urlsafe(32)
        packed = json.dumps(asdict(link))
        self._redis.set(_key(purpose, token), packed, ex=purpose.seconds)
        return token

    def read(self, purpose: Purpose, token: str) -> OneTimeLink:
        """Return a link without using it up: mail scanners open links, too. Raises NotFound."""
        return _link(self._redis.get(_key(purpose, token)))

    def take(self, purpose: Purpose, token: str) -> OneTimeLink:
        """Return a link and end it. Raises NotFound, also for all but one of those who come at once."""
        return _link(self._redis.getdel(_key(purpose, token)))

    def end(self, purpose: Purpose, token: str) -> None:
        """End a link."""
        self._redis.delete(_key(purpose, token))


class Kind(StrEnum):
    """What a letter about an account is for."""

    #: A link for a new password, asked for by somebody who gives a name or an address.
    RESET = "reset"
    #: A link that confirms an address.
    CONFIRM = "confirm"
    #: An invitation.
    INVITE = "invite"
    #: Word that the password was changed by a link.
    CHANGED = "changed"
    #: Word to an address that it is no longer the account's.
    MOVED = "moved"
    #: Word that a channel for reminders was switched off.
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that is to be written: to whom, and who asked for it when (Unix ms)."""

    kind: Kind
    who: str
    asked_at: int
    address: str = ""


class Outbox:
    """Letters that are to be written, first in, first out; sealed, since they hold addresses."""

    def __init__(self, redis: Client, vault: Vault) -> None:
        """Keep them in *redis*, sealed by *vault*."""
        self._redis: Any = redis
        self._vault = vault

    def put(self, wanted: Wanted) -> None:
        """Have a letter written."""
        sealed = self._vault.seal(json.dumps(asdict(wanted)), about=_SEALED_FOR)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.rpush(keys.OUTBOX(_G), sealed)
        pipeline.ltrim(keys.OUTBOX(_G), -MOST_LETTERS, -1)
        pipeline.execute()

    def take(self) -> Wanted | None:
        """Return the letter that waited longest and take it out; None if no letter waits."""
        sealed = self._redis.lpop(keys.OUTBOX(_G))
        if sealed is None:
            return None
        fields = json.loads(self._vault.unseal(sealed.decode(), about=_SEALED_FOR))
        return Wanted(**{**fields, "kind": Kind(fields["kind"])})


def _link(stored: bytes | None) -> OneTimeLink:
    if stored is None:
        raise NotFound("this link was used, or is too old")
    return OneTimeLink(**json.loads(stored))


def _key(purpose: Purpose, token: str) -> str:
    digest = hashlib.sha256(f"{purpose}:{token}".encode("utf-8", "replace")).hexdigest()
    return keys.LINK(_G, digest)
