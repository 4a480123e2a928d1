"""Sentences that are written once, in English, and said at the edges in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

#: Says a sentence with the values that its places name: "%(number)s links".
Say = Callable[..., str]
#: The language that every sentence is written in.
ENGLISH = "en"
#: What translators wrote, a directory for each language. It lies with the desk, which has most of the texts.
CATALOGS = Path(__file__).parents[1] / "service" / "desk" / "translations"


def said(text: str) -> str:
    """Return *text* as it is; the name marks it for `make words`."""
    return text


def english(text: str, **values: object) -> str:
    """Say a sentence as it is written: what the API, the command line and webhooks speak."""
    return text % values


def languages() -> list[str]:
    """Return the languages that Winnow speaks, its own first."""
    return [ENGLISH, *sorted(one.parts[-3] for one in CATALOGS.glob("*/LC_MESSAGES/*.mo"))]


class Speaker:
    """Says sentences in one language where no request says which; its methods mark them for `make words`."""

    def __init__(self, catalog: NullTranslations) -> None:
        """Speak by *catalog*; what it does not have stays English."""
        self._catalog = catalog

    def gettext(self, text: str, **values: object) -> str:
        """Return a sentence with the values that its places name."""
        return self._catalog.gettext(text) % values

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """Return the form of a sentence that *number* asks for, which it names `n`."""
        return self._catalog.ngettext(one, many, number) % {"n": number, **values}


@cache
def speaker(language: str) -> Speaker:
    """Return who speaks *language*, or English where Winnow does not have it."""
    if language not in languages() or language == ENGLISH:
        return Speaker(NullTranslations())
    with (CATALOGS / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        return Speaker(GNUTranslations(file))
