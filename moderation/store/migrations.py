"""Steps that bring older data up to date, one for each data version.

A step may be cut off at any point and begun again. Nothing else may write meanwhile: whoever
migrates holds a lock, and everybody else waits in ``wiring.prepare`` until the version is right.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from moderation import ids
from moderation.scores import Label, Scores
from moderation.store import codec, keys, scripts
from moderation.store.client import Client
from moderation.store.clock import RedisClock
from moderation.store.comments import RedisComments
from moderation.verdict import Verdict

log = logging.getLogger(__name__)

#: Raised when the format of keys changes.
DATA_VERSION = 4
_CHUNK = 200


def migrate(
    version: int, redis: Client, comments: RedisComments, *, beat: Callable[[], object]
) -> None:
    """Bring data of *version* to DATA_VERSION; it is recorded after each step.

    *beat* is called every now and then, so that others see that the work goes on.
    """
    for step in range(version, DATA_VERSION):
        log.warning("bringing the data from version %s to %s", step, step + 1)
        _STEPS[step](redis, comments, beat)
        redis.hset(keys.META(keys.GLOBAL), "version", str(step + 1))


#: Write a comment of version 1 anew, and index it.
#: ARGV: id, digest, scored, history, external id, e-mail, address, undo; '' for none.
_REWRITE = (
    scripts.PRELUDE
    + """
local id, digest, scored, history, ext, email, address, undo = unpack(ARGV)
local key = comment_key(id)
local site, st, u = unpack(call('HMGET', key, 's', 'st', 'u'))
if call('HDEL', key, 't', 'u') == 0 then return 0 end
if st == 'erased' then call('HSET', key, 'u', u) end
if st ~= 'flagged' then call('HDEL', key, 'p') end
for field, value in pairs({g = digest, sc = scored, h = history, un = undo}) do
  if value ~= '' then call('HSET', key, field, value) end
end
if ext ~= '' then
  call('HSET', key, 'x', ext)
  insert(index_of(site, 'externals'), ext, id)
end
name_author(id, site, {email, address})
return 1
"""
)
#: Write comments of version 2 as of version 3. ARGV: ids.
_ABBREVIATE = (
    scripts.PRELUDE
    + """
for _, id in ipairs(ARGV) do
  local key = comment_key(id)
  local site, st, r, v = unpack(call('HMGET', key, 's', 'st', 'r', 'v'))
  if LETTER[st] then
    call('HSET', key, 's', number_of(site), 'st', LETTER[st])
    call('HDEL', key, 'tx')
    if r == '1' then call('HDEL', key, 'r') end
    if v == '0' then call('HDEL', key, 'v') end
  end
end
return 1
"""
)
#: Bring entries of an index of version 2 to where they belong since; the first time it is counted anew.
#: ARGV: site, 'externals' or 'authors', then entry, value ...
_REINDEX = (
    scripts.PRELUDE
    + """
local index = index_of(ARGV[1], ARGV[2])
if call('HSETNX', counts_key(), index.field .. ':moving', 1) == 1 then
  call('HSET', counts_key(), index.field, 0)
  index.size = 0
end
for i = 3, #ARGV, 2 do
  if call('HSETNX', bucket_of(index, ARGV[i]), ARGV[i], ARGV[i + 1]) == 1 then counted(index, 1) end
end
return 1
"""
)
#: Prefixes of the indexes' keys before version 3.
_OLD_INDEXES: Mapping[str, str] = {"x": "externals", "a": "authors"}
_OLD_FIELD = re.compile(rb"[0-9a-f]{16}")


def _one_to_two(redis: Any, comments: RedisComments, beat: Callable[[], object]) -> None:
    """Fewer bytes a comment (ADR 5): packed scores, shorter history, levelled indexes."""
    rewrite = redis.register_script(_REWRITE)
    for shard in comments.shards:
        for number, key in enumerate(_found(redis, keys.COMMENT(shard, "*"))):
            if number % _CHUNK == 0:
                beat()
            stored = redis.hgetall(key)
            if b"t" in stored:
                rewrite(keys=[keys.tag(shard)], args=_rewritten(key, stored, redis, comments))
        for prefix in _OLD_INDEXES:
            for key in _found(redis, f"{keys.tag(shard)}{prefix}:*"):
                old = [name for name in redis.hkeys(key) if _OLD_FIELD.fullmatch(name)]
                if old:
                    redis.hdel(key, *old)
        for key in _found(redis, keys.DECIDED(shard, "*")):
            if redis.type(key) == b"zset":
                decided = redis.zrange(key, 0, -1)
                pipeline = redis.pipeline()
                pipeline.delete(key)
                pipeline.lpush(key, *decided)
                pipeline.execute()


def _two_to_three(redis: Any, comments: RedisComments, beat: Callable[[], object]) -> None:
    """Numbers for sites, letters for statuses, other indexes (ADR 11).

    Histories and events stay as they are.
    """
    abbreviate = redis.register_script(_ABBREVIATE)
    for shard in comments.shards:
        found = _found(redis, keys.COMMENT(shard, "*"))
        while shorts := [key.rpartition(b":")[2] for key in islice(found, _CHUNK)]:
            beat()
            abbreviate(keys=[keys.tag(shard)], args=shorts)
        _reindex(redis, shard, beat)


def _three_to_four(redis: Any, comments: RedisComments, beat: Callable[[], object]) -> None:
    """Drafts packed by zstd (ADR 12), and ids beside the recent signatures.

    Drafts that are deflated are read as they are; what is known of the last day's texts goes.
    """
    for shard in comments.shards:
        beat()
        for key in _found(redis, keys.NEAR(shard, "*")):
            redis.delete(key)


def _reindex(redis: Any, shard: int, beat: Callable[[], object]) -> None:
    """Move what stood in levels of hashes to the buckets of linear hashing."""
    reindex, counts = redis.register_script(_REINDEX), keys.COUNTS(shard)
    for prefix, name in _OLD_INDEXES.items():
        for key in _found(redis, f"{keys.tag(shard)}{prefix}:*"):
            beat()
            site = key.decode().split(":")[3]
            entries = [part for pair in redis.hgetall(key).items() for part in pair]
            reindex(keys=[keys.tag(shard)], args=[site, name, *entries])
            redis.delete(key)
    for field in redis.hkeys(counts):
        if field.endswith((b":moving", b":top")):
            redis.hdel(counts, field)


def _rewritten(
    key: bytes, stored: Mapping[bytes, bytes], redis: Any, comments: RedisComments
) -> list[Any]:
    """Return what _REWRITE takes for a comment of version 1."""
    short = key.decode().rpartition(":")[2]
    shard, created = ids.shard_of(ids.lengthen(short)), ids.made_ms(short)
    kept_key = keys.KEPT(shard, short)
    kept = redis.hgetall(kept_key)
    lines = [json.loads(line) for line in stored.get(b"h", b"").splitlines()]
    history, undo = [], stored.get(b"un", b"")
    for version, (old, new, by, reason, at, *note) in enumerate(lines, 1):
        line = [old[0] + new[0], by, reason, at - created, *note]
        decision = kept.get(str(version).encode())
        if decision:
            told = json.loads(decision)
            line = [*line[:4], told[4], told[5]]
            if undo and json.loads(undo)[2] == version:
                undo = json.dumps([*json.loads(undo)[:3], told[0]]).encode()
        history.append(json.dumps(line, ensure_ascii=False))
    for name, value in kept.items():
        if name.endswith(b":s"):
            redis.hset(kept_key, name, _scored(value))
        elif not name.endswith(b":d"):
            redis.hdel(kept_key, name)
    draft = codec.unpack(stored.get(b"d", b""))
    external, email, address = comments.indexed_under(
        ids.lengthen(stored[b"s"].decode()), draft, RedisClock(redis).now_ms()
    )
    return [
        short,
        bytes.fromhex(stored.get(b"g", b"").decode()),
        _scored(stored.get(b"sc", b"")),
        "\n".join(history[-scripts.HISTORY_KEPT :]),
        external,
        email,
        address,
        undo,
    ]


def _scored(stored: bytes) -> bytes:
    """Return scores and verdict of version 1, JSON, as they are packed since; packed ones as is."""
    if not stored.startswith(b"["):
        return stored
    measured, judged = json.loads(stored)
    scores = None
    if measured:
        model, values, language, flags, near = measured
        labels = {str(name): value / 10_000 for name, value in zip(Label, values, strict=False)}
        scores = Scores(labels, model, language, bool(flags & 1), bool(flags & 2), near)
    return codec.pack_scored(scores, Verdict.from_list(judged))


def _found(redis: Any, pattern: str) -> Iterator[bytes]:
    """Yield the keys like *pattern*, each once, as they were when the search began."""
    found = set(redis.scan_iter(pattern.replace("{", "\\{"), count=_CHUNK))
    yield from sorted(found)


_STEPS: Mapping[int, Callable[[Any, RedisComments, Callable[[], object]], None]] = {
    1: _one_to_two,
    2: _two_to_three,
    3: _three_to_four,
}
