"""Signals: properties of a comment besides its words, such as links, contacts and repetition.

Each signal is a number from 0 to 1, so that one weight means the same on every one of them, and
has a sentence that a moderator understands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from html import unescape
from itertools import islice
from math import log1p
from operator import itemgetter, ne
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import disposable_email_domains
import numpy as np
import re2
from numpy.typing import NDArray
from publicsuffixlist import PublicSuffixList

from models.markup import Form, Link, invisible_within_words
from models.text import FEW, Reading, found_in, mixed_words, read

_MAX_PIECES = 500
_first = itemgetter(0)


def said(text: str) -> str:
    """Return *text* as it is; the name marks it for `make words`, which translates it."""
    return text


#: Each signal's name, and what it says to a moderator, in the order of the artifact's weights.
SIGNALS: dict[str, str] = {
    "links": said("has a link"),
    "many_links": said("has many links"),
    "many_domains": said("links to several different domains"),
    "shortener": said("hides a link behind a shortener"),
    "mostly_links": said("is mostly links"),
    "masked_link": said("shows another address than its link goes to"),
    "anchors": said("has links in HTML"),
    "bbcode": said("has links in forum markup"),
    "link_at_end": said("ends with a link"),
    "bare_domain": said("names a web address without a link"),
    "raw_ip": said("links to a bare IP address"),
    "odd_domain": said("links to a long, hyphenated or cheap domain"),
    "email": said("gives an e-mail address"),
    "phone": said("gives a telephone number"),
    "messenger": said("asks to be contacted by a messenger"),
    "money": said("speaks of sums of money"),
    "repetition": said("repeats itself"),
    "capitals": said("is in capital letters"),
    "exclamation": said("is full of exclamation marks"),
    "digits": said("is full of digits"),
    "hidden": said("contains invisible characters"),
    "mixed_scripts": said("mixes alphabets within words"),
    "pictures": said("is full of pictograms"),
    "short": said("is very short"),
    "long": said("its length"),
    "generic": said("is short and says nothing particular"),
    "trackback": said("is a trackback or pingback of another page"),
    "hidden_text": said("contains text that readers can't see"),
    "hidden_link": said("contains a link that readers can't see"),
    "useful_place": said("links to a well-known place, and nowhere else"),
}
_COLUMNS = {name: column for column, name in enumerate(SIGNALS)}
#: Signals of an author's fields, and what each adds to the log-odds of spam: set by hand, since in
#: the data that there is an address tells which source a comment comes from.
AUTHOR_SIGNALS: dict[str, float] = {
    "keyword_name": 1.0,
    "name_is_link": 1.5,
    "name_linked": 1.0,
    "disposable": 0.7,
    "author_domain_linked": 0.5,
    "author_domain_odd": 0.5,
    "author_deep_link": 0.5,
}
#: What the signals of an author say to a moderator.
AUTHOR_SENTENCES: dict[str, str] = {
    "keyword_name": said("its author's name reads like a search term"),
    "name_is_link": said("its author's name is a web address"),
    "name_linked": said("its author's name is the text of a link"),
    "disposable": said("its author's e-mail domain is a throw-away one"),
    "author_domain_linked": said("links to its author's own web address"),
    "author_domain_odd": said("its author's web address is long, hyphenated or cheap"),
    "author_deep_link": said("its author's web address is a page deep inside a site"),
}

_LINK = re.compile(r"https?://[^\s<>\"'\])]+|www\.[^\s<>\"'\])]+", re.IGNORECASE)
#: A bare domain. Of top-level domains that are words, too, only those count before a path or after
#: a hyphen or a digit: "it works.In my case" names no domain.
_ENDINGS = (
    r"com|net|org|info|biz|shop|xyz|top|site|online|store|club|co|io|me|ru|in|live|pro|us|vip"
)
_ENDING = rf"(?:{_ENDINGS})(?:\.[a-z]{{2}})?\b(?![.-]?\w)"
_WORDY = r"shop|top|site|online|store|club|me|in|live|pro|us"
_BARE = re.compile(
    rf"(?<![\w@./-])(?!\w+\.(?:{_WORDY})\b(?!/))[a-z0-9][a-z0-9-]{{1,62}}\.{_ENDING}"
    rf"|(?<![\w@./-])[a-z0-9][a-z0-9-]{{0,30}}[0-9-][a-z0-9-]{{0,30}}\.{_ENDING}"
    rf"|(?<![\w@./-])[a-z0-9][a-z0-9-]{{1,62}}\s?(?:[(\[{{]dot[)\]}}]|\sdot\s)\s?{_ENDING}",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"[\w.+-]{1,64}[@\uff20][\w-]{1,63}(?:\.[\w-]{1,63}){0,3}\.[^\W\d_]{2,}"
    r"|[\w.+-]{1,64}\s?(?:[(\[{]at[)\]}]| at )\s?[\w-]{1,63}\s?(?:\.|[(\[{]dot[)\]}]| dot )\s?[a-z]{2,4}\b"
    r"|[\w.+-]{1,64}\s?@\s?(?:gmail|yahoo|hotmail|outlook|proton\w*|icloud|yandex|aol|gmx|mail)\s?"
    r"(?:\.|dot)\s?[a-z]{2,4}\b",
    re.IGNORECASE,
)
#: Eight to fifteen digits with little between them.
_NUMBER = re.compile(
    r"(?<![\w/=.,-])(?:\+|\(|00)?[ (]{0,2}\d(?:[). \t(\u2010-\u2015_*|~-]{0,3}\d){7,14}(?![\w/])"
)
#: Numbers that match and are no telephone numbers: dates, amounts, versions, ISBNs.
_NO_PHONE = re.compile(
    r"^(?:\d{4}[-. ]\d\d?[-. ]\d\d?|\d\d?[-. ]\d\d?[-. ](?:19|20)\d\d)(?!\d)"
    r"|^\d{1,3}(?:[ .]\d{3})+$|^\d{1,3}(?:\.\d{1,3}){3}$|^97[89][- ]?\d|^(?:\d[ ]){5,}\d$"
    r"|^(?:19|20)\d\d ?[-\u2010-\u2015] ?(?:19|20)\d\d$"
)
_DIALLED = re.compile(
    r"^(?:\+|00|\()|^0\d{1,4}[). \u2010-\u2015-]|^1?[-. ]?\(?\d{3}[). -]{1,3}\d{3}[. -]\d{4}$|^[06-9]\d{9}$"
)
_MESSENGER = re2.compile(
    r"(?i)wh?at\s?'?s?'?\s?app|\bwtsapp|telegram|\bt\.me\b|\bwa\.me\b|\bskype\b|\bviber\b|\bwe\s?chat\b"
    r"|\bkik\b|\bdiscord\b|вотсап|ватсап|вацап|уотсап|телеграм|\bтелег[ауе]\b|\bтг\b|вайбер"
    r"|واتس\s?[آا]?ب|تلي?ج[رـ]ا?م|تيليجرام|تلگرام|וואטסאפ|טלגרם|व्हा?ट्स\s?[एऐ]प|टेलीग्राम|হোয়াটসঅ্যাপ|টেলিগ্রাম"
    r"|微信|薇信|威信|加微|电报群|飞机号|[加扣]群|\bqq\b|카톡|카카오톡|텔레그램|텔레\b|라인\s?아이디|ラインid|テレグラム|\bzalo\b|แอดไลน์|ไลน์"
)
_INVITES = re2.compile(
    r"(?i)\b(?:text|call|inbox|dm|contact|reach|message|write|add|hit)\s(?:me|him|her|us|them|up)\b"
    r"|\bon\s(?:instagram|ig)\b|\b(?:contact|reach|message|write to|add|chat with|via|through|on)\b[^\n]{0,40}@\w"
    r"|пиш[иу]т?е?\b|напиш|\bлс\b|личк[аеу]|личн\w+ сообщ|свяж|обращ|تواصل|راسل|صلوا?\sبي|फ़?ोन|संपर्क|যোগাযোগ|联系|聯繫|加我|加[微vq群扣]|[微薇威]信[号：:]|咨询|私信|연락|문의|連絡|追加"
    r"|schreib\w*\s(?:mir|ihm|uns)|kontaktier|contacte[rz]|escr[ií]b\w+me|cont[aá]ct[ae]\w*|contatta|napisz"
    r"|neem contact|hubungi|liên hệ|ติดต่อ|ulaş|iletişim|επικοινων|ازین طریق|تماس"
)
_HANDLE = re.compile(r"(?<![\w.@])@[A-Za-z]\w{3,}")
_CONTACT_WORDS = re2.compile(
    r"(?i)\b(?:call|phone|tel|telefon|tel\S{0,3}fono|telefone|t\S{1,2}l\b|mobile|number|hotline|helpline|toll|sms|viber|cell)"
    r"|телефон|звон|тел\b|هاتف|اتصل|תלפון|טלפון|फ़?ोन|नंबर|ফোন|电话|電話|手机|전화|번호|โทร|điện thoại|sđt"
)
_TRACKBACK = re2.compile(
    r"(?im)\b(?:t?here you (?:will|can) find)[ \t]+(?:\d+[ \t]+)?(?:more|additional)?[ \t]*info"
    r"|\bfind more\b[^\n]{0,40}\bon that topic|\bread more\b[^\n]{0,60}\bto that topic"
    r"|\binfo(?:rmation|s)?\b[^\n]{0,30}\b(?:on|to) that topic"
    r"|\bfind (?:more |here )?[^\n]{0,40}\d+ (?:more|additional) info"
    r"|^[^\pL\pN_\n]*(?:trackback|pingback|pingrückruf|rétrolien|retroenlace|retrolink|ping :"
    r"|terugverwijzing|odkaz zpět|обратная ссылка|обратный пинг|уведомление:|трекбек|пингбэк"
    r"|トラックバック|ピンバック|引用通告|自动引用通知|트랙백|핑백|تعقيب)"
)
_ELLIPSIS = r"[\[(]\s*(?:\.{2,4}|\u2026|\. \. \.)\s*[\])]"
_EXCERPT = re.compile(rf"^\W{{0,3}}{_ELLIPSIS}.{{0,3000}}{_ELLIPSIS}\W{{0,3}}$", re.DOTALL)
_MONEY = re.compile(r"[$€£₹]\s?\d|\d\s?(?:[$€£₹]|usd|dollars|btc|bitcoin|euro)", re.IGNORECASE)
_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = b"0123456789"
#: Top-level domains given away or sold for next to nothing; no country's that people live in.
_CHEAP = re.compile(r"\.(?:info|biz|xyz|top|site|online|shop|club|icu|vip|tk|ga|cf|gq|pw|cc|ws)$")
_IP = re.compile(r"^\d{1,3}(?:\.\d{1,3}){3}$")
#: A fast search that must match before the slow one for bare domains is run.
_MAYBE_BARE = re2.compile(rf"(?i)[a-z0-9](?:\.|[^\n]{{0,2}}dot[^\n]{{0,2}})(?:{_ENDINGS})\b")
_MAYBE_EMAIL = re2.compile(r"(?i)[@\x{ff20}]|[ (\[{]at[ )\]}]")
#: Most numbers of a comment that are checked for a telephone number.
_MAX_NUMBERS = 50
_ANNOUNCED = re2.compile(f"{_CONTACT_WORDS.pattern}|{_MESSENGER.pattern}")
#: Pictograms, dingbats and emoji, without what joins and colours them.
_PICTURE = re.compile("[\u2190-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff]")
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


@cache
def _places() -> Mapping[str, tuple[str, ...]]:
    """Return for each well-known host the beginnings of paths that are meant."""
    listed = Path(__file__).with_name("places.txt").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in listed.splitlines():
        if line and not line.startswith("#"):
            host, _, path = line.partition("/")
            found[host] = (*found.get(host, ()), path)
    return found


def is_useful_place(link: str) -> bool:
    """Tell whether *link* leads to a well-known site that readers link to."""
    host = _host(link)
    if not host:
        return False
    domain = registered_domain(host)
    if domain.startswith("google."):  # of every country
        host = host.replace(domain, "google.com")
    path = urlsplit(link if "//" in link else f"//{link}").path.lstrip("/")
    return (
        _PUBLIC.search(host) is not None
        or "" in _places().get(domain, ())
        or any(path.startswith(beginning) for beginning in _places().get(host, ()))
    )


#: Schools, universities and public bodies.
_PUBLIC = re.compile(r"\.(?:gov|edu|mil|(?:ac|gov|gob|gouv|edu)\.[a-z]{2})$")


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
    if "xn--" in domain:  # long by its encoding, not by its name
        try:
            domain = domain.encode("ascii").decode("idna")
        except (UnicodeError, ValueError):
            return True
    return len(domain) > 24 or domain.count("-") > 1 or _CHEAP.search(domain) is not None


def signals(
    content: str, author_name: str = "", author_email: str = "", author_url: str = ""
) -> dict[str, float]:
    """Return the signals that are not 0."""
    (reading,) = read([content])
    (raised,) = raised_by([reading])
    found = {name: min(value, 1.0) for name, value in raised.items() if value > 0}
    return found | of_author(reading, author_name, author_email, author_url)


def raised_by(readings: Sequence[Reading]) -> list[dict[str, float]]:
    """Return the signals of each content, from 0 to 1; the rest of the batch changes none."""
    lean = [_lean(reading) for reading in readings]
    encoded = [text.encode("utf-8", "replace") for text in lean]
    counted = (
        list(map(_counted, lean, encoded))
        if len(readings) < FEW
        else _counted_together(lean, encoded)
    )
    raised = [
        _of_text(reading, text, raw, counts) if text else {}
        for reading, text, raw, counts in zip(readings, lean, encoded, counted, strict=True)
    ]
    #: Once more as it reads without disguise: "w h a t s a p p" is one, too.
    both = [
        raw
        if reading.normal is reading.written
        else raw + b"\n" + reading.normal.encode("utf-8", "replace")
        for raw, reading in zip(encoded, readings, strict=True)
    ]
    named, inviting = found_in(_MESSENGER, both), found_in(_INVITES, both)
    for place in named | inviting:
        is_offer = place in named and place in inviting
        raised[place]["messenger"] = (
            1.0 if is_offer or _has_way(raised[place], lean[place]) else 0.3
        )
    for place in found_in(_TRACKBACK, encoded):
        raised[place]["trackback"] = 1.0
    for place in found_in(_MAYBE_BARE, encoded):
        if any(not is_useful_place(one.group()) for one in _BARE.finditer(lean[place])):
            raised[place]["bare_domain"] = 1.0
    for place, reading in enumerate(readings):
        if reading.links:
            raised[place] |= _of_links(reading, lean[place])
    return raised


def table(readings: Sequence[Reading]) -> NDArray[np.float64]:
    """Return ``raised_by`` as a table, float64 of shape (n_texts, n_signals), in the order of SIGNALS."""
    rows = np.zeros((len(readings), len(SIGNALS)))
    for row, raised in enumerate(raised_by(readings)):
        for name, value in raised.items():
            rows[row, _COLUMNS[name]] = min(max(value, 0.0), 1.0)
    return rows


def _lean(reading: Reading) -> str:
    """Return the author's own words with the name of its host for each address.

    Digits, capitals and length of an address say nothing about the text.
    """
    text = reading.own
    for link in reading.links:
        if link.form is Form.BARE and link.target in text:
            text = text.replace(link.target, _seen_of(link), 1)
    return text


def _has_way(found: Mapping[str, float], text: str) -> bool:
    """Say whether a text that names a messenger or invites gives a number or a name to write to."""
    return bool(found.get("phone") or found.get("email") or _HANDLE.search(text))


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


def _of_text(reading: Reading, text: str, raw: bytes, counts: _Counts) -> dict[str, float]:
    words = reading.words
    length = len(text)
    found = {"long": log1p(length / 300) / 4}
    if counts.exclamations:
        found["exclamation"] = counts.exclamations / 10
    if length < 40:
        found["short"] = 1 - length / 40
    if len(words) > 8:
        some = words if len(words) < _MAX_PIECES else words[:_MAX_PIECES]
        found["repetition"] = (0.6 - len(set(some)) / len(some)) * 2
    if text.isascii():
        if counts.upper and length > 8:
            found["capitals"] = (counts.upper / length - 0.2) * 1.5
        is_cased = True
    else:
        found |= _of_characters(text)
        is_cased = _is_cased(text[:_MAX_PIECES])
    found |= _of_contacts(text, raw, counts.digits)
    if reading.own is not reading.content or not text.isascii():
        found |= _of_hiding(reading)
    if "[" in text or "(" in text:
        found["trackback"] = 0.5 * (length < 3_000 and _EXCERPT.match(text) is not None)
    if 30 < length < 400 and not counts.digits and counts.quotes < 2 and is_cased:
        found["generic"] = 1 - counts.capitals / 3
    return found


def _of_characters(text: str) -> dict[str, float]:
    """Return the signals of characters outside of ASCII."""
    length = len(text)
    found = {"mixed_scripts": mixed_words(text) / 3}
    letters = sum(map(str.isalpha, text))
    if letters:
        # Pictures alone are a comment; among words, many of them are a way to be seen.
        found["pictures"] = 3 * len(_PICTURE.findall(text)) / length
    if length > 8:
        found["capitals"] = (sum(map(ne, text, text.lower())) / length - 0.2) * 1.5
    return found


def _is_cased(text: str) -> bool:
    """Say whether most letters are of a script that has capital ones."""
    return bool(2 * sum(map(ne, text.lower(), text.upper())) > sum(map(str.isalpha, text)))


def _of_hiding(reading: Reading) -> dict[str, float]:
    return {
        "hidden": invisible_within_words(unescape(reading.content)) / 3,
        "hidden_text": float(any(map(str.isalnum, reading.hidden))),
    }


def _of_contacts(text: str, raw: bytes, digits: int) -> dict[str, float]:
    found: dict[str, float] = {}
    if _MAYBE_EMAIL.search(raw):
        found["email"] = float(_EMAIL.search(text) is not None)
    if not text.isascii():
        text = _with_plain_digits(text)
        digits = sum(map(str.isdigit, text))
    if digits:
        found["digits"] = (digits / len(text) - 0.05) * 3
        found["phone"] = float(digits > 6 and _has_phone(text))
        found["money"] = float(
            _CURRENCY.search(raw) is not None and _MONEY.search(text) is not None
        )
    return found


def _with_plain_digits(text: str) -> str:
    """Write the digits of every script, styled and boxed ones among them, as 0 to 9."""
    text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match.group(), "")), text)
    return _KEYCAP.sub("", text)


#: Digits outside of ASCII; superscripts are no part of a number.
_OTHER_DIGIT = re.compile(
    r"(?![0-9])\d|[\u2460-\u2468\u2474-\u247c\u24f5-\u24fd\u2776-\u277e\u24ea]"
)
_KEYCAP = re.compile("\ufe0f?\u20e3")


def _has_phone(text: str) -> bool:
    """Say whether a telephone number is given: one dialled as such, or announced in words."""
    for match in islice(_NUMBER.finditer(text), _MAX_NUMBERS):
        number = match.group().strip()
        if _NO_PHONE.search(number) or "isbn" in text.lower():
            continue
        # Any number of nine digits or more is one beside "call" or "WhatsApp".
        if _DIALLED.search(number) or _ANNOUNCED.search(text.encode("utf-8", "replace")):
            return True
    return False


def _of_links(reading: Reading, text: str) -> dict[str, float]:
    links = [one for one in reading.links if one.form is not Form.IMAGE and _leads_out(one.target)]
    found: dict[str, float] = {}
    if any(one.target.lower().startswith("mailto:") for one in reading.links):
        found["email"] = 1.0
    if not links:
        return found
    if len(links) == 1 and is_useful_place(links[0].target):
        found["useful_place"] = 1.0
    else:
        found |= _of_hosts([host for host in map(_host, (one.target for one in links)) if host])
        found["links"] = 1.0
        if len(links) > 1:
            found["many_links"] = log1p(len(links) - 1) / 3
        found["mostly_links"] = sum(map(len, map(_seen_of, links))) / max(len(text), 1) - 0.2
        if text.rstrip(" .!)>\n").endswith(_seen_of(links[-1]).rstrip(".!)") or "\n"):
            found["link_at_end"] = 1.0
    forms = {one.form for one in links}
    if Form.HTML in forms or Form.MARKDOWN in forms:
        found["anchors"] = 1.0
    if Form.BBCODE in forms:
        found["bbcode"] = 1.0
    if any(map(_is_masked, links)):
        found["masked_link"] = 1.0
    if any(one.hidden for one in links):
        found["hidden_link"] = 1.0
    return found


def _leads_out(target: str) -> bool:
    return target.lower().startswith(("http", "hxxp", "//", "www.", "ftp:")) or bool(
        _BARE.match(target)
    )


_NO_LETTER = re.compile(r"[\W\d_]")


def _seen_of(link: Link) -> str:
    """Return the part of a link that the text without addresses keeps."""
    return _NO_LETTER.sub("-", _host(link.target)) if link.form is Form.BARE else link.shown


def _is_masked(link: Link) -> bool:
    """Say whether a link names one site and leads to another."""
    named = _LINK.search(link.shown) or _BARE.search(link.shown)
    return named is not None and registered_domain(_host(named.group())) != registered_domain(
        _host(link.target)
    )


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


def of_author(reading: Reading, name: str, email: str, url: str) -> dict[str, float]:
    """Return the signals of the author's fields; none for an empty comment."""
    if not reading.content or not (name or email or url):
        return {}
    found: dict[str, float] = {}
    name = name[:200].strip()
    if name:
        if _TRADE.search(name) or _is_phrase(name):
            found["keyword_name"] = 1.0
        if _LINK.search(name) or _BARE.search(name):
            found["name_is_link"] = 1.0
        if len(name) > 3 and any(
            link.form is not Form.BARE and link.shown.lower() == name.lower()
            for link in reading.links
        ):
            found["name_linked"] = 1.0
    domain = email.rpartition("@")[2].strip().lower()
    if domain and domain in disposable_email_domains.blocklist:
        found["disposable"] = 1.0
    host = _host(url.strip())
    if host and not is_useful_place(url):
        own = registered_domain(host)
        found["author_domain_linked"] = float(own in reading.content.lower())
        found["author_domain_odd"] = float(_is_odd(own))
        try:
            found["author_deep_link"] = float(len(urlsplit(url).path.strip("/")) > 12)
        except ValueError:
            found["author_deep_link"] = 0.0
    return {key: value for key, value in found.items() if value}


def _is_phrase(name: str) -> bool:
    """Say whether a name has more words than people's names have, such as a search phrase."""
    words = name.split()
    return len(words) > 4 and sum(word[:1].islower() for word in words) > 2
