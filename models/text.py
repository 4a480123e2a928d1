"""Reads a text into two views: as written, and normalised with evasions undone.

What a reader sees has no markup, and tells the author's own words from quotations and code. The
second view joins what was spaced out, shortens what was stretched, reads digits and signs as the
letters that they stand for, and takes hidden and look-alike characters away. It never replaces
the first: a vectoriser sees both, so that nothing is lost when the undoing was wrong.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from string import ascii_lowercase
from typing import Any, NamedTuple

import re2

from models import markup, quotation
from models.markup import CharacterKind, Link

#: Longest text that is read whole, in characters before and after NFKC; of a longer one the beginning
#: and the end are read, to bound time.
MAX_LENGTH = 20_000
#: Most marks upon one letter that are read: UAX 15's stream-safe form, which no spelling exceeds.
MOST_MARKS = 30
#: Largest number of characters that NFKC makes from one (U+FDFA).
_MOST_FROM_ONE = 18

_LATIN_LOOKALIKES = {
    # Cyrillic, Greek, Armenian and Cherokee letters drawn like Latin ones, then Latin variants
    # that NFKC keeps apart. Lower case only: the table is applied to lower-cased text.
    "a": "аɑαᴀ⍺ӑӓ",
    "b": "Ььвʙβᏼ",
    "c": "сϲᴄƈ",
    "d": "ԁɗᴅժ",
    "e": "еєҽɛεᴇӗ℮",
    "f": "ƒғſꜰ",
    "g": "ɡցɢ",
    "h": "һհнʜ",
    "i": "іıɩιɪӏї",
    "j": "јϳᴊ",
    "k": "кκᴋҝ",
    "l": "ӏʟⅼɭ",
    "m": "мᴍṃ",
    "n": "пηɴո",
    "o": "оοσօᴏөӧ",
    "p": "рρᴘ",
    "q": "ԛզ",
    "r": "гʀᴦ",
    "s": "ѕꜱʂ",
    "t": "тτᴛ",
    "u": "υսᴜʋц",
    "v": "νѵᴠ",
    "w": "ԝѡωᴡա",
    "x": "хχ×",
    "y": "уүγʏу",
    "z": "ᴢʐ",
}
_FROM_LOOKALIKE = {
    ord(other): latin for latin, others in _LATIN_LOOKALIKES.items() for other in others
}

_LEET = str.maketrans("013456789@$!|+€£", "oieasgtbgasiltel")

#: Zero-width and bidirectional marks, soft hyphens, variation selectors, tags and fillers.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef]+"
)
_NON_LATIN = re.compile("[\u0370-\u058f\u13a0-\u13ff]")
_LATIN = re.compile("[a-z]")
_FOREIGN_WORD = re.compile(
    "[a-z0-9\u00c0-\u024f\u0250-\u02af\u0370-\u058f\u13a0-\u13ff\u1d00-\u1d7f]+"
)

#: Three or more single letters with the same sign between them, as in "i d i o t" or "i.d.i.o.t".
_SPACED = re.compile(r"(?<![^\W_])[^\W_]([ .\-_*|/~,])[^\W_](?![^\W_])(?:\1[^\W_](?![^\W_]))+")
_OFTEN_DOUBLE = re.compile(r"([fglpst])\1{2,}")
_DOUBLE_VOWEL = re.compile(r"([eo])\1{2,}")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_SIGN_RUN = re.compile(r"[*#%&@$!?^_\-.]+")
_CENSORED = re.compile(r"[#%&@$!?^]{2,}")
#: A word with a letter beside a digit or a sign that can stand for one.
_DISGUISED = re.compile(
    r"[^\W\d_][0-9@$!*#%&|+€£]+[^\W_]|(?<!\S)[0-9@$!*|+€£]+[^\W\d_]|[^\W\d_][$*@]"
)
#: Short common words, by which letters that ran together are cut.
_COMMON = frozenset(
    [
        "the",
        "be",
        "to",
        "of",
        "and",
        "in",
        "that",
        "have",
        "it",
        "for",
        "not",
        "on",
        "with",
        "he",
        "as",
        "you",
        "do",
        "at",
        "this",
        "but",
        "his",
        "by",
        "from",
        "they",
        "we",
        "say",
        "her",
        "she",
        "or",
        "an",
        "will",
        "my",
        "one",
        "all",
        "would",
        "there",
        "their",
        "what",
        "so",
        "up",
        "out",
        "if",
        "about",
        "who",
        "get",
        "which",
        "go",
        "me",
        "when",
        "make",
        "can",
        "like",
        "time",
        "no",
        "just",
        "him",
        "know",
        "take",
        "people",
        "into",
        "year",
        "your",
        "good",
        "some",
        "could",
        "them",
        "see",
        "other",
        "than",
        "then",
        "now",
        "look",
        "only",
        "come",
        "its",
        "over",
        "think",
        "also",
        "back",
        "after",
        "use",
        "two",
        "how",
        "our",
        "work",
        "first",
        "well",
        "way",
        "even",
        "new",
        "want",
        "because",
        "any",
        "these",
        "give",
        "day",
        "most",
        "us",
        "are",
        "is",
        "was",
        "were",
        "been",
        "has",
        "had",
        "did",
        "does",
        "am",
        "im",
        "dont",
        "cant",
        "wont",
        "youre",
        "thats",
        "too",
        "very",
        "never",
        "always",
        "why",
        "where",
        "here",
        "down",
        "off",
        "away",
        "every",
        "much",
        "more",
        "such",
        "shut",
        "kill",
        "die",
        "dead",
        "hate",
        "stupid",
        "dumb",
        "idiot",
        "moron",
        "ugly",
        "fat",
        "sick",
        "loser",
        "shit",
        "fuck",
        "fucking",
        "fucked",
        "bitch",
        "ass",
        "asshole",
        "bastard",
        "dick",
        "cock",
        "cunt",
        "whore",
        "slut",
        "crap",
        "damn",
        "hell",
        "suck",
        "sucks",
        "retard",
        "pig",
        "trash",
        "garbage",
        "scum",
        "filthy",
        "dirty",
        "worthless",
        "pathetic",
        "useless",
        "liar",
        "fool",
        "freak",
        "gay",
        "lesbian",
        "muslim",
        "jew",
        "jews",
        "black",
        "white",
        "women",
        "men",
        "woman",
        "man",
        "mother",
        "father",
        "family",
        "house",
        "face",
        "page",
        "article",
        "edit",
        "wiki",
        "wikipedia",
        "user",
        "admin",
        "delete",
        "stop",
        "go",
        "hope",
        "burn",
        "hurt",
        "rape",
        "murder",
        "shoot",
        "stab",
        "hang",
        "throat",
        "head",
        "please",
        "thank",
        "thanks",
        "really",
        "still",
        "need",
        "should",
        "let",
        "own",
        "must",
        "life",
    ]
)
_LONGEST_RUN = 2_000
#: Punctuation that may follow a word.
_CLOSING = "!?.,;:)\"'"
#: Beyond this code point Unicode has no combining marks.
_LAST_MARK = 0x1EA00

#: One cheap look decides whether an ASCII text needs any of the rest. RE2 takes a seventh of the
#: time that ``re`` takes, and its time is bounded by the length of the text. The "www." that
#: begins an address is not a stretched letter.
_TRIPLES = (
    "|".join(letter * 3 for letter in ascii_lowercase if letter != "w")
    + r"|[^ \n/]www|(?:^|[^/])/www|(?:^|[^:])//www|www[^.]|www$"
)
_SINGLES = r"(?:^|[^a-z0-9])[a-z0-9][ .\-_*|/~,][a-z0-9][ .\-_*|/~,][a-z0-9](?:[^a-z0-9]|$)"
_SIGNS = r"[a-z][0-9@$!*#%&|+]+[a-z0-9]|(?:^|\s)[0-9@$!*|+]+[a-z]|[a-z][$*@]"
_SUSPECT = re2.compile(f"{_TRIPLES}|{_SIGNS}|{_SINGLES}".encode())
_MAYBE_STRETCHED = re2.compile(_TRIPLES.encode())
_MAYBE_SPACED = re2.compile(_SINGLES.encode())
#: A word of ASCII characters that may be more than letters and what stands behind them.
_ODD_WORD = re.compile(r"(?<![^ ])[^ ]*[0-9@$!*#%&|+][^ ]*")
#: What may be markup, a quotation, code, a link or an invisible character: whatever has none of
#: these is seen as it stands. "[^\n]*" ends a line's search, so that a batch is searched once.
_RICH = re2.compile(
    r"(?im)(?:<[a-z/!]|&#|&[a-z][a-z0-9]+;|`|~~|\*\*|__|://|www\.|\]\("
    r"|\[/?(?:quote|code|url|link|i|b|u|s|[a-z]{2,10})[\]= ]|\[\*\]"
    r"|^[ ]{0,3}#{1,6}[ \t]"
    r"|(?:^|[^\pL\pN_*])\*[^\s*]|(?:^|[^\pL\pN_\\])_[^\s_]"
    r"|[\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{200b}-\x{200f}"
    r"\x{202a}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}"
    r"\x{fff9}-\x{fffb}\x{e0000}-\x{e01ef}]"
    rf"|{quotation.CUES}"
    r")[^\n]*"
)
#: A sign that all markup, code and links have, in a text of ASCII characters.
_SIGN = re2.compile(rb"(?i)[<&\[*_~#`]|://|www\.")
#: A letter, a digit, a picture or an emoticon.
_SAYS = re.compile(
    "[^\\W_]|[\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    r"|[:;=][-'o^]?[)(\[\]|/*]|\^[_.-]{0,3}\^|[><][_.-]{1,3}[><]|-[_.]-"
)
#: Smallest batch that is searched at once; fewer texts are read one by one, which is faster.
FEW = 8


class Reading(NamedTuple):
    """A text as a scorer reads it; no part is longer than MAX_LENGTH."""

    #: The text itself, bounded in length.
    content: str
    #: The words of ``own`` in lower case, as white space parts them.
    words: list[str]
    #: The view of ``own`` as it was written: its words, joined by single spaces.
    written: str
    #: The view with evasions undone; the very same object when there was nothing to undo.
    normal: str
    #: What a reader sees of the author's own words, lines kept; of a comment that is nothing but
    #: quotation, code or hidden text, that. The very same object as ``content`` when all is own.
    own: str
    #: What a reader sees of other people's words.
    quoted: str = ""
    #: Program code.
    code: str = ""
    #: What stands in the comment and can't be seen.
    hidden: str = ""
    #: The links, hidden ones included; at most ``markup.MAX_LINKS``.
    links: tuple[Link, ...] = ()


def read(texts: Sequence[str]) -> list[Reading]:
    """Return a reading of each text: the same as it would be alone, but cheaper together.

    The last texts' readings are kept: who compares a batch and then scores it reads it once.
    """
    return list(_last_read(tuple(texts)))


def places(text: str) -> list[tuple[int, int]]:
    """Return from where to where in *text* each character of its ``own`` stands, in code points."""
    content = bounded(text)
    originals = _kept(text, range(len(text)), len(content))
    if not found_in(_RICH, [content.encode("utf-8", "replace")]):
        return [(place, place + 1) for place in originals]
    seen = markup.shown(content)
    runs = _own_runs(seen)
    characters = [at for run in runs for at in range(*run)]
    own = "".join(map(seen.text.__getitem__, characters))
    return [
        (originals[begin], originals[end - 1] + 1)
        for begin, end in (
            seen.place(content, at) for at in _kept(own, characters, len(bounded(own)))
        )
    ]


def _kept(text: str, items: Sequence[int], length: int) -> list[int]:
    """Return those of *items*, one for each character of *text*, that ``bounded`` keeps; *length* of them.

    Its space in the middle stands for the last before it.
    """
    if len(items) == length:
        return list(items)
    if more := [match.span() for match in _more_marks().finditer(text)]:
        begins = [0, *(end for _, end in more)]
        ends = [*(begin + MOST_MARKS for begin, _ in more), len(text)]
        items = [item for span in zip(begins, ends, strict=True) for item in items[slice(*span)]]
    if len(items) == length:
        return list(items)
    half = length // 2
    return [*items[: half + 1], *items[-half:]]


def _read(texts: Sequence[str]) -> tuple[Reading, ...]:
    contents = list(map(bounded, texts))
    rich = found_in(_RICH, [content.encode("utf-8", "replace") for content in contents])
    begun = []
    for index, content in enumerate(contents):
        own, *parts = _seen(content) if index in rich else (content,)
        words = own.lower().split()
        begun.append((own, words, bounded(" ".join(words)), parts))
    plain = [index for index, (_, _, as_written, _) in enumerate(begun) if as_written.isascii()]
    suspects = found_in(_SUSPECT, [begun[index][2].encode() for index in plain])
    same = {index for place, index in enumerate(plain) if place not in suspects}
    return tuple(
        Reading(
            contents[index],
            words,
            as_written,
            as_written if index in same else bounded(_undone(own, as_written)),
            own,
            *parts,
        )
        for index, (own, words, as_written, parts) in enumerate(begun)
    )


_last_read = lru_cache(maxsize=1)(_read)


def _seen(content: str) -> tuple[Any, ...]:
    """Return what a reader sees, in the order of Reading's fields from ``own`` on."""
    # What may quote, for a word such as "said", most often does not.
    is_bare = content.isascii() and _SIGN.search(content.encode()) is None
    if is_bare and next(quotation.ranges(content, bytes(len(content))), None) is None:
        return (content,)
    seen = markup.shown(content)
    quoted, code, hidden = (
        bounded("\n".join(seen.text[begin:end].strip() for begin, end in seen.parts(kind)))
        for kind in (CharacterKind.QUOTED, CharacterKind.CODE, CharacterKind.HIDDEN)
    )
    own = bounded("".join(seen.text[begin:end] for begin, end in _own_runs(seen)))
    return (content if own == content else own), quoted, code, hidden, tuple(seen.links)


def _own_runs(seen: markup.Shown) -> list[tuple[int, int]]:
    """Return the author's own words; where they say nothing, the first of the rest that does."""
    for kinds in (
        (CharacterKind.OWN,),
        (CharacterKind.OWN, CharacterKind.QUOTED, CharacterKind.CODE),
        (CharacterKind.OWN, CharacterKind.HIDDEN),
    ):
        runs = list(seen.parts(*kinds))
        if any(_SAYS.search(seen.text, *run) for run in runs):
            return runs
    return list(seen.parts(CharacterKind.OWN))


def says_something(text: str) -> bool:
    """Tell whether *text* has a letter, digit, picture or emoticon."""
    return _SAYS.search(text) is not None


def found_in(pattern: Any, texts: Sequence[bytes]) -> set[int]:
    """Return the places of the texts in which *pattern* is found, in one pass over all of them.

    The pattern must match across no two line ends, which part the texts.
    """
    if len(texts) < FEW:
        return {place for place, text in enumerate(texts) if pattern.search(text) is not None}
    starts = list(accumulate((len(text) + 2 for text in texts), initial=0))
    matches = pattern.finditer(b"\n\n".join(texts))
    return {bisect_right(starts, match.end() - 1) - 1 for match in matches}


def bounded(text: str) -> str:
    """Return *text*, or its two ends when it or its NFKC form is longer than MAX_LENGTH.

    Of marks upon one letter it keeps MOST_MARKS: to sort them takes time quadratic in their number.
    """
    most = MAX_LENGTH
    if len(text) > MOST_MARKS and not text.isascii():
        text = _more_marks().sub(r"\1", text)
    if len(text) * _MOST_FROM_ONE > MAX_LENGTH and not text.isascii():
        if len(text) > most:
            text = _ends(text, most)
        if len(unicodedata.normalize("NFKC", text)) > MAX_LENGTH:
            most = MAX_LENGTH // _MOST_FROM_ONE
    return text if len(text) <= most else _ends(text, most)


def _ends(text: str, most: int) -> str:
    half = most // 2 - 1
    return f"{text[:half]} {text[-half:]}"


def _undone(text: str, as_written: str) -> str:
    """Return the text with evasions undone."""
    if as_written.isascii():
        raw = as_written.encode()
        if _MAYBE_SPACED.search(raw) is None and _MAYBE_STRETCHED.search(raw) is None:
            return _ODD_WORD.sub(lambda match: _undisguised(match.group()), as_written)
        text = text.lower()
    else:
        text = _plain(text.lower())
    # Here a wider gap still tells where one spaced-out word ends and the next begins.
    text = " ".join(_SPACED.sub(_joined, text).split())
    stretched = _STRETCHED.search(text) is not None
    return " ".join(
        word
        if (word.isalpha() or word.rstrip(_CLOSING).isalpha())
        and not (stretched and _STRETCHED.search(word))
        else _undisguised(word)
        for word in text.split(" ")
    )


def mixed_words(text: str) -> int:
    """Count the words of Latin letters with look-alikes of other alphabets among them.

    Units such as "k\u03a9" and words that take an ending of another alphabet mix nothing up.
    """
    text = text.lower()
    if text.isascii() or not _NON_LATIN.search(text) or not _LATIN.search(text):
        return 0
    return sum(map(_is_mixed, _FOREIGN_WORD.findall(text)))


def _is_mixed(word: str) -> bool:
    others = _NON_LATIN.findall(word)
    return (
        0 < len(others) < len(word)
        and len(word) > 2
        and _LATIN.search(word) is not None
        and any(ord(letter) in _FROM_LOOKALIKE for letter in others)
    )


def _plain(text: str) -> str:
    """Undo evasions by Unicode: styled, hidden, marked and look-alike letters."""
    text = _HIDDEN.sub("", text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFD", text).translate(_marks())
    text = unicodedata.normalize("NFC", text)
    # In a text that is mostly Latin every look-alike is suspect; in a Russian one, only those
    # that share a word with Latin letters.
    others = _NON_LATIN.findall(text)
    if not others or len(_LATIN.findall(text)) > len(others):
        return text.translate(_FROM_LOOKALIKE)
    return _FOREIGN_WORD.sub(_one_script, text)


@cache
def _marks() -> dict[int, None]:
    """Map every mark that is written upon another letter to nothing."""
    return dict.fromkeys(code for code in range(_LAST_MARK) if unicodedata.combining(chr(code)))


@cache
def _more_marks() -> re.Pattern[str]:
    """Return a pattern for more than MOST_MARKS marks upon one letter, of which it groups the first."""
    marks = "".join(map(chr, _marks()))
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")


def _one_script(match: re.Match[str]) -> str:
    word = match.group()
    return word.translate(_FROM_LOOKALIKE) if _LATIN.search(word) else word


def _joined(match: re.Match[str]) -> str:
    """Join "i d i o t", unless it is a list of numbers."""
    letters = match.group()[::2]
    if letters.isdigit():
        return match.group()
    return letters if len(letters) < 6 else " ".join(_segmented(letters))


def _segmented(letters: str) -> list[str]:
    """Cut letters that ran together into common words, with what is left between them.

    Gaps do not separate spaced-out words that follow one another. The cheapest cut
    is taken: a common word costs one, a letter outside of any costs one too.
    """
    letters = letters[:_LONGEST_RUN]
    best: list[tuple[int, int]] = [(0, 0)]
    for end in range(1, len(letters) + 1):
        options = [(best[end - 1][0] + 1, 1)]
        options += [
            (best[end - size][0] + 1, size)
            for size in range(2, min(end, 9) + 1)
            if letters[end - size : end] in _COMMON
        ]
        best.append(min(options))
    pieces: list[str] = []
    loose = ""
    end = len(letters)
    while end:
        size = best[end][1]
        if size == 1:
            loose = letters[end - 1] + loose
        else:
            pieces += [loose, letters[end - size : end]]
            loose = ""
        end -= size
    return [piece for piece in reversed([*pieces, loose]) if piece]


def _undisguised(body: str) -> str:
    """Shorten stretched letters and read digits and signs as letters in one word."""
    if "://" in body or body.startswith("www."):
        return body
    word = body.rstrip(_CLOSING)
    tail = body[len(word) :]
    once = _STRETCHED.sub(r"\1", word)
    if once != word:
        # "asssshole" has two of them, "stuuupid" one, "gooood" two: the likely ones are all seen.
        doubles = _STRETCHED.sub(r"\1", _OFTEN_DOUBLE.sub(r"\1\1", word))
        vowels = _STRETCHED.sub(r"\1", _DOUBLE_VOWEL.sub(r"\1\1", word))
        word = " ".join(dict.fromkeys((once, doubles, vowels)))
    if _DISGUISED.search(word) is None:
        return word + tail
    # A censored word keeps one star where letters are missing: "f**k" and "f#@k" are both "f*k".
    starred = _SIGN_RUN.sub(_starred, word)
    plain = word.translate(_LEET)
    if starred == word:
        return plain + tail
    return f"{starred} {plain.replace('*', '')}{tail}"


def _starred(match: re.Match[str]) -> str:
    """Return one star for the signs up to the last star of a run, and for each two and more signs behind it."""
    _, star, rest = match.group().rpartition("*")
    return star + _CENSORED.sub("*", rest.lstrip("#%&@$!?^") if star else rest)
