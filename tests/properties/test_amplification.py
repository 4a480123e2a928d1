"""No normal form of 64 KB is many times as long, whatever the characters: each is bounded after, too."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest

from models import text
from moderation import normal
from moderation.lists import domains_in
from moderation.store.accounts import base

LONGEST = 64 * 1024


def swelling(count: int = 12) -> list[str]:
    """Return the characters of which Unicode's normal forms make most, for their bytes in UTF-8."""
    swollen = []
    for code in range(0xA0, sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in {"Cn", "Cs", "Co"}:
            continue
        most = len(unicodedata.normalize("NFKD", character).casefold().encode())
        swollen.append((most / len(character.encode()), character))
    swollen.sort(reverse=True)
    return [character for _, character in swollen[:count]]


#: Functions that normalise a text, and the most characters that each may make from 64 KB.
NORMALISERS: dict[str, tuple[Callable[[str], int], int]] = {
    "models.text.read": (
        lambda given: max(map(len, (part for part in text.read([given])[0] if isinstance(part, str)))),
        text.MAX_LENGTH,
    ),
    "moderation.normal.folded": (lambda given: len(normal.folded(given)), 4 * LONGEST),
    "moderation.normal.views": (
        lambda given: sum(map(len, normal.views(given).values())), 4 * LONGEST,
    ),
    "moderation.lists.domains_in": (
        lambda given: sum(map(len, domains_in(given).mentioned)), 4 * LONGEST,
    ),
    "store.accounts.fold": (lambda given: len(base.fold(given)), 4 * base.NAME_LENGTH),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMALISERS)
def test_no_normal_form_swells(name: str):
    length_of, most = NORMALISERS[name]
    for character in (*swelling(), "\ufdfa", "\u0344", "\u1f82", "\u3300", "ß"):
        given = character * (LONGEST // len(character.encode()))
        assert length_of(given) <= most, f"U+{ord(character):04X}"
