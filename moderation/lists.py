"""A site's own lists: words and phrases, wildcards, RE2 patterns, domains, and who wrote.

An entry and a text are compared in one normal form (:mod:`moderation.normal`). No entry can hang a
worker: words are looked up, and whatever must be searched for is one set of RE2's.
"""

from __future__ import annotations

import functools
import random
import re
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

import re2
import regex
from publicsuffixlist import PublicSuffixList

from moderation import normal
from moderation.errors import InvalidInput

List = TypeVar("List")

_LINK = re2.compile(r"(?i)\b(?:https?://|www\.)([^\s/?#<>\"'\])]+)[^\s<>\"'\])]*")
_DOMAIN = regex.compile(r"\.?[\w*-]{1,63}(?:\.[\w*-]{1,63}){0,30}\.?")
#: A pattern is written between slashes; anything else is a word or phrase.
_PATTERN_MARK = "/"
MAX_ENTRY_LENGTH = 200
#: Instructions of all of a list's patterns together; bounds what a hostile text makes them cost.
MAX_PROGRAM = 20_000
#: Memory of one set of patterns, in bytes.
_SET_BYTES = 16 * 1024 * 1024
#: CPU seconds that a list may take for a text as long as a comment can be.
MAX_SECONDS = 0.25
_LONGEST_TEXT = 64 * 1024
#: Lists that a process keeps ready.
_LISTS_KEPT = 64
_TOO_MUCH = "the patterns up to here are too much together; write fewer or shorter ones"
#: Places in one text that are looked at; a text with more of them is held whatever they are.
MAX_PLACES = 1000
#: Labels of one host that are looked at, the last ones first.
_LABELS = 30
#: A star beside a letter or digit is a wildcard: any letters and digits, or none. Two stars are
#: what censors a word.
_WILDCARD = re.compile(r"(?:(?<=[^\W_])\*|\*(?=[^\W_]))(?!\*)(?<!\*\*)")
#: What a wildcard stands for among words that are parted by spaces: within one word, and within a
#: run of a script that is written without spaces.
_ANY, _ANY_UNSPACED = r"(?:[^ ]| \* )*", r"(?: [^ ])*"
#: What may be a host: letters, digits, marks, hyphens and dots in a row.
_RUN = regex.compile(r"[\p{L}\p{N}\p{M}.\u3002-]+")
_PART_OF_ADDRESS = re.compile(r"((?:[0-9]{1,3}\.){1,3})")
_LATIN_RUN = re.compile(r"[a-z0-9.-]+")


class Hit(NamedTuple):
    """An entry of a list that occurs in a text, with its line in the list, from 1."""

    line: int
    entry: str


class Occurrence(NamedTuple):
    """Where in a text an entry of a list occurs: from *begin* to *end*, in characters."""

    begin: int
    end: int
    hit: Hit


# -- words


class WordList:
    """Words, phrases, ``wild*cards`` and ``/patterns/`` to look for, as readers see them.

    Words and phrases match whole, as Unicode parts words (UAX 29); in scripts that are written
    without spaces, and in Korean, they match inside a run. Words are looked up and not searched
    for, so that thousands of them cost no more than one.
    """

    def __init__(self, entries: Iterable[str], *, language: str = "") -> None:
        """Take in *entries*, one a line; raises InvalidInput that names the first bad one's line.

        *language* is the site's (BCP 47): Turkish and related languages fold I and İ differently.
        """
        self._turkic = is_turkic(language)
        self._dotless = self._turkic
        #: Whether an entry may be markup itself, as "[url=" is.
        self._typed = False
        self._words = _Words()
        patterns: list[tuple[Hit, str]] = []
        wild: list[tuple[Hit, str]] = []
        for line, written in enumerate(entries, 1):
            entry = written.strip()
            hit = Hit(line, entry)
            if len(entry) > MAX_ENTRY_LENGTH:
                raise InvalidInput(f"line {line} has more than {MAX_ENTRY_LENGTH} characters")
            if len(entry) > 2 and entry[0] == entry[-1] == _PATTERN_MARK:
                patterns.append((hit, entry[1:-1]))
            elif entry:
                for form in self._forms(entry):
                    if _WILDCARD.search(form):
                        wild.append((hit, _wild(form)))
                    else:
                        self._words.add(normal.words(form), hit)
        self._words.link()
        self._patterns = _Searched(patterns, most=MAX_PROGRAM) if patterns else None
        self._wild = _Searched(wild) if wild else None

    def _forms(self, entry: str) -> list[str]:
        """Return the normal forms of *entry*: two where a capital I may be either of Turkish's."""
        if normal.may_be_markup(entry):
            self._typed = True
            seen = normal.normal(entry, dotless=self._turkic)
            return list(filter(None, dict.fromkeys([normal.folded(entry), seen])))
        form = normal.folded(entry, dotless=self._turkic)
        if self._turkic:
            return [form]
        other = normal.folded(entry, dotless=True)
        turkish = not entry.isascii() and any(sign in "ıİğĞşŞəƏ" for sign in entry)
        self._dotless |= turkish
        return [form, other] if turkish and other != form else [form]

    def all_in(self, *texts: str) -> list[Hit]:
        """Return every entry that occurs in one of *texts*, in the order of the list."""
        return sorted(set(self._hits(texts)))

    def first_in(self, *texts: str, unless: WordList | None = None) -> str | None:
        """Return the first entry that occurs in one of *texts*, or None.

        What stands within an entry of *unless* doesn't count.
        """
        found = self.all_in(*texts)
        if found and unless:
            places = [self.places_in(text, unless=unless) for text in texts]
            left = {place.hit for some in places for place in some}
            found = [hit for hit in found if hit in left]
        return found[0].entry if found else None

    def places_in(self, text: str, *, unless: WordList | None = None) -> list[Occurrence]:
        """Return where in *text* entries occur, in its order, but not within entries of *unless*."""
        spared = unless.places_in(text) if unless else []
        found = set()
        for view in self._views(text):
            for dotless in self._readings(text):
                seen = normal.traced(text, view, dotless=dotless)
                for begin, end, hit in self._spans(seen.text):
                    place = Occurrence(seen.origins[begin][0], seen.origins[end - 1][1], hit)
                    if not any(a.begin <= place.begin and place.end <= a.end for a in spared):
                        found.add(place)
        return sorted(found)

    def __bool__(self) -> bool:
        """Whether there is any entry."""
        return bool(self._words or self._patterns or self._wild)

    def _readings(self, text: str) -> tuple[bool, ...]:
        """Return how to fold *text*: as Turkish is, as other languages are, or both."""
        if self._turkic:
            return (True,)
        return (False, True) if self._dotless and "I" in text else (False,)

    def _views(self, text: str) -> dict[normal.View, str]:
        views = normal.views(text)
        return {**views, normal.View.RAW: text} if self._typed else views

    def _hits(self, texts: Sequence[str]) -> Iterator[Hit]:
        joined = normal.joined(texts)
        for view in self._views(joined).values():
            for dotless in self._readings(view):
                form = normal.folded(view, dotless=dotless)
                words = normal.words(form)
                yield from (hit for _, _, hit in self._words.among(words))
                if self._wild:
                    yield from self._wild.in_text(_spaced(words))
                if self._patterns:
                    yield from self._patterns.in_text(form)
        if self._patterns:
            yield from self._patterns.in_text(joined.replace(normal.APART, "\n"))

    def _spans(self, form: str) -> Iterator[tuple[int, int, Hit]]:
        places = normal.spans(form)
        words = [form[begin:end] for begin, end in places]
        for first, after, hit in self._words.among(words):
            yield places[first][0], places[after - 1][1], hit
        if self._wild:
            spaced = _spaced(words)
            starts = list(accumulate((len(word) + 1 for word in words), initial=1))
            for begin, end, hit in self._wild.spans(spaced):
                first = bisect_right(starts, begin + (spaced[begin] == " ")) - 1
                last = bisect_right(starts, end - 1 - (spaced[end - 1] == " ")) - 1
                yield places[first][0], places[last][1], hit
        if self._patterns:
            yield from self._patterns.spans(form)


class _Words:
    """Words and phrases, looked up in one pass: Aho and Corasick's automaton over whole words."""

    def __init__(self) -> None:
        #: By state: where each word leads, and where to go on when none does.
        self._next: list[dict[str, int]] = [{}]
        self._else: list[int] = [0]
        #: By state: the entry that ends there and its number of words, and the next shorter one's.
        self._ends: list[tuple[int, Hit] | None] = [None]
        self._shorter: list[int] = [0]

    def __bool__(self) -> bool:
        return len(self._next) > 1

    def add(self, words: Sequence[str], hit: Hit) -> None:
        state = 0
        for word in words:
            after = self._next[state].setdefault(word, len(self._next))
            if after == len(self._next):
                self._next.append({})
                self._ends.append(None)
            state = after
        if state and self._ends[state] is None:
            self._ends[state] = (len(words), hit)

    def link(self) -> None:
        """Make ready to look up; nothing can be added any more."""
        self._else = [0] * len(self._next)
        self._shorter = [0] * len(self._next)
        states = deque(self._next[0].values())
        while states:
            state = states.popleft()
            for word, after in self._next[state].items():
                back = self._else[state]
                while back and word not in self._next[back]:
                    back = self._else[back]
                back = self._next[back].get(word, 0)
                self._else[after] = back
                self._shorter[after] = back if self._ends[back] else self._shorter[back]
                states.append(after)

    def among(self, words: Sequence[str]) -> Iterator[tuple[int, int, Hit]]:
        """Yield the entries among *words*, with the number of the first word and after the last."""
        if self._next[0].keys().isdisjoint(words):
            return
        state, left = 0, MAX_PLACES
        for after, word in enumerate(words, 1):
            while state and word not in self._next[state]:
                state = self._else[state]
            state = self._next[state].get(word, 0)
            ending = state if self._ends[state] else self._shorter[state]
            while ending:
                size, hit = self._ends[ending] or (0, Hit(0, ""))
                yield after - size, after, hit
                left -= 1
                if not left:
                    return
                ending = self._shorter[ending]


class _Searched:
    """Patterns that are all searched for at once."""

    def __init__(self, patterns: Sequence[tuple[Hit, str]], *, most: int | None = None) -> None:
        """Raise InvalidInput once the patterns have more than *most* instructions together.

        At once, since what is allowed thousands of times may cost seconds to compile.
        """
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        options.max_mem = _SET_BYTES
        self._compiled: list[tuple[Hit, re2._Regexp]] = []
        size = 0
        for hit, pattern in patterns:
            self._compiled.append((hit, _compiled(hit, pattern)))
            size += self._compiled[-1][1].programsize
            if most is not None and size > most:
                raise InvalidInput(f"line {hit.line}: {_TOO_MUCH}")
        self._set = re2.Set.SearchSet(options)
        for _, one in self._compiled:
            self._set.Add(one.pattern)
        # Found in every text; a set that ran out of memory finds nothing at all.
        self._always = self._set.Add("")
        try:
            self._set.Compile()
        except re2.error:
            raise InvalidInput(_TOO_MUCH) from None

    def in_text(self, text: str) -> Iterator[Hit]:
        readable = _encodable(text)
        numbers = self._set.Match(readable) or ()
        if self._always in numbers:
            yield from (self._compiled[n][0] for n in numbers if n != self._always)
        else:
            yield from (hit for hit, pattern in self._compiled if pattern.search(readable))

    def spans(self, text: str) -> Iterator[tuple[int, int, Hit]]:
        wanted = set(self.in_text(text))
        for hit, pattern in self._compiled:
            if hit in wanted:
                for match in pattern.finditer(_encodable(text)):
                    if match.start() < match.end():
                        yield *match.span(), hit


def is_turkic(language: str) -> bool:
    """Tell whether *language* (BCP 47, or with an underscore) has a dotless i."""
    return re.split("[-_]", language.strip().lower())[0] in normal.DOTLESS


def word_list(entries: tuple[str, ...], language: str = "") -> WordList:
    """Return the list of *entries*, made once for all of the comments that it is held against."""
    return kept(_word_list, entries, language)


@functools.lru_cache(maxsize=_LISTS_KEPT)
def _word_list(entries: tuple[str, ...], language: str) -> WordList:
    return WordList(entries, language=language)


#: The lists that were asked for last, by what makes them and the very entries.
_latest: dict[tuple[object, ...], tuple[tuple[str, ...], Any]] = {}


def kept(make: Callable[..., List], entries: tuple[str, ...], *more: str) -> List:
    """Return *make* applied to *entries*; for the same object as before, the result as before.

    The comments of a batch share their site's policy, and to hash and compare thousands of entries
    for each of them would cost more than to look for them does.
    """
    place = (make, id(entries), *more)
    known = _latest.get(place)
    if known is None or known[0] is not entries:
        if len(_latest) >= _LISTS_KEPT:
            _latest.clear()
        known = _latest[place] = (entries, make(entries, *more))
    made: List = known[1]
    return made


@functools.lru_cache(maxsize=8)
def check_words(entries: tuple[str, ...], language: str = "") -> None:
    """Raise InvalidInput that names the first bad line, or says that the list costs too much.

    What a list costs is measured, on long texts that are like its entries: of two patterns of equal
    size one may keep all of its instructions busy at each letter, and the other none.
    """
    words = word_list(entries, language)
    for text in _probes(entries):
        for length in (_LONGEST_TEXT // 64, _LONGEST_TEXT // 8, _LONGEST_TEXT):
            began = time.thread_time()
            words.all_in(text[:length])
            seconds = time.thread_time() - began
            if seconds > MAX_SECONDS:
                raise InvalidInput(
                    f"the list costs too much: a text of {length // 1024} KB took {seconds:.1f} s, and "
                    f"{MAX_SECONDS} s are allowed for {_LONGEST_TEXT // 1024} KB; repetitions of many "
                    "characters, such as .{0,200}, cost most"
                )


def _probes(entries: tuple[str, ...]) -> Iterator[str]:
    """Yield long texts that keep the patterns of *entries* busy, the same each time."""
    noise = random.Random(0)  # noqa: S311 - a text, not a secret
    signs = "".join(entries) or " "
    letters = "".join(filter(str.isalnum, signs)) or "a"
    yield "".join(noise.choices("etaoinshrdlucmfwyp    ", k=_LONGEST_TEXT))
    yield "".join(noise.choices(letters, k=_LONGEST_TEXT))
    yield "".join(noise.choices(signs + " ", k=_LONGEST_TEXT))
    yield Counter(letters).most_common(1)[0][0] * _LONGEST_TEXT


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


def _wild(form: str) -> str:
    """Return the RE2 pattern by which an entry with wildcards is sought among spaced words."""
    parts = _WILDCARD.split(form)
    pattern = ""
    for before, part in pairwise(["", *parts]):
        words = " ".join(normal.words(part))
        if not words:
            continue
        if pattern:
            pattern += _ANY_UNSPACED if normal.unspaced(before[-1]) else _ANY
        inside = before if pattern else not parts[0]
        if not inside or part[0] == " " or normal.unspaced(part[0]):
            pattern += " "
        pattern += re2.escape(_encodable(words)) + (" " if part[-1] == " " else "")
    return f"{pattern} " if parts[-1] else pattern


def _encodable(text: str) -> str:
    """Return *text* for RE2, which works on UTF-8: a lone surrogate has no place there."""
    return text.encode("utf-8", "replace").decode()


def _compiled(hit: Hit, pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(_encodable(pattern), options)
    except re2.error as problem:
        shown = problem.args[0].decode() if isinstance(problem.args[0], bytes) else problem
        raise InvalidInput(
            f"line {hit.line}: {hit.entry} is not a pattern that RE2 understands: {shown}"
        ) from None


# -- domains


class DomainList:
    """Domains to look for, each with all that lies under it; a star stands for part of a label."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Take in *entries*, one a line; raises InvalidInput that names the first invalid one."""
        self._domains: dict[str, Hit] = {}
        wild: list[tuple[Hit, str]] = []
        for line, written in enumerate(entries, 1):
            entry = written.strip()
            if entry and not _DOMAIN.fullmatch(entry):
                shown = entry[:MAX_ENTRY_LENGTH]
                raise InvalidInput(f"line {line}: {shown} is not a domain; write it as example.com")
            domain = host_form(entry.removeprefix("*.").strip("."))
            if "*" in domain:
                labels = r"[^.]*".join(map(re2.escape, domain.split("*")))
                wild.append((Hit(line, entry), rf"(?:^|\.){labels}$"))
            elif domain:
                self._domains.setdefault(domain, Hit(line, entry))
        self._wild = _Searched(wild) if wild else None

    def all_in(self, domains: Domains, *, unless: DomainList | None = None) -> list[Hit]:
        """Return every entry that a host of *domains* is or lies under, in the order of the list.

        Hosts that *unless* finds don't count.
        """
        found: set[Hit] = set()
        for host in domains.mentioned:
            hits = set(self.touching(host))
            if hits and not (unless is not None and any(unless.touching(host))):
                found |= hits
        return sorted(found)

    def touching(self, host: str) -> Iterator[Hit]:
        """Yield the entries that *host*, in normal form, is or lies under."""
        labels = host.split(".")
        for first in range(len(labels)):
            hit = self._domains.get(".".join(labels[first:]))
            if hit:
                yield hit
        if self._wild:
            yield from self._wild.in_text(host)


def domain_list(entries: tuple[str, ...]) -> DomainList:
    """Return the list of *entries*, made once for all of the comments that it is held against."""
    return kept(_domain_list, entries)


@functools.lru_cache(maxsize=_LISTS_KEPT)
def _domain_list(entries: tuple[str, ...]) -> DomainList:
    return DomainList(entries)


@dataclass(frozen=True, slots=True)
class Domains:
    """The host names of a text."""

    #: Those that it links to.
    hosts: frozenset[str]
    #: Whatever may be a host name, linked to or not, in Unicode.
    mentioned: frozenset[str]

    def touches(self, domain: str) -> bool:
        """Tell whether any host is *domain* or lies under it."""
        return bool(DomainList([domain]).all_in(self))


def links_in(text: str) -> list[str]:
    """Return every link in *text*, as written."""
    return [match.group(0) for match in _LINK.finditer(_encodable(text))]


def domains_in(*texts: str) -> Domains:
    """Return the host names in *texts*, in lower case, without user or port."""
    text = normal.joined(texts)
    hosts = (
        match.group(1).rpartition("@")[2].partition(":")[0]
        for match in _LINK.finditer(_encodable(text))
    )
    linked = frozenset(host.lower().rstrip(".") for host in hosts)
    mentioned = {
        host
        for view in normal.views(text).values()
        for run in _RUN.findall(normal.folded(view))
        if "." in run or "\u3002" in run
        for host in _hosts(run)
    }
    return Domains(linked, frozenset(mentioned))


def host_form(host: str) -> str:
    """Return a host or domain in Unicode's normal form, whether it was written in that or as xn--."""
    return ".".join(map(_label_form, normal.folded(host).replace("\u3002", ".").split(".")))


def _label_form(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return normal.folded(label[4:].encode("ascii").decode("punycode"))
    except (UnicodeError, ValueError):  # not Punycode: it is only itself
        return label


def _hosts(run: str) -> Iterator[str]:
    """Yield the host names that a run of letters, digits, hyphens and dots may be."""
    for piece in run.replace("\u3002", ".").split(".."):
        labels = [label.strip("-") for label in piece.strip(".").split(".")[-_LABELS:]]
        if len(labels) < 2 or "" in labels:
            continue
        host = ".".join(map(_label_form, labels))
        yield host
        yield from _shortened(host)
        if normal.unspaced(piece):
            yield from _within(labels)


def _shortened(host: str) -> Iterator[str]:
    """Yield *host* without the words that follow it without a space: "example.com.Thanks"."""
    suffixes = _suffixes()
    while "." in host and suffixes.publicsuffix(host, accept_unknown=False) is None:
        shorter, _, last = host.rpartition(".")
        beginning = last.partition("-")[0]
        host = shorter if beginning == last else f"{shorter}.{beginning}"
        if "." in host:
            yield host


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _within(labels: list[str]) -> Iterator[str]:
    """Yield the host names within text that is written without spaces, on both sides of them."""
    last = _LATIN_RUN.match(labels[-1])
    ends = dict.fromkeys([labels[-1], last[0] if last else labels[-1]])
    first = labels[0]
    starts = [first[at:] for at in range(len(first))[-63:] if normal.unspaced(first[at])]
    latin = re.search(r"[a-z0-9-]+\Z", first)
    starts += [latin[0].strip("-")] if latin and normal.unspaced(first) else []
    for end in ends:
        for start in dict.fromkeys([first, *starts]):
            yield ".".join([start, *labels[1:-1], end])


# -- what WordPress kept


@dataclass(frozen=True, slots=True)
class Disallowed:
    """WordPress's list of disallowed words as lists of ours; what cannot be an entry is named."""

    words: tuple[str, ...]
    domains: tuple[str, ...]
    #: The lines, from 1, that are too long for an entry.
    refused: tuple[int, ...]


def disallowed(text: str, *, inside_words: bool = False) -> Disallowed:
    """Return WordPress's list of disallowed comment keys (one a line) as words and domains.

    WordPress finds a line anywhere, inside of words too: *inside_words* keeps that, by wildcards.
    The beginning of an IPv4 address becomes its network.
    """
    words: dict[str, None] = {}
    domains: dict[str, None] = {}
    refused = []
    for line, written in enumerate(text.splitlines(), 1):
        entry = written.strip()
        host = re.sub(r"(?i)^(?:https?:)?//", "", entry).rstrip("/")
        if len(entry) > MAX_ENTRY_LENGTH:
            refused.append(line)
        elif parts := _PART_OF_ADDRESS.fullmatch(entry):
            known = parts[1].rstrip(".").split(".")
            words[f"{'.'.join([*known, '0', '0', '0'][:4])}/{8 * len(known)}"] = None
        elif _DOMAIN.fullmatch(host) and "." in host and is_domain(host):
            domains[host.lower()] = None
        elif entry and inside_words and _is_bare(entry):
            words[f"*{entry}*"] = None
        elif entry:
            words[entry] = None
    return Disallowed(tuple(words), tuple(domains), tuple(refused))


def is_domain(host: str) -> bool:
    """Tell whether *host* ends in a public suffix, as a domain does and "end.Thanks" does not."""
    form = host_form(host.strip("."))
    suffix = _suffixes().publicsuffix(form, accept_unknown=False)
    return suffix is not None and "*" not in form


def _is_bare(entry: str) -> bool:
    return entry[0].isalpha() and entry[-1].isalpha() and "@" not in entry
