"""A Winnow without its processes: real storage, the real app, and a model that says what we like.

Every test process loads this file, and most tests want none of it: the application is imported by
what builds one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from models import near
from moderation import wiring
from moderation.comment import Author, Comment, Draft
from moderation.ports import Marked
from moderation.records import Accepted
from moderation.settings import Settings
from moderation.site import KeyKind, Role, Site
from moderation.workflow.screening import Limits

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Measured:
    labels: dict[str, float]
    language: str = "en"
    known_language: bool = True
    empty: bool = False


class PlainDuplicates:
    """Takes the same words for the same text, and no others."""

    def signatures(self, contents: Sequence[str]) -> list[int]:
        return [zlib.crc32(content.encode()) * 0x9E3779B1 for content in contents]

    def others(
        self, seen: Sequence[int], batch: Sequence[Marked]
    ) -> list[tuple[int, list[tuple[int, int]]]]:

        return near.others(seen, batch)


class PlainModel:
    """Finds a text as bad as the words in it say: `spam=0.9 toxicity=0.2`."""

    version = "plain"
    thresholds: ClassVar = {
        "flag": {"spam": 0.5, "toxicity": 0.5, "insult": 0.5},
        "reject": {"spam": 0.9, "toxicity": 0.9, "insult": 0.9},
    }
    card: ClassVar = {}

    def score(self, items: Sequence[Any], *, hurried: bool = False) -> list[Measured]:
        return [self._measured(item.content) for item in items]

    def _measured(self, content: str) -> Measured:
        if "breaks the model" in content:
            raise ValueError("no score for this")
        said = (word.split("=") for word in content.split() if word.count("=") == 1)
        labels = {}
        for label, number in said:
            try:
                labels[label] = float(number)
            except ValueError:
                continue
        return Measured(labels)


@dataclass
class World:
    adapters: wiring.Adapters
    app: Flask
    site: Site
    key: str
    token: str
    model: Any = field(default_factory=PlainModel)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, method: str, path: str, told: Any = None, *, key: str | None = None, **more: Any):
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        headers |= more.pop("headers", {})
        if told is not None:
            more["json"] = told
        return self.client().open(path, method=method, headers=headers, **more)

    def submit(self, *texts: str, site: Site | None = None, **draft: Any) -> list[Accepted]:
        adapters = self.adapters
        return adapters.submit([Draft(text, **draft) for text in texts], site=site or self.site)

    def screen(self, holder: str = "test:1") -> int:
        return self.adapters.screen(0, holder=holder, limits=Limits(linger_seconds=0))

    def comment(self, text: str, *, email: str = "", site: Site | None = None) -> Comment:
        """Return *text* as a screened comment."""
        accepted = self.submit(text, author=Author(name="Ada", email=email), site=site)[0]
        self.screen()
        return self.adapters.comments.get(accepted.id)

    def add_moderator(self, name: str, *, admin: bool = False, sites: Sequence[str] = ()) -> None:
        role = Role.ADMIN if admin else Role.MODERATOR
        self.adapters.accounts.add_moderator(name, PASSWORD, role=role, sites=sites, now_ms=1)


def make_world(redis_url: str, data: Path, **settings: Any) -> World:
    from service.app import create_app  # noqa: PLC0415 - as said above

    usual = {"site_rate": "100000/minute", "login_rate": "1000/minute"}
    told = Settings(redis_url=redis_url, data_dir=data, **(usual | settings))
    model = PlainModel()
    adapters = replace(wiring.connect(told), current=lambda: model, duplicates=PlainDuplicates())
    wiring.prepare(adapters)
    now = adapters.clock.now_ms()
    site = adapters.accounts.add_site("demo", now_ms=now)
    _, key = adapters.accounts.add_key(site.id, KeyKind.API, now_ms=now)
    _, token = adapters.accounts.add_token("tests", now_ms=now)
    return World(
        adapters, create_app(told, adapters=adapters, model=lambda: model), site, key, token, model
    )


@pytest.fixture
def world(redis_url: str, tmp_path: Path) -> World:
    """A fresh Winnow with one site, its key, and an administrator's token."""
    return make_world(redis_url, tmp_path)
