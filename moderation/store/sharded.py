"""Base of every stage of the store: a connection, and the shard of a comment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from moderation import ids
from moderation.comment import Draft
from moderation.errors import NotFound
from moderation.records import Judged
from moderation.store import keys, near
from moderation.store.authors import Authors
from moderation.store.client import Client
from moderation.store.library import Library

#: Functions whose result is acknowledged to a client, and how long replicas may take to confirm it.
_ACKNOWLEDGED = frozenset({"accept", "record", "edit", "erase", "decide"})
_CONFIRM_MS = 1000
_DAY_MS = 86_400_000


class Sharded:
    """A connection to the store, and which shard holds what."""

    def __init__(self, redis: Client, *, pepper: bytes, shards: int = 1, replicas: int = 0) -> None:
        """Use *redis*; *pepper* keys the hashes under which authors are indexed.

        A write is acknowledged once it has reached *replicas* of them.
        """
        # redis-py's types allow for str, which a client for bytes never answers.
        self._redis: Any = redis
        self._shards = shards
        self._replicas = replicas
        self._library = Library(redis)
        self._authors = Authors(pepper)
        self._terms: dict[tuple[int, int], str] = {}

    def shard_of(self, comment_id: str) -> int:
        """Return the shard that a comment's id carries. Raises NotFound for any other text."""
        known = ids.canonical(comment_id)
        shard = ids.shard_of(known) if known else self._shards
        if shard >= self._shards:
            raise missing(comment_id)
        return shard

    shard_of_site = shard_of

    @property
    def shards(self) -> range:
        """Every shard of this data set."""
        return range(self._shards)

    def _text_of(self, shard: int, number: int) -> str:
        """Return what stands in comments as *number* (lua/comments.lua, ``number_of``); it never changes."""
        known = self._terms.get((shard, number))
        if known is None:
            known = self._redis.hget(keys.TERMS(shard), f"#{number}").decode()
            self._terms[shard, number] = known
        return known

    def _look_up(
        self, index: str, site_id: str, digests: Sequence[bytes]
    ) -> list[tuple[bytes, bytes]]:
        """Return those of *digests* that are in a site's *index*, each with what it leads to."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        values = self._run("find", shard, site, index, *digests)
        return [pair for pair in zip(digests, values, strict=True) if pair[1]]

    def _near(self, comment_id: str, draft: Draft, judged: Judged) -> bytes:
        """Return what near-duplicates of *draft* will be found by; nothing for no signature."""
        if not judged.signature:
            return b""
        return near.entry(judged.signature, self._authors.number(draft), comment_id)

    def _run(self, function: str, shard: int, *args: Any) -> Any:
        if self._replicas and function in _ACKNOWLEDGED:
            return self._library.confirmed(
                function, shard, *args, replicas=self._replicas, within_ms=_CONFIRM_MS
            )
        return self._library(function, shard, *args)


def day_of(now_ms: int) -> str:
    """Return a UTC day as YYYYMMDD."""
    return _day_of(now_ms // _DAY_MS)


@lru_cache(64)
def _day_of(number: int) -> str:
    return datetime.fromtimestamp(number * _DAY_MS / 1000, UTC).strftime("%Y%m%d")


def missing(comment_id: str) -> NotFound:
    """Return the error for a comment that does not exist."""
    return NotFound(f"there is no comment {comment_id[:64]}", kind="comment")
