"""Comments from before Winnow, read from what other systems export.

Each reader takes a file of bytes and yields, in the file's order and one at a time, what can be kept
and, for everything else, why not: nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from moderation.comment import Decision, to_ms
from moderation.records import Past
from moderation.texts import paired
from service.inputs import PastIn, faults_of, without_nulls

#: The decision that each status means; None: the comment still waits.
_DECIDED = {
    "approved": Decision.APPROVE,
    "rejected": Decision.REJECT,
    "spam": Decision.SPAM,
    "flagged": None,
    "pending": None,
}
#: A greater number of seconds lies after the year 5000.
_IN_MILLISECONDS = 100_000_000_000
#: Fields that are cut when they are too long; half an address would be wrong, so others are dropped.
_CUT = frozenset({"name", "title", "user_agent", "role"})


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record of the file that is not kept, and why; ``line`` 0: not known.

    ``by_rule``: nothing is wrong with it, but it is no reader's comment, such as a pingback.
    """

    where: str
    reason: str
    line: int = 0
    by_rule: bool = False


class Taken(NamedTuple):
    """A comment to keep, its place in the file, and the fields that were cut or dropped."""

    where: str
    past: Past
    line: int = 0
    lost: tuple[str, ...] = ()


Found = Taken | Unusable
Reader = Callable[[BinaryIO], Iterator[Found]]


def checked(
    where: str, record: Mapping[str, Any] | object, *, line: int = 0, lost: Sequence[str] = ()
) -> Found:
    """Return what a record says, once every field is as the API would take it.

    Fields of the author or the post that are too long are cut or dropped, which ``lost`` names.
    """
    try:
        record, halves = paired(record)
        record = without_nulls(PastIn, record)
    except RecursionError:
        return Unusable(where, "objects stand too deep in each other", line)
    problems = [*lost, *characters_lost(halves)]
    try:
        try:
            read = PastIn.model_validate(record)
        except ValidationError as invalid:
            less = _without(record, invalid.errors(include_url=False), problems)
            if less is None:
                raise
            read = PastIn.model_validate(less)
    except ValidationError as invalid:
        return Unusable(where, _reasons(invalid), line)
    created_ms = to_ms(read.created_at)
    if created_ms < 0:
        return Unusable(where, "created_at: lies before 1970", line)
    return Taken(
        where, Past(read.draft(), created_ms, _DECIDED[read.status]), line, tuple(problems)
    )


def _without(
    record: Any, errors: Sequence[ErrorDetails], problems: list[str]
) -> Mapping[str, Any] | None:
    """Return the record with too long fields of author and post cut or dropped; None for other errors."""
    less = dict(record) if isinstance(record, Mapping) else {}
    for error in errors:
        match error["type"], error["loc"]:
            case "string_too_long" | "too_long", (("author" | "post") as part, str(name)):
                value = less[part][name][: error["ctx"]["max_length"]] if name in _CUT else ""
                less[part] = {**less[part], name: value}
                problems.append(f"{part}.{name} is too long: {'cut' if value else 'left out'}")
            case _:
                return None
    return less


def characters_lost(count: int) -> tuple[str, ...]:
    """Return what ``lost`` says of characters that no text can hold."""
    if not count:
        return ()
    return (f"{count} unreadable character{'s' if count > 1 else ''} replaced or left out",)


def moment(record: object) -> object:
    """Return seconds or milliseconds since 1970 as text in RFC 3339; anything else unchanged."""
    if isinstance(record, bool) or not isinstance(record, int | float):
        return record
    try:
        seconds = record / 1000 if record > _IN_MILLISECONDS else record
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def text_of(record: object) -> str:
    """Return a JSON value that should be a text: numbers as they are written, '' for none."""
    if isinstance(record, str):
        return record.strip()
    return str(record) if isinstance(record, int) and not isinstance(record, bool) else ""


def _reasons(invalid: ValidationError) -> str:
    """Return the errors by field, without the values."""
    return "; ".join(
        f"{'.'.join(map(str, place)) or 'record'}: {said}"
        for place, said in faults_of(invalid, most=5)
    )
