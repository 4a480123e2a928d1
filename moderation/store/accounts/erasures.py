"""Erasures of people: how far each is, so that one that was cut off goes on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from moderation import ids
from moderation.actor import Actor, ActorKind
from moderation.errors import Conflict, NotFound
from moderation.store import keys
from moderation.store.accounts.base import as_json
from moderation.store.accounts.trail import Trail
from moderation.treatment import Erasure, Subject

#: Erasures that are not done, of an installation: each holds up a worker for a while.
MOST_ERASURES = 200
#: How long a receipt is kept here; the audit trail keeps it longer.
_KEPT_SECONDS = 30 * 86_400
#: A step takes seconds; after a process dies in one, the next step waits no longer than this.
_STEP_MS = 60_000
_G = keys.GLOBAL


class Erasures(Trail):
    """Keeps erasures. Whom one erases is sealed, and dropped once it is done."""

    def begin_erasure(self, erasure: Erasure) -> Erasure:
        """Keep a new erasure; where the same one is at work, return that. Raises Conflict for too many."""
        name = _same(erasure)
        self.save_erasure(erasure)
        while not self._redis.hsetnx(keys.UNERASED(_G), name, erasure.id):
            known = self._redis.hget(keys.UNERASED(_G), name)
            with suppress(NotFound):  # done meanwhile
                if known is not None:
                    at_work = self.erasure(known.decode())
                    self._redis.delete(keys.ERASURE(_G, ids.shorten(erasure.id)))
                    return at_work
                continue
            self._redis.hdel(keys.UNERASED(_G), name)
        if self._redis.hlen(keys.UNERASED(_G)) > MOST_ERASURES:
            self._redis.hdel(keys.UNERASED(_G), name)
            self._redis.delete(keys.ERASURE(_G, ids.shorten(erasure.id)))
            raise Conflict(f"{MOST_ERASURES} erasures are at work; try again in some minutes")
        return erasure

    def save_erasure(self, erasure: Erasure) -> None:
        """Keep an erasure as it is now; one that is done is taken off the list of those at work."""
        stored: dict[str, Any] = asdict(erasure)
        subject = stored.pop("subject")
        if subject is not None and erasure.subject is not None:
            stored["sealed"] = self.vault.seal(erasure.subject.key, about=f"erasure {erasure.id}")
        packed, key = as_json(stored), keys.ERASURE(_G, ids.shorten(erasure.id))
        if erasure.goes_on:
            self._redis.set(key, packed)
        else:
            self._redis.set(key, packed, ex=_KEPT_SECONDS)
            self._redis.hdel(keys.UNERASED(_G), _same(erasure))

    def erasure(self, erasure_id: str) -> Erasure:
        """Return an erasure. Raises NotFound."""
        known = ids.canonical(erasure_id)
        stored = self._redis.get(keys.ERASURE(_G, ids.shorten(known))) if known else None
        if stored is None:
            raise NotFound("there is no such erasure, or not any more")
        record = json.loads(stored)
        sealed, by = record.pop("sealed", ""), record["by"]
        opened = self.vault.unseal(sealed, about=f"erasure {record['id']}") if sealed else ""
        return Erasure(
            **{
                **record,
                "by": Actor(ActorKind(by["kind"]), by["name"], by["via"]),
                "subject": Subject.of(opened) if opened else None,
                "site_ids": tuple(record["site_ids"]),
                "in_hand": tuple((one, status) for one, status in record["in_hand"]),
            }
        )

    def unerased(self) -> list[str]:
        """Return the ids of the erasures that are not done, the oldest first."""
        found = self._redis.hgetall(keys.UNERASED(_G))
        for (
            name,
            one,
        ) in found.items():  # left by a process that died between the two writes of its beginning
            if not self._redis.exists(keys.ERASURE(_G, ids.shorten(one.decode()))):
                self._redis.hdel(keys.UNERASED(_G), name)
        return sorted(one.decode() for one in found.values())

    @contextmanager
    def erasing(self, erasure_id: str) -> Iterator[bool]:
        """Yield whether this process alone may do a step of an erasure now."""
        key, token = keys.ERASING(_G, ids.shorten(erasure_id)), secrets.token_hex(8)
        mine = bool(self._redis.set(key, token, nx=True, px=_STEP_MS))
        try:
            yield mine
        finally:
            if mine and self._redis.get(key) == token.encode():
                self._redis.delete(key)


def _same(erasure: Erasure) -> str:
    """Return what two erasures of the same person at the same sites have in common."""
    return " ".join((erasure.whom, *sorted(erasure.site_ids)))
