"""Looks for words in all that Redis holds, packed or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moderation.store import codec


def stored_anywhere(redis: Any, words: str) -> list[bytes]:
    """Return the keys under which *words* stand, as they are or within what is packed."""
    return [key for key in redis.scan_iter() if any(words in text for text in texts(redis, key))]


def texts(redis: Any, key: bytes) -> Iterator[str]:
    """Yield all that stands under *key*; what is packed unpacked, too."""
    kind = redis.type(key)
    if kind == b"hash":
        values = [part for pair in redis.hgetall(key).items() for part in pair]
    elif kind == b"stream":
        values = [part for _, line in redis.xrange(key) for pair in line.items() for part in pair]
    else:
        read = {b"list": redis.lrange, b"zset": redis.zrange}.get(kind)
        values = read(key, 0, -1) if read else [redis.get(key)] if kind == b"string" else []
    for value in values:
        yield value.decode("utf-8", "replace")
        for unpack in (codec.unpack, codec.unpack_scored, codec.unpack_remains):
            with contextlib.suppress(Exception):
                yield str(unpack(value))
