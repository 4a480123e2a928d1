"""Identifies the language of a comment: an ISO 639-1 code, or "" where it is uncertain."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from models.identifier import Identifier
from models.text import Reading, read

#: Languages with examples in training and evaluation.
MEASURED = frozenset(
    [
        "en", "de", "fr", "es", "pt", "it", "nl", "pl", "cs", "sv", "da", "fi", "tr", "ru", "uk", "el",
        "ar", "he", "fa", "hi", "bn", "id", "vi", "th", "ja", "ko", "zh",
    ]
)  # fmt: skip

#: Scripts that only one language of those that comments come in is written in.
_SETTLED: Mapping[str, str] = {
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "ja": "\u3041-\u30ff\uff66-\uff9f",
    "hy": "\u0530-\u058f",
    "ka": "\u10a0-\u10ff",
    "bn": "\u0980-\u09ff",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "or": "\u0b00-\u0b7f",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "si": "\u0d80-\u0dff",
    "lo": "\u0e80-\u0eff",
    "bo": "\u0f00-\u0fff",
    "my": "\u1000-\u109f",
    "am": "\u1200-\u139f",
    "km": "\u1780-\u17ff",
}
#: Scripts of several languages, and which of them comments come in.
SHARED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "latin": (
        "a-zA-Z\u00aa-\u024f\u1e00-\u1eff",
        (
            "en", "de", "fr", "es", "pt", "it", "nl", "pl", "cs", "sk", "sv", "da", "no", "nn", "fi", "et",
            "lv", "lt", "hu", "ro", "hr", "sl", "sq", "tr", "az", "id", "tl", "vi", "ca", "eu", "cy", "ga",
            "is", "sw", "zxx",
        ),
    ),
    "cyrillic": (
        "\u0400-\u052f",
        ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt", "zxx"),
    ),
    "arabic": (
        "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
        ("ar", "fa", "ur", "ps", "ug", "zxx"),
    ),
    "devanagari": ("\u0900-\u097f", ("hi", "mr", "ne", "zxx")),
}  # fmt: skip
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SCRIPTS = {
    name: re.compile(f"[{letters}]")
    for name, letters in {
        **{name: letters for name, (letters, _) in SHARED.items()},
        **_SETTLED,
        "han": _HAN,
    }.items()
}
#: Scripts of which one character says as much as three of others.
_DENSE = ("han", "ja", "ko")
#: Addresses, handles and tags are in no language.
_NO_WORDS = re.compile(
    r"(?:[a-z]+://|www\.)[!-~]*|[@#]\w{1,30}|[\w.+-]{1,64}@[\w.-]{1,64}", re.IGNORECASE
)

#: Frequent words of English that are no words of similar languages.
_ENGLISH = frozenset(
    [
        "the", "and", "you", "that", "this", "with", "have", "are", "not", "what", "your", "they", "would",
        "there", "from", "about", "just", "will", "can", "it's", "i'm", "been", "which", "because", "don't",
        "how", "my", "his", "her", "she", "who", "why", "these", "then", "than", "out", "get", "more", "some",
        "know", "thanks", "thank", "please", "great", "very", "really", "when", "where", "does", "has", "had",
        "were", "their", "them", "our", "could", "should",
    ]
)  # fmt: skip
#: Words of Hindi and Urdu in Latin letters, which no identifier that we have was taught.
_ROMANISED = frozenset(
    [
        "hai", "hain", "nahi", "nahin", "nhi", "kya", "kyu", "kyun", "ka", "ki", "ke", "ko", "kar", "karo",
        "karna", "bhi", "mein", "mai", "main", "aur", "yeh", "ye", "woh", "wo", "tum", "tu", "aap", "hum",
        "mera", "meri", "mere", "tera", "teri", "tere", "apna", "apne", "bhai", "yaar", "bahut", "bohot",
        "accha", "acha", "koi", "kuch", "sab", "abhi", "jo", "toh", "tha", "thi", "raha", "rahe", "rahi",
        "gaya", "diya", "liye", "wala", "wale", "ho", "hota", "kaise", "kahan", "kab", "matlab", "desh", "log",
    ]
)  # fmt: skip
#: How likely the likeliest language of a shared script must be, by the number of letters below
#: which the bar holds. Set on ../shared/data: see ``measured``.
_BARS = ((12, 0.8), (30, 0.6), (80, 0.45), (10_000_000, 0.4))
#: The site's language needs no more than this: most comments are in it.
_EXPECTED_BAR = 0.3
#: Languages rare in comments, which the identifier often answers by mistake.
_SELDOM = frozenset(
    ["tl", "sw", "eu", "cy", "ga", "sq", "az", "is", "ps", "ug", "tg", "tt", "ky", "ne"]
)
_SELDOM_BAR = 0.95
#: Fewest letters of a text whose language is named; a shorter one may be a name or an exclamation.
_FEWEST = 6
#: Characters; two or three of Chinese may be Japanese.
_FEWEST_HAN = 4
#: Letters from which on a text that is in no known language counts as one that was not measured.
_ENOUGH = 40
_LONGEST = 400


def language_of(reading: Reading, hint: str = "") -> tuple[str, bool]:
    """Return the language of a text, or "", and whether the model was measured on it.

    *hint* is the language of the site: it needs less evidence than others, but some. A text too
    short or too mixed to tell is in "", and counts as measured when it is short: readers of every
    language say "ok" and give names.
    """
    language = identified(reading, hint)
    if language:
        return language, language in MEASURED
    return "", sum(map(str.isalpha, reading.own[:_LONGEST])) < _ENOUGH


def identified(reading: Reading, hint: str = "") -> str:
    """Return the language of a text, or "" if it is too short, too mixed, or in none we know."""
    text, words = reading.own, reading.words
    if text.isascii() and _is_english(words):
        return "en"
    text = _NO_WORDS.sub(" ", text[: 4 * _LONGEST])[:_LONGEST]
    counts = (
        Counter(latin=sum(map(str.isalpha, text)))
        if text.isascii()
        else Counter({name: len(letters.findall(text)) for name, letters in _SCRIPTS.items()})
    )
    for name in _DENSE:
        counts[name] *= 3
    letters = counts.total()
    script, most = counts.most_common(1)[0]
    if script in ("ja", "han") or (counts["ja"] and script == "latin"):
        return _of_east_asia(counts)
    # Half in one script and half in another: whose language is it?
    if most * 3 < letters * 2 or most < 2:
        return ""
    if script in _SETTLED:
        return script
    return _told_apart(script, text, words, most, hint[:2].lower())


def _of_east_asia(counts: Mapping[str, int]) -> str:
    """Return "ja" or "zh": Japanese texts nearly always have kana."""
    kana, han = counts["ja"], counts["han"]
    if (kana + han) * 3 < sum(counts.values()):
        return ""
    if kana * 10 >= han and kana > 3:
        return "ja"
    # A word or two without kana may be of either.
    return "zh" if han >= 3 * _FEWEST_HAN and kana * 20 < han else ""


def _told_apart(script: str, text: str, words: list[str], letters: int, hint: str) -> str:
    """Return the language of a text in a script that several languages share."""
    if letters < _FEWEST:
        return ""
    if script == "latin" and _is_romanised(words):
        return ""
    language, likelihood = _identifier().classify(text.lower(), script)
    language = "no" if language == "nn" else language
    if language == "zxx":
        return ""
    bar = next(bar for below, bar in _BARS if letters < below)
    if language == hint:
        bar = _EXPECTED_BAR
    elif language in _SELDOM:
        bar = _SELDOM_BAR
    return language if likelihood >= bar else ""


def _is_english(words: list[str]) -> bool:
    own = sum(map(_ENGLISH.__contains__, words))
    return own > 1 and own * 6 >= len(words)


def _is_romanised(words: list[str]) -> bool:
    own = sum(map(_ROMANISED.__contains__, words))
    return own > 1 and own * 6 >= len(words)


@cache
def _identifier() -> Identifier:
    """Return the shipped identifier; loaded when first needed."""
    return Identifier.load()


@dataclass
class Identified:
    """Counts of texts identified as their own language, as another, or as none."""

    right: int = 0
    wrong: int = 0
    unknown: int = 0

    def share(self) -> dict[str, float]:
        """Return the three counts as shares, and their sum under "texts"."""
        texts = self.right + self.wrong + self.unknown
        shares = {
            name: round(count / texts, 3)
            for name, count in (
                ("right", self.right),
                ("wrong", self.wrong),
                ("unknown", self.unknown),
            )
        }
        return {"texts": texts, **shares}


#: Classes of length that results are grouped by: a name, and the upper bound in characters.
LENGTHS = (("short", 30), ("medium", 120), ("long", 1 << 62))


def spread(rows: Iterable[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Return at most *most* rows of each language and length, drawn the same way every time."""
    cells: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for language, text in rows:
        cells[language, _length(text)].append(text)
    draw = Random(0)  # noqa: S311 - a sample, no secret
    return [
        (language, text)
        for (language, _), texts in sorted(cells.items())
        for text in (draw.sample(texts, most) if len(texts) > most else texts)
    ]


def _length(text: str) -> str:
    return next(name for name, most in LENGTHS if len(text) < most)


def measured(rows: Iterable[tuple[str, str]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each language and length the share of texts identified rightly, wrongly or not.

    *rows* gives the language that each text is said to be in, and the text. One whose language has
    no code of ISO 639-1, such as romanised Hindi ("hi-Latn"), is never right: no answer is the
    honest one. "all" has the mean over languages, each counting once.
    """
    outcomes: defaultdict[str, defaultdict[str, Identified]] = defaultdict(
        lambda: defaultdict(Identified)
    )
    for language, text in rows:
        (reading,) = read([text])
        answer, outcome = identified(reading), outcomes[language][_length(text)]
        if answer == language:
            outcome.right += 1
        elif answer:
            outcome.wrong += 1
        else:
            outcome.unknown += 1
    shares = {
        language: {name: by_length[name].share() for name, _ in LENGTHS if name in by_length}
        for language, by_length in sorted(outcomes.items())
    }
    return {**shares, "all": _means(shares)}


#: A language with fewer texts of a length doesn't count for the mean.
_FEWEST_TEXTS = 30


def _means(
    shares: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> dict[str, dict[str, float]]:
    means: dict[str, dict[str, float]] = {}
    for length, _ in LENGTHS:
        counted = [
            by_length[length]
            for language, by_length in shares.items()
            if len(language) == 2 and by_length.get(length, {}).get("texts", 0) >= _FEWEST_TEXTS
        ]
        if counted:
            means[length] = {
                name: round(sum(one[name] for one in counted) / len(counted), 3)
                for name in ("right", "wrong", "unknown")
            }
    return means
