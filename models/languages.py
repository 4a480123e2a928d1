"""Which language a comment is in, and whether the model was measured on it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

#: Languages that training and measuring had examples of.
MEASURED = frozenset({"en", "es", "de", "pt", "fr", "ru", "ko", "vi"})

#: Words that English can hardly do without and that its neighbours don't share.
_ENGLISH = frozenset(
    [
        "the",
        "and",
        "you",
        "that",
        "this",
        "with",
        "have",
        "are",
        "not",
        "what",
        "your",
        "they",
        "would",
        "there",
        "from",
        "about",
        "just",
        "will",
        "can",
        "it's",
        "i'm",
        "i",
        "been",
        "which",
        "if",
        "because",
        "like",
        "don't",
        "how",
        "my",
        "his",
        "her",
        "she",
        "he",
        "we",
        "who",
        "why",
        "these",
        "then",
        "than",
        "out",
        "get",
        "more",
        "some",
        "know",
        "thanks",
        "thank",
        "please",
        "great",
        "good",
        "very",
        "really",
        "love",
        "when",
        "where",
        "does",
        "did",
        "has",
        "had",
        "were",
        "their",
        "them",
        "our",
        "could",
        "should",
    ]
)
#: Words that are frequent in English, and that one of its neighbours has too.
_SHARED = frozenset(
    [
        "a",
        "is",
        "of",
        "to",
        "in",
        "for",
        "it",
        "on",
        "as",
        "be",
        "at",
        "so",
        "or",
        "an",
        "me",
        "do",
        "by",
        "all",
        "no",
    ]
)
#: Letters of alphabets that no measured language is written in.
_OTHER_SCRIPTS = re.compile(
    "[\u0370-\u03ff\u0530-\u10ff\u1200-\u13ff\u1400-\u167f\u1780-\u18af\u3040-\u312f\u3190-\u31ff\u3400-\u4dbf\u4e00-\u9fff]"
)
#: In fewer letters than this a name or an exclamation can't be told from a language.
_FEWEST_LETTERS = 30
_FEWEST_WORDS = 5
#: How much likelier, in nats a letter, a language must be than every measured one.
_MARGIN = 0.25


def language_of(text: str, words: list[str], hint: str = "") -> tuple[str, bool]:
    """Return the language of a normalised *text* of *words*, and whether it was measured on.

    Short texts, and texts like names, are taken to be in *hint*, the language of the site, and
    count as known.
    """
    if _is_english(words):
        return "en", True
    hint = hint[:2].lower()
    letters = sum(map(str.isalpha, text))
    foreign = 0 if text.isascii() else len(_OTHER_SCRIPTS.findall(text))
    if foreign * 2 > letters and foreign >= 4:
        return _identifier().classify(text)[0], False
    if letters < _FEWEST_LETTERS or len(words) < _FEWEST_WORDS:
        return hint, True
    return _identified(text, hint, letters)


def _is_english(words: list[str]) -> bool:
    own = len(_ENGLISH.intersection(words))
    return (
        own * 8 >= len(words) > 0 or (own + len(_SHARED.intersection(words))) * 5 >= len(words) > 0
    )


def _identified(text: str, hint: str, letters: int) -> tuple[str, bool]:
    ranked = _identifier().rank(text[:1000])
    best, likelihood = ranked[0]
    if best in MEASURED:
        return best, True
    if best == "zxx":  # no language at all, such as a list of numbers
        return hint, True
    nearest, runner_up = next(pair for pair in ranked if pair[0] in MEASURED)
    if likelihood - runner_up < _MARGIN * min(letters, 1000):
        return hint or nearest, True
    return best, False


@cache
def _identifier() -> Any:
    """Load the identifier when it is first needed: most comments don't need it."""
    # Importing it takes longer than scoring a thousand comments.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE)
