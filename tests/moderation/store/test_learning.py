"""Feedback on a real server: what is kept of a decision, what replaces it, and what takes it away."""

from __future__ import annotations

from moderation import ids
from moderation.actor import ActorKind
from moderation.comment import Decision, Draft
from moderation.feedback import Feedback, FitReport, Seen
from moderation.records import Past
from moderation.store import keys, library
from moderation.treatment import Subject
from tests.support.actors import ADA, BLOG, BOB
from tests.support.world import World

DAY = 86_400_000


def feedback(world: World, **fields) -> list[Feedback]:
    return list(world.adapters.comments.feedback(world.site.id, **fields))


def decided(world: World, text: str, decision: Decision, by=ADA, **fields):
    comment = world.comment(text, email=fields.pop("email", ""))
    world.adapters.review(comment.id, decision, by=by, hold_seconds=fields.pop("hold_seconds", 0))
    return comment


def read_all(world: World) -> None:
    comments = world.adapters.comments
    unread, _ = comments.unread(world.site.id, size=100)
    comments.keep_readings(world.site.id, [(one, b"a reading") for one in unread])


def test_a_decision_is_kept_with_who_made_it_and_what_the_machine_had_said(world: World):
    held = decided(world, "toxicity=0.6", Decision.APPROVE)
    sure = decided(world, "spam=0.95", Decision.APPROVE, by=BOB)
    first, second = feedback(world)
    assert (first.comment_id, first.decision, first.by) == (held.id, Decision.APPROVE, ADA)
    assert (first.seen, first.scores["toxicity"], first.scores.model) == (
        Seen.HELD, 0.6, "plain",
    )  # fmt: skip
    assert (second.comment_id, second.seen, second.by) == (sure.id, Seen.SURE, BOB)
    assert first.at <= second.at


def test_a_decision_that_is_undone_is_withdrawn(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM, hold_seconds=5)
    world.adapters.undo(comment.id, by=ADA)
    assert feedback(world) == []


def test_a_later_decision_replaces_the_earlier_and_undoing_it_brings_that_back(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    world.adapters.review(comment.id, Decision.APPROVE, by=BOB, hold_seconds=5)
    (only,) = feedback(world)
    assert (only.decision, only.by) == (Decision.APPROVE, BOB)
    world.adapters.undo(comment.id, by=BOB)
    (only,) = feedback(world)
    assert (only.decision, only.by) == (Decision.SPAM, ADA)


def test_what_a_blog_had_decided_before_is_feedback_under_its_own_time(world: World):
    past = Past(
        Draft("hello", external_id="1"), created_ms=1_700_000_000_000, decision=Decision.SPAM
    )
    world.adapters.remember([past], site=world.site)
    (only,) = feedback(world)
    assert (only.decision, only.at, only.seen) == (Decision.SPAM, past.created_ms, Seen.IMPORT)
    assert only.person == f"{ActorKind.IMPORT}:"


def test_whom_a_key_names_is_no_person_of_their_own(world: World):
    """Who holds a site's key could invent as many reporters as they like."""
    for name in ("one", "two"):
        by = BLOG.__class__(ActorKind.BLOG, name, via="akismet")
        decided(world, f"toxicity=0.6 {name}", Decision.SPAM, by=by)
    assert {one.person for one in feedback(world)} == {"blog:akismet"}


def test_what_was_read_of_a_text_outlives_it_but_not_its_erasure(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    comments = world.adapters.comments
    comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    read_all(world)
    assert comments.forget(comments.get(comment.id), everything=False)
    (only,) = feedback(world, readings=True)
    assert only.reading == b"a reading"
    world.adapters.erase(comment.id, by=BLOG)
    assert feedback(world, readings=True) == []
    site = ids.shorten(world.site.id)
    assert not world.adapters.redis.exists(keys.READINGS(0, site), keys.EVIDENCE(0, site))


def test_erasing_an_author_reaches_the_feedback_on_their_comments(world: World):
    decided(world, "toxicity=0.6", Decision.SPAM, email="ada@mail.example")
    kept = decided(world, "toxicity=0.7", Decision.SPAM, email="bob@mail.example")
    world.adapters.erase_person([world.site.id], Subject.read("email", "ada@mail.example"), by=BLOG)
    assert [one.comment_id for one in feedback(world)] == [kept.id]


def test_what_retention_forgets_wholly_is_no_feedback_any_more(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    comments = world.adapters.comments
    comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    assert comments.forget(comments.get(comment.id), everything=True)
    assert feedback(world) == []


def test_a_reading_is_not_kept_of_what_was_erased_or_decided_anew_meanwhile(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    edited = decided(world, "toxicity=0.7", Decision.SPAM)
    comments, site_id = world.adapters.comments, world.site.id
    unread, _ = comments.unread(site_id, size=10)
    world.adapters.erase(comment.id, by=BLOG)
    world.adapters.edit(edited.id, Draft("toxicity=0.8"), by=BLOG)
    world.screen()
    world.adapters.review(edited.id, Decision.APPROVE, by=ADA, hold_seconds=0)
    assert comments.keep_readings(site_id, [(one, b"late") for one in unread]) == 0
    (only,) = feedback(world, readings=True)
    assert (only.revision, only.reading) == (2, b"")


def test_the_text_of_a_decision_is_found_though_the_comment_was_edited_since(world: World):
    comment = decided(world, "toxicity=0.6 first", Decision.SPAM)
    plain = decided(world, "toxicity=0.6 plain", Decision.SPAM)
    world.adapters.edit(comment.id, Draft("second"), by=BLOG)
    drafts = world.adapters.comments.drafts_of(feedback(world))
    assert {one: draft.content for one, draft in drafts.items()} == {
        comment.id: "toxicity=0.6 first", plain.id: "toxicity=0.6 plain",
    }  # fmt: skip


def test_only_the_latest_feedback_is_kept(world: World):
    history = [
        Past(Draft(f"number {n}", external_id=str(n)), 1_700_000_000_000, Decision.APPROVE)
        for n in range(12)
    ]
    world.adapters.remember(history, site=world.site)
    assert library.EVIDENCE_KEPT == 10_000
    comments, site = world.adapters.comments, ids.shorten(world.site.id)
    pairs = {f"{n:022d}": n - 20_000 for n in range(library.EVIDENCE_KEPT - 10)}
    world.adapters.redis.zadd(keys.EVIDENT(0, site), pairs)
    decided(world, "toxicity=0.6", Decision.SPAM)
    assert world.adapters.redis.zcard(keys.EVIDENT(0, site)) == library.EVIDENCE_KEPT
    assert len(list(comments.feedback(world.site.id, newest=13))) == 13


def test_feedback_streams_in_pages_and_hides_nothing_that_is_decided_meanwhile(world: World):
    known = [decided(world, f"toxicity=0.6 {n}", Decision.SPAM) for n in range(5)]
    stream = world.adapters.comments.feedback(world.site.id, page=2)
    seen = [next(stream).comment_id]
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    world.adapters.review(known[0].id, Decision.APPROVE, by=BOB, hold_seconds=0)
    seen += [one.comment_id for one in stream]
    assert set(seen) == {one.id for one in known}


def test_learning_is_due_some_seconds_after_the_last_of_a_few_decisions(world: World):
    comments = world.adapters.comments
    decided(world, "toxicity=0.6", Decision.SPAM)
    now = world.adapters.clock.now_ms()
    assert comments.claim_learning(0, now_ms=now) == []
    later = now + library.LEARN_AFTER_MS
    assert comments.claim_learning(0, now_ms=later) == [world.site.id]
    assert comments.claim_learning(0, now_ms=later) == [], "it is on its way"
    lost = comments.claim_learning(0, now_ms=later + library.LEARN_LEASE_MS)
    assert lost == [world.site.id], "one that was lost is due again"


def test_what_is_decided_while_a_site_is_learned_is_learned_next(world: World):
    comments, site_id = world.adapters.comments, world.site.id
    decided(world, "toxicity=0.6", Decision.SPAM)
    now, place = world.adapters.clock.now_ms(), comments.place(site_id)
    comments.claim_learning(0, now_ms=now + 60_000)
    decided(world, "toxicity=0.7", Decision.SPAM)
    assert not comments.learned(site_id, place=place, now_ms=now)
    assert comments.claim_learning(0, now_ms=now + 60_000) == [site_id]
    assert comments.learned(site_id, place=comments.place(site_id), now_ms=now)
    assert comments.claim_learning(0, now_ms=now + DAY) == []


def test_only_one_learns_for_a_site_at_a_time(world: World):
    comments, site_id = world.adapters.comments, world.site.id
    with comments.learner(site_id) as first, comments.learner(site_id) as second:
        assert (first, second) == (True, False)
    with comments.learner(site_id) as again:
        assert again


def test_a_site_that_is_gone_leaves_no_feedback(world: World):
    decided(world, "toxicity=0.6", Decision.SPAM)
    read_all(world)
    world.adapters.comments.forget_learning(world.site.id)
    site = ids.shorten(world.site.id)
    kinds = (keys.EVIDENCE, keys.EVIDENT, keys.READINGS, keys.LEARNING)
    assert not world.adapters.redis.exists(*(kind(0, site) for kind in kinds))


def head(world: World, number: int, *, place: int | None = None, against: int = 0) -> bool:
    comments = world.adapters.comments
    at = comments.place(world.site.id) if place is None else place
    return comments.keep_head(
        world.site.id, number, b"h", FitReport(number, "better"), judges=True, against=against,
        place=at,
    )  # fmt: skip


def test_what_was_fitted_on_an_erased_comment_judges_no_more_and_is_not_kept(world: World):
    comments, site_id = world.adapters.comments, world.site.id
    decided(world, "toxicity=0.6 first", Decision.SPAM)
    head(world, 1)
    erased = decided(world, "toxicity=0.6 second", Decision.SPAM)
    head(world, 2, against=1)
    decided(world, "toxicity=0.6 third", Decision.SPAM)
    head(world, 3, against=2)
    world.adapters.erase(erased.id, by=BLOG)
    known = comments.progress(site_id)
    assert (known.current, [one.number for one in known.versions]) == (1, [1])
    assert comments.head(site_id, 3) is None
    assert (known.trail, known.next, known.due) == ((0, 1), 4, True)


def test_a_comment_that_taught_nothing_takes_no_head_with_it(world: World):
    decided(world, "toxicity=0.6", Decision.SPAM)
    head(world, 1)
    undecided, late = world.comment("toxicity=0.6 undecided"), world.comment("toxicity=0.6 late")
    world.adapters.erase(undecided.id, by=BLOG)
    world.adapters.review(late.id, Decision.SPAM, by=ADA, hold_seconds=0)
    world.adapters.erase(late.id, by=BLOG)
    assert world.adapters.comments.progress(world.site.id).current == 1


def test_undoing_a_decision_hides_no_head_that_was_fitted_on_it(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM, hold_seconds=5)
    head(world, 1)
    world.adapters.undo(comment.id, by=ADA)
    assert world.adapters.comments.progress(world.site.id).current == 1
    world.adapters.erase(comment.id, by=BLOG)
    assert world.adapters.comments.progress(world.site.id).current == 0


def test_deciding_again_hides_no_head_that_was_fitted_on_the_first_decision(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    head(world, 1)
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 1)
    world.adapters.review(comment.id, Decision.APPROVE, by=BOB, hold_seconds=0)
    world.adapters.erase(comment.id, by=BLOG)
    assert world.adapters.comments.progress(world.site.id).current == 0


def test_a_head_is_not_kept_whose_feedback_was_erased_while_it_was_fitted(world: World):
    comments, site_id = world.adapters.comments, world.site.id
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    place = comments.place(site_id)
    world.adapters.erase(comment.id, by=BLOG)
    assert not head(world, 1, place=place)
    assert comments.progress(site_id).versions == ()
    assert head(world, 1)


def test_a_head_from_before_places_were_noted_is_taken_for_one_of_everything(world: World):
    comment = decided(world, "toxicity=0.6", Decision.SPAM)
    head(world, 1, place=0)
    site = ids.shorten(world.site.id)
    world.adapters.redis.hdel(keys.LEARNING(0, site), "place:1")
    world.adapters.erase(comment.id, by=BLOG)
    assert world.adapters.comments.progress(world.site.id).current == 0
