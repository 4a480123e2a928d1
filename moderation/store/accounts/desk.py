"""State of the desk that expires: sessions, claims, and the latest decisions."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

from moderation import ids
from moderation.comment import Decision
from moderation.errors import NotFound, WritesRefused
from moderation.store import keys
from moderation.store.accounts.base import fold
from moderation.store.client import Client
from moderation.store.sharded import day_of

SESSION_SECONDS = 12 * 3600
#: Longest session, in ms, however busy it is.
LONGEST_SESSION_MS = 7 * 86_400_000
#: Sessions that one moderator may have, and networks of theirs that are remembered.
MOST_SESSIONS, MOST_NETWORKS = 20, 10
KNOWN_SECONDS = 90 * 86_400
_BROWSER_LENGTH = 200
CLAIM_MS = 120_000
_VIEW_SECONDS = 90 * 86_400
_TALLY_SECONDS, _TALLIED_MS = 60 * 86_400, 30 * 86_400_000
#: Longest pause between two decisions that are timed as one after the other.
_LONGEST_GAP_MS = 300_000
_GAPS, _FEWEST_GAPS = 200, 5
_G = keys.GLOBAL


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it; its id is a digest, with which nobody can sign in."""

    id: str
    began: int
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Undoable:
    """A decision that can still be undone: on which comments, and until when (Unix ms)."""

    decision: Decision
    comment_ids: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class OwnTally:
    """What a moderator decided at the desk: by UTC day, and the usual seconds for one decision.

    ``median_seconds`` is of the latest 200 that followed another one within five minutes; None before 5.
    """

    by_day: Mapping[str, int]
    median_seconds: float | None

    def since(self, day: str) -> int:
        """Return how many were decided from *day* on, YYYYMMDD."""
        return sum(number for one, number in self.by_day.items() if one >= day)


class Desk:
    """Sessions are stored by a digest, so that a reader of Redis cannot sign in with them."""

    def __init__(self, redis: Client) -> None:
        """Keep all of it in *redis*."""
        self._redis: Any = redis

    def begin(
        self, name: str, epoch: int, *, now_ms: int, address: str = "", browser: str = ""
    ) -> str:
        """Return the token of a new session of moderator *name*; the oldest of very many ends."""
        token = secrets.token_urlsafe(32)
        digest, index = _digest(token), _index(keys.SESSIONS, name)
        packed = json.dumps([name, epoch, now_ms])
        shown = {"began": now_ms, "address": address, "browser": browser[:_BROWSER_LENGTH]}
        self._redis.set(keys.SESSION(_G, digest), packed, ex=SESSION_SECONDS)
        self._redis.hset(index, digest, json.dumps(shown))
        self._redis.pexpire(index, LONGEST_SESSION_MS)
        for old in self.sessions(name, epoch)[MOST_SESSIONS:]:
            self.end_session(name, old.id)
        return token

    def sessions(self, name: str, epoch: int) -> list[Session]:
        """Return the sessions of a moderator, the newest first; those that have ended are dropped."""
        index = _index(keys.SESSIONS, name)
        kept = self._redis.hgetall(index)
        found = []
        for digest, shown in kept.items():
            stored = self._redis.get(keys.SESSION(_G, digest.decode()))
            if stored is None or json.loads(stored)[1] != epoch:
                self._redis.hdel(index, digest)
            else:
                found.append(Session(digest.decode(), **json.loads(shown)))
        return sorted(found, key=lambda session: -session.began)

    def end_session(self, name: str, session_id: str) -> None:
        """End a session of a moderator. Raises NotFound."""
        if not self._redis.hdel(_index(keys.SESSIONS, name), session_id):
            raise NotFound("there is no such session, or not any more")
        self._redis.delete(keys.SESSION(_G, session_id))

    def end_others(self, name: str, epoch: int, token: str) -> None:
        """End every session of a moderator but that of *token*."""
        for other in self.sessions(name, epoch):
            if other.id != _digest(token):
                self.end_session(name, other.id)

    def know(self, name: str, network: str, *, now_ms: int) -> None:
        """Remember that a moderator signed in from *network*, which is given as a digest."""
        key = _index(keys.KNOWN, name)
        self._redis.zadd(key, {network: now_ms})
        self._redis.zremrangebyrank(key, 0, -MOST_NETWORKS - 1)
        self._redis.expire(key, KNOWN_SECONDS)

    def knows(self, name: str, network: str) -> bool:
        """Tell whether a moderator signed in from *network* recently."""
        return self._redis.zscore(_index(keys.KNOWN, name), network) is not None

    def session(self, token: str, *, now_ms: int) -> tuple[str, int]:
        """Return whose session this is and its epoch, and keep it alive. Raises NotFound."""
        key = keys.SESSION(_G, _digest(token))
        stored = self._redis.getex(key, ex=SESSION_SECONDS)
        if stored is None:
            raise NotFound("the session has ended")
        name, epoch, began = json.loads(stored)
        if now_ms - began > LONGEST_SESSION_MS:
            self._redis.delete(key)
            raise NotFound("the session has ended")
        return name, epoch

    def end(self, token: str) -> None:
        """End a session."""
        self._redis.delete(keys.SESSION(_G, _digest(token)))

    def claim(self, comment_id: str, name: str) -> str:
        """Return who has a comment open: *name*, unless somebody else was first.

        Nobody's claim is noted while the store refuses to write: the comment can be read all the same.
        """
        key = keys.CLAIM(ids.shard_of(comment_id), ids.shorten(comment_id))
        with suppress(WritesRefused):
            if self._redis.set(key, name, nx=True, px=CLAIM_MS):
                return name
        holder = self._redis.get(key)
        if holder is None or holder.decode() == name:
            with suppress(WritesRefused):
                self._redis.set(key, name, px=CLAIM_MS)
            return name
        return str(holder.decode())

    def claims(self, comment_ids: Sequence[str]) -> dict[str, str]:
        """Return who has which of *comment_ids* open."""
        pipeline = self._redis.pipeline(transaction=False)
        for comment_id in comment_ids:
            pipeline.get(keys.CLAIM(ids.shard_of(comment_id), ids.shorten(comment_id)))
        holders = pipeline.execute() if comment_ids else []
        pairs = zip(comment_ids, holders, strict=True)
        return {comment_id: holder.decode() for comment_id, holder in pairs if holder}

    def remember(
        self,
        name: str,
        decision: Decision,
        comment_ids: Sequence[str],
        *,
        until_ms: int,
        now_ms: int,
    ) -> None:
        """Push a decision of *name* onto their list of decisions that can be undone until *until_ms*."""
        if not comment_ids:
            return
        key = keys.UNDOABLE(_G, _digest(name))
        packed = json.dumps([now_ms, decision, until_ms])
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hset(key, mapping=dict.fromkeys(comment_ids, packed))
        # Never earlier than what stands in it already can be undone.
        for condition in ({"nx": True}, {"gt": True}):
            pipeline.pexpire(key, until_ms - now_ms, **condition)
        pipeline.execute()

    def count(self, name: str, number: int, *, now_ms: int) -> None:
        """Add to the decisions of *name* today, and subtract those undone. Not for two calls at once."""
        key, day = keys.TALLY(_G, _digest(fold(name))), day_of(now_ms)
        last, gaps = self._redis.hmget(key, "last", "gaps")
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hincrby(key, day, number)
        if number > 0:
            pipeline.hset(key, "last", now_ms)
            gap = now_ms - int(last) if last and number == 1 else 0
            if 0 < gap < _LONGEST_GAP_MS:
                known = (gaps or b"").split()[-_GAPS + 1 :]
                pipeline.hset(key, "gaps", b" ".join([*known, b"%d" % gap]))
        pipeline.expire(key, _TALLY_SECONDS)
        pipeline.execute()

    def tally(self, name: str, *, now_ms: int) -> OwnTally:
        """Return what *name* decided in the last month."""
        key = keys.TALLY(_G, _digest(fold(name)))
        stored = {field.decode(): value for field, value in self._redis.hgetall(key).items()}
        gaps = [int(one) for one in stored.pop("gaps", b"").split()]
        stored.pop("last", None)
        oldest = day_of(now_ms - _TALLIED_MS)
        days = {day: max(0, int(number)) for day, number in stored.items() if day >= oldest}
        old = [day for day in stored if day < oldest]
        if old:
            self._redis.hdel(key, *old)
        return OwnTally(days, median(gaps) / 1000 if len(gaps) >= _FEWEST_GAPS else None)

    def undoable(self, name: str, *, now_ms: int) -> list[Undoable]:
        """Return what *name* can still undo, the latest first; decisions made together are one entry."""
        key = keys.UNDOABLE(_G, _digest(name))
        together: defaultdict[tuple[int, str, int], list[str]] = defaultdict(list)
        ended = []
        for comment_id, packed in self._redis.hgetall(key).items():
            at, decision, until_ms = json.loads(packed)
            if until_ms > now_ms:
                together[at, decision, until_ms].append(comment_id.decode())
            else:
                ended.append(comment_id.decode())
        self.forget(name, ended)
        return [
            Undoable(Decision(decision), tuple(ids), until_ms)
            for (_, decision, until_ms), ids in sorted(together.items(), reverse=True)
        ]

    def forget(self, name: str, comment_ids: Sequence[str]) -> None:
        """Take *comment_ids* out of what *name* can undo."""
        if comment_ids:
            self._redis.hdel(keys.UNDOABLE(_G, _digest(name)), *comment_ids)

    def view(self, name: str) -> dict[str, str]:
        """Return the filters and the view of the queue that *name* chose last."""
        stored = self._redis.get(view_key(name))
        return dict(json.loads(stored)) if stored else {}

    def keep_view(self, name: str, view: Mapping[str, str]) -> None:
        """Keep the filters and the view of the queue that *name* has chosen."""
        self._redis.set(view_key(name), json.dumps(view), ex=_VIEW_SECONDS)


def view_key(name: str) -> str:
    """Return the key of the filters and the view of the queue that *name* chose last."""
    return keys.VIEW(_G, _digest(name))


def session_id(token: str) -> str:
    """Return the id of the session that *token* opens."""
    return _digest(token)


def kept_of(name: str) -> list[str]:
    """Return the keys that belong to a moderator, apart from sessions."""
    return [
        *(_index(kind, name) for kind in (keys.SESSIONS, keys.KNOWN)),
        keys.TALLY(_G, _digest(fold(name))),
        keys.UNDOABLE(_G, _digest(name)),
        view_key(name),
    ]


def _index(kind: keys.RedisKey, name: str) -> str:
    return kind(_G, _digest(fold(name))[:32])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
