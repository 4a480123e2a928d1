"""Coral's external moderation phase: signed, and held whenever we cannot judge."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from moderation.credentials import KeyKind
from moderation.site import Door
from tests.support.actors import ADA
from tests.support.world import World

SECRET = "coral-signing-secret"


@pytest.fixture
def key(world: World) -> str:
    accounts = world.adapters.accounts
    accounts.set_door_secret(world.site.id, Door.CORAL, SECRET, by=ADA, now_ms=1)
    return accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]


def ask(world: World, key: str, text: object, *, secret: str = SECRET, role: str = "COMMENTER"):
    content = {"action": "NEW", "comment": {"body": text, "parentID": None}}
    content |= {
        "author": {"id": "1", "role": role},
        "story": {"id": "2", "url": "https://x.example"},
    }
    body = json.dumps(content, indent=2).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Coral-Signature": f"sha256=0,sha256={signature}"}
    return world.client().post(f"/coral/{key}", data=body, headers=headers)


@pytest.mark.parametrize(
    "text, status",
    [
        ("fine", "NONE"),
        ("toxicity=0.6", "SYSTEM_WITHHELD"),
        ("spam=0.95", "REJECTED"),
        ("this breaks the model", "SYSTEM_WITHHELD"),
        (5, "SYSTEM_WITHHELD"),
    ],
)
def test_coral_is_told_what_to_do(world: World, key: str, text: object, status: str):
    answer = ask(world, key, text)
    assert (answer.status_code, answer.json["status"]) == (200, status)


def test_a_rejection_says_why(world: World, key: str):
    answer = ask(world, key, "spam=0.95").json
    assert answer["actions"] == [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}]
    assert answer["moderationAction"]["rejectionReason"]["code"] == "SPAM"


def test_corals_own_staff_pass(world: World, key: str):
    assert ask(world, key, "toxicity=0.95", role="ADMIN").json["status"] == "NONE"


def test_a_wrong_signature_or_key_is_refused(world: World, key: str):
    assert ask(world, key, "fine", secret="another").status_code == 401
    assert ask(world, "0123456789ab", "fine").status_code == 404


@pytest.mark.parametrize("signature", ["²", "sha256=ä", ",,", "sha256"])
def test_what_is_no_signature_is_a_wrong_one(world: World, key: str, signature: str):
    answer = world.client().post(
        f"/coral/{key}", data=b"{}", headers={"X-Coral-Signature": signature}
    )
    assert answer.status_code == 401


def test_the_door_is_shut_until_its_secret_is_known(world: World):
    door = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]
    assert ask(world, door, "fine").status_code == 404


def test_the_secret_is_nowhere_in_clear(world: World, key: str):
    redis = world.adapters.redis
    stored = [redis.hgetall(one) for one in redis.scan_iter() if redis.type(one) == b"hash"]
    assert SECRET not in repr(stored)
