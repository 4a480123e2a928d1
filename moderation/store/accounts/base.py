"""Base of all accounts: conditional writes, and names."""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from argon2 import PasswordHasher

from moderation import ids
from moderation.changes import Change
from moderation.errors import Conflict, InvalidInput
from moderation.store import keys
from moderation.store.client import Client
from moderation.store.library import Library
from moderation.vault import Vault

log = logging.getLogger(__name__)

NAME_LENGTH = 100
#: Characters of a name that are compared, before and after its normal form, which may be 18 times as long.
_FOLDED_LENGTH = 4 * NAME_LENGTH
_SECRET_TEXT_LENGTH = 200
_G = keys.GLOBAL

Row = TypeVar("Row")
Condition = list[str]
Command = list[str]
#: Memory of one check of a password, in KiB, with two passes: OWASP's least, since several run at once.
_HASH_KIB = 19_456


class Records:
    """Records as JSON in a few hashes, each change one call of ``change`` (lua/accounts.lua)."""

    def __init__(
        self, redis: Client, vault: Vault, *, shards: int = 1, hasher: PasswordHasher | None = None
    ) -> None:
        """Keep accounts in *redis*, their secrets hashed or sealed by *vault*."""
        self._redis: Any = redis
        self.vault = vault
        self._shards = shards
        self._hasher = hasher or PasswordHasher(memory_cost=_HASH_KIB, time_cost=2, parallelism=1)
        self._library = Library(redis)
        self._nobody = ""

    def _secret(self, key: str, text: str) -> dict[str, Any] | None:
        """Return what is stored for the text of a key or token; nothing for any other text."""
        if not text or len(text) > _SECRET_TEXT_LENGTH:
            return None
        stored = self._redis.hget(key, self.vault.digest(text))
        return json.loads(stored) if stored is not None else None

    def _change(self, conditions: list[Condition], commands: list[Command]) -> int:
        plan = as_json({"if": conditions, "do": commands})
        return int(self._library("change", _G, plan))


def as_json(value: Any) -> str:
    """Return a record as it is stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def texts(found: Sequence[bytes]) -> list[str]:
    """Return what Redis answered as texts, sorted."""
    return sorted(one.decode() for one in found)


def cut(text: str) -> str:
    """Return the beginning of a name that a client gave, for an error message."""
    return text[:NAME_LENGTH]


def fold(name: str) -> str:
    """Return the form in which names are compared, bounded in length: `Blog` and `blog` are one."""
    folded = unicodedata.normalize("NFKC", name[:_FOLDED_LENGTH]).casefold()
    return folded[:_FOLDED_LENGTH].encode("utf-8", "replace").decode()


def notices_key(name: str) -> str:
    """Return the key of a moderator's wishes."""
    folded = name.casefold().encode("utf-8", "replace")
    return keys.NOTICES(_G, hashlib.sha256(folded).hexdigest()[:32])


def checked_name(name: str) -> str:
    """Return *name* composed (NFC), without outer spaces. Raises InvalidInput."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInput(f"a name has 1 to {NAME_LENGTH} printable characters", field="name")
    if ids.canonical(name):
        raise InvalidInput("a name must not look like an id", field="name")
    return name


def changed_meanwhile(name: str) -> Conflict:
    """Return the error for a change that was based on an outdated state."""
    return Conflict(f"somebody changed {name} meanwhile; nothing was saved")


def readable(stored: Mapping[bytes, bytes], read: Callable[[bytes], Row]) -> list[Row]:
    """Return what can be read of *stored*; a row that cannot, such as a newer Winnow's, is logged."""
    found = []
    for name, row in stored.items():
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError) as problem:
            log.error("cannot read the row %r: %s", name.decode(), type(problem).__name__)  # noqa: TRY400
    return found


def detail(changes: dict[str, Change], reverts: str) -> dict[str, Any]:
    """Return changed settings as a line of the trail has them."""
    return {"changes": changes} | ({"reverts": reverts} if reverts else {})
