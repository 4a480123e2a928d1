"""Learning, with a learner whose lessons can be read off: what judges, what doesn't, and the way back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from moderation.actor import Actor, ActorKind
from moderation.comment import Comment, Decision, Status
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.feedback import LearningMode
from moderation.policy import Policy
from moderation.reasons import sentence
from moderation.workflow import learning
from moderation.workflow.judging import trust
from tests.support.actors import ADA, BLOG, BOB, EVE
from tests.support.stored import stored_anywhere
from tests.support.world import World


def rejected(world: World, number: int = 3, by: Actor = ADA) -> list[Comment]:
    return [
        world.decide(f"toxicity=0.6 of {by.name} {n}", Decision.REJECT, by=by)
        for n in range(number)
    ]


def progress(world: World):
    return world.adapters.comments.progress(world.site.id)


def with_policy(world: World, **changes) -> None:
    accounts, site = world.adapters.accounts, world.adapters.accounts.site(world.site.id)
    changed = replace(site, policy=replace(site.policy, **changes))
    accounts.save_site(changed, was=site, by=ADA, now_ms=world.adapters.clock.now_ms())


def test_what_people_decided_changes_the_next_verdict_and_its_model_says_so(world: World):
    before = world.comment("toxicity=0.4")
    rejected(world)
    attempt = world.learn()
    after = world.comment("toxicity=0.4 again")
    assert (before.status, after.status) == (Status.APPROVED, Status.FLAGGED)
    assert (before.scores.model, after.scores.model) == ("plain", "plain+s1")
    assert (attempt.why, attempt.decisions, attempt.people) == ("better", 3, {"moderator:ada": 3})


def test_a_verdict_that_the_head_moved_names_the_decided_comments_that_it_is_like(world: World):
    decided = [world.decide(f"toxicity=0.6 #{n}", Decision.APPROVE) for n in range(3)]
    bad = world.decide("toxicity=0.6 #bad", Decision.REJECT)
    for other in ("another", "one more", "yet another"):
        world.decide(f"toxicity=0.6 {other}", Decision.APPROVE)
    world.learn()
    moved = world.comment("toxicity=0.6 #again")
    assert moved.status is Status.APPROVED
    first, *like = moved.verdict.reasons
    assert first.code == "clean"
    assert [(one.code, one.comments) for one in like] == [
        ("like_approve", tuple(one.id for one in decided)),
        ("like_reject", (bad.id,)),
    ]
    assert sentence(like[0]) == "like 3 comment(s) that you approved"


def test_a_verdict_that_the_head_did_not_move_names_no_decided_comments(world: World):
    """What it is like stands beside it all the same."""
    for n in range(4):
        world.decide(f"toxicity=0.55 #{n}", Decision.REJECT)
    world.learn()
    held = world.comment("toxicity=0.55 #again")
    assert held.scores["toxicity"] > 0.55
    assert [one.code for one in held.verdict.reasons] == ["toxicity"]


def test_decisions_of_somebody_who_had_no_part_in_the_head_are_not_named(world: World):
    world.decide("toxicity=0.4 #1", Decision.REJECT, by=EVE)
    rejected(world)
    world.learn()
    world.adapters.leave_out(world.site.id, "eve", by=ADA)
    world.learn()
    moved = world.comment("toxicity=0.4 #again")
    assert [one.code for one in moved.verdict.reasons] == ["toxicity"]


def test_a_door_judges_by_the_same_head_as_the_queue(world: World):
    rejected(world)
    world.learn()
    (judged,) = world.adapters.judge([world.comment("toxicity=0.4").draft], site=world.site)
    assert (judged.status, judged.scores.model) == (Status.FLAGGED, "plain+s1")


def test_one_sites_decisions_change_no_other_sites_verdicts(world: World):
    rejected(world)
    world.learn()
    other = world.adapters.accounts.add_site("other", now_ms=1)
    comment = world.comment("toxicity=0.4", site=other)
    assert (comment.status, comment.scores.model) == (Status.APPROVED, "plain")


def test_what_is_no_better_is_told_and_judges_nothing(world: World):
    rejected(world, 2)
    assert world.learn().why == "too_few"
    known = progress(world)
    assert (known.current, known.versions, known.latest.why) == (0, (), "too_few")


def test_a_learner_that_fails_leaves_what_judges_and_says_so(world: World):
    class Broken(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            raise ValueError("no head")

    rejected(world)
    broken = replace(world.adapters, learning=Broken)
    assert broken.learn(world.site.id).why == "broken"
    assert progress(world).current == 0


@pytest.mark.parametrize("learning", [LearningMode.SUGGEST, LearningMode.OFF])
def test_where_learning_only_suggests_or_is_off_no_head_judges(
    world: World, learning: LearningMode
):
    with_policy(world, learning=learning)
    world.comment("toxicity=0.4")
    rejected(world)
    attempt = world.learn()
    assert world.comment("toxicity=0.4 again").scores.model == "plain"
    if learning is LearningMode.SUGGEST:
        assert (attempt.elsewhere, attempt.compared, len(progress(world).versions)) == (4, 4, 1)
    else:
        assert attempt is None
        assert progress(world).versions == ()


def test_the_comments_that_a_head_would_send_elsewhere_are_named(world: World):
    moves, stays = world.comment("toxicity=0.4"), world.comment("toxicity=0.1")
    held = rejected(world)
    world.learn()
    (version,) = progress(world).versions
    assert (version.made.compared, version.made.elsewhere) == (5, 4)
    assert set(version.made.moved) == {moves.id, *(one.id for one in held)} - {stays.id}


def test_one_command_takes_it_back_and_the_verdicts_are_the_same_to_the_bit(world: World):
    texts = [f"toxicity=0.{n} spam=0.{9 - n}" for n in range(10)]
    drafts = [world.comment(text).draft for text in texts]
    before = world.adapters.judge(drafts, site=world.site)
    rejected(world)
    world.learn()
    assert world.adapters.judge(drafts, site=world.site) != before
    world.adapters.roll_back(world.site.id, by=ADA)
    world.adapters.houses._known.clear()
    assert world.adapters.judge(drafts, site=world.site) == before
    (line,) = world.adapters.accounts.audit(action="learning")
    assert (line.action, line.by, line.detail["from"], line.detail["to"]) == (
        "learning.rollback", ADA, 1, 0,
    )  # fmt: skip


def test_rolling_back_twice_goes_back_two_versions_and_a_version_can_be_named(world: World):
    for by in (ADA, BOB, EVE):
        rejected(world, 4, by=by)
        world.decide(f"toxicity=0.6 fine, says {by.name}", Decision.APPROVE, by=by)
        if by is BOB:
            world.decide("toxicity=0.6 fine", Decision.APPROVE)
        world.learn()
    assert progress(world).current == 3
    back = world.adapters.roll_back
    assert back(world.site.id, by=ADA).current == 2
    assert back(world.site.id, by=ADA).current == 1
    assert back(world.site.id, 3, by=ADA).current == 3
    assert back(world.site.id, by=ADA).current == 1
    with pytest.raises(NotFound):
        back(world.site.id, 9, by=ADA)
    with pytest.raises(Conflict):
        back(world.site.id, 1, by=ADA)


def test_after_a_roll_back_nothing_judges_anew_until_learning_is_resumed(world: World):
    rejected(world)
    world.learn()
    world.adapters.roll_back(world.site.id, by=ADA)
    world.decide("toxicity=0.6 fine", Decision.APPROVE)
    world.learn()
    known = progress(world)
    assert (known.current, known.pinned, len(known.versions)) == (0, True, 2)
    assert not world.adapters.resume_learning(world.site.id, by=ADA).pinned
    world.learn()
    assert progress(world).current == 3


def test_a_persons_decisions_can_be_left_out_and_taken_in_again(world: World):
    """Leaving out a person who made 200 reversed decisions ends their effect at once."""
    rejected(world)
    for n in range(12):
        world.decide(f"toxicity=0.6 eve {n}", Decision.APPROVE, by=EVE)
    world.learn()
    assert world.comment("toxicity=0.6 judged").status is Status.APPROVED
    world.adapters.leave_out(world.site.id, "moderator:eve", by=ADA)
    world.adapters.houses._known.clear()
    assert world.comment("toxicity=0.6 at once").scores.model == "plain"
    assert world.learn().people == {"moderator:ada": 3}
    assert world.comment("toxicity=0.4 judged").status is Status.FLAGGED
    world.adapters.leave_out(world.site.id, "moderator:eve", out=False, by=ADA)
    assert world.learn().people == {"moderator:ada": 3, "moderator:eve": 12}
    assert [one.action for one in world.adapters.accounts.audit(action="learning")] == [
        "learning.take_in", "learning.leave_out",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        world.adapters.leave_out(world.site.id, "moderator:nobody", by=ADA)


def with_suspicion(world: World, name: str):
    """A learner that takes *name* for one who decides the opposite of the others."""

    class Wary(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            odd = ["moderator:ada", "moderator:bob", "moderator:eve"].index(name)
            if odd in vouched or not any(one.person == odd for one in lessons):
                return super().learn(lessons, current=current)
            rest = [one for one in lessons if one.person != odd]
            return replace(super().learn(rest, current=current), contrary=((odd, 0.2, 0.9),))

    return replace(world.adapters, learning=Wary)


def test_who_decides_the_opposite_of_the_others_is_set_aside_until_somebody_vouches(world: World):
    for by in (ADA, BOB):
        rejected(world, 3, by=by)
    for n in range(12):
        world.decide(f"toxicity=0.6 eve {n}", Decision.APPROVE, by=EVE)
    wary = with_suspicion(world, "moderator:eve")
    attempt = wary.learn(world.site.id)
    assert attempt.people == {"moderator:ada": 3, "moderator:bob": 3}
    assert attempt.set_aside == {"moderator:eve": (0.2, 0.9)}
    assert progress(world).latest.set_aside == attempt.set_aside
    world.adapters.houses._known.clear()
    assert world.comment("toxicity=0.4").status is Status.FLAGGED
    world.adapters.leave_out(world.site.id, "eve", out=False, by=ADA)
    assert progress(world).vouched == ("moderator:eve",)
    again = wary.learn(world.site.id)
    assert (again.set_aside, again.people["moderator:eve"]) == ({}, 12)
    world.adapters.leave_out(world.site.id, "eve", by=ADA)
    known = progress(world)
    assert (known.vouched, known.left_out) == ((), ("moderator:eve",))


def test_a_head_names_whose_decisions_on_what_was_settled_were_left_out(world: World):
    """They are no longer among the people that it was fitted on."""

    class Doubting(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            rest = [one for one in lessons if one.person == 0 or one.person in vouched]
            left = Counter(one.person for one in lessons if one not in rest)
            fit = super().learn(rest, current=current)
            return replace(fit, unproven=tuple(sorted(left.items())))

    rejected(world, 3, by=ADA)
    for n in range(2):
        world.decide(f"toxicity=0.1 eve {n}", Decision.REJECT, by=EVE)
    doubting = replace(world.adapters, learning=Doubting)
    report = doubting.learn(world.site.id)
    assert (report.unproven, report.people) == ({"moderator:eve": 2}, {"moderator:ada": 3})
    assert progress(world).latest.unproven == progress(world).versions[0].made.unproven
    world.adapters.leave_out(world.site.id, "eve", by=ADA)
    assert progress(world).current == 1, "they had no part in it"
    world.adapters.leave_out(world.site.id, "eve", out=False, by=ADA)
    again = doubting.learn(world.site.id)
    assert (again.unproven, again.people["moderator:eve"]) == ({}, 2)


def test_a_head_that_somebody_now_set_aside_had_a_part_in_stops_judging(world: World):
    """Whether or not the next one is put in place."""
    for by in (ADA, BOB):
        rejected(world, 1, by=by)
    world.decide("toxicity=0.6 eve", Decision.APPROVE, by=EVE)
    world.learn()
    assert progress(world).current == 1
    attempt = with_suspicion(world, "moderator:eve").learn(world.site.id)
    assert (attempt.why, progress(world).current) == ("too_few", 0)


def test_whoever_may_comment_but_not_moderate_teaches_nothing(world: World):
    """However much they send, edit and have erased."""
    for n in range(20):
        (sent,) = world.submit(f"toxicity=0.6 attack {n}", external_id=str(n))
        world.screen()
        world.adapters.edit(sent.id, world.comment(f"spam=0.6 {n}").draft, by=BLOG)
    world.screen()
    assert list(world.adapters.comments.feedback(world.site.id)) == []
    assert world.adapters.comments.claim_learning(0, now_ms=2**45) == []


def test_an_erased_comment_takes_back_what_was_learned_from_it_though_nothing_better_follows(
    world: World,
):
    """The gate may refuse the next head: then the earlier one judges, or the shared model alone."""
    rejected(world, 2)
    erased = world.decide("toxicity=0.6 erased", Decision.REJECT)
    world.learn()
    assert world.comment("toxicity=0.4").scores.model == "plain+s1"
    world.adapters.erase(erased.id, by=BLOG)
    world.adapters.houses._known.clear()
    assert world.comment("toxicity=0.4 again").scores.model == "plain"
    assert world.learn().why == "too_few"
    assert (progress(world).current, progress(world).versions) == (0, ())


def test_an_erasure_while_a_head_is_fitted_keeps_that_head_out(world: World):
    class Slow(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            world.adapters.erase(erased.id, by=BLOG)
            return super().learn(lessons, current=current, vouched=vouched)

    erased = world.decide("toxicity=0.6 erased", Decision.REJECT)
    rejected(world)
    assert replace(world.adapters, learning=Slow).learn(world.site.id).why == "overtaken"
    assert (progress(world).versions, progress(world).due) == ((), True)
    assert world.learn().why == "better"


def test_what_is_learned_holds_no_text(world: World):
    world.decide("toxicity=0.6 peculiarword", Decision.REJECT)
    rejected(world)
    world.learn()
    found = stored_anywhere(world.adapters.redis, "peculiarword")
    assert all(b":c:" in key for key in found)


def test_a_text_that_breaks_the_learner_keeps_its_site_from_learning_nothing_else(world: World):
    class Choosy(world.adapters.learning):
        def read(self, items):
            if any("sharp" in item.content for item in items):
                raise RuntimeError("no")
            return super().read(items)

    world.decide("toxicity=0.6 sharp", Decision.APPROVE)
    rejected(world)
    assert replace(world.adapters, learning=Choosy).learn(world.site.id).decisions == 3


def test_what_no_model_could_score_is_not_read_to_learn_from(world: World):
    """It may be what kills workers."""
    world.decide("this breaks the model", Decision.APPROVE)
    rejected(world)
    assert world.learn().decisions == 3


def test_a_long_history_is_learned_in_parts_the_latest_first(world: World):
    rejected(world, 8)
    adapters = world.adapters
    arguments = {
        "accounts": adapters.accounts, "comments": adapters.comments, "model": world.model,
        "learner": adapters.learning(world.model), "clock": adapters.clock,
        "meter": adapters.metrics,
    }  # fmt: skip
    first = learning.learn(world.site.id, budget=learning.Budget(batch=2, texts=5), **arguments)
    assert first.decisions == 5
    assert progress(world).due
    second = learning.learn(world.site.id, budget=learning.Budget(batch=2, texts=5), **arguments)
    assert second.decisions == 8
    assert not progress(world).due


def test_a_job_that_is_stopped_goes_on_where_it_was(world: World):
    rejected(world, 4)
    asked = iter([False, True, True, True, True])
    budget_of_one = world.adapters
    assert budget_of_one.learn(world.site.id, stopping=lambda: next(asked, True)) is None
    assert progress(world).due
    assert world.learn().decisions == 4


def test_another_shared_model_reads_the_texts_anew(world: World):
    class Newer(world.adapters.learning):
        reader = "newer"

        def __init__(self, model):
            super().__init__(model, "newer")

        def read(self, items):
            return [b"newer" for _ in items]

        def fits(self, reading):
            return reading == b"newer"

    rejected(world)
    world.learn()
    newer = replace(world.adapters, learning=Newer)
    assert newer.learn_anew(world.site.id)
    assert not newer.learn_anew(world.site.id), "it is due already"
    assert newer.learn(world.site.id).decisions == 3
    assert not newer.learn_anew(world.site.id)


def test_a_policy_spot_checks_only_a_small_share():
    with pytest.raises(InvalidInput, match="200"):
        Policy(spot_checks=500).check()


def test_a_reporter_whom_a_blog_names_is_left_out_with_its_door(world: World):
    by = Actor(ActorKind.BLOG, "somebody", via="akismet")
    rejected(world, 3, by=by)
    assert world.adapters.leave_out(world.site.id, "blog:akismet", by=ADA).left_out == (
        "blog:akismet",
    )  # fmt: skip
    assert world.learn().decisions == 0


def test_trust_is_bounded_and_a_refusal_weighs_more_than_an_approval():
    assert trust(0, 0) == 0.0
    assert 0 < trust(1, 0) < trust(10, 0) < 1
    assert -1 < trust(0, 10) < trust(0, 1) < 0
    assert trust(3, 1) == 0.0


def test_an_author_gains_trust_by_approved_comments_and_loses_it_by_refused_ones(world: World):
    seen = []

    class Listening(type(world.model)):
        def score(self, items, **more):
            seen.extend(item.trust for item in items)
            return super().score(items, **more)

    model = Listening()
    world.adapters = replace(world.adapters, current=lambda: model)
    for text in ("fine", "fine too", "spam=0.95", "once more"):
        world.comment(text, email="ada@mail.example")
    world.comment("a stranger")
    assert seen == [0.0, trust(1, 0), trust(2, 0), trust(2, 1), 0.0]


def test_trust_passes_nothing_by(world: World):
    for n in range(12):
        world.comment(f"fine {n}", email="ada@mail.example")
    assert world.comment("spam=0.95", email="ada@mail.example").status is Status.SPAM
