"""Two views of a text: as it was written, and with the usual evasions undone.

The second view joins what was spaced out, shortens what was stretched, reads digits and signs as
the letters that they stand for, and takes hidden and look-alike characters away. It never
replaces the first: a vectoriser sees both, so that nothing is lost when the undoing was wrong.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase

import re2

#: A longer text is judged by its beginning and its end: what matters in a comment of a hundred
#: pages is seldom in the middle, and time must stay bounded.
MAX_LENGTH = 20_000

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
_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:([ .\-_*|/~,])[^\W_](?![^\W_])){2,}")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_CENSORED = re.compile(r"[*#%&@$!?^_\-.]*\*[*#%&@$!?^]*|[#%&@$!?^]{2,}")
#: A word with a letter beside a digit or a sign that can stand for one.
_DISGUISED = re.compile(
    r"[^\W\d_][0-9@$!*#%&|+€£]+[^\W_]|(?<!\S)[0-9@$!*|+€£]+[^\W\d_]|[^\W\d_][$*@]"
)
#: One cheap look decides whether an ASCII text needs any of the rest. RE2 takes a seventh of the
#: time that ``re`` takes, and its time is bounded by the length of the text.
_SUSPECT = re2.compile(
    "|".join(letter * 3 for letter in ascii_lowercase)
    + r"|[a-z][0-9@$!*#%&|+]+[a-z0-9]|(?:^|\s)[0-9@$!*|+]+[a-z]|[a-z][$*@]"
    r"|(?:^|[^a-z0-9])[a-z0-9][ .\-_*|/~,][a-z0-9][ .\-_*|/~,][a-z0-9](?:[^a-z0-9]|$)"
)


def bounded(text: str) -> str:
    """Return *text*, or its two ends when it is longer than MAX_LENGTH."""
    if len(text) <= MAX_LENGTH:
        return text
    half = MAX_LENGTH // 2
    return f"{text[:half]} {text[-half:]}"


def written(text: str) -> str:
    """Return the text as it was written: lower case, and one space between words."""
    return " ".join(text.lower().split())


def normalised(text: str) -> str:
    """Return the text with evasions undone; *text* is what ``written`` gave."""
    if text.isascii():
        if _SUSPECT.search(text) is None:
            return text
    else:
        text = _plain(text)
    text = _SPACED.sub(_joined, text)
    stretched = _STRETCHED.search(text) is not None
    return " ".join(
        word if not stretched and word.isalpha() else _undisguised(word) for word in text.split(" ")
    )


def hidden_characters(text: str) -> int:
    """Count the zero-width, bidirectional and other invisible characters."""
    return 0 if text.isascii() else sum(len(run) for run in _HIDDEN.findall(text))


def mixed_words(text: str) -> int:
    """Count the words that mix Latin with Cyrillic, Greek, Armenian or Cherokee letters."""
    if text.isascii() or not _NON_LATIN.search(text):
        return 0
    return sum(
        1
        for word in _FOREIGN_WORD.findall(text.lower())
        if _LATIN.search(word) and _NON_LATIN.search(word)
    )


def _plain(text: str) -> str:
    """Undo what only Unicode makes possible: styled, hidden, marked and look-alike letters."""
    text = _HIDDEN.sub("", text)
    text = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(filter(_stands_alone, unicodedata.normalize("NFD", text)))
    text = unicodedata.normalize("NFC", bare)
    # In a text that is mostly Latin every look-alike is suspect; in a Russian one, only those
    # that share a word with Latin letters.
    if len(_LATIN.findall(text)) > len(_NON_LATIN.findall(text)):
        text = text.translate(_FROM_LOOKALIKE)
    elif _NON_LATIN.search(text):
        text = _FOREIGN_WORD.sub(_one_script, text)
    return " ".join(text.split())


def _stands_alone(character: str) -> bool:
    return not unicodedata.combining(character)


def _one_script(match: re.Match[str]) -> str:
    word = match.group()
    return word.translate(_FROM_LOOKALIKE) if _LATIN.search(word) else word


def _joined(match: re.Match[str]) -> str:
    """Join "i d i o t", unless it is a list of numbers or the separators differ."""
    run = match.group()
    separator = run[1]
    letters = run[::2]
    if set(run[1::2]) != {separator} or letters.isdigit():
        return run
    return letters


def _undisguised(body: str) -> str:
    """Shorten stretched letters and read digits and signs as letters in one word."""
    if "://" in body or body.startswith("www."):
        return body
    word = body.rstrip("!?.,;:)\"'")
    tail = body[len(word) :]
    short = _STRETCHED.sub(r"\1\1", word)
    if short != word:
        # "sooo" may be "soo" or "so": the vectoriser sees both.
        once = _STRETCHED.sub(r"\1", word)
        word = f"{short} {once}"
    if _DISGUISED.search(word) is None:
        return word + tail
    # A censored word keeps one star where letters are missing: "f**k" and "f#@k" are both "f*k".
    starred = _CENSORED.sub("*", word)
    plain = word.translate(_LEET)
    if starred == word:
        return plain + tail
    return f"{starred} {plain.replace('*', '')}{tail}"
