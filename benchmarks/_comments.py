"""Comments for benchmarks: 200 characters each, no two alike, with author and post."""

from __future__ import annotations

import random
from collections.abc import Iterator

from moderation.comment import Author, Draft, Post

LENGTH = 200
_SYLLABLES = [
    "ba",
    "be",
    "bi",
    "bo",
    "ca",
    "ce",
    "co",
    "da",
    "de",
    "di",
    "do",
    "fa",
    "fe",
    "fi",
    "ga",
    "go",
    "ha",
    "he",
    "hi",
    "ho",
    "ja",
    "ka",
    "ke",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "no",
    "pa",
    "pe",
    "pi",
    "po",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "si",
    "so",
    "ta",
    "te",
    "ti",
    "to",
    "ve",
    "vi",
    "wa",
    "we",
    "ster",
    "tion",
    "ing",
    "ment",
    "ler",
]
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


def drafts(count: int, *, seed: int = 1) -> Iterator[Draft]:
    """Yield *count* drafts whose words are as unevenly common as those of a language (Zipf)."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(5000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    for n in range(count):
        text = " ".join(chance.choices(words, weights, k=60))[:LENGTH]
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
