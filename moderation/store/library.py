"""The functions that change data: Lua files, loaded as one library of Redis functions.

``FCALL`` runs a function that the server compiled once; a script with the same text took 8 µs longer
at each call. The library's name and its functions' names end in a digest of the text, so that two
releases can run side by side during an upgrade. A server that lacks the library (restarted,
``FUNCTION FLUSH``, a replica promoted too soon) is given it, and the call is repeated: each function
may run twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from redis import exceptions

from moderation.actor import ActorKind
from moderation.errors import BadSettings, StorageUnavailable
from moderation.store import codec, keys, near
from moderation.store.client import Client, ClusterClient

#: Lines of a comment's history that are kept, the latest.
HISTORY_KEPT = 100
#: Entries a bucket of an index: with fewer, the keys weigh more than what they hold; with more, Redis
#: reads a page of memory for each lookup.
BUCKET_ENTRIES = 48
#: Deliveries of one endpoint that its log lists.
LISTED = 10_000

#: Spot checks of a site that wait at once, at most.
SPOTS_WAITING = 100
#: Decisions of a site that are kept to learn from, the latest.
EVIDENCE_KEPT = 10_000
#: Learning begins this long after the last of a few decisions, and at the latest this long after the
#: first of them.
LEARN_AFTER_MS, LEARN_BY_MS = 3000, 12_000
#: A site that is being learned is nobody else's for this long; renewed while it goes on.
LEARN_LEASE_MS = 120_000

#: Channel by which deliverers are woken.
DELIVERIES_CHANNEL = "winnow:deliveries"

#: Joined in this order; a local of one file is seen by those after it.
_FILES = (
    "counters", "indexes", "postings", "near", "comments", "learning", "search",
    "intake", "screening", "decisions", "remarks", "retention", "queries", "deliveries", "accounts",
    "liveness",
)  # fmt: skip
_CONSTANTS = {
    "HISTORY_KEPT": HISTORY_KEPT,
    "BUCKET_ENTRIES": BUCKET_ENTRIES,
    "LISTED": LISTED,
    "SPOTS_WAITING": SPOTS_WAITING,
    "EVIDENCE_KEPT": EVIDENCE_KEPT,
    "LEARN_AFTER_MS": LEARN_AFTER_MS,
    "LEARN_BY_MS": LEARN_BY_MS,
    "LEARN_LEASE_MS": LEARN_LEASE_MS,
    "DELIVERIES_CHANNEL": DELIVERIES_CHANNEL,
    "MACHINE": f"'{codec.LETTERS[ActorKind.MACHINE]}'",
    "NEAR_KEPT": near.KEPT,
    "NEAR_BYTES": near.ENTRY_BYTES,
    "NEAR_COMMENT": near.COMMENT_AT,
}
_PREFIX = "winnow_"
#: Times that one call loads the library before the server counts as away.
_LOADS = 3
_MISSING = "Function not found"


@lru_cache(1)
def text() -> str:
    """Return the library without its header and its version."""
    folder = Path(__file__).parent / "lua"
    base, *files = (
        folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in ("base", *_FILES)
    )
    constants = "\n".join(f"local {name} = {value!r}" for name, value in _CONSTANTS.items())
    return "\n".join([constants, base, keys.lua(), *files])


class Library:
    """The functions of this release, on one server or on every primary of a Cluster."""

    def __init__(self, redis: Client, code: str | None = None) -> None:
        """Call them through *redis*; *code* stands for another release's in tests."""
        # redis-py's types allow for str, which a client for bytes never answers.
        self._redis: Any = redis
        code = text() if code is None else code
        self._version = hashlib.sha256(code.encode()).hexdigest()[:12]
        self.name = f"{_PREFIX}{self._version}"
        self._code = f"#!lua name={self.name}\nlocal VERSION = '{self._version}'\n{code}"

    def __call__(self, name: str, shard: int | str, *args: Any) -> Any:
        """Return the answer of the function *name* over the keys of *shard*."""
        return self._loaded(
            lambda: self._redis.fcall(self._in_full(name), 1, keys.tag(shard), *args)
        )

    def many(self, name: str, calls: Sequence[tuple[int | str, Sequence[Any]]]) -> list[Any]:
        """Return the answers of the function *name* for (shard, arguments) each, as :meth:`together` does."""
        return self.together([(name, shard, args) for shard, args in calls])

    def together(self, calls: Sequence[tuple[str, int | str, Sequence[Any]]]) -> list[Any]:
        """Return the answers of several functions for (name, shard, arguments) each, in one round trip.

        Over a Cluster each takes its own.
        """
        if isinstance(self._redis, ClusterClient):
            return [self(name, shard, *args) for name, shard, args in calls]

        def send() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            for name, shard, args in calls:
                pipeline.fcall(self._in_full(name), 1, keys.tag(shard), *args)
            answers: list[Any] = pipeline.execute()
            return answers

        found: list[Any] = self._loaded(send) if calls else []
        return found

    def confirmed(
        self, name: str, shard: int | str, *args: Any, replicas: int, within_ms: int
    ) -> Any:
        """Return the answer once this number of *replicas* has what it wrote. Raises StorageUnavailable.

        WAIT speaks of one connection, so both commands go down the same one.
        """

        def send() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.fcall(self._in_full(name), 1, keys.tag(shard), *args)
            pipeline.wait(replicas, within_ms)
            answers: list[Any] = pipeline.execute()
            return answers

        answer, reached = self._loaded(send)
        if reached < replicas:
            raise StorageUnavailable(
                f"only {reached} of {replicas} replicas confirmed the write in time; "
                "it is stored here, and sending it again is safe"
            )
        return answer

    def install(self) -> None:
        """Load the library where it is missing, and take those of other releases off the server.

        One that still runs beside this release gives itself its own back at its next call. Raises
        BadSettings when the server is too old for functions.
        """
        try:
            stored = self._redis.function_list(f"{_PREFIX}*")
        except exceptions.ResponseError as problem:
            if "unknown command" not in str(problem).lower():
                raise
            raise BadSettings("Winnow needs Valkey 7.2 or Redis 7.0, or newer") from None
        nodes = stored.values() if isinstance(stored, dict) else [stored]
        known = [{one[1].decode() for one in libraries} for libraries in nodes]
        for name in set().union(*known) - {self.name}:
            with suppress(exceptions.ResponseError):  # a primary may lack the library
                self._redis.function_delete(name)
        if not all(self.name in names for names in known):
            self.load()

    def load(self) -> None:
        """Give the server, or each primary, the library."""
        self._redis.function_load(self._code, replace=True)

    def _in_full(self, name: str) -> str:
        return f"{name}_{self._version}"

    def _loaded(self, call: Any) -> Any:
        for _ in range(_LOADS):
            try:
                return call()
            except exceptions.ResponseError as problem:
                if _MISSING not in str(problem):
                    raise
            self.load()
        raise StorageUnavailable("Redis is away: it loses what it was given, time and again")
