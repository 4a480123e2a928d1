"""Judging: the facts, the scores and the policy, the same for queue, doors and imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.comment import Author, Draft, Status
from moderation.facts import NOTHING, Facts, Near
from moderation.policy import Policy
from moderation.workflow.judging import Candidate, gather, judge, judge_all
from tests.support.world import Measured, PlainDuplicates, PlainHead, PlainModel, World

MODEL = PlainModel()


def by(name: str) -> Author:
    return Author(email=f"{name}@mail.example")


def facts(world: World, draft: Draft, policy: Policy | None = None) -> Facts:
    adapters = world.adapters
    (found,) = gather(
        [Candidate(draft, world.site.id, policy or Policy())],
        comments=adapters.comments, duplicates=PlainDuplicates(), clock=adapters.clock,
    )  # fmt: skip
    return found


def test_a_draft_that_the_model_cannot_score_is_held_and_takes_nothing_from_the_others():
    cases = [(Draft(text), NOTHING, Policy()) for text in ("fine", "this breaks the model", "well")]
    judged = judge_all(cases, model=MODEL)
    assert [one.status for one in judged] == [Status.APPROVED, Status.FLAGGED, Status.APPROVED]
    assert judged[1].scores is None


def test_a_score_that_is_no_number_holds_its_comment_alone():
    cases = [(Draft(text), NOTHING, Policy()) for text in ("fine", "spam=nan", "spam=inf", "well")]
    judged = judge_all(cases, model=MODEL)
    assert [one.status for one in judged] == [
        Status.APPROVED, Status.FLAGGED, Status.FLAGGED, Status.APPROVED
    ]  # fmt: skip


def test_a_sites_head_is_bound_by_the_thresholds_of_its_site():
    bars: list[object] = []

    class Bound(PlainModel):
        def score(self, items: Sequence[Any], **options: Any) -> list[Measured]:
            bars.extend(options.get("bars", ()))
            return super().score(items, **options)

    known = Facts(house=PlainHead(0.1, 1))
    strict = Policy(reject_at={"spam": 0.6})
    judge_all([(Draft("a"), known, Policy()), (Draft("b"), known, strict)], model=Bound())
    thresholds = PlainModel.thresholds
    reject = thresholds["reject"] | {"spam": 0.6}
    assert bars == [None, {"flag": thresholds["flag"], "reject": reject}]


def test_once_stopping_what_is_left_is_not_judged():
    cases = [(Draft("this breaks the model"), NOTHING, Policy())] * 3
    answers = iter([False, True])
    assert len(judge_all(cases, model=MODEL, stopping=lambda: next(answers))) == 1


def test_each_draft_is_judged_by_its_own_policy():
    strict = Policy(flag_at={"spam": 0.1})
    cases = [(Draft("spam=0.3"), NOTHING, policy) for policy in (Policy(), strict)]
    assert [one.status for one in judge_all(cases, model=MODEL)] == [
        Status.APPROVED, Status.FLAGGED,
    ]  # fmt: skip


def test_what_is_known_is_kept_with_the_scores_for_a_later_what_if():
    known = Facts(Near(3, ("a", "b")), signature=7)
    judged = judge(Draft("fine"), known, Policy(), model=MODEL)
    assert judged.signature == 7
    assert Facts.kept_in(judged.scores).near == known.near
    assert Facts.kept_in(None) == NOTHING


def test_near_duplicates_by_other_authors_are_counted_and_named(world: World):
    first = world.comment("the same text", email="a@mail.example")
    assert facts(world, Draft("the same text", by("b"))).near == Near(1, (first.id,))
    assert facts(world, Draft("the same text", by("a"))).near == Near()
    assert facts(world, Draft("another text", by("b"))).near == Near()


def test_drafts_that_are_no_comments_yet_count_and_are_not_named(world: World):
    subjects = [Candidate(Draft("one text", by(n)), world.site.id, Policy()) for n in "abc"]
    found = gather(
        subjects, comments=world.adapters.comments, duplicates=PlainDuplicates(),
        clock=world.adapters.clock,
    )  # fmt: skip
    assert [one.near for one in found] == [Near(2)] * 3


def test_a_first_comment_is_looked_for_only_where_the_policy_asks(world: World):
    strict = Policy(hold_first_comment=True)
    draft = Draft("hello", by("ada"))
    assert facts(world, draft, strict).first_comment
    assert not facts(world, draft).first_comment
    assert facts(world, Draft("nobody"), strict).first_comment
    world.comment("approved", email="ada@mail.example")
    assert not facts(world, draft, strict).first_comment
