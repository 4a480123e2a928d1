"""One word a thing: a class name is defined once, and a module name used twice names one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("moderation", "service", "worker", "models")
#: Class names that may be defined twice, with the reason.
CLASSES: Mapping[str, str] = {
    "Seen": "why a person saw a comment: models imports nothing of ours, so it has a copy",
}
#: A thing of the product has a module of the same name in each room it passes through: its noun in
#: moderation/, its verbs in workflow/, its storage in store/, its views in api/, desk/ and cli/. A service
#: that Winnow serves and sends to has a door and a channel.
ROOMS = (
    "moderation",
    "moderation/workflow",
    "moderation/store",
    "moderation/store/accounts",
    "service/api",
    "service/desk",
    "service/cli",
    "service/doors",
    "worker/channels",
)
#: Module names that more than one of these rooms may use, with the one thing that each names.
MODULES: Mapping[str, str] = {
    "audit": "the audit trail",
    "campaigns": "finding and cleaning up the comments of a campaign",
    "comment": "one comment",
    "comments": "comments as a collection",
    "endpoint": "a webhook endpoint",
    "factors": "second factors of a sign-in",
    "intake": "taking a comment in",
    "learning": "what a site learns from its decisions",
    "links": "one-time links that let a moderator in, and letters that carry them",
    "matrix": "Matrix, the network: its door and its channel",
    "model": "the scikit-learn model in use",
    "moderators": "people who may sign in at the desk",
    "notices": "reminders that a moderator asked for",
    "people": "people who comment, and how a site treats them",
    "reasons": "reasons of a verdict",
    "remarks": "notes and replies that moderators write about a comment",
    "retention": "deleting what is older than a site keeps",
    "screening": "judging pending comments in batches",
    "search": "finding comments",
    "settings": "settings of the process",
    "site": "one site",
    "site_keys": "keys of a site",
    "sites": "all sites",
    "webhooks": "deliveries to endpoints",
}
#: Names that Python gives, and `base`: what the modules of its own package share.
ANYWHERE = {"__init__", "__main__", "base"}


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_a_class_name_is_defined_once():
    places = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    repeated = {name: found for name, found in places.items() if len(found) > 1}
    assert repeated.keys() == CLASSES.keys(), repeated


def test_a_module_name_used_twice_names_one_thing():
    places = defaultdict(list)
    for path in modules():
        if path.stem not in ANYWHERE:
            places[path.stem].append(str(path.parent.relative_to(ROOT)))
    repeated = {name: found for name, found in places.items() if len(found) > 1}
    assert repeated.keys() == MODULES.keys(), repeated
    assert {room for found in repeated.values() for room in found} <= set(ROOMS), repeated
