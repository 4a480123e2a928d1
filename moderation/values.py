"""Text into values: the one place where what a client wrote becomes a number, a time or an address.

Each function returns a value within its bounds or raises InvalidInput that names the field and what
it takes; whatever the text, it raises nothing else. Only ASCII digits are digits.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from moderation.errors import InvalidInput

Other = TypeVar("Other")

_MOST_IN_STREAM = 2**64 - 1
#: The highest id that a stream of Redis's can have.
LAST_IN_STREAM = (_MOST_IN_STREAM, _MOST_IN_STREAM)
#: What a double holds exactly, as scores of sorted sets are kept.
_MOST_EXACT = 2**53
_WHOLE = re.compile(r"[0-9]{1,20}")
_STREAM_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_POSITION = re.compile(r"([0-9]{8})_([0-9]{1,10})")
_RANKING = re.compile(r"([0-9.eE+-]{1,30})_([A-Za-z0-9_-]{22})")
#: What may stand in a Location header: a line end is refused there, and browsers read a backslash as a slash.
_PLAIN_TARGET = re.compile(r"[^\x00-\x20\x7f\\]*")


def whole(text: str, *, field: str, most: int, least: int = 0) -> int:
    """Return the whole number that *text* is, of *least* to *most*."""
    number = whole_or(None, text, most=most, least=least)
    if number is None:
        raise InvalidInput(f"{field} is a whole number of {least} to {most}", field=field)
    return number


def whole_or(other: Other, text: str, *, most: int, least: int = 0) -> int | Other:
    """Return *text* as a whole number of *least* to *most*, else *other*."""
    number = int(text) if _WHOLE.fullmatch(text) else least - 1
    return number if least <= number <= most else other


def stream_id(text: str, *, field: str) -> tuple[int, int]:
    """Return the two numbers of an id in a stream, such as ``1790000000000-0``."""
    found = _STREAM_ID.fullmatch(text)
    numbers = (int(found[1]), int(found[2] or 0)) if found else (-1, -1)
    if not found or max(numbers) > _MOST_IN_STREAM:
        raise InvalidInput("that is no cursor of this feed", field=field)
    return numbers


def is_stream_id(text: str) -> bool:
    """Tell whether *text* is an id that a stream can have, both of its numbers written."""
    try:
        return "-" in text and bool(stream_id(text, field=""))
    except InvalidInput:
        return False


def position(cursor: str) -> tuple[int, int]:
    """Return the day, as the number YYYYMMDD, and the index within it that a list's cursor names."""
    found = _POSITION.fullmatch(cursor)
    if not found:
        raise InvalidInput("that is no cursor of this list", field="cursor")
    return int(found[1]), int(found[2])


def ranking(cursor: str) -> tuple[float, str]:
    """Return the score and the short id that a queue's cursor names."""
    found = _RANKING.fullmatch(cursor)
    try:
        score = float(found[1]) if found else math.nan
    except ValueError:
        score = math.nan
    if not found or not abs(score) <= _MOST_EXACT:
        raise InvalidInput("that is no cursor of this queue", field="cursor")
    return score, found[2]


def moment(at: datetime) -> datetime:
    """Return *at* in UTC; raise InvalidInput for the hours whose UTC date lies outside years 1..9999."""
    try:
        return at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidInput("a date lies between the years 1 and 9999 in UTC") from None


def time(text: str, *, field: str) -> datetime:
    """Return the UTC time that *text* is: a date, or a date and time of RFC 3339, in UTC without a zone."""
    try:
        at = datetime.fromisoformat(text)
        return moment(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, InvalidInput):
        raise InvalidInput(
            f"{field} is a date or a time, such as 2026-11-26 or 2026-11-26T20:00:00Z", field=field
        ) from None


def split_url(url: str) -> SplitResult | None:
    """Return the parts of *url*, its host and port readable; None where it cannot be taken apart."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def page_within(prefix: str, target: str) -> str | None:
    """Return *target* if it is a path below *prefix* of this very host; None for anything else.

    An open redirect helps phishers.
    """
    parts = split_url(target)
    if parts is None or parts.scheme or parts.netloc or not _PLAIN_TARGET.fullmatch(target):
        return None
    # Of the text itself: browsers read `///desk/x`, whose path begins with /desk/, as a page of the host `desk`.
    return target if target.startswith(prefix) else None
