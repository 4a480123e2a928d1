"""A site's own lists: whole words, patterns by RE2, and domains; no pattern can hang a worker."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import re2

from moderation.errors import InvalidInput

_LINK = re2.compile(r"(?i)\b(?:https?://|www\.)([^\s/?#<>\"'\])]+)[^\s<>\"'\])]*")
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


class WordList:
    """Whole words, phrases and ``/patterns/`` to look for; case does not matter."""

    def __init__(self, entries: Sequence[str]) -> None:
        """Compile *entries*; raises InvalidInput that names the first one that cannot be."""
        self._patterns = [(entry, _compiled(entry)) for entry in entries if entry.strip()]

    def first_in(self, text: str) -> str | None:
        """Return the first entry that occurs in *text*, or None."""
        readable = _encodable(text)
        return next((entry for entry, found in self._patterns if found.search(readable)), None)


def _encodable(text: str) -> str:
    """Return *text* for RE2, which works on UTF-8: a lone surrogate has no place there."""
    return text.encode("utf-8", "replace").decode()


@functools.lru_cache(maxsize=4096)
def _compiled(entry: str) -> re2._Regexp:
    if len(entry) > MAX_ENTRY_LENGTH:
        raise InvalidInput(f"a list entry has at most {MAX_ENTRY_LENGTH} characters")
    marked = len(entry) > 2 and entry[0] == entry[-1] == _PATTERN_MARK
    inner = (
        entry[1:-1] if marked else rf"(?:^|[^\pL\pN_]){re2.escape(entry.strip())}(?:$|[^\pL\pN_])"
    )
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(inner, options)
    except re2.error as problem:
        raise InvalidInput(f"{entry!r} is not a pattern that RE2 understands: {problem}") from None
