"""A moderator's text in the place of a comment's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from moderation.comment import MAX_CONTENT_BYTES, Author, Comment, Decision, Draft, Status
from moderation.errors import Conflict, IllegalMove, InvalidInput
from moderation.search import query
from moderation.treatment import Subject, SubjectKind
from tests.support.actors import ADA, BLOG, EVE
from tests.support.stored import stored_anywhere
from tests.support.world import World

HELD = "toxicity=0.6 call me at 555-0100"
MENDED = "toxicity=0.6 call me"


@pytest.fixture
def world(world: World) -> World:
    changed = replace(world.site, edits=True)
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(changed, was=world.site, by=ADA, now_ms=now)
    world.site = changed
    return world


def settled(world: World, comment: Comment, decision: Decision) -> Comment:
    world.adapters.review(comment.id, decision, by=EVE, hold_seconds=0)
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    return world.adapters.comments.get(comment.id)


def events(world: World) -> list[tuple[str, str, int]]:
    return [
        (one.type, str(one.status), one.revision)
        for one in world.adapters.comments.events(world.site.id)
    ]


def test_a_held_comments_text_is_changed_and_what_its_author_wrote_is_kept(world: World):
    held = world.comment(HELD)
    revised = world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    assert (revised.content, revised.original.content) == (MENDED, HELD)
    assert (revised.status, revised.revision, revised.version) == (Status.FLAGGED, 2, 2)
    assert (revised.scores, revised.verdict) == (held.scores, held.verdict)
    assert revised.revised.by == ADA
    assert revised.last_move.new is Status.FLAGGED
    assert [one.id for one in world.adapters.comments.queue(world.site.id).items] == [held.id]
    again = world.adapters.revise(held.id, "other", revision=2, by=EVE)
    assert (again.original.content, again.revised.by, again.original_revision) == (HELD, EVE, 1)


def test_the_blog_is_told_the_new_text_and_an_approval_publishes_it(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    settled(world, held, Decision.APPROVE)
    assert events(world) == [
        ("comment.flagged", "None", 1),
        ("comment.revised", "flagged", 2),
        ("comment.approved", "None", 2),
    ]
    comment = world.adapters.comments.get(held.id)
    payloads = [
        one.payload(comment, full=True)["data"]
        for one in world.adapters.comments.events(world.site.id)
    ]
    assert [one["sequence"] for one in payloads] == [1, 2, 3]
    assert payloads[1]["comment"]["content"] == payloads[2]["comment"]["content"] == MENDED
    assert payloads[2]["comment"]["revised"] is True
    assert HELD not in str(payloads)


def test_the_audit_trail_says_who_changed_which_comment_and_not_what(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    (line,) = world.adapters.accounts.audit(action="comment")
    assert (line.action, line.by, line.subject) == ("comment.revise", ADA, held.id)
    assert line.detail == {"site": world.site.id, "revision": 2}


def test_a_search_finds_the_new_text_and_forgets_the_old(world: World):
    held = world.comment(HELD)
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    assert comments.search(world.site.id, query("555-0100"), now_ms=now).items
    world.adapters.revise(held.id, "jam and honey", revision=1, by=ADA)
    assert not comments.search(world.site.id, query("555-0100"), now_ms=now).items
    (found,) = comments.search(world.site.id, query("honey"), now_ms=now).items
    assert found.id == held.id


def test_erasing_forgets_both_texts(world: World):
    one, other = world.comment(HELD, email="bob@mail.example"), world.comment(f"{HELD} again")
    for comment in (one, other):
        world.adapters.revise(comment.id, "jam and honey", revision=1, by=ADA)
    world.adapters.erase_person(
        [world.site.id], Subject(SubjectKind.EMAIL, "bob@mail.example"), by=ADA
    )
    world.adapters.erase(other.id, by=ADA)
    for words in ("555-0100", "jam and honey"):
        assert stored_anywhere(world.adapters.redis, words) == []


def test_a_texts_retention_ends_for_both_texts(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, "jam and honey", revision=1, by=ADA)
    comments = world.adapters.comments
    assert comments.forget(comments.get(held.id), everything=False)
    for words in ("555-0100", "jam and honey"):
        assert stored_anywhere(world.adapters.redis, words) == []
    left = comments.get(held.id)
    assert (left.original, left.text_expired, left.revision) == (None, True, 2)


def test_what_is_learned_is_of_what_the_author_wrote(world: World):
    """To reject a changed text rejects what its author wrote; to approve it says nothing of that."""
    rejected, approved = world.comment(HELD), world.comment(f"{HELD} again")
    for comment in (rejected, approved):
        world.adapters.revise(comment.id, MENDED, revision=1, by=ADA)
    settled(world, rejected, Decision.REJECT)
    settled(world, approved, Decision.APPROVE)
    (evidence,) = world.adapters.comments.feedback(world.site.id)
    assert (evidence.comment_id, evidence.revision) == (rejected.id, 1)
    assert evidence.scores == rejected.scores
    assert world.adapters.comments.drafts_of([evidence])[rejected.id].content == HELD


def test_a_decision_keeps_the_text_that_it_was_made_on_when_that_is_changed_later(world: World):
    comment = settled(world, world.comment(HELD), Decision.APPROVE)
    world.adapters.revise(comment.id, MENDED, revision=1, by=ADA)
    (kept,) = world.adapters.comments.decisions(world.site.id)
    assert (kept.draft.content, kept.revision) == (HELD, 1)
    (evidence,) = world.adapters.comments.feedback(world.site.id)
    assert world.adapters.comments.drafts_of([evidence])[comment.id].content == HELD


def test_a_decision_says_whether_it_was_made_on_a_changed_text(world: World):
    """One made before the change was not, nor one on another text that the blog sent since."""
    comment = settled(world, world.comment(HELD), Decision.APPROVE)
    revised = world.adapters.revise(comment.id, MENDED, revision=1, by=ADA)
    for decision in (Decision.SPAM, Decision.APPROVE):
        settled(world, revised, decision)
    comments = world.adapters.comments
    decisions = [(one.decision, one.changed) for one in comments.decisions(world.site.id)]
    assert decisions == [("approve", True), ("spam", True), ("approve", False)]
    world.adapters.edit(comment.id, Draft("toxicity=0.6 again"), by=EVE)
    world.screen()
    settled(world, comments.get(comment.id), Decision.APPROVE)
    assert [one.changed for one in comments.decisions(world.site.id)] == [False, True, True, False]


@dataclass
class Stopped:
    """A clock that stands still."""

    ms: int

    def now_ms(self) -> int:
        return self.ms


def test_of_decisions_in_the_same_millisecond_the_latest_comes_first(world: World):
    comment = world.comment(HELD)
    stopped = Stopped(world.adapters.clock.now_ms())
    world.adapters = replace(world.adapters, clock=stopped)
    for decision in (Decision.APPROVE, Decision.SPAM, Decision.REJECT):
        settled(world, comment, decision)
    decisions = [one.decision for one in world.adapters.comments.decisions(world.site.id)]
    assert decisions == [Decision.REJECT, Decision.SPAM, Decision.APPROVE]


def test_of_two_moderators_one_changes_the_text_and_the_other_is_told(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    with pytest.raises(Conflict, match="changed meanwhile"):
        world.adapters.revise(held.id, "mine", revision=1, by=EVE)
    with pytest.raises(Conflict):
        world.adapters.review(held.id, Decision.APPROVE, version=held.version, by=EVE)
    assert world.adapters.comments.get(held.id).content == MENDED


@pytest.mark.parametrize("decision", [Decision.REJECT, Decision.SPAM])
def test_a_comment_that_was_turned_away_is_not_edited(world: World, decision: Decision):
    comment = settled(world, world.comment(HELD), decision)
    with pytest.raises(IllegalMove, match="only a held or an approved"):
        world.adapters.revise(comment.id, MENDED, revision=1, by=ADA)


def test_a_comment_is_not_edited_before_it_was_screened_or_while_a_decision_can_be_undone(
    world: World,
):
    (pending,) = world.submit(HELD)
    with pytest.raises(IllegalMove, match="it is pending"):
        world.adapters.revise(pending.id, MENDED, revision=1, by=ADA)
    held = world.comment(f"{HELD} again")
    world.adapters.review(held.id, Decision.APPROVE, by=EVE)
    with pytest.raises(IllegalMove, match="can still be undone"):
        world.adapters.revise(held.id, MENDED, revision=1, by=ADA)


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud800", "é" * (MAX_CONTENT_BYTES // 2 + 1)])
def test_a_new_text_has_the_bounds_of_a_comment(world: World, text: str):
    held = world.comment(HELD)
    with pytest.raises(InvalidInput) as refused:
        world.adapters.revise(held.id, text, revision=1, by=ADA)
    assert refused.value.field == "content"


def test_the_same_text_is_no_edit(world: World):
    held = world.comment(HELD)
    with pytest.raises(IllegalMove, match="the same"):
        world.adapters.revise(held.id, HELD, revision=1, by=ADA)
    assert events(world) == [("comment.flagged", "None", 1)]


def test_a_site_that_does_not_have_it_keeps_its_comments_as_they_are(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    (accepted,) = world.submit(HELD, site=other)
    world.screen()
    with pytest.raises(Conflict, match="edits"):
        world.adapters.revise(accepted.id, MENDED, revision=1, by=ADA)


def test_what_the_blog_sends_again_is_the_same_comment_and_leaves_the_moderators_text(
    world: World,
):
    (accepted,) = world.submit(HELD, external_id="7", author=Author("Bob"))
    world.screen()
    world.adapters.revise(accepted.id, MENDED, revision=1, by=ADA)
    for title in (Author("Bob"), Author("Bob", url="https://bob.example")):
        (again,) = world.submit(HELD, external_id="7", author=title)
        assert (again.id, again.outcome) == (accepted.id, "same")
    own = Draft(HELD, Author("Bob"), external_id="7")
    assert world.adapters.edit(accepted.id, own, by=BLOG).content == MENDED


def test_an_edit_of_the_blogs_takes_the_place_of_both_texts(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    edited = world.adapters.edit(held.id, Draft("nice"), by=BLOG)
    assert (edited.content, edited.original, edited.revision) == ("nice", None, 3)
    world.screen()
    assert world.adapters.comments.get(held.id).status is Status.APPROVED
    assert stored_anywhere(world.adapters.redis, "555-0100") == []


def test_a_changed_text_is_not_screened_again(world: World):
    held = world.comment(HELD)
    world.adapters.revise(held.id, MENDED, revision=1, by=ADA)
    with pytest.raises(IllegalMove, match="decide on it"):
        world.adapters.retry(held.id, by=ADA)
