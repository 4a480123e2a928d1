"""The part of an e-mail with links that decide: to whom, for which comments, and how many."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from moderation.comment import Decision
from moderation.moderators import Moderator
from tests.support.actors import ADA
from tests.support.world import World

ADDRESS = "bob@mail.example"


@pytest.fixture
def bob(world: World) -> Moderator:
    allow(world)
    world.add_moderator("bob", sites=[world.site.id])
    world.adapters.accounts.set_email("bob", ADDRESS, by=ADA, now_ms=1)
    return world.adapters.accounts.moderator("bob")


def allow(world: World, *, links: bool = True) -> None:
    site = world.adapters.accounts.site(world.site.id)
    changed = replace(site, mail_links=links)
    world.adapters.accounts.save_site(changed, was=site, by=ADA, now_ms=1)


def links(world: World, person: Moderator, address: str = ADDRESS, **more) -> list[str]:
    text = world.adapters.mail_lines(person, address, **{"since_ms": 0, **more})
    return re.findall(r"http://127\.0\.0\.1:8025/desk/act/\S+", text)


def test_each_comment_that_waits_has_a_link_and_none_of_its_words(world: World, bob: Moderator):
    world.comment("toxicity=0.6 secret words")
    world.comment("toxicity=0.6 more words")
    decided = world.comment("toxicity=0.6 decided")
    world.adapters.review(decided.id, Decision.SPAM, by=ADA)
    assert len(set(links(world, bob))) == 2
    assert "words" not in world.adapters.mail_lines(bob, ADDRESS, since_ms=0)


def test_links_go_to_a_confirmed_address_alone(world: World, bob: Moderator):
    """An address that a moderator only typed may be anybody's."""
    world.comment("toxicity=0.6 held")
    assert links(world, bob, "BOB@mail.example")
    assert not links(world, bob, "else@mail.example")
    assert not links(world, replace(bob, email=""), "")


def test_a_site_has_to_allow_them(world: World, bob: Moderator):
    world.comment("toxicity=0.6 held")
    allow(world, links=False)
    assert not links(world, bob)


def test_only_ones_own_and_chosen_sites_have_any(world: World, bob: Moderator):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    changed = replace(other, mail_links=True)
    world.adapters.accounts.save_site(changed, was=other, by=ADA, now_ms=1)
    world.comment("toxicity=0.6 held", site=other)
    assert not links(world, bob)
    world.comment("toxicity=0.6 held")
    assert links(world, bob, sites=[world.site.id])
    assert not links(world, bob, sites=[other.id])


def test_what_had_a_link_before_has_no_second_one(world: World, bob: Moderator):
    world.comment("toxicity=0.6 held")
    assert not links(world, bob, since_ms=world.adapters.clock.now_ms() + 1)


def test_one_e_mail_has_twenty_at_most(world: World, bob: Moderator):
    world.submit(*[f"toxicity=0.6 {n}" for n in range(25)])
    world.screen()
    assert len(links(world, bob)) == 20
