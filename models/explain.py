"""Says which words of a comment, and what else about it, made its score what it is."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from models.ngrams import chunked, hashed
from models.text import places, read

_TOKEN = re.compile(r"\S+")
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*", re.DOTALL)
#: No more sentences of one comment are looked at by themselves.
_MOST_SENTENCES = 200

#: Where a word stands in the content, in code points: its beginning and its end.
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the content, in code points, and what it adds to the score or takes from it."""

    begin: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Something about the comment, and what it adds to the log-odds or takes.

    ``text`` is the sentence of that name, the same in every comment, with places for ``values``:
    "says “%(word)s”". It has no subject.
    """

    name: str
    text: str
    weight: float
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one label's score is what it is.

    The log-odds of ``score`` are ``bias`` plus the weights of all spans and features.
    """

    label: str
    score: float
    bias: float
    spans: tuple[Span, ...]
    features: tuple[Reason, ...]
    #: The weightiest of both.
    reasons: tuple[Reason, ...]


def sentences(content: str) -> Iterable[Range]:
    """Yield where each sentence of *content* begins and ends."""
    found = 0
    for match in _SENTENCE.finditer(content):
        if match.group().strip() and found < _MOST_SENTENCES:
            found += 1
            yield match.span()


def spans(
    content: str, pair: tuple[str, str], contributions: Mapping[int, tuple[float, bool]]
) -> tuple[list[Span], float]:
    """Share the contributions of n-grams among the words of *content*.

    *contributions* gives for each bucket its weight, and whether it stands only in the text as
    written. What can't be found in any word again is returned beside the spans.

    An n-gram that stands in several words is shared among them equally; one that spans two words
    belongs to both by halves.
    """
    as_written, normal = pair
    word_places = _places(content)
    written_tokens = as_written.split()
    # Lower-casing and joining by spaces changes no word's number.
    written_places = [[place] for place in word_places[: len(written_tokens)]]
    owners: dict[int, list[Sequence[Range]]] = defaultdict(list)
    normal_tokens = normal.split()
    aligned = _aligned(written_tokens, normal_tokens, word_places)
    for bucket, owner in _found_in(normal_tokens, aligned):
        if bucket in contributions and not contributions[bucket][1]:
            owners[bucket].append(owner)
    if as_written != normal:
        for bucket, owner in _found_in(written_tokens, written_places):
            if bucket in contributions and contributions[bucket][1]:
                owners[bucket].append(owner)
    totals: dict[Range, float] = defaultdict(float)
    rest = 0.0
    for bucket, (weight, _) in contributions.items():
        shared = [ranges for ranges in owners.get(bucket, ()) if ranges]
        if not shared:
            rest += weight
        for ranges in shared:
            for place in ranges:
                totals[place] += weight / len(shared) / len(ranges)
    return [Span(*place, weight) for place, weight in sorted(totals.items()) if weight], rest


def _places(content: str) -> list[Range]:
    """Return where each of the author's own words stands in the content."""
    (reading,) = read([content])
    found = places(content)
    return [
        (found[match.start()][0], found[match.end() - 1][1])
        for match in _TOKEN.finditer(reading.own)
    ]


def _aligned(
    before: Sequence[str], after: Sequence[str], word_places: Sequence[Range]
) -> list[Sequence[Range]]:
    """Return for each word after normalisation the places of the words that it came from."""
    aligned: list[Sequence[Range]] = []
    for kind, first, last, begin, end in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal" or last - first == end - begin:
            aligned += [[place] for place in word_places[first:last]]
        else:
            aligned += [word_places[first:last]] * (end - begin)
    return aligned


def _found_in(
    tokens: Sequence[str], places: Sequence[Sequence[Range]]
) -> Iterable[tuple[int, Sequence[Range]]]:
    """Yield each n-gram's bucket with the places of the one or two words that it stands in."""
    owned: list[set[int]] = []
    wordy: list[int] = []
    for chunk in chunked((token, token) for token in tokens):
        found = hashed(chunk)
        for begin, middle, end in zip(
            found.starts[:-1:2], found.starts[1::2], found.starts[2::2], strict=True
        ):
            single = set(found.buckets[middle:end].tolist())
            for bucket in found.buckets[begin:middle]:
                yield int(bucket), places[len(owned)]
            for bucket in single:
                yield bucket, places[len(owned)]
            if single:
                wordy.append(len(owned))
            owned.append(single)
    couples = list(itertools.pairwise(wordy))
    done = 0
    for chunk in chunked((text, text) for text in (f"{tokens[a]} {tokens[b]}" for a, b in couples)):
        found = hashed(chunk)
        for middle, end in zip(found.starts[1::2], found.starts[2::2], strict=True):
            one, other = couples[done]
            done += 1
            both = set(found.buckets[middle:end].tolist())
            for bucket in both - owned[one] - owned[other]:
                yield bucket, [*places[one], *places[other]]
