"""Spot checks: chance picks what the machine settled, a person looks, and the comment stays meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.comment import Author, Decision, Status
from moderation.errors import Conflict
from moderation.feedback import Seen
from moderation.insight import unmarked
from moderation.store import library
from moderation.verdict import Action
from tests.support.actors import ADA, BLOG, BOB
from tests.support.world import World


@pytest.fixture
def checked(world: World) -> World:
    """A world in which chance picks everything that it may."""
    world.adapters = replace(world.adapters, chance=lambda: 0.0)
    return world


def queue(world: World) -> list[str]:
    return [one.id for one in world.adapters.comments.queue(world.site.id).items]


def feedback(world: World):
    return list(world.adapters.comments.feedback(world.site.id))


@pytest.mark.parametrize("text, status", [("fine", "approved"), ("spam=0.95", "spam")])
def test_a_settled_comment_waits_in_the_queue_and_stays_where_it_is(
    checked: World, text: str, status: str
):
    comment = checked.comment(text)
    assert (comment.status, comment.spot_check) == (status, True)
    assert queue(checked) == [comment.id]
    assert [one.type.value for one in checked.adapters.comments.events(checked.site.id)] == [
        f"comment.{status}"
    ]


def test_it_looks_like_one_that_is_held(checked: World):
    """A person who sees the machine's verdict agrees with it too often."""
    for text in ("fine", "spam=0.95"):
        shown = unmarked(checked.comment(text))
        assert (shown.status, shown.scores, shown.verdict.action, shown.history) == (
            Status.FLAGGED, None, Action.FLAG, (),
        )  # fmt: skip


def test_who_agrees_tells_nobody_anything_and_it_counts(checked: World):
    comment = checked.comment("fine")
    checked.adapters.review(comment.id, Decision.APPROVE, by=ADA, hold_seconds=0)
    comments, now = checked.adapters.comments, checked.adapters.clock.now_ms()
    comments.release(0, now_ms=now + 1)
    after = comments.get(comment.id)
    assert (after.status, after.spot_check, queue(checked)) == (Status.APPROVED, False, [])
    assert after.history[-1].by == ADA
    assert len(comments.events(checked.site.id)) == 1
    (kept,) = feedback(checked)
    assert (kept.seen, kept.decision) == (Seen.SPOT_CHECK, Decision.APPROVE)
    with pytest.raises(Conflict):
        checked.adapters.review(comment.id, Decision.APPROVE, by=BOB)


def test_who_disagrees_changes_it_and_the_blog_hears_of_it(checked: World):
    comment = checked.comment("fine")
    checked.adapters.review(comment.id, Decision.SPAM, by=ADA, hold_seconds=0)
    comments = checked.adapters.comments
    comments.release(0, now_ms=checked.adapters.clock.now_ms() + 1)
    assert [one.type.value for one in comments.events(checked.site.id)] == [
        "comment.approved", "comment.spam",
    ]  # fmt: skip
    assert feedback(checked)[0].seen is Seen.SPOT_CHECK
    assert queue(checked) == []


@pytest.mark.parametrize("decision", [Decision.APPROVE, Decision.SPAM])
def test_undone_it_waits_again(checked: World, decision: Decision):
    comment = checked.comment("fine")
    checked.adapters.review(comment.id, decision, by=ADA, hold_seconds=5)
    after = checked.adapters.undo(comment.id, by=ADA)
    assert (after.status, after.spot_check, queue(checked)) == (
        Status.APPROVED, True, [comment.id],
    )  # fmt: skip
    assert feedback(checked) == []


def test_what_is_held_anyway_and_what_the_staff_writes_is_no_spot_check(checked: World):
    assert not checked.comment("toxicity=0.6").spot_check
    checked.submit("the editor", author=Author(role="editor"))
    checked.screen()
    (staff,) = (
        one
        for one in checked.adapters.comments.recent(checked.site.id).items
        if one.content == "the editor"
    )
    assert not staff.spot_check


def test_the_share_is_the_sites_own(world: World):
    tries = iter([0.0099, 0.0101, 0.0])
    world.adapters = replace(world.adapters, chance=lambda: next(tries))
    assert [world.comment(f"fine {n}").spot_check for n in range(2)] == [True, False]
    site = world.site
    none = replace(site, policy=replace(site.policy, spot_checks=0))
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(none, was=site, by=ADA, now_ms=now)
    assert not world.comment("fine").spot_check


def test_only_so_many_wait_at_once(checked: World):
    checked.submit(*[f"fine {n}" for n in range(library.SPOTS_WAITING + 10)])
    while checked.screen():
        pass
    waiting = checked.adapters.comments.queue(checked.site.id, limit=200).items
    # A batch counts what it picks when it is done.
    assert library.SPOTS_WAITING <= len(waiting) < library.SPOTS_WAITING + 64
    checked.adapters.review(waiting[0].id, Decision.APPROVE, by=ADA)
    assert not checked.comment("one more").spot_check


def test_edited_erased_or_expired_it_leaves_the_queue(checked: World):
    edited, erased, expired = (checked.comment(f"fine {n}") for n in range(3))
    comments = checked.adapters.comments
    assert comments.forget(expired, everything=False)
    checked.adapters.erase(erased.id, by=BLOG)
    assert queue(checked) == [edited.id]
    checked.adapters.edit(edited.id, replace(edited.draft, content="toxicity=0.6"), by=BLOG)
    checked.screen()
    assert not comments.get(edited.id).spot_check
    assert queue(checked) == [edited.id]


def test_a_door_picks_too_but_not_what_somebody_reports(checked: World):
    comment = checked.comment("fine door")
    (judged,) = checked.adapters.judge([comment.draft], site=checked.site)
    record = checked.adapters.record
    picked = record(comment.draft, judged, site=checked.site, via="akismet", repeat_ms=0)
    reported = record(
        replace(comment.draft, content="fine report"), judged, site=checked.site, via="akismet",
        decided=True,
    )  # fmt: skip
    comments = checked.adapters.comments
    assert comments.get(picked.id).spot_check
    assert not comments.get(reported.id).spot_check
