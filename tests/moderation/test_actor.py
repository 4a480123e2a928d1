"""Who did something, and what people call them."""

from __future__ import annotations

import pytest

from moderation.actor import Actor, ActorKind, machine, moderator, who
from moderation.store.codec import LETTERS, pack_actor, unpack_actor


def test_every_kind_has_a_name_and_a_letter_of_its_own():
    assert len({who(Actor(kind)) for kind in ActorKind}) == len(ActorKind)
    assert LETTERS.keys() == set(ActorKind)
    assert len({letter.lower() for letter in LETTERS.values()}) == len(ActorKind)


@pytest.mark.parametrize("name", ["", "ada", "x", "X\n", "a\nb", "winnow-team", "ünï", "m:o|p"])
@pytest.mark.parametrize("via", ["", "akismet", "a: token"])
@pytest.mark.parametrize("kind", ActorKind)
def test_an_actor_is_stored_as_it_is(kind: ActorKind, name: str, via: str):
    assert unpack_actor(pack_actor(Actor(kind, name, via))) == Actor(kind, name, via)


def test_a_name_alone_makes_nobody_a_machine():
    assert who(moderator("the machine")) == who(machine(""))
    assert pack_actor(moderator("the machine")) != pack_actor(machine(""))


def test_people_are_called_by_their_names_and_how_they_came():
    assert who(moderator("ada")) == "ada"
    assert who(Actor(ActorKind.BLOG, "ada", via="akismet")) == "ada (akismet)"
    assert who(Actor(ActorKind.OPERATOR, "root")) == "root (command line)"
    assert who(machine("28dd4c0f2dd3")) == "model 28dd4c0f2dd3"
