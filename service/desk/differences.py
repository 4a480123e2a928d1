"""Two texts as one, with deletions from the old and insertions of the new marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

_WORD = re.compile(r"\s+|[^\s]+")
#: Longest changed passage that is compared word by word, in words; a longer one is shown as a whole.
_COMPARED = 300


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """Return two texts as one: passages, each with "" (in both), "del" (in the old) or "ins".

    Word by word in up to 300 words; a longer passage that changed is shown as a whole.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    middle = before[start : len(before) - end], after[start : len(after) - end]
    found = [("", before[:start]), *_compared(*middle), ("", before[len(before) - end :])]
    return [("".join(words), kind) for kind, words in found if words]


def _shared(one: list[str], other: list[str]) -> int:
    """Return how many words two texts begin with alike."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def _compared(before: list[str], after: list[str]) -> Iterator[tuple[str, list[str]]]:
    if max(len(before), len(after)) > _COMPARED:
        yield "del", before
        yield "ins", after
        return
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "", before[a:b]
        else:
            yield "del", before[a:b]
            yield "ins", after[c:d]
