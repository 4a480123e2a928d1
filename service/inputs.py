"""A comment as clients and importers give it, checked field by field; no Flask."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails

from moderation import texts, values
from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Post, rfc3339
from moderation.errors import InvalidInput

#: A greater number is no id of a comment.
_MOST_NUMBER = 10**100


def _text(value: str) -> str:
    """Return *value* if it is text (:mod:`moderation.texts`)."""
    fault = texts.fault_of(value)
    if fault:
        raise ValueError(fault)
    return value


def _fits(value: str) -> str:
    if len(_text(value).encode()) > MAX_CONTENT_BYTES:
        raise ValueError(f"must be at most {MAX_CONTENT_BYTES} bytes of UTF-8")
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _moment(at: datetime) -> datetime:
    try:
        return values.moment(at)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


def faults_of(invalid: ValidationError, *, most: int) -> list[tuple[tuple[int | str, ...], str]]:
    """Return where and why a client's input is refused, *most* faults at most, without the values."""
    found = invalid.errors(include_url=False, include_context=False, include_input=False)[:most]
    return [(one["loc"], _said(one)) for one in found]


#: Faults by the library's name of their kind, for people who do not know the library.
_PLAIN = {"missing": "is required", "extra_forbidden": "there is no such field"}


def _said(fault: ErrorDetails) -> str:
    """Return a fault as people say it. The library calls a text's characters items, and names its own class."""
    if plain := _PLAIN.get(fault["type"]):
        return plain
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in {"too_long", "too_short"} and said.startswith("Value should"):
        said = said.removeprefix("Value should ").replace("items after validation", "characters")
        return f"should {said}"
    return said


#: A time with its zone, in UTC; the edges of time, which some zones do not have, are refused.
Moment = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_moment)]
Text = Annotated[str, AfterValidator(_text)]
Content = Annotated[
    str,
    Field(min_length=1, max_length=MAX_CONTENT_BYTES, description="The text, 64 KiB at most."),
    AfterValidator(_fits),
]
Short = Annotated[Text, Field(max_length=200)]


def _as_text(value: Any) -> Any:
    """Return a whole number as text: blogs number their comments."""
    return str(value) if type(value) is int and abs(value) < _MOST_NUMBER else value


#: A blog's id of a comment, as a string or as a number.
BlogId = Annotated[Short, BeforeValidator(_as_text, json_schema_input_type=str | int)]
Long = Annotated[Text, Field(max_length=2000)]


class Strict(BaseModel):
    """What clients send: unknown fields and wrong types are errors that name them."""

    model_config = ConfigDict(extra="forbid", strict=True)


def without_nulls(model: type[BaseModel], given: Any) -> Any:
    """Return *given*, parsed JSON for *model*, without nulls where a field that may be left out has no null."""
    if isinstance(given, list):
        return [without_nulls(model, one) for one in given]
    if not isinstance(given, dict):
        return given
    kept = {}
    for name, value in given.items():
        field = model.model_fields.get(name)
        if value is None and field and not field.is_required() and field.default is not None:
            continue
        inner = _model_in(field.annotation) if field else None
        kept[name] = without_nulls(inner, value) if inner else value
    return kept


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is or has in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


class AuthorIn(Strict):
    """Who wrote the comment, as far as the blog knows."""

    name: Short = ""
    email: Annotated[Text, Field(max_length=320)] = ""
    url: Long = ""
    ip: Annotated[Text, Field(max_length=64)] = ""
    user_agent: Annotated[Text, Field(max_length=1000)] = ""
    role: Short = ""
    id: Annotated[
        BlogId, Field(description="The blog's own id of a user who is signed in there.")
    ] = ""


class PostIn(Strict):
    """The post or page that the comment stands under."""

    url: Long = ""
    title: Annotated[Text, Field(max_length=500)] = ""
    published_at: Moment | None = None
    language: Annotated[Text, Field(max_length=35)] = ""


class CommentIn(Strict):
    """A comment to be screened."""

    content: Content
    external_id: Annotated[
        BlogId, Field(description="The blog's own id; makes the call repeatable.")
    ] = ""
    author: AuthorIn = AuthorIn()
    post: PostIn = PostIn()
    parent: Annotated[BlogId, Field(description="The blog's id of the parent.")] = ""
    honeypot: Annotated[
        Text, Field(max_length=2000, description="What stood in a field that people cannot see.")
    ] = ""
    form_served_at: Moment | None = None
    submitted_at: Moment | None = None

    def draft(self) -> Draft:
        """Return the comment in the words of the domain."""
        post = self.post
        return Draft(
            content=self.content,
            external_id=self.external_id,
            author=Author(**self.author.__dict__),
            post=Post(
                url=post.url,
                title=post.title,
                language=post.language,
                published_at=rfc3339(post.published_at) if post.published_at else "",
            ),
            parent=self.parent,
            honeypot=self.honeypot,
            form_served_at=rfc3339(self.form_served_at) if self.form_served_at else "",
            submitted_at=rfc3339(self.submitted_at) if self.submitted_at else "",
        )


def _named(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


class PastIn(CommentIn):
    """A comment as ``POST /v1/comments`` takes it, with its own id, its time and where it stands."""

    external_id: Annotated[
        BlogId, AfterValidator(_named), Field(description="The blog's own id of it.")
    ]
    created_at: Moment
    status: Annotated[
        Literal["approved", "rejected", "spam", "flagged", "pending"],
        Field(description="What the blog decided; `flagged` and `pending`: nothing yet."),
    ]
