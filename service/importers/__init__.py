"""Comments from before Winnow, read from what other systems export.

Each reader takes a file of bytes and yields, in the file's order and one at a time, what can be kept
and, for everything else, why not: nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import AfterValidator, Field, ValidationError

from moderation.comment import Decision, to_ms
from moderation.records import Past
from service.api.schemas import CommentIn, Moment, Text

#: What each status says that somebody decided; a comment in the others still waits.
_DECIDED = {
    "approved": Decision.APPROVE,
    "rejected": Decision.REJECT,
    "spam": Decision.SPAM,
    "flagged": None,
    "pending": None,
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record of the file that is not kept, and why."""

    where: str
    reason: str


#: Where it stands in the file and what it says, or why it is not kept.
Found = tuple[str, Past] | Unusable
Reader = Callable[[BinaryIO], Iterator[Found]]


def _named(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


class PastIn(CommentIn):
    """A comment as ``POST /v1/comments`` takes it, with its own id, its time and where it stands."""

    external_id: Annotated[Text, Field(max_length=200), AfterValidator(_named)]
    created_at: Moment
    status: Literal["approved", "rejected", "spam", "flagged", "pending"]


def checked(where: str, told: Mapping[str, Any] | object) -> Found:
    """Return what a record says, once every field is as the API would take it."""
    try:
        read = PastIn.model_validate(told)
    except ValidationError as invalid:
        return Unusable(where, _reasons(invalid))
    created_ms = to_ms(read.created_at)
    if created_ms < 0:
        return Unusable(where, "created_at: lies before 1970")
    return where, Past(read.draft(), created_ms, _DECIDED[read.status])


def _reasons(invalid: ValidationError) -> str:
    """Return what is wrong, field by field, without the words that are."""
    found = invalid.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'record'}: {one['msg']}" for one in found[:5]
    )
