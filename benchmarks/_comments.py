"""Comments for benchmarks: no two alike, with author and post."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from models.augmentation import generated
from moderation.comment import Author, Draft, Post

LENGTH = 200
#: Lengths as blogs' comments have them, in characters: logarithms are normal about this median with
#: this spread, which makes a mean of 349; and the longest that is drawn.
MEDIAN_LENGTH, SPREAD, LONGEST = 192, 1.1, 10_000
_WRITTEN = 20_000
_AGENTS = tuple(
    f"Mozilla/5.0 ({system}) {engine}"
    for system in (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "iPhone; CPU iPhone OS 19_1 like Mac OS X",
        "Linux; Android 16; Pixel 9",
    )
    for engine in (
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36",
        "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15",
        "Gecko/20100101 Firefox/151.0",
    )
)


@cache
def _vocabulary() -> tuple[list[str], list[int]]:
    """Return words with how often they stand in the good comments of models.augmentation."""
    good = (one.text for one in generated(80).examples if not any(one.labels.values()))
    counted = Counter(word for text in good for word in text.split() if word.isalpha())
    return list(counted), list(counted.values())


def drafts(count: int, *, seed: int = 1, real_lengths: bool = False) -> Iterator[Draft]:
    """Yield *count* drafts of English words, as common as they are in our own civil templates.

    Each has ``LENGTH`` characters, or with *real_lengths* as many as comments of blogs have.
    """
    chance, lengths = random.Random(seed), random.Random(seed)
    words, weights = _vocabulary()
    for n in range(count):
        length = LENGTH
        if real_lengths:
            drawn = round(lengths.lognormvariate(math.log(MEDIAN_LENGTH), SPREAD))
            length = min(max(drawn, 1), LONGEST)
        text = " ".join(chance.choices(words, weights, k=max(60, length // 3)))[:length]
        name = chance.choice(words).title() + " " + chance.choice(words).title()
        post = chance.randrange(200)
        yield Draft(
            content=text,
            author=Author(
                name=name,
                email=f"{name.split()[0].lower()}{chance.randrange(10_000)}@example.org",
                url=f"https://{chance.choice(words)}{chance.randrange(1000)}.example/"
                if n % 4 == 0
                else "",
                ip=f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
                user_agent=chance.choice(_AGENTS),
            ),
            post=Post(
                url=f"https://blog.example/2026/11/{words[post]}-{words[post + 1]}/",
                title=f"{words[post].title()} {words[post + 1]} {words[post + 2]}",
            ),
            external_id=f"wordpress-{seed}{100_000 + n}",
            parent=f"wordpress-{seed}{100_000 + chance.randrange(n)}" if n % 3 == 2 else "",
        )


def many(count: int, *, seed: int = 1) -> Iterator[Draft]:
    """Yield *count* drafts fast: some thousands of `drafts`, over and over, each as another one.

    A number in its text, its author's e-mail and its address keep any two from being alike.
    """
    written = list(drafts(min(count, _WRITTEN), seed=seed))
    for n in range(count):
        turn, at = divmod(n, _WRITTEN)
        one = written[at]
        author = replace(
            one.author, email=f"{turn}.{one.author.email}", ip=f"{one.author.ip}.{turn}"
        )
        yield replace(
            one,
            content=f"{n} {one.content}"[:LENGTH],
            author=author,
            external_id=f"wordpress-{seed}-{100_000 + n}",
        )


def document(draft: Draft) -> dict[str, Any]:
    """Return a draft as a blog would send it: the fields that are not empty."""
    fields = {key: value for key, value in asdict(draft).items() if value}
    for part in ("author", "post"):
        fields[part] = {key: value for key, value in fields[part].items() if value}
    return {key: value for key, value in fields.items() if value}
