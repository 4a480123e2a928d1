"""Every door judges as the API does: by the same facts, and by each rule that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moderation.comment import Author, Decision, Status
from moderation.policy import Mode, Policy
from tests.service.doors.test_failures import WAYS, opened
from tests.support.actors import ADA
from tests.support.world import PlainModel, World

TEXT = "hello"
#: Each rule that holds, with a policy under which it holds TEXT once another author has sent it.
RULES = {
    "first_comment": Policy(hold_first_comment=True),
    "near_duplicate": Policy(hold_near_duplicates=1),
    "blocked_word": Policy(blocked_words=(TEXT,)),
    "hold_all": Policy(mode=Mode.HOLD_ALL),
}
#: What each door says when a comment is held for a person.
SAYS_HELD = {
    "akismet": lambda answer: answer.data == b"true",
    "wordpress": lambda answer: answer.headers.get("X-akismet-error") == "held-for-a-moderator",
    "openai": lambda answer: answer.json["results"][0]["flagged"],
    "chat": lambda answer: "true" in answer.json["choices"][0]["message"]["content"],
    "matrix": lambda answer: answer.status_code == 403,
    "coral": lambda answer: answer.json["status"] == "SYSTEM_WITHHELD",
}


class Counting(PlainModel):
    """A scorer that keeps the texts that it was asked about."""

    def __init__(self) -> None:
        self.scored: list[str] = []

    def score(self, items: Any, **options: Any) -> Any:
        self.scored += [item.content for item in items]
        return super().score(items, **options)


def under(world: World, policy: Policy, **more: Any) -> None:
    """Let *policy* hold, and let another author have sent TEXT."""
    world.submit(TEXT, author=Author(email="other@mail.example"))
    world.screen()
    accounts = world.adapters.accounts
    site = accounts.site(world.site.id)
    accounts.save_site(replace(site, policy=policy, **more), was=site, by=ADA, now_ms=1)


@pytest.mark.parametrize("rule", RULES)
def test_the_api_holds_by_each_rule(world: World, rule: str):
    under(world, RULES[rule])
    comment = world.comment(TEXT, email="ada@mail.example")
    assert comment.status is Status.FLAGGED
    assert comment.verdict.reasons[0].code == rule


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("door", SAYS_HELD)
def test_each_door_holds_by_each_rule(world: World, door: str, rule: str):
    key, way = opened(world), WAYS[door]
    under(world, RULES[rule])
    assert SAYS_HELD[door](way.ask(world, key))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("door", WAYS)
def test_what_a_door_records_is_held_by_each_rule(world: World, door: str, rule: str):
    """Perspective's, too, which has no word for it: it waits in the queue."""
    key, way = opened(world), WAYS[door]
    under(world, RULES[rule], record_doors=True)
    way.ask(world, key)
    (held,) = world.adapters.comments.queue(world.site.id).items
    assert (held.content, held.verdict.reasons[0].code) == (TEXT, rule)


@pytest.mark.parametrize("door", WAYS)
def test_a_door_that_records_scores_a_comment_once(world: World, door: str):
    key, way, model = opened(world), WAYS[door], Counting()
    under(world, Policy(), record_doors=True)
    world.model = model
    way.ask(world, key)
    assert model.scored == [TEXT]


@pytest.mark.parametrize("door", SAYS_HELD)
def test_no_door_holds_what_no_rule_objects_to(world: World, door: str):
    key, way = opened(world), WAYS[door]
    under(world, Policy())
    assert not SAYS_HELD[door](way.ask(world, key))


def ask(world: World, key: str, *, email: str) -> bytes:
    form = {"api_key": key, "blog": "b", "user_ip": "", "comment_content": TEXT}
    return (
        world.client().post("/1.1/comment-check", data=form | {"comment_author_email": email}).data
    )


def test_a_campaign_through_the_akismet_door_is_held_once_enough_have_sent_it(world: World):
    """What a door judged counts as a near-duplicate for what comes next."""
    key = opened(world)
    site = replace(world.site, policy=Policy(hold_near_duplicates=2))
    world.adapters.accounts.save_site(
        site, was=world.adapters.accounts.site(site.id), by=ADA, now_ms=1
    )
    said = [ask(world, key, email=f"{n}@mail.example") for n in range(3)]
    assert said == [b"false", b"false", b"true"]


def test_an_author_who_was_approved_through_a_door_is_known_at_each(world: World):
    key = opened(world)
    under(world, RULES["first_comment"])
    assert ask(world, key, email="ada@mail.example") == b"true"
    (held,) = world.adapters.comments.queue(world.site.id).items
    world.adapters.review(held.id, Decision.APPROVE, by=ADA)
    other = {"api_key": key, "blog": "b", "user_ip": "", "comment_content": "another thing"}
    other["comment_author_email"] = "ada@mail.example"
    assert world.client().post("/1.1/comment-check", data=other).data == b"false"
    assert world.comment("a third", email="ada@mail.example").status is Status.APPROVED
