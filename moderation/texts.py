"""Valid text: one definition for every way in, and the part of it that XML can carry. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moderation.errors import InvalidInput

#: No character: halves of surrogate pairs, which no UTF-8 can hold, and NUL, which ends a C string.
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
#: What XML 1.0 forbids, even escaped: control characters, surrogates, U+FFFE and U+FFFF.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fault_of(text: str) -> str | None:
    """Return why *text* is refused, such as "must not contain NUL characters"; None if it is valid."""
    found = _NOT_TEXT.search(text)
    if found is None:
        return None
    if found[0] == "\x00":
        return "must not contain NUL characters"
    return "must be valid Unicode, without lone surrogates"


def check(text: str, *, field: str) -> None:
    """Raise InvalidInput that names *field* if *text* is no text."""
    fault = fault_of(text)
    if fault:
        raise InvalidInput(f"{field} {fault}", field=field)


def mended(text: str) -> str:
    """Return *text* without NUL, and with U+FFFD for each half of a surrogate pair.

    For what must be answered however it was written, as the doors must.
    """
    return _NOT_TEXT.sub(
        lambda found: "" if found[0] == "\x00" else "\N{REPLACEMENT CHARACTER}", text
    )


def all_mended(content: Any) -> Any:
    """Return parsed JSON with each text of it, keys included, :func:`mended`."""
    match content:
        case str():
            return mended(content)
        case Mapping():
            return {mended(name): all_mended(value) for name, value in content.items()}
        case list():
            return [all_mended(value) for value in content]
        case _:
            return content


def fields_mended(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return a form's fields with each name and value :func:`mended`; most often they need none."""
    if _NOT_TEXT.search("\n".join([*fields, *fields.values()])) is None:
        return fields
    return {mended(name): mended(value) for name, value in fields.items()}


def paired(content: Any) -> tuple[Any, int]:
    """Return parsed JSON with U+FFFD for each half of a surrogate pair, and how many there were.

    Half a pair is what JavaScript leaves where it cuts a text.
    """
    halves = 0

    def whole(content: Any) -> Any:
        nonlocal halves
        match content:
            case str():
                content, number = _HALF.subn("\N{REPLACEMENT CHARACTER}", content)
                halves += number
                return content
            case Mapping():
                return {whole(name): whole(value) for name, value in content.items()}
            case list():
                return [whole(value) for value in content]
            case _:
                return content

    return whole(content), halves


def warnings_of(halves: int) -> list[str]:
    """Return what to warn of after *halves* halves of surrogate pairs were replaced."""
    return [f"{halves} halves of surrogate pairs were replaced by U+FFFD"] if halves else []


def without_nulls(content: Any) -> Any:
    """Return parsed JSON without the members of objects that are null: null is absent."""
    match content:
        case Mapping():
            return {name: without_nulls(one) for name, one in content.items() if one is not None}
        case list():
            return [without_nulls(value) for value in content]
        case _:
            return content


def for_xml(text: str) -> str:
    """Return *text*, XML or to be put into XML, with U+FFFD for each character that XML forbids."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
