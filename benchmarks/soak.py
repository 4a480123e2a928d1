"""Whether memory grows with work: one process that submits and screens comments, again and again.

The same store is emptied after each round, so that what is left of growth is ours. The slope is of
a line through resident memory after each round, the first quarter left out, in bytes a comment.

    .venv/bin/python -m benchmarks.soak 1000000

Without the encoder, or a million would take two hours; `encoder` behind the number reads with it.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import structlog

from benchmarks._comments import drafts
from models import simhash
from models.scorer import Scorer
from moderation.workflow.screening import Limits
from tests.support.valkey import serving
from tests.support.world import make_world

COMMENTS, ROUND, BATCH = 100_000, 2_000, 200
#: Bytes a comment; a million may leave 20 MB.
LIMIT = 20.0


def resident() -> int:
    """Return this process's private memory, in bytes."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel says nothing of memory")


def slope(points: list[tuple[int, int]]) -> float:
    """Return the slope of the line through *points* that misses them least."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def main(count: int = COMMENTS, reader: str = "") -> None:
    """Print memory by quarters and the slope; the last line is JSON."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    model = Scorer.load(encoder=reader == "encoder")
    limits = Limits(budget_seconds=60, linger_seconds=0)
    points: list[tuple[int, int]] = []
    for number in range(max(8, count // ROUND)):
        with serving() as valkey, tempfile.TemporaryDirectory() as data:
            world = make_world(valkey.url, Path(data))
            adapters = replace(world.adapters, current=lambda: model, duplicates=simhash)
            fresh = list(drafts(ROUND, seed=number))
            for start in range(0, ROUND, BATCH):
                adapters.submit(fresh[start : start + BATCH], site=world.site)
                adapters.screen(0, holder="benchmark:1", limits=limits)
        points.append(((number + 1) * ROUND, resident()))
    for done, held in points[:: max(1, len(points) // 4)]:
        print(f"after {done:,} comments {held / 2**20:.1f} MB")
    grown = slope(points[len(points) // 4 :])
    print(f"{grown:.2f} bytes a comment")
    print(
        json.dumps({"comments": points[-1][0], "bytes_a_comment": round(grown, 2), "limit": LIMIT})
    )


if __name__ == "__main__":
    main(*[int(word) if word.isdigit() else word for word in sys.argv[1:]])
