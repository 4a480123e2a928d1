"""``winnow stats``: numbers of comments, and the memory that they take in Redis."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import click

from moderation.store import keys
from service.cli.base import answer, as_json, storage

_OTHER = "other"


@click.command()
@click.option(
    "--measure",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Keys of each kind whose memory is asked for; the rest are taken to be like them.",
)
@as_json
def stats(measure: int, *, as_json: bool) -> None:
    """Count comments by status, and the bytes of memory of each kind of key.

    Example: ./winnow stats
    """
    with storage() as adapters:
        counts = adapters.comments.counts()
        redis: Any = adapters.redis
        kinds = measured(redis, measure)
        used = int(redis.info("memory")["used_memory"])
    comments = sum(counts.values())
    record = {
        "comments": counts,
        "kinds": kinds,
        "bytes": used,
        "bytes_per_comment": _share(sum(kind["bytes"] for kind in kinds.values()), comments),
    }
    lines = [f"{count:>12,}  {status}" for status, count in counts.items() if count]
    lines += ["", "       bytes          keys  bytes a comment"]
    lines += [
        f"{kind['bytes']:>12,}  {kind['keys']:>12,}  {_share(kind['bytes'], comments):>15,}  {name}"
        for name, kind in sorted(kinds.items(), key=lambda pair: -pair[1]["bytes"])
    ]
    lines += ["", f"{used:>12,}  used by Redis in all"]
    answer(record, as_json=as_json, text="\n".join(lines))


def measured(redis: Any, measure: int) -> dict[str, dict[str, int]]:
    """Return keys and bytes of each kind; bytes are extrapolated from the first *measure* keys."""
    found: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    known: Counter[str] = Counter()
    scan = redis.scan_iter(count=1000)
    while batch := list(islice(scan, 1000)):
        pipeline, names = redis.pipeline(transaction=False), []
        for key in batch:
            name = _kind_of(key.decode("utf-8", "replace"))
            found[name] += 1
            if asked[name] < measure:
                asked[name] += 1
                pipeline.memory_usage(key, samples=0)
                names.append(name)
        for name, size in zip(names, pipeline.execute(), strict=True):
            known[name] += size or 0
    return {
        name: {"keys": count, "bytes": known[name] * count // max(1, asked[name])}
        for name, count in found.items()
    }


_BY_PREFIX = {kind.prefix: kind.name for kind in keys.KINDS}


def _kind_of(key: str) -> str:
    """Return what sort of key this is: ours by their prefix, RQ's, or neither's."""
    parts = key.split(":")
    if key.startswith("{w:") and len(parts) > 2:
        return _BY_PREFIX.get(parts[2], _OTHER)
    return "jobs (RQ)" if parts[0] == "rq" else _OTHER


def _share(size: int, comments: int) -> int:
    return round(size / comments) if comments else 0
