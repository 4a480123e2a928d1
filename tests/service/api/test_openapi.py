"""The OpenAPI document is true: schemathesis finds no crash and no answer that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks as known_checks

from moderation.events import EventType
from service.api.base import api
from tests.support.valkey import serving
from tests.support.world import World, make_world

CHECKS = [
    known_checks.not_a_server_error,
    known_checks.status_code_conformance,
    known_checks.content_type_conformance,
    known_checks.response_schema_conformance,
]
_ROUTES = [(one.method, "/v1" + one.path) for one in api.operations]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A Winnow for the whole module, on a server of its own."""
    with serving() as server:
        world = make_world(server.url, tmp_path_factory.mktemp("openapi"))
        world.comment("toxicity=0.6")
        yield world


def test_the_document_is_openapi_3_1_and_its_schemas_are_json_schema(world: World):
    document = world.client().get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every body and answer of operations and webhooks: where, and what is said of it."""
    for kind in ("paths", "webhooks"):
        for path, methods in document[kind].items():
            for method, operation in methods.items():
                bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
                for body in bodies:
                    for content in body.get("content", {}).values():
                        yield f"{method} {path}", content


def test_each_body_and_answer_has_an_example_that_its_schema_allows(world: World):
    document = world.client().get("/openapi.json").json
    components = {"components": document["components"]}
    for where, content in contents(document):
        problems = jsonschema_rs.validator_for(content["schema"] | components).iter_errors(
            content["example"]
        )
        assert [str(one) for one in problems] == [], where


def test_each_event_has_a_webhook(world: World):
    document = world.client().get("/openapi.json").json
    assert set(document["webhooks"]) == set(EventType)


def test_nothing_is_of_any_kind(world: World):
    """A client that is generated from the document has a type for each field."""
    schemas = world.client().get("/openapi.json").json["components"]["schemas"]
    kinds = {"type", "$ref", "anyOf", "allOf", "oneOf", "enum", "const"}
    for name, schema in schemas.items():
        for field, one in schema.get("properties", {}).items():
            assert kinds & set(one), (name, field)
        assert schema.get("additionalProperties") is not True, name
        assert schema.get("properties") or schema.get("enum"), name


def test_an_author_to_erase_is_named_by_one_of_three(world: World):
    schemas = world.client().get("/openapi.json").json["components"]["schemas"]
    validator = jsonschema_rs.validator_for(schemas["EraseAuthorIn"])
    assert validator.is_valid({"email": "ada@mail.example"})
    assert not validator.is_valid({})


def test_every_route_is_documented(world: World):
    """The catalogue is the only way to add a route, and the app has no other under /v1."""
    routed = {
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routed == set(_ROUTES)


def test_the_readable_docs_name_every_route_and_load_nothing_from_outside(world: World):
    page = world.client().get("/docs").text
    for operation in api.operations:
        assert f'id="{operation.name}"' in page
    assert "src=" not in page
    assert all(link.startswith("/") for link in _stylesheets(page))


def _stylesheets(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('rel="stylesheet" href="')[1:]]


@pytest.mark.parametrize("operation", api.operations, ids=lambda one: f"{one.method} {one.path}")
def test_no_input_crashes_a_route_or_gets_an_answer_that_is_not_documented(
    installed: World, operation
):
    """Statuses, content types and bodies of all answers are those of the document."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", installed.app)
    found = schema["/v1" + operation.path.replace("<", "{").replace(">", "}")][operation.method]
    headers = {"Authorization": f"Bearer {installed.token}"}

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found.as_strategy())
    def check(case: schemathesis.Case):
        for known in (installed.site.id, None):
            query = {**(case.query or {}), "site": known} if known else case.query
            case.query = {key: value for key, value in (query or {}).items() if key != "wait"}
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)

    check()
