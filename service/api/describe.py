"""Routes that describe themselves: one table serves the views, OpenAPI 3.1 and /docs."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from moderation import texts
from moderation.events import EventType
from service.api import examples
from service.api.schemas import (
    MAX_MEMBERS,
    ProblemOut,
    WebhookOut,
)
from service.inputs import faults_of, without_nulls
from service.problems import problem

Model = TypeVar("Model", bound=BaseModel)
View = Callable[..., Any]

JSON = "application/json"
NDJSON = "application/x-ndjson"

#: Most errors of a body that an answer names.
_MOST_TOLD = 20
#: Characters of an unknown field's name that an answer repeats.
_LONGEST_NAME = 100
#: A null, or an escape that may be half of a surrogate pair.
_MAY_NEED_MENDING = re.compile(rb"null|\\u[dD][89a-fA-F]")
#: In a body of this size members are not counted: the errors of all that fit in cost little.
FEW_MEMBERS_BYTES = 4096


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query: its name, its JSON schema, and what it does."""

    name: str
    schema: Mapping[str, Any]
    help: str


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the documentation tells it."""

    method: str
    path: str
    name: str
    summary: str
    details: str
    tag: str
    body: type[BaseModel] | None
    answers: Mapping[int, type[BaseModel] | None]
    problems: tuple[int, ...]
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    admin: bool


@dataclass
class Catalogue:
    """Every operation of the API, in the order in which they are documented."""

    bp: Blueprint
    operations: list[Operation] = field(default_factory=list)

    def route(
        self,
        method: str,
        path: str,
        *,
        tag: str,
        answers: Mapping[int, type[BaseModel] | None],
        body: type[BaseModel] | None = None,
        problems: tuple[int, ...] = (),
        query: tuple[Parameter, ...] = (),
        headers: tuple[Parameter, ...] = (),
        admin: bool = False,
    ) -> Callable[[View], View]:
        """Route *path* to a view whose docstring documents it."""

        def register(view: View) -> View:
            summary, _, details = (view.__doc__ or "").partition("\n")
            self.operations.append(
                Operation(
                    method,
                    path,
                    view.__name__,
                    summary,
                    " ".join(details.split()),
                    tag,
                    body,
                    answers,
                    problems,
                    query,
                    headers,
                    admin,
                )
            )
            self.bp.add_url_rule(path, view.__name__, _known_only(view, query), methods=[method])
            return view

        return register


def _known_only(view: View, query: tuple[Parameter, ...]) -> View:
    """Return *view* for requests that have no parameter but those of *query*; others are refused."""
    names = {parameter.name for parameter in query}

    @functools.wraps(view)
    def checked(**values: Any) -> Any:
        unknown = [name[:_LONGEST_NAME] for name in request.args if name not in names]
        if unknown:
            takes = f"it takes {', '.join(sorted(names))}" if names else "it takes none"
            errors = [
                {"field": name, "detail": "unknown parameter"} for name in unknown[:_MOST_TOLD]
            ]
            detail = f"unknown parameter {unknown[0]!r}; {takes}"
            return problem(422, "invalid-input", detail, errors=errors)
        return view(**values)

    return checked


def read(model: type[Model]) -> Model:
    """Return the request's body as *model*; else answers 4xx, naming the fields that are wrong."""
    if request.mimetype != JSON:
        raise RequestRefused(problem(415, "unsupported-media-type", f"send the body as {JSON}"))
    return parsed(model, request.get_data())


def parsed(model: type[Model], body: bytes, *, where: str = "") -> Model:
    """Return *body* as *model*. Raises Refused that names each offending field, twenty at most.

    Null is absent. Halves of surrogate pairs are replaced, and counted for :func:`warned`.
    """
    _check_members(body, where)
    if needs_mending(body):
        body = _mended(model, body)
    try:
        return model.model_validate_json(body)
    except ValidationError as invalid:
        found = faults_of(invalid, most=_MOST_TOLD)
        is_json = invalid.errors(include_input=False)[0]["type"] != "json_invalid"
    if not is_json:
        raise RequestRefused(
            problem(400, "malformed", f"{where}the body is not JSON: {found[0][1]}")
        )
    faults = [
        {"field": where + ".".join(map(_named, place)), "detail": said} for place, said in found
    ]
    detail = "; ".join(f"{one['field'] or 'body'}: {one['detail']}" for one in faults)
    raise RequestRefused(problem(422, "invalid-input", detail, errors=faults))


def needs_mending(body: bytes) -> bool:
    """Tell whether *body* may have a null, or half of a surrogate pair, in it."""
    return _MAY_NEED_MENDING.search(body) is not None


def loose(body: bytes, *, where: str = "") -> Any:
    """Return *body* as parsed JSON, for a view that takes or refuses each item on its own."""
    _check_members(body, where)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestRefused(problem(400, "malformed", f"{where}the body is not JSON")) from None


def warned(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with warnings for texts of its request that were mended."""
    warnings = texts.warnings_of(g.get("halves", 0))
    return answer | {"warnings": warnings} if warnings else answer


def _mended(model: type[BaseModel], body: bytes) -> bytes:
    try:
        content, halves = texts.paired(json.loads(body))
    except (ValueError, RecursionError):  # for the model to say, which knows how to
        return body
    g.halves = g.get("halves", 0) + halves
    return json.dumps(without_nulls(model, content)).encode()


class _TooManyMembers(Exception):
    """Raised when a JSON object has more members than any of ours has."""


def _check_members(body: bytes, where: str) -> None:
    """Refuse a *body* with an object of very many members, before an error is made of each.

    An error costs a microsecond and several hundred bytes: a body of 16 MB could have millions.
    What else is wrong is for the model to say, which knows how to.
    """
    if len(body) <= FEW_MEMBERS_BYTES:
        return
    try:
        json.loads(body, object_pairs_hook=_counted)
    except _TooManyMembers:
        detail = f"an object has more than {MAX_MEMBERS} fields"
        faults = [{"field": where, "detail": detail}]
        raise RequestRefused(
            problem(422, "invalid-input", f"{where}{detail}", errors=faults)
        ) from None
    except (ValueError, RecursionError):
        return


def _counted(members: list[tuple[str, Any]]) -> None:
    if len(members) > MAX_MEMBERS:
        raise _TooManyMembers


def _named(part: str | int) -> str:
    """Return a part of a field's place; a name is a client's, and may be of any length."""
    return str(part)[:_LONGEST_NAME]


class RequestRefused(Exception):
    """Raised with the answer to give instead."""

    def __init__(self, answer: Response) -> None:
        """Carry the answer."""
        super().__init__(answer.status)
        self.answer = answer


def openapi(catalogue: Catalogue, *, url: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of *catalogue*."""
    used: list[type[BaseModel]] = [ProblemOut, WebhookOut]
    for operation in catalogue.operations:
        used += [model for model in (operation.body, *operation.answers.values()) if model]
    unique = list(dict.fromkeys(used))
    inputs = {operation.body for operation in catalogue.operations}
    places, definitions = models_json_schema(
        [(model, "validation" if model in inputs else "serialization") for model in unique],
        ref_template="#/components/schemas/{model}",
    )
    schema = {model: place for (model, _), place in places.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in catalogue.operations:
        path = "/v1" + operation.path.replace("<", "{").replace(">", "}")
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schema)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Winnow",
            "version": "1",
            "description": "Screens comments for spam and toxicity on your own machine.",
        },
        "servers": [{"url": url}],
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {event.value: _webhook(event, schema[WebhookOut]) for event in EventType},
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A site's API key, or an administrator's token.",
                }
            },
            "schemas": definitions.get("$defs", {}),
        },
    }


#: What any operation may answer: wrong key, wrong role, not there, an unknown parameter, too much, too
#: fast, storage away.
_ALWAYS = (400, 401, 403, 404, 422, 429, 503)
_WITH_BODY = (413, 415)


def _operation(operation: Operation, schema: Mapping[Any, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _names(operation.path)
        ],
        "responses": {},
    }
    if operation.details:
        document["description"] = operation.details
    for where, parameters in (("query", operation.query), ("header", operation.headers)):
        document["parameters"] += [
            {"name": one.name, "in": where, "schema": dict(one.schema), "description": one.help}
            for one in parameters
        ]
    if operation.body:
        document["requestBody"] = {
            "required": True,
            "content": {JSON: _content(schema, operation.body)},
        }
    for status, model in operation.answers.items():
        document["responses"][str(status)] = {"description": "Done."} | (
            {"content": {JSON: _content(schema, model)}} if model else {}
        )
    refused = {*_ALWAYS, *operation.problems, *(_WITH_BODY if operation.body else ())}
    for status in sorted(refused):
        document["responses"][str(status)] = {
            "description": "Refused.",
            "content": {"application/problem+json": _content(schema, ProblemOut)},
        }
    return document


def _content(schema: Mapping[Any, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a body or an answer, with an example."""
    return {"schema": schema[model], "example": examples.of_answer(model)}


def _webhook(event: EventType, schema: Any) -> dict[str, Any]:
    """Return what an endpoint that subscribed to *event* is sent."""
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "post": {
            "summary": event.label or event.value,
            "security": [],
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
                for name in headers
            ],
            "requestBody": {
                "required": True,
                "content": {JSON: {"schema": schema, "example": examples.of_event(event)}},
            },
            "responses": {
                "2XX": {"description": "Taken. Any other status is tried again by the schedule."},
                "410": {"description": "Never send here again: the endpoint is disabled."},
            },
        }
    }


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("<")]
