"""What a comment shows besides its words: links, contacts, repetition, its author's fields.

Each signal is a number from 0 to 1, so that one weight means the same on every one of them, and
has a sentence that a moderator understands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice
from math import log1p
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import disposable_email_domains
import numpy as np
import re2
from numpy.typing import NDArray
from publicsuffixlist import PublicSuffixList

from models.markup import invisible_within_words
from models.text import FEW, Reading, bounded, found_in, mixed_words, read

#: No more links of one comment are looked at; a thousand links say no more than fifty.
MAX_LINKS = 50
_MAX_PIECES = 500
_first = itemgetter(0)

#: Each signal's name, and what it says to a moderator, in the order of the artifact's weights.
SIGNALS: dict[str, str] = {
    "links": "has a link",
    "many_links": "has many links",
    "many_domains": "links to several different domains",
    "shortener": "hides a link behind a shortener",
    "mostly_links": "is mostly links",
    "masked_link": "shows another address than its link goes to",
    "anchors": "has links in HTML",
    "bbcode": "has links in forum markup",
    "link_at_end": "ends with a link",
    "bare_domain": "names a web address without a link",
    "raw_ip": "links to a bare IP address",
    "odd_domain": "links to a long, hyphenated or cheap domain",
    "email": "gives an e-mail address",
    "phone": "gives a telephone number",
    "messenger": "asks to be contacted by a messenger",
    "money": "speaks of sums of money",
    "repetition": "repeats itself",
    "capitals": "is in capital letters",
    "exclamation": "is full of exclamation marks",
    "digits": "is full of digits",
    "foreign_letters": "is mostly in letters other than Latin ones",
    "hidden": "contains invisible characters",
    "mixed_scripts": "mixes alphabets within words",
    "pictures": "is full of pictograms",
    "short": "is very short",
    "long": "its length",
    "generic": "is short and says nothing particular",
    "keyword_name": "its author's name reads like a search term",
    "name_is_link": "its author's name is a web address",
    "name_linked": "its author's name is the text of a link",
    "disposable": "its author's e-mail domain is a throw-away one",
    "author_domain_linked": "links to its author's own web address",
    "author_domain_odd": "its author's web address is long, hyphenated or cheap",
    "author_deep_link": "its author's web address is a page deep inside a site",
}

_LINK = re.compile(r"https?://[^\s<>\"'\])]+|www\.[^\s<>\"'\])]+", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w@./-])[a-z0-9][a-z0-9-]{1,62}\s?(?:\.|\(dot\)|\[dot\]|\sdot\s)\s?"
    r"(?:com|net|org|info|biz|shop|xyz|top|site|online|store|club|co|io|me|ru|in|live|pro|us|vip)\b",
    re.IGNORECASE,
)
_ANCHOR = re.compile(
    r"<a\s[^>]{0,500}?href\s*=\s*[\"']?([^\"'\s>]{1,500})[^>]{0,200}>([^<]{0,200})", re.IGNORECASE
)
_BBCODE = re.compile(r"\[(?:url|link)\b", re.IGNORECASE)
_MARKDOWN = re.compile(r"\]\(\s*https?://", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}(?:@|\(at\)|\[at\])[\w-]{1,63}\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w/=.-])\+?\(?\d{1,4}[).\s-]{0,3}(?:\d[).\s(-]{0,2}){6,12}\d(?![\w/])")
_MESSENGER = re2.compile(
    rb"(?i)whats?\s?app|telegram|\bt\.me\b|\bwa\.me\b|\bskype\b|\bviber\b|\bwechat\b|\bkik\b"
    rb"|\b(?:text|call|inbox|dm|contact|reach)\s(?:me|him|her|us|them)\b|\bon\s(?:instagram|ig)\b"
)
_MONEY = re.compile(r"[$€£₹]\s?\d|\d\s?(?:[$€£₹]|usd|dollars|btc|bitcoin|euro)", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = b"0123456789"
_CHEAP = re.compile(
    r"\.(?:info|biz|xyz|top|site|online|shop|club|icu|vip|ru|cn|tk|ml|ga|cf|gq|pw|cc|ws)$"
)
_IP = re.compile(r"^\d{1,3}(?:\.\d{1,3}){3}$")
#: Cheap looks before dear ones: whatever can be a link contains both of these, and most ASCII
#: comments don't contain the first; a bare domain in ASCII contains the third, a sum of money the last.
_ENDING = re2.compile(
    rb"(?is)(?:://|www\.|href|(?:\.|dot.).?"
    rb"(?:com|net|org|info|biz|shop|xyz|top|site|online|store|club|co|io|me|ru|in|live|pro|us|vip))"
    rb"[^\n]*"
)
_HINT = re2.compile(rb"(?i)(?:://|www\.|\.[a-z]{2}|dot)[^\n]*")
_MAYBE_BARE = re2.compile(
    r"(?i)(?:^|[^\w@./-])[a-z0-9][a-z0-9-]+[\s\x0b\x1c-\x1f]?"
    r"(?:\.|\(dot\)|\[dot\]|[\s\x0b\x1c-\x1f]dot[\s\x0b\x1c-\x1f])[\s\x0b\x1c-\x1f]?"
    r"(?:com|net|org|info|biz|shop|xyz|top|site|online|store|club|co|io|me|ru|in|live|pro|us|vip)\b"
)
_CURRENCY = re2.compile("(?i)[$€£₹]|usd|dollars|btc|bitcoin|euro".encode())
_TRADE = re.compile(
    r"\b(?:buy|cheap|best|online|loans?|seo|casino|poker|slots?|betting|viagra|cialis|pills?|insurance"
    r"|replica|watches|shoes|handbags?|jerseys?|outlet|sale|discount|free|download|movers?|plumb\w*"
    r"|lawyers?|attorneys?|services?|repair|reviews?|essays?|writing|crypto|bitcoin|hosting|weight"
    r"|diet|cure|spell|support|number|agency|company|marketing|payday|mortgage|credit|escorts?)\b",
    re.IGNORECASE,
)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _shorteners() -> frozenset[str]:
    listed = Path(__file__).with_name("shorteners.txt").read_text(encoding="utf-8")
    return frozenset(line for line in listed.splitlines() if not line.startswith("#"))


@lru_cache(4096)
def registered_domain(host: str) -> str:
    """Return the domain that somebody registered, of which *host* is a part."""
    return _suffixes().privatesuffix(host) or host


def _host(link: str) -> str:
    if "//" not in link:
        link = f"//{link}"
    try:
        return (urlsplit(link).hostname or "").removeprefix("www.")
    except ValueError:  # such as an unfinished IPv6 address
        return ""


def _is_odd(domain: str) -> bool:
    return len(domain) > 24 or domain.count("-") > 1 or _CHEAP.search(domain) is not None


def signals(
    content: str, author_name: str = "", author_email: str = "", author_url: str = ""
) -> dict[str, float]:
    """Return the signals that are not 0."""
    (raised,) = raised_by(read([content]))
    found = {name: min(value, 1.0) for name, value in raised.items() if value > 0}
    return found | of_author(content, author_name, author_email, author_url)


def raised_by(readings: Sequence[Reading]) -> list[dict[str, float]]:
    """Return what each content shows, as it would alone; a signal counts from 0 to 1 only."""
    encoded = [reading.content.encode("utf-8", "replace") for reading in readings]
    counted = (
        list(map(_counted, (reading.content for reading in readings), encoded))
        if len(readings) < FEW
        else _counted_together([reading.content for reading in readings], encoded)
    )
    raised = [
        _of_text(reading, raw, counts) if raw else {}
        for reading, raw, counts in zip(readings, encoded, counted, strict=True)
    ]
    for place in found_in(_MESSENGER, encoded):
        raised[place]["messenger"] = 1.0
    foreign = {place for place, one in enumerate(readings) if not one.content.isascii()}
    linking = sorted(found_in(_ENDING, encoded) | foreign)
    for place in found_in(_HINT, [encoded[place] for place in linking]):
        raised[linking[place]] |= _of_links(readings[linking[place]].content)
    return raised


class _Counts(NamedTuple):
    """How often some characters stand in a text."""

    upper: int
    digits: int
    exclamations: int
    quotes: int
    #: Words, after the first, that begin with a capital letter.
    capitals: int


def _counted(content: str, raw: bytes) -> _Counts:
    upper = len(raw) - len(raw.translate(None, _UPPER))
    # Without a capital after the first letter there is none to begin a word.
    capitals = upper - content[:1].isupper()
    if capitals or not content.isascii():
        capitals = sum(map(str.isupper, map(_first, content.split()[1:])))
    return _Counts(
        upper,
        len(raw) - len(raw.translate(None, _DIGITS)),
        raw.count(b"!"),
        raw.count(b'"'),
        capitals,
    )


#: Four counts are added as one number; a bounded text has fewer characters than a part can hold.
_PART = 15
_FULL = (1 << _PART) - 1


@cache
def _worth() -> NDArray[np.int64]:
    """Say for each byte which of the four counts it adds to."""
    table = np.zeros(256, np.int64)
    for part, characters in enumerate((_UPPER, _DIGITS, b"!", b'"')):
        table[list(characters)] = 1 << (_PART * part)
    return table


@cache
def _blank() -> NDArray[np.bool_]:
    """Say for each byte whether it is white space in ASCII."""
    return np.array([chr(code).isspace() and code < 128 for code in range(256)])


def _counted_together(contents: Sequence[str], encoded: Sequence[bytes]) -> list[_Counts]:
    codes = np.frombuffer(b"\n" + b"\n".join(encoded) + b"\n", np.uint8)
    starts = np.add.accumulate([1] + [len(raw) + 1 for raw in encoded])[:-1]
    worth = _worth().take(codes)
    sums = np.add.reduceat(worth, starts)
    upper = (worth & _FULL).astype(np.bool_)
    begins = (upper[1:] & _blank().take(codes[:-1])).nonzero()[0] + 1
    capitals = np.bincount(starts.searchsorted(begins, "right") - 1, minlength=len(starts))
    capitals -= upper[starts]
    columns = [((sums >> (_PART * part)) & _FULL).tolist() for part in range(4)]
    return [
        _Counts(*counts)
        # What stands first is hard to tell behind white space, and words outside of ASCII are, too.
        if content.isascii() and not content[:1].isspace()
        else _counted(content, raw)
        for content, raw, counts in zip(
            contents, encoded, zip(*columns, capitals.tolist(), strict=True), strict=True
        )
    ]


def _of_text(reading: Reading, raw: bytes, counts: _Counts) -> dict[str, float]:
    content, words = reading.content, reading.words
    size = len(raw)
    length = len(content)
    upper, digits, exclamations, quotes, capitals = counts
    found = {"long": log1p(length / 300) / 4}
    if upper and length > 8:
        found["capitals"] = (upper / size - 0.2) * 1.5
    if exclamations:
        found["exclamation"] = exclamations / 10
    if length < 40:
        found["short"] = 1 - length / 40
    if len(words) > 8:
        some = words if len(words) < _MAX_PIECES else words[:_MAX_PIECES]
        found["repetition"] = (0.6 - len(set(some)) / len(some)) * 2
    if digits:
        found |= _of_digits(content, raw, digits)
    if "@" in content or "at)" in content or "at]" in content:
        found["email"] = float(_EMAIL.search(content) is not None)
    if not content.isascii():
        # In UTF-8 a Latin letter with an accent takes two bytes, a pictogram four.
        pictures = sum(1 for c in content if c > "\u2190" and not c.isalnum())
        letters = sum(map(str.isalpha, content)) or 1
        foreign = sum(1 for c in content if c > "\u036f" and c.isalpha())
        found["foreign_letters"] = foreign / letters
        found["pictures"] = 3 * pictures / length
        found["hidden"] = invisible_within_words(content) / 3
        found["mixed_scripts"] = mixed_words(content) / 3
    if 30 < length < 400 and not digits and quotes < 2:
        found["generic"] = 1 - capitals / 3
    return found


def _of_digits(content: str, raw: bytes, digits: int) -> dict[str, float]:
    return {
        "digits": (digits / len(raw) - 0.05) * 3,
        "phone": float(digits > 6 and _PHONE.search(content) is not None),
        "money": float(_CURRENCY.search(raw) is not None and _MONEY.search(content) is not None),
    }


def _of_links(content: str) -> dict[str, float]:
    links = [match.group() for match in islice(_LINK.finditer(content), MAX_LINKS)]
    found: dict[str, float] = {}
    if (not content.isascii() or _MAYBE_BARE.search(content)) and _BARE.search(content):
        found["bare_domain"] = 1.0
    if not links and "href" not in content:
        return found
    found |= _of_hosts([host for host in map(_host, links) if host])
    found["links"] = 1.0
    found["mostly_links"] = sum(map(len, links)) / len(content) - 0.2
    if len(links) > 1:
        found["many_links"] = log1p(len(links) - 1) / 3
    if "[" in content and _BBCODE.search(content):
        found["bbcode"] = 1.0
    if links and content.rstrip(" .!)>\n").endswith(links[-1].rstrip(".!)")):
        found["link_at_end"] = 1.0
    anchors = _ANCHOR.findall(content) if "<" in content else []
    if anchors or ("](" in content and _MARKDOWN.search(content)):
        found["anchors"] = 1.0
    for target, shown in anchors[:MAX_LINKS]:
        named = _LINK.search(shown)
        if named and registered_domain(_host(named.group())) != registered_domain(_host(target)):
            found["masked_link"] = 1.0
    return found


def _of_hosts(hosts: Sequence[str]) -> dict[str, float]:
    domains = {registered_domain(host) for host in hosts}
    found: dict[str, float] = {}
    if len(domains) > 1:
        found["many_domains"] = log1p(len(domains) - 1) / 2.5
    if not domains.isdisjoint(_shorteners()):
        found["shortener"] = 1.0
    if any(map(_IP.match, hosts)):
        found["raw_ip"] = 1.0
    if any(map(_is_odd, domains)):
        found["odd_domain"] = 1.0
    return found


def of_author(content: str, name: str, email: str, url: str) -> dict[str, float]:
    """Return what the author's fields show; nothing of an empty comment."""
    if not content or not (name or email or url):
        return {}
    content = bounded(content)
    found: dict[str, float] = {}
    name = name[:200].strip()
    lowered = content.lower()
    if name:
        words = name.split()
        if _TRADE.search(name) or len(words) > 4:
            found["keyword_name"] = 1.0
        if _LINK.search(name) or _BARE.search(name):
            found["name_is_link"] = 1.0
        if len(name) > 3 and any(
            shown.strip().lower() == name.lower()
            for _, shown in _ANCHOR.findall(content)[:MAX_LINKS]
        ):
            found["name_linked"] = 1.0
    domain = email.rpartition("@")[2].strip().lower()
    if domain and domain in disposable_email_domains.blocklist:
        found["disposable"] = 1.0
    host = _host(url.strip())
    if host:
        own = registered_domain(host)
        found["author_domain_linked"] = float(own in lowered)
        found["author_domain_odd"] = float(_is_odd(own))
        try:
            found["author_deep_link"] = float(len(urlsplit(url).path.strip("/")) > 12)
        except ValueError:
            found["author_deep_link"] = 0.0
    return {key: value for key, value in found.items() if value}
