"""What a comment takes packed, in bytes and in time, beside deflate with the same dictionary.

With ``--tables`` it prints instead the tables of zstd's dictionary in moderation/store/codec.py, made
from our own templates: how often which letters, lengths and distances stand in packed comments.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks._asked import help_asked
from benchmarks._comments import drafts
from models.augmentation import generated
from moderation.comment import Draft
from moderation.store import codec

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMMENTS, RUNS, TEMPLATES = 2000, 7, 80
#: Bounds: sentences of a template in one comment, and lengths of tables and words.
SENTENCES, DICTIONARY_BYTES = 6, 4096


def tables() -> bytes:
    """Return the entropy tables that suit comments made of our own templates."""
    chance = random.Random(4)
    texts = [one.text for one in generated(TEMPLATES).examples]
    samples = [
        codec.listed(
            replace(draft, content=" ".join(chance.sample(texts, chance.randint(1, SENTENCES))))
        )
        for draft in drafts(2 * COMMENTS, seed=9)
    ]
    words = zstd.ZstdDict(codec.OF_DRAFTS, is_raw=True)
    made = zstd.finalize_dict(words, samples, DICTIONARY_BYTES, codec.LEVEL).dict_content
    return made.removesuffix(codec.OF_DRAFTS)


def deflated(draft: Draft) -> bytes:
    """Return *draft* as it was packed before."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, codec.OF_DRAFTS)
    return deflate.compress(codec.listed(draft)) + deflate.flush()


def took_us(pack: Callable[[Draft], bytes], made: Sequence[Draft]) -> float:
    """Return the microseconds that *pack* takes for one draft."""
    began = time.perf_counter()
    for draft in made:
        pack(draft)
    return (time.perf_counter() - began) * 1e6 / len(made)


def main() -> None:
    """Print bytes and microseconds for a comment, and the ratios."""
    made = list(drafts(COMMENTS))
    ways = {"zstd": codec.pack, "deflate": deflated}
    size = {name: statistics.mean(len(pack(one)) for one in made) for name, pack in ways.items()}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, pack in ways.items():
            found[name].append(took_us(pack, made))
    print(f"a draft as JSON: {statistics.mean(len(codec.listed(one)) for one in made):.0f} bytes")
    for name, times in found.items():
        print(f"{name}: {size[name]:.0f} bytes, {statistics.median(times):.1f} µs")
    pairs = zip(found["zstd"], found["deflate"], strict=True)
    figures = {
        "size_to_deflate": round(size["zstd"] / size["deflate"], 2),
        "time_to_deflate": round(statistics.median(a / b for a, b in pairs), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    print(tables().hex()) if "--tables" in sys.argv else main()
