"""A Winnow without its processes: real storage, the real app, and a model that says what we like."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from argon2 import PasswordHasher

from models import simhash
from moderation import wiring
from moderation.actor import Actor, moderator
from moderation.comment import Author, Comment, Decision, Draft
from moderation.credentials import KeyKind
from moderation.feedback import FitReport
from moderation.moderators import Role
from moderation.ports import Fit, Lesson, Marked
from moderation.records import Accepted
from moderation.settings import Settings
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.workflow.screening import Limits

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = "correct horse battery"
#: What people wait for at a sign-in is most of what a test of the desk would wait for.
QUICK = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


@dataclass(frozen=True)
class Measured:
    labels: dict[str, float]
    language: str = "en"
    known_language: bool = True
    empty: bool = False
    model: str = "plain"
    unmoved: dict[str, float] | None = None
    alike: tuple[tuple[str, str], ...] = ()


class PlainDuplicates:
    """Takes the same words for the same text, and no others."""

    def signatures(self, contents: Sequence[str]) -> list[int]:
        return [zlib.crc32(content.encode()) * 0x9E3779B1 for content in contents]

    def others(
        self, seen: Sequence[int], batch: Sequence[Marked]
    ) -> list[tuple[int, list[tuple[int, int]]]]:

        return simhash.others(seen, batch)


class PlainModel:
    """Finds a text as bad as the words in it say: `spam=0.9 toxicity=0.2`."""

    version = "plain"
    thresholds: ClassVar = {
        "flag": {"spam": 0.5, "toxicity": 0.5, "insult": 0.5},
        "reject": {"spam": 0.9, "toxicity": 0.9, "insult": 0.9},
    }
    card: ClassVar = {}

    def score(
        self,
        items: Sequence[Any],
        *,
        hurried: bool = False,
        house: Sequence[Any] = (),
        bars: Sequence[Any] = (),
    ) -> list[Measured]:
        found = [self._measured(item.content) for item in items]
        heads = house or [None] * len(found)
        return [
            moved(one, head, item.content)
            for one, head, item in zip(found, heads, items, strict=True)
        ]

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


@dataclass(frozen=True)
class PlainHead:
    """Adds to every score."""

    worth: float
    number: int
    lessons: Sequence[Lesson] = ()


def moved(measured: Measured, head: PlainHead | None, content: str = "") -> Measured:
    if head is None:
        return measured
    labels = {
        label: round(min(1.0, max(0.0, score + head.worth)), 4)
        for label, score in measured.labels.items()
    }
    reading = read_plainly(content)
    return replace(
        measured,
        labels=labels,
        model=f"plain+s{head.number}",
        unmoved=measured.labels,
        alike=tuple(
            (one.comment_id, one.decision) for one in head.lessons if one.reading == reading
        ),
    )


def read_plainly(content: str) -> bytes:
    """Return the same for texts that differ behind a "#" alone."""
    return f"plain {zlib.crc32(content.split(' #', maxsplit=1)[0].encode())}".encode()


@dataclass(frozen=True)
class PlainLearner:
    """Learns to add to every score what people missed in them, from three decisions on."""

    model: Any = None
    reader: str = "plain"

    def read(self, items: Sequence[Any]) -> list[bytes]:
        return [read_plainly(item.content) for item in items]

    def fits(self, reading: bytes) -> bool:
        return reading.startswith(b"plain")

    def learn(
        self, lessons: Sequence[Lesson], *, current: bytes | None, vouched: Collection[int] = ()
    ) -> Fit:
        bad = sum(lesson.decision != "approve" for lesson in lessons)
        worth = round(0.3 * (2 * bad / len(lessons) - 1), 4) if lessons else 0.0
        head = json.dumps(worth).encode()
        better = len(lessons) >= 3 and head != current
        return Fit(
            head, str(worth), better, "better" if better else "too_few",
            len(lessons), len(lessons) // 2, (0.5, 0.75),
        )  # fmt: skip

    def head(self, packed: bytes, number: int, lessons: Sequence[Lesson] = ()) -> PlainHead:
        return PlainHead(json.loads(packed), number, lessons)

    def moved(
        self, scores: Sequence[Measured], head: PlainHead, bars: Any = None
    ) -> list[Measured]:
        return [moved(one, head) for one in scores]

    def alike(
        self, reading: bytes, lessons: Sequence[Lesson], *, most: int
    ) -> list[tuple[str, float]]:
        same = [(one.comment_id, 0.9) for one in lessons if one.reading == reading]
        return same[:most]

    def pairs(self, lessons: Sequence[Lesson]) -> list[tuple[str, str]]:
        return [
            (one.comment_id, other.comment_id)
            for n, one in enumerate(lessons)
            for other in lessons[n + 1 :]
            if one.reading == other.reading and one.person != other.person
        ]


@dataclass
class World:
    adapters: wiring.Adapters
    site: Site
    key: str
    token: str
    model: Any = field(default_factory=PlainModel)
    _app: Flask | None = None
    #: Applications that no world has now. To make one, and to compile its templates, takes longer
    #: than most tests.
    _free: ClassVar[list[Flask]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        """Leave the application to the next world, and the server its connections."""
        if self._app is not None:
            self._free.append(self._app)
            self._app = None
        self.adapters.redis.close()

    @property
    def app(self) -> Flask:
        """The application, this world's alone until the world ends."""
        if self._app is None:
            from service.app import routed, serve  # noqa: PLC0415 - many tests want no application

            self._app = self._free.pop() if self._free else routed()
            serve(
                self._app,
                self.adapters.settings,
                adapters=self.adapters,
                model=lambda: self.model,
            )
        return self._app

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **more: Any):
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        headers |= more.pop("headers", {})
        if body is not None:
            more["json"] = body
        answer = self.client().open(path, method=method, headers=headers, **more)
        from tests.support import answers  # noqa: PLC0415 - as in `app`

        answers.hold(self.app, answer)
        return answer

    def submit(self, *texts: str, site: Site | None = None, **draft: Any) -> list[Accepted]:
        adapters = self.adapters
        return adapters.submit([Draft(text, **draft) for text in texts], site=site or self.site)

    def screen(self, holder: str = "test:1") -> int:
        return self.adapters.screen(0, holder=holder, limits=Limits(linger_seconds=0))

    def learn(self, site: Site | None = None) -> FitReport | None:
        """Learn as the job does, and let this process look for new heads."""
        attempt = self.adapters.learn((site or self.site).id)
        self.adapters.houses._known.clear()
        return attempt

    def decide(self, text: str, decision: Decision, *, by: Actor | None = None) -> Comment:
        """Return *text* as a comment that somebody decided, and that can't be undone any more."""
        comment = self.comment(text)
        self.adapters.review(comment.id, decision, by=by or moderator("ada"), hold_seconds=0)
        self.adapters.comments.release(0, now_ms=self.adapters.clock.now_ms() + 1)
        return self.adapters.comments.get(comment.id)

    def comment(self, text: str, *, email: str = "", site: Site | None = None) -> Comment:
        """Return *text* as a screened comment."""
        accepted = self.submit(text, author=Author(name="Ada", email=email), site=site)[0]
        self.screen()
        return self.adapters.comments.get(accepted.id)

    def add_moderator(self, name: str, *, admin: bool = False, sites: Sequence[str] = ()) -> None:
        role = Role.ADMIN if admin else Role.MODERATOR
        self.adapters.accounts.add_moderator(name, PASSWORD, role=role, sites=sites, now_ms=1)


def make_world(redis_url: str, data: Path, **settings: Any) -> World:
    usual = {"site_rate": "100000/minute", "login_rate": "1000/minute"}
    process = Settings(redis_url=redis_url, data_dir=data, **(usual | settings))
    model = PlainModel()
    connected = wiring.connect(process)
    adapters = replace(
        connected,
        accounts=Accounts(connected.redis, connected.vault, shards=process.shards, hasher=QUICK),
        current=lambda: model,
        duplicates=PlainDuplicates(),
        learning=PlainLearner,
        chance=lambda: 1.0,  # no spot checks, unless a test wants some
    )
    wiring.prepare(adapters)
    now = adapters.clock.now_ms()
    site = adapters.accounts.add_site("demo", now_ms=now)
    _, key = adapters.accounts.add_key(site.id, KeyKind.API, now_ms=now)
    _, token = adapters.accounts.add_token("tests", now_ms=now)
    return World(adapters, site, key, token, model)
