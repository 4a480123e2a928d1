"""Whatever a parameter is given, no route answers 5xx: what can be foreseen is said in 4xx.

The routes are those of the app's own map, their parameters those that the views were seen to ask
for, so that no new one can be forgotten.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import structlog
from flask import Request
from flask.testing import FlaskClient
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from moderation.actor import moderator
from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint
from moderation.site import Door
from service.api.base import api
from service.waiting import Shares
from tests.service.desk.test_rights import sign_in, token
from tests.support import odd
from tests.support.world import World

#: Some ten thousand requests: a busy machine takes minutes.
pytestmark = pytest.mark.timeout(900)
#: Each parameter is given these, each of which broke one once, and its turn of the five thousand.
ALWAYS = (
    "", "nan", "²", "9" * 25, "a\x00b", "\ud800", "//[x", "http://[", "X:²", "x" * 10_000, "nan_x",
    "0001-01-01T00:00:00+23:59", "9" * 20 + "-" + "9" * 20, "99999999999999999999_0", "0_99999999999999999999",
)  # fmt: skip
TURN = int(os.environ.get("WINNOW_ODD_VALUES", "5"))
#: Bugs that are answered otherwise than by a 5xx, since a door's clients must not publish.
BUGS = re.compile(r"^(bug|\w+ door (failed|broke))$")
#: Headers that something of ours or of Flask's reads.
HEADERS = (
    "Accept", "Accept-Language", "Authorization", "Content-Type", "Cookie", "Host", "If-None-Match",
    "Origin", "Prefer", "Range", "Referer", "User-Agent", "X-Coral-Signature", "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Goog-Api-Key", "X-Requested-With",
)  # fmt: skip
#: These end the session that asks, or rightly answer 503 where no worker runs.
LEFT_OUT = {"desk.sign_out", "desk.password", "ops.readyz"}


class _Asked(ImmutableMultiDict):
    """Parameters that remember what they were asked for."""

    names: set[str]

    def _ask(self, key: object) -> None:
        if isinstance(key, str):
            self.names.add(key)

    def __getitem__(self, key: str) -> Any:
        self._ask(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._ask(key)
        return super().__contains__(key)

    def get(self, key: str, *rest: Any, **more: Any) -> Any:
        self._ask(key)
        return super().get(key, *rest, **more)

    def getlist(self, key: str, *rest: Any, **more: Any) -> list[Any]:
        self._ask(key)
        return super().getlist(key, *rest, **more)


@dataclass
class Seen:
    """The names that the view of a route asked for, in the query and in the form."""

    query: set[str] = field(default_factory=set)
    form: set[str] = field(default_factory=set)


def watch(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Seen]:
    """Have *world* remember for each endpoint and method what is asked for."""
    seen: dict[tuple[str, str], Seen] = defaultdict(Seen)

    class Watched(Request):
        def _remembering(self, strategy: Any, kind: str) -> Any:
            asked = _Asked(strategy)
            asked.names = getattr(seen[self.endpoint or "", self.method], kind)
            return asked

        @property
        def args(self) -> Any:
            return self._remembering(super().args, "query")

        @property
        def form(self) -> Any:
            return self._remembering(super().form, "form")

    monkeypatch.setattr(world.app, "request_class", Watched)
    return seen


@dataclass
class Thrower:
    """Throws odd values at the app and keeps what came back wrong."""

    world: World
    desk: FlaskClient
    csrf: str
    door: str
    count: int = 0
    wrong: dict[str, str] = field(default_factory=dict)

    def send(
        self, rule: Rule, method: str, path: str, what: str, value: object, **more: Any
    ) -> None:
        headers = dict(more.pop("headers", {}))
        headers.setdefault("Authorization", f"Bearer {self._key(rule)}")
        with structlog.testing.capture_logs() as logs:
            answer = self.desk.open(path, method=method, headers=headers, **more)
        self.count += 1
        bugs = [line for line in logs if BUGS.match(line["event"])]
        if answer.status_code >= 500 or bugs:
            kind = next((line.get("kind") or line.get("problem") for line in bugs), "")
            self.wrong.setdefault(
                f"{method} {rule.rule} {what}", f"{answer.status_code} {kind} {value!r:.120}"
            )

    def _key(self, rule: Rule) -> str:
        if rule.endpoint.startswith("api."):
            return self.world.token if self.count % 2 else self.world.key
        return self.door


@pytest.fixture
def thrower(world: World) -> Thrower:
    accounts, site = world.adapters.accounts, world.site
    world.add_moderator("ada", admin=True)
    accounts.add_endpoint(Endpoint("", site.id, "https://a.example"), by=moderator("ada"), now_ms=1)
    _, door = accounts.add_key(site.id, KeyKind.DOOR, now_ms=1)
    accounts.set_door_secret(site.id, Door.CORAL, "sesame", by=moderator("ada"), now_ms=1)
    for n in range(3):
        world.comment(f"toxicity=0.6 held {n}", email="ada@blog.example")
    # Nobody waits: no worker would end it.
    object.__setattr__(world.app.extensions["winnow"], "waiting", Shares(0))
    client = sign_in(world, "ada")
    return Thrower(world, client, token(client.get("/desk/notices").text), door)


def routes(world: World) -> Iterator[tuple[Rule, str]]:
    for rule in world.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint not in LEFT_OUT and not rule.endpoint.endswith("static"):
                yield rule, method


def path_of(thrower: Thrower, rule: Rule, **given: str) -> str:
    """Return a path of *rule*, to something real save for what is *given*."""
    world = thrower.world
    accounts, comments = world.adapters.accounts, world.adapters.comments
    real = {
        "site_id": world.site.id,
        "endpoint_id": next((one.id for one in accounts.endpoints(world.site.id)), "gone"),
        "comment_id": next((one.id for one in comments.recent(world.site.id).items), "gone"),
        "line_id": accounts.audit(limit=1)[0].id,
        "key_id": "gone",
        "key": thrower.door,
        "token": "YWRh.made-up",
    }

    def part(name: re.Match[str]) -> str:
        value = given.get(name[1], real.get(name[1], "x"))
        return quote(value, safe="", errors="surrogatepass")

    return re.sub(r"<(?:\w+:)?(\w+)>", part, rule.rule)


def encoded(pairs: dict[str, str]) -> str:
    return urlencode(pairs, errors="surrogatepass")


def thrown(turns: Iterator[str]) -> list[str]:
    """Return what the next parameter is given."""
    return [*ALWAYS, *islice(turns, TURN)]


def test_no_part_of_any_path_makes_a_5xx(thrower: Thrower):
    turns = cycle(odd.values())
    for rule, method in routes(thrower.world):
        for name in sorted(rule.arguments):
            for value in filter(None, thrown(turns)):
                path = path_of(thrower, rule, **{name: value})
                thrower.send(rule, method, path, f"<{name}>", value)
    assert thrower.wrong == {}, f"after {thrower.count} requests"


def test_no_parameter_of_any_route_makes_a_5xx(thrower: Thrower, monkeypatch: pytest.MonkeyPatch):
    world, turns = thrower.world, cycle(odd.values(seed=14))
    seen = watch(world, monkeypatch)
    for rule, method in routes(world):
        if method == "DELETE" or rule.endpoint.endswith(("remove_endpoint", "remove_site")):
            continue
        path = path_of(thrower, rule)
        about = {"csrf_token": thrower.csrf, "key": thrower.door, "site": world.site.id}
        form = {} if method == "GET" else {**about, "act": "save", "decision": "approve"}
        post(thrower, rule, method, path, "nothing", about, form)  # which shows what is asked for
        asked = seen[rule.endpoint, method]
        for name in sorted(asked.query):
            for value in thrown(turns):
                post(thrower, rule, method, path, f"?{name}", {**about, name: value}, form)
        for name in sorted(asked.form - {"csrf_token"} if form else ()):
            for value in thrown(turns):
                post(thrower, rule, method, path, f"form {name}", {}, {**form, name: value})
    assert thrower.wrong == {}, f"after {thrower.count} requests"


def post(
    thrower: Thrower,
    rule: Rule,
    method: str,
    path: str,
    what: str,
    query: dict[str, str],
    form: dict[str, str],
) -> None:
    more: dict[str, str] = {}
    if form:
        more = {"data": encoded(form), "content_type": "application/x-www-form-urlencoded"}
    value = (form if what.startswith("form") else query).get(what.lstrip("?").removeprefix("form "))
    thrower.send(rule, method, f"{path}?{encoded(query)}", what, value, **more)


def test_no_field_of_any_body_makes_a_5xx(thrower: Thrower):
    world = thrower.world
    turns = cycle(odd.values(seed=16))
    rules = {rule.endpoint: rule for rule in world.app.url_map.iter_rules()}

    def send(rule: Rule, method: str, what: str, value: object, body: object, **more: Any) -> None:
        path = f"{path_of(thrower, rule)}?site={world.site.id}&key={thrower.door}"
        data = json.dumps(body)
        thrower.send(rule, method, path, what, value, data=data, content_type="application/json")

    for operation in api.operations:
        if operation.body is None:
            continue
        rule = rules[f"api.{operation.name}"]
        schema = operation.body.model_json_schema()
        for where, body in places(schema, schema.get("$defs", {})):
            for value in odd.json_values(thrown(turns)):
                send(rule, operation.method, where, value, put(body, value))
    doors: dict[str, object] = {
        "perspective.analyze": {
            "comment": {"text": "hello", "type": "PLAIN_TEXT"}, "languages": ["en"],
            "requestedAttributes": {"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.5}},
            "context": {"entries": []}, "clientToken": "x", "spanAnnotations": True,
            "doNotStore": True, "dropUnsupportedAttributes": True,
        },
        "perspective.suggest_score": {
            "comment": {"text": "hello"}, "languages": ["en"], "clientToken": "x",
            "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1.0}}},
        },
        "openai.moderations": {"input": "hello", "model": "x"},
        "chat.completions": {
            "model": "m", "stream": False, "response_format": {"type": "json_object"},
            "messages": [
                {"role": "system", "content": "spam or approved"},
                {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            ],
        },
        "matrix.check_event_for_spam": {
            "event": {
                "type": "m.room.message", "sender": "@a:b", "room_id": "!a:b",
                "content": {"msgtype": "m.text", "body": "hello", "m.new_content": {"body": "x"}},
            },
        },
        "coral.moderate": {
            "comment": {"body": "hello", "parentID": "1"}, "author": {"role": "STAFF"},
            "story": {"url": "https://blog.example/"},
        },
    }  # fmt: skip
    for endpoint, good in doors.items():
        for where, body in spots(good):
            for value in odd.json_values(thrown(turns)):
                send(rules[endpoint], "POST", where, value, put(body, value))
    assert thrower.wrong == {}, f"after {thrower.count} requests"


def test_no_header_makes_a_5xx(thrower: Thrower):
    turns = cycle(odd.values(seed=17))
    rules = {rule.endpoint: rule for rule in thrower.world.app.url_map.iter_rules()}
    for endpoint, method in (
        ("desk.queue", "GET"), ("desk.decide", "POST"), ("api.submit_comment", "POST"),
        ("api.list_events", "GET"), ("akismet.comment_check", "POST"), ("coral.moderate", "POST"),
        ("perspective.analyze", "POST"), ("openai.moderations", "POST"),
    ):  # fmt: skip
        rule = rules[endpoint]
        for name in HEADERS:
            for value in thrown(turns):
                try:
                    value.encode("latin-1")
                except UnicodeEncodeError:
                    continue  # no server hands one on
                if "\n" in value or "\r" in value or "\x00" in value:
                    continue
                headers = {name: value}
                if name != "Content-Type":
                    headers["Content-Type"] = "application/json"
                thrower.send(
                    rule, method, path_of(thrower, rule), name, value,
                    data=b'{"content": "hello", "input": "x"}', headers=headers,
                )  # fmt: skip
    assert thrower.wrong == {}, f"after {thrower.count} requests"


_HERE = object()


def places(schema: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield each field of a JSON schema with a body that has `_HERE` in its place."""
    yield "body", _HERE
    for name, part in schema.get("properties", {}).items():
        for inner in _parts(part, known):
            for where, body in places(inner, known):
                least = {"content": "hello"} if "content" in schema["properties"] else {}
                yield f"{name}.{where}", {**least, name: body}
    for inner in _parts(schema.get("items", {}), known):
        for where, body in places(inner, known):
            yield f"[].{where}", [body]
    if isinstance(schema.get("additionalProperties"), dict):
        yield "{}", {"spam": _HERE}


def _parts(schema: dict[str, Any], known: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return [known[schema["$ref"].rpartition("/")[2]]]
    if "anyOf" in schema:
        return [part for one in schema["anyOf"] for part in _parts(one, known)]
    return [schema] if schema else []


def spots(body: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Yield each place of a good body with the body that has `_HERE` there."""
    yield where or "body", _HERE
    if isinstance(body, dict):
        for name, value in body.items():
            for inner, changed in spots(value, f"{where}.{name}"):
                yield inner, {**body, name: changed}
    if isinstance(body, list):
        for value in body:
            for inner, changed in spots(value, f"{where}[]"):
                yield inner, [changed]


def put(body: object, value: object) -> object:
    """Return *body* with *value* for `_HERE`."""
    if body is _HERE:
        return value
    if isinstance(body, dict):
        return {name: put(one, value) for name, one in body.items()}
    return [put(one, value) for one in body] if isinstance(body, list) else body
