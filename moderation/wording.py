"""Sentences that are written once, in English, and said at the edges in the reader's language."""

from __future__ import annotations

from collections.abc import Callable

#: Says a sentence with the values that its places name: "%(number)s links".
Say = Callable[..., str]


def said(text: str) -> str:
    """Return *text* as it is; the name marks it for `make words`."""
    return text


def english(text: str, **values: object) -> str:
    """Say a sentence as it is written: what the API, the command line and webhooks speak."""
    return text % values
