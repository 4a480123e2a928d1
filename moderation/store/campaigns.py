"""Clean-ups of campaigns: how far each is, and what it decided, so that it can be taken back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from moderation import ids
from moderation.campaign import CleanUp, CleanUpState, Trait
from moderation.comment import Status
from moderation.errors import Conflict, NotFound
from moderation.store import keys
from moderation.store.sharded import Sharded

#: Clean-ups that are not done, of an installation and of one site: one worker does them in turn.
MOST_CLEAN_UPS, MOST_CLEAN_UPS_OF_A_SITE = 20, 5
_KEPT_SECONDS, _UNDOABLE_SECONDS = 7 * 86_400, 86_400
#: Longest that one step holds its lock, in milliseconds; after a process dies in a step, the next step
#: starts this late at most. A step takes seconds.
_STEP_MS = 60_000


class Campaigns(Sharded):
    """Keeps clean-ups; their ids carry the shard of their site."""

    def begin_clean_up(self, one: CleanUp) -> None:
        """Keep a new clean-up. Raises Conflict when too many are at work, at its site or in all.

        Each is counted after it is kept, so that several that begin at once are never too many.
        """
        self.save_clean_up(one)
        at_work = [self.clean_up(other) for other in self.uncleaned()]
        here = sum(other.site_id == one.site_id for other in at_work)
        if len(at_work) > MOST_CLEAN_UPS or here > MOST_CLEAN_UPS_OF_A_SITE:
            self._redis.srem(keys.UNCLEANED(self.shard_of(one.id)), ids.shorten(one.id))
            self._redis.delete(keys.CLEAN_UP(self.shard_of(one.id), ids.shorten(one.id)))
            where = "here" if here > MOST_CLEAN_UPS_OF_A_SITE else "in all"
            most = MOST_CLEAN_UPS_OF_A_SITE if where == "here" else MOST_CLEAN_UPS
            raise Conflict(f"{most} clean-ups are at work {where}; wait until one is done")

    def save_clean_up(self, one: CleanUp) -> None:
        """Keep a clean-up as it is now; the e-mail or address that it went by only until it is through."""
        if one.state is not CleanUpState.RUNNING:
            one = replace(one, trait=Trait(one.trait.kind))
        shard, short = self.shard_of(one.id), ids.shorten(one.id)
        stored = json.dumps(one.to_dict(), ensure_ascii=False, separators=(",", ":"))
        self._redis.set(keys.CLEAN_UP(shard, short), stored, ex=_KEPT_SECONDS)
        change = self._redis.sadd if one.goes_on else self._redis.srem
        change(keys.UNCLEANED(shard), short)

    def uncleaned(self) -> list[str]:
        """Return the ids of clean-ups that are not done; those whose record has expired are dropped."""
        found = []
        for shard in self.shards:
            for short in self._redis.smembers(keys.UNCLEANED(shard)):
                if self._redis.exists(keys.CLEAN_UP(shard, short.decode())):
                    found.append(ids.lengthen(short.decode()))
                else:
                    self._redis.srem(keys.UNCLEANED(shard), short)
        return found

    def clean_up(self, clean_up_id: str) -> CleanUp:
        """Return a clean-up. Raises NotFound."""
        shard, short = self.shard_of(clean_up_id), ids.shorten(clean_up_id)
        stored = self._redis.get(keys.CLEAN_UP(shard, short))
        if stored is None:
            raise NotFound("there is no such clean-up, or not any more")
        return CleanUp.from_dict(json.loads(stored))

    def note_cleaned(self, clean_up_id: str, decided: Sequence[tuple[str, Status]]) -> None:
        """Note comments before they are decided, each with its status, for them to be taken back."""
        key = self._cleaned(clean_up_id)
        if decided:
            lines = [f"{old[0]}{ids.shorten(comment_id)}" for comment_id, old in decided]
            self._redis.rpush(key, *lines)
            self._redis.expire(key, _UNDOABLE_SECONDS)

    def cleaned(self, clean_up_id: str, *, limit: int) -> list[tuple[str, Status]]:
        """Return comments that a clean-up decided last, each with its status before."""
        by_letter = {status[0]: status for status in Status}
        lines = self._redis.lrange(self._cleaned(clean_up_id), -limit, -1)
        texts = [line.decode() for line in reversed(lines)]
        return [(ids.lengthen(line[1:]), by_letter[line[0]]) for line in texts]

    def drop_cleaned(self, clean_up_id: str, number: int) -> None:
        """Forget the last comments of a clean-up, which were taken back."""
        self._redis.ltrim(self._cleaned(clean_up_id), 0, -number - 1)

    @contextmanager
    def cleaning(self, clean_up_id: str) -> Iterator[bool]:
        """Yield whether this process alone may do a step of a clean-up now."""
        key = keys.CLEANING(self.shard_of(clean_up_id), ids.shorten(clean_up_id))
        token = secrets.token_hex(8)
        mine = bool(self._redis.set(key, token, nx=True, px=_STEP_MS))
        try:
            yield mine
        finally:
            if mine and self._redis.get(key) == token.encode():
                self._redis.delete(key)

    def _cleaned(self, clean_up_id: str) -> str:
        return keys.CLEANED(self.shard_of(clean_up_id), ids.shorten(clean_up_id))
