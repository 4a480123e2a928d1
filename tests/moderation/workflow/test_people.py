"""Erasing a person: by bounded steps that may be cut off anywhere, each comment counted once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moderation.campaign import Trait
from moderation.comment import Author, Decision, Draft, Status
from moderation.errors import Conflict, InvalidInput
from moderation.store.accounts import erasures
from moderation.store.accounts.desk import Desk
from moderation.treatment import Subject, Treatment
from moderation.workflow import people
from tests.support.actors import ADA, BLOG
from tests.support.stored import stored_anywhere
from tests.support.world import World

LISA = Subject.read("email", "lisa@mail.example")


def write(world: World, number: int, email: str = "lisa@mail.example", site: Any = None) -> None:
    author = Author("Lisa", email)
    world.submit(*[f"text {n}" for n in range(number)], author=author, site=site)
    while world.adapters.comments.has_work(0):
        world.screen()


def begin(world: World, *sites: str):
    adapters = world.adapters
    return people.begin_erasure(
        sites or (world.site.id,), LISA, by=ADA,
        comments=adapters.comments, accounts=adapters.accounts, clock=adapters.clock,
    )  # fmt: skip


def statuses(world: World) -> dict[Status, int]:
    return world.adapters.comments.counts(world.site.id)


def test_a_step_erases_two_hundred_and_the_last_says_what_was_erased(world: World):
    write(world, 450)
    write(world, 3, "eve@mail.example")
    world.adapters.treat(world.site.id, LISA, Treatment.HOLD, by=ADA)
    one = begin(world)
    erased = []
    while one.goes_on:
        one = world.adapters.step_erasure(one.id)
        erased.append(one.comments)
    assert erased[:3] == [200, 400, 450]
    assert (one.receipt.comments, one.receipt.records, one.receipt.sites) == (450, 1, 1)
    assert one.receipt.by_status["approved"] == 450
    assert (statuses(world)[Status.ERASED], statuses(world)[Status.APPROVED]) == (450, 3)
    assert stored_anywhere(world.adapters.redis, "lisa@mail") == []
    assert world.adapters.accounts.unerased() == []
    assert world.adapters.accounts.erasure(one.id).receipt == one.receipt


def test_one_that_is_cut_off_in_a_step_goes_on_and_counts_each_comment_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    write(world, 250)
    one, comments = begin(world), world.adapters.comments
    erase, left = comments.erase, iter(range(120))

    def die(comment_id: str, **arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        erase(comment_id, **arguments)

    with monkeypatch.context() as patched:
        patched.setattr(comments, "erase", die)
        with pytest.raises(KeyboardInterrupt):
            world.adapters.step_erasure(one.id)
    assert world.adapters.accounts.erasure(one.id).goes_on, "it is seen to be half done"
    assert world.adapters.erase_rest() == 1
    assert world.adapters.accounts.erasure(one.id).receipt.comments == 250
    assert statuses(world)[Status.ERASED] == 250


def test_what_takes_longer_is_left_to_a_worker(world: World):
    write(world, 250)
    one = world.adapters.erase_person([world.site.id], LISA, by=ADA, seconds=0)
    assert (one.goes_on, one.comments) == (True, 0)
    assert world.adapters.accounts.unerased() == [one.id]
    again = world.adapters.erase_person([world.site.id], LISA, by=ADA, seconds=0)
    assert again.id == one.id, "the same one goes on"
    assert world.adapters.erase_rest() == 1
    assert world.adapters.accounts.erasure(one.id).comments == 250


def test_every_site_is_gone_through_and_no_other(world: World):
    accounts = world.adapters.accounts
    second, third = (accounts.add_site(name, now_ms=1) for name in ("second", "third"))
    for site in (world.site, second, third):
        write(world, 2, site=site)
    one = world.adapters.erase_person([world.site.id, second.id], LISA, by=ADA)
    assert (one.receipt.done, one.comments, one.sites) == (True, 4, 2)
    assert world.adapters.comments.counts(third.id)[Status.APPROVED] == 2


def test_two_at_once_do_not_disturb_each_other(world: World):
    write(world, 10)
    one, accounts = begin(world), world.adapters.accounts
    with accounts.erasing(one.id) as mine:
        assert mine
        assert world.adapters.step_erasure(one.id) == one, "it is returned as it is"
    assert world.adapters.erase_rest() == 1
    assert accounts.erasure(one.id).comments == 10


def test_too_many_at_once_are_refused(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(erasures, "MOST_ERASURES", 1)
    first = begin(world)
    with pytest.raises(Conflict, match="erasures are at work"):
        world.adapters.erase_person(
            [world.site.id], Subject.read("email", "eve@mail.example"), by=ADA
        )
    assert world.adapters.accounts.unerased() == [first.id]


def test_a_network_is_no_person(world: World):
    with pytest.raises(InvalidInput):
        world.adapters.erase_person(
            [world.site.id], replace(LISA, kind="network", value="192.0.2.0/24"), by=ADA
        )


def test_the_trail_says_that_it_began_and_what_came_of_it_and_names_nobody(world: World):
    write(world, 1)
    world.adapters.erase_person([world.site.id], LISA, by=ADA)
    lines = world.adapters.accounts.audit(limit=5)
    assert [one.action for one in lines[:2]] == ["person.erase", "person.erase_begin"]
    assert "lisa" not in str(lines)


def test_a_former_e_mail_that_is_kept_with_a_decision_is_found_exported_and_erased(world: World):
    adapters = world.adapters
    (accepted,) = world.submit("spam=0.6", author=Author("Lisa", LISA.value))
    world.screen()
    adapters.review(accepted.id, Decision.APPROVE, by=ADA)
    newer = Draft("another text", Author("Ada", "ada@mail.example"))
    adapters.edit(accepted.id, newer, by=BLOG)
    world.screen()

    (exported,) = adapters.export_person([world.site.id], LISA)
    assert (exported.id, exported.content) == (accepted.id, "spam=0.6")
    assert exported.draft.author.email == LISA.value  # and nothing of the other
    (answered,) = world.ask("GET", f"/v1/authors/comments?email={LISA.value}").json["items"]
    assert (answered["content"], answered["author"]["email"]) == ("spam=0.6", LISA.value)
    (dossier,) = adapters.look_up([world.site.id], LISA)
    assert dossier.total == 1

    one = adapters.step_erasure(begin(world).id)
    assert adapters.comments.get(accepted.id).status is Status.ERASED
    while one.goes_on:
        one = adapters.step_erasure(one.id)
    assert one.receipt.comments == 1
    assert stored_anywhere(adapters.redis, "lisa@mail") == []


def test_nothing_is_left_of_a_clean_up_or_a_filter_that_named_the_person(world: World):
    """A clean-up is kept for a week, and the filter of a moderator's queue for ninety days."""
    adapters, desk = world.adapters, Desk(world.adapters.redis)
    world.add_moderator("ada")
    write(world, 3)
    (comment, *_) = adapters.comments.recent(world.site.id).items
    one = adapters.clean_up(
        world.site.id, Trait("email", LISA.value), comment.id, Decision.SPAM, by=ADA
    )
    while one.goes_on:
        one = adapters.step_clean_up(one.id)
    desk.keep_view("ada", {"author": LISA.value, "q": "lisa@mail", "shape": "rows"})
    adapters.erase_person([world.site.id], LISA, by=ADA)
    assert stored_anywhere(adapters.redis, "lisa@mail") == []
    assert desk.view("ada") == {"shape": "rows"}
    assert adapters.comments.clean_up(one.id).decided == 3
