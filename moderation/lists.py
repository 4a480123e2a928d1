"""A site's own lists: whole words, patterns by RE2, and domains; no pattern can hang a worker."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

import re2

from moderation.errors import InvalidInput

_LINK = re2.compile(r"(?i)\b(?:https?://|www\.)([^\s/?#<>\"'\])]+)[^\s<>\"'\])]*")
#: What a list takes for a word: letters, digits and underscores in a row.
_WORD = re.compile(r"\w+")
_DOMAIN = re.compile(r"\.?[\w-]{1,63}(?:\.[\w-]{1,63}){0,30}\.?")
#: A pattern is written between slashes; anything else is a word or phrase.
_PATTERN_MARK = "/"
MAX_ENTRY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Domains:
    """The host names that a text links to."""

    hosts: frozenset[str]

    def touches(self, domain: str) -> bool:
        """Tell whether any host is *domain* or lies under it."""
        wanted = domain.lower().lstrip(".")
        return any(host == wanted or host.endswith("." + wanted) for host in self.hosts)


def links_in(text: str) -> list[str]:
    """Return every link in *text*, as written."""
    return [match.group(0) for match in _LINK.finditer(_encodable(text))]


def domains_in(text: str) -> Domains:
    """Return the host names that *text* links to, in lower case, without user or port."""
    hosts = (
        match.group(1).rpartition("@")[2].partition(":")[0]
        for match in _LINK.finditer(_encodable(text))
    )
    return Domains(frozenset(host.lower().rstrip(".") for host in hosts))


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry of a list that occurs in a text, with its line in the list, from 1."""

    line: int
    entry: str


def check_domains(entries: Iterable[str]) -> None:
    """Raise InvalidInput that names the line of the first entry that is no domain."""
    for line, entry in enumerate(entries, 1):
        if entry and not _DOMAIN.fullmatch(entry):
            told = entry[:MAX_ENTRY_LENGTH]
            raise InvalidInput(f"line {line}: {told} is not a domain; write it as example.com")


class WordList:
    """Whole words, phrases and ``/patterns/`` to look for; case does not matter.

    Words are looked up and not searched for, so that thousands of them cost no more than one.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        """Take in *entries*, one a line; raises InvalidInput that names the first bad one's line."""
        self._words: dict[str, Hit] = {}
        self._phrases: list[tuple[Hit, str]] = []
        self._patterns: list[tuple[Hit, re2._Regexp]] = []
        for line, written in enumerate(entries, 1):
            entry = written.strip()
            hit = Hit(line, entry)
            if len(entry) > MAX_ENTRY_LENGTH:
                raise InvalidInput(f"line {line} has more than {MAX_ENTRY_LENGTH} characters")
            if len(entry) > 2 and entry[0] == entry[-1] == _PATTERN_MARK:
                self._patterns.append((hit, _compiled(hit)))
            elif _WORD.fullmatch(folded := entry.casefold()):
                self._words.setdefault(folded, hit)
            elif entry:
                self._phrases.append((hit, folded))

    def all_in(self, text: str) -> list[Hit]:
        """Return every entry that occurs in *text*, in the order of the list."""
        folded, readable = text.casefold(), _encodable(text)
        found = [self._words[word] for word in {*_WORD.findall(folded)} & self._words.keys()]
        found += [hit for hit, phrase in self._phrases if _stands_alone(phrase, folded)]
        found += [hit for hit, pattern in self._patterns if pattern.search(readable)]
        return sorted(found, key=lambda hit: hit.line)

    def first_in(self, text: str) -> str | None:
        """Return the first entry that occurs in *text*, or None."""
        return next((hit.entry for hit in self.all_in(text)), None)


@functools.lru_cache(maxsize=128)
def word_list(entries: tuple[str, ...]) -> WordList:
    """Return the list of *entries*, made once for all of the comments that it is held against."""
    return WordList(entries)


def _stands_alone(phrase: str, text: str) -> bool:
    """Tell whether *phrase* occurs in *text* with no letter or digit right beside it."""
    at = text.find(phrase)
    while at >= 0:
        beside = text[at - 1 : at] + text[at + len(phrase) : at + len(phrase) + 1]
        if not _WORD.search(beside):
            return True
        at = text.find(phrase, at + 1)
    return False


def _encodable(text: str) -> str:
    """Return *text* for RE2, which works on UTF-8: a lone surrogate has no place there."""
    return text.encode("utf-8", "replace").decode()


def _compiled(hit: Hit) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(hit.entry[1:-1], options)
    except re2.error as problem:
        told = problem.args[0].decode() if isinstance(problem.args[0], bytes) else problem
        raise InvalidInput(
            f"line {hit.line}: {hit.entry} is not a pattern that RE2 understands: {told}"
        ) from None
