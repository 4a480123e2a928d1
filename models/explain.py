"""Explains a score: what each word of a comment and each signal adds to a label's log-odds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.text import places, read

_TOKEN = re.compile(r"\S+")
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*", re.DOTALL)
#: Largest number of sentences of a comment that are grouped separately.
_MOST_SENTENCES = 200
#: Most groups of words that are left out in turn; each costs one more scoring of the comment.
MOST_GROUPS = 24
#: Least change of the log-odds for which a span is marked; smaller ones are noise.
FAINTEST = 0.05

#: Place of a word in the content, in code points: its beginning and its end.
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the content, in code points, and what it adds to the score or takes from it."""

    begin: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """A property of the comment, and what it adds to the log-odds (negative: what it takes off).

    ``text`` is the sentence of that name, the same in every comment, with places for ``values``:
    "says “%(word)s”". It has no subject.
    """

    name: str
    text: str
    weight: float
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one label's score.

    Attributes
    ----------
    label, score
        The label, and its probability.
    spans
        Words in the order of the content; a weight is the log-odds that the score loses when the
        words are left out.
    features
        Properties of the comment that are no words, by absolute weight in log-odds, descending.
    reasons
        The items of both with the largest absolute weight.
    """

    label: str
    score: float
    spans: tuple[Span, ...]
    features: tuple[Contribution, ...]
    reasons: tuple[Contribution, ...]


def sentences(content: str) -> Iterable[Range]:
    """Yield where each sentence of *content* begins and ends."""
    found = 0
    for match in _SENTENCE.finditer(content):
        if match.group().strip() and found < _MOST_SENTENCES:
            found += 1
            yield match.span()


def word_groups(content: str) -> list[list[Range]]:
    """Return the author's own words, where they stand in *content*, in at most MOST_GROUPS groups.

    A group is a run of words of about equal number; a word that markup splits has its parts'
    places in one range.
    """
    (reading,) = read([content])
    found = places(content)
    words = [
        (found[match.start()][0], found[match.end() - 1][1])
        for match in _TOKEN.finditer(reading.own)
    ]
    if len(words) == 1 and words[0][1] - words[0][0] > 1:
        # A script without spaces, or one word: its halves tell as little as they can.
        words = _characters(reading.own, found)
    size = -(-len(words) // MOST_GROUPS) or 1
    return [words[begin : begin + size] for begin in range(0, len(words), size)]


def _characters(own: str, found: Sequence[Range]) -> list[Range]:
    return [found[at] for at, character in enumerate(own) if not character.isspace()]


def without(content: str, group: Sequence[Range]) -> str:
    """Return *content* with the words of *group* taken out."""
    kept, done = [], 0
    for begin, end in sorted(group):
        kept.append(content[done : max(begin, done)])
        done = max(end, done)
    return "".join([*kept, content[done:]])


def marked(groups: Sequence[Sequence[Range]], lost: NDArray[np.float64]) -> list[Span]:
    """Return a span, from first word to last, for each group whose weight is FAINTEST or more.

    Parameters
    ----------
    groups : sequence of groups of ranges
    lost : ndarray of shape (n_groups,), float64
        Log-odds with all words less those without the group: erasure, after Li, Monroe and Jurafsky,
        *Understanding Neural Networks through Representation Erasure* (2016).
    """
    return [
        Span(group[0][0], group[-1][1], float(weight))
        for group, weight in zip(groups, lost, strict=True)
        if abs(weight) >= FAINTEST
    ]
