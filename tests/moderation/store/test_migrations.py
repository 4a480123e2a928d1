"""Data of an older Winnow is brought up to date, whole, even if that is cut off."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from moderation import ids, wiring
from moderation.comment import Author, Decision, Draft, Status
from moderation.store import codec, keys, migrations
from tests.support.world import World

THEN = 1_790_000_000_000
SCORED = '[["28dd4c0f2dd3",[6200,100,0,0,0,0,0],"en",1,0],["flag","spam",[["spam","spam 62%"]]]]'


def packed(draft: Draft) -> bytes:
    """Return *draft* as version 1 wrote it."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0, codec._OF_OBJECTS)
    text = json.dumps(draft.to_dict(), ensure_ascii=False).encode()
    return b"\x01" + deflate.compress(text) + deflate.flush()


class Old:
    """Writes what version 1 wrote, field by field."""

    def __init__(self, world: World) -> None:
        self.world, self.redis = world, world.adapters.redis
        self.site = ids.shorten(world.site.id)
        self.redis.hset(keys.META(keys.GLOBAL), "version", "1")

    def comment(self, number: int, status: str, history: list[Any], **fields: Any) -> str:
        identifier = ids.new_id(THEN + number)
        short = ids.shorten(identifier)
        draft = Draft(
            f"text {number}", Author("Ada", email="ada@mail.example"), external_id=f"wp-{number}"
        )
        stored = {
            "s": self.site, "st": status, "r": 1, "v": len(history), "d": packed(draft),
            "g": draft.digest, "t": THEN + number, "u": THEN + 500, "x": "12 0123456789abcdef",
            "p": "0.5", "sc": SCORED, "h": "\n".join(map(json.dumps, history)),
        }  # fmt: skip
        told = {name: value for name, value in (stored | fields).items() if value is not None}
        self.redis.hset(keys.COMMENT(0, short), mapping=told)
        self.redis.hset(f"{{w:0}}:x:{self.site}:12", "0123456789abcdef", short)
        self.redis.hset(f"{{w:0}}:a:{self.site}:40", "fedcba9876543210", short)
        self.redis.rpush(keys.DAY(0, self.site, "20260921"), short)
        self.redis.hincrby(keys.COUNTS(0), status, 1)
        self.redis.hincrby(keys.COUNTS(0), f"{self.site}:{status}", 1)
        return identifier


def screened(new: str) -> list[Any]:
    return ["pending", new, "model 28dd4c0f2dd3", "spam", THEN + 100]


@pytest.fixture
def old(world: World) -> Old:
    return Old(world)


def filled(old: Old) -> dict[str, str]:
    """Write one comment of each sort and return them by name."""
    decided = ["flagged", "spam", "ada", "spam", THEN + 500, "a note"]
    found = {
        "pending": old.comment(1, "pending", [], sc=None, h=None),
        "approved": old.comment(2, "approved", [screened("approved")]),
        "flagged": old.comment(3, "flagged", [screened("flagged")]),
        "decided": old.comment(
            4, "spam", [screened("flagged"), decided], un='["flagged","0.5",2]', he="comment.spam"
        ),
        "erased": old.comment(5, "erased", [], d=None, sc=None, h=None, v=3),
    }
    short = ids.shorten(found["decided"])
    old.redis.zadd(keys.HELD(0), {short: THEN + 10**12})
    kept = ["spam", "ada", THEN + 500, "spam", "a note", 1]
    old.redis.hset(
        keys.KEPT(0, short),
        mapping={"2": json.dumps(kept), "2:d": packed(Draft("as it was")), "2:s": SCORED},
    )
    old.redis.zadd(keys.DECIDED(0, old.site), {short: THEN + 500})
    return found


def test_comments_of_version_1_read_as_before_and_live_on(world: World, old: Old):
    found = filled(old)
    wiring.prepare(world.adapters)
    comments = world.adapters.comments
    assert int(old.redis.hget(keys.META(keys.GLOBAL), "version")) == migrations.DATA_VERSION

    approved = comments.get(found["approved"])
    assert approved.scores is not None
    assert approved.verdict is not None
    assert (approved.status, approved.content) == (Status.APPROVED, "text 2")
    assert (approved.scores["spam"], approved.scores.model) == (0.62, "28dd4c0f2dd3")
    assert approved.verdict.reasons[0].text == "spam 62%"
    assert approved.history[0].by == "model 28dd4c0f2dd3"
    assert round(approved.history[0].at.timestamp() * 1000) == THEN + 100

    assert comments.find(world.site.id, "wp-3").id == found["flagged"]
    now = world.adapters.clock.now_ms()
    whose = comments.by_author(world.site.id, now_ms=now, email="ada@mail.example")
    assert {one.id for one in whose} == set(found.values()) - {found["erased"]}
    assert comments.get(found["erased"]).status is Status.ERASED

    (kept,) = comments.decisions(world.site.id)
    assert (kept.decision, kept.by, kept.note) == (Decision.SPAM, "ada", "a note")
    assert kept.draft is not None
    assert kept.draft.content == "as it was"
    undone = comments.undo(found["decided"], by="ada", now_ms=THEN + 600)
    assert undone.status is Status.FLAGGED
    for kind in (keys.EXTERNAL, keys.AUTHOR):
        for key in old.redis.scan_iter(f"{{w:0}}:{kind.prefix}:*"):
            assert all(len(name) == 8 for name in old.redis.hkeys(key))


def test_a_migration_that_was_cut_off_goes_on_where_it_was(world: World, old: Old):
    found = filled(old)
    many = [
        old.comment(n, "approved", [screened("approved")])
        for n in range(10, 10 + migrations._CHUNK + 20)
    ]
    beats = iter([None])
    with pytest.raises(StopIteration):  # after the first chunk
        migrations.migrate(
            1, world.adapters.redis, world.adapters.comments, beat=lambda: next(beats)
        )
    wiring.prepare(world.adapters)
    comments = world.adapters.comments
    assert {one.status for one in comments.get_many(many)} == {Status.APPROVED}
    assert [comments.find(world.site.id, f"wp-{n}").id for n in range(10, 20)] == many[:10]
    assert comments.get(found["flagged"]).scores == comments.get(many[0]).scores
    assert len(comments.decisions(world.site.id)) == 1


def test_comments_of_version_2_read_as_before_and_live_on(world: World, old: Old):
    """They held their site and status in full, and said so when their text had expired."""
    comments, redis = world.adapters.comments, old.redis
    told = {"external_id": "wp-1", "author": Author(email="ada@mail.example")}
    (living,), expired = world.submit("toxicity=0.6 hello", **told), world.comment("bye")
    comments.forget(expired, everything=False)
    for one, fields in ((living, {"st": "flagged"}), (expired, {"st": "approved", "tx": "1"})):
        line = ["pf", "model 28dd4c0f2dd3", "toxicity", 100]
        told = {"s": old.site, "r": "1", "v": "1", "h": json.dumps(line), **fields}
        redis.hset(keys.COMMENT(0, ids.shorten(one.id)), mapping=told)
        redis.hdel(keys.COMMENT(0, ids.shorten(one.id)), "z")
    for kind, prefix, name in ((keys.EXTERNAL, "x", "externals"), (keys.AUTHOR, "a", "authors")):
        for key in list(redis.scan_iter(kind(0, old.site, "*").replace("{", "\\{"))):
            redis.rename(key, key.replace(f":{kind.prefix}:".encode(), f":{prefix}:".encode()))
        redis.hset(keys.COUNTS(0), f"{old.site}:{name}:top", 2)
    near = keys.NEAR(0, old.site)
    redis.delete(near)
    redis.set(near, b"1" * 48)
    redis.hset(keys.META(keys.GLOBAL), "version", "2")
    wiring.prepare(world.adapters)
    assert comments.signatures([world.site.id]) == {world.site.id: b""}
    now = world.adapters.clock.now_ms()
    assert comments.find(world.site.id, "wp-1").id == living.id
    (hers,) = comments.by_author(world.site.id, now_ms=now, email="ada@mail.example")
    assert hers.id == living.id
    counts = redis.hgetall(keys.COUNTS(0))
    assert int(counts[f"{old.site}:externals".encode()]) == 1
    assert not [field for field in counts if field.endswith((b":top", b":moving"))]
    found = comments.get(living.id)
    assert (found.site_id, found.status, found.content) == (
        world.site.id, Status.FLAGGED, "toxicity=0.6 hello",
    )  # fmt: skip
    assert found.history[0].by == "model 28dd4c0f2dd3"
    assert comments.get(expired.id).text_expired
    decided = comments.decide(
        living.id, Decision.SPAM, by="ada", reason="", note="", version=1, hold_ms=0, now_ms=now
    )
    assert [step.new for step in decided.history] == [Status.FLAGGED, Status.SPAM]
    edited, _ = comments.edit(expired.id, Draft("anew"), by="blog", now_ms=now)
    assert (edited.revision, edited.text_expired) == (2, False)


def test_events_of_version_2_are_still_told(world: World, old: Old):
    comment = world.comment("hello")
    line = {"y": "edited", "c": ids.shorten(comment.id), "r": 2, "n": 5, "t": THEN}
    old.redis.xadd(keys.EVENTS(0, old.site), line)
    approved, edited = world.adapters.comments.events(world.site.id)
    assert (approved.type, approved.comment_id) == ("comment.approved", comment.id)
    assert (edited.type, edited.comment_id) == ("comment.edited", comment.id)
    assert (edited.revision, edited.sequence, edited.at.timestamp() * 1000) == (2, 5, THEN)
