"""What a site does with a scored comment."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from moderation.comment import Author, Draft, Status
from moderation.errors import InvalidInput
from moderation.facts import Facts, Near
from moderation.policy import Case, Mode, Policy, Thresholds, outcome, priority, verdict_on
from moderation.scores import Scores
from moderation.treatment import Treatment
from moderation.verdict import Action

BARS = Thresholds(flag={"spam": 0.5, "toxicity": 0.4}, reject={"spam": 0.9, "toxicity": 0.8})


def case(policy: Policy | None = None, *, text: str = "hello", role: str = "", **fields) -> Case:
    scores = Scores({k: v for k, v in fields.items() if isinstance(v, float)}, "m")
    policy = policy or Policy()
    return Case(
        Draft(text, Author(role=role, email="ada@mail.example")), scores, policy,
        policy.thresholds(BARS),
    )  # fmt: skip


@pytest.mark.parametrize(
    "scored, action, label",
    [
        ({"spam": 0.1}, Action.ALLOW, ""),
        ({"spam": 0.5}, Action.FLAG, "spam"),
        ({"spam": 0.95}, Action.REJECT, "spam"),
        ({"toxicity": 0.85, "spam": 0.6}, Action.REJECT, "toxicity"),
        ({"toxicity": 0.45, "spam": 0.7}, Action.FLAG, "spam"),
    ],
)
def test_the_label_furthest_over_its_bar_leads(scored, action, label):
    verdict = verdict_on(case(**scored))
    assert (verdict.action, verdict.label) == (action, label)


def test_every_verdict_has_a_reason():
    for scored in ({}, {"spam": 0.5}, {"spam": 0.99}):
        assert verdict_on(case(**scored)).reasons


def test_a_comment_without_scores_is_held_for_a_person():
    unscored = replace(case(), scores=None)
    assert verdict_on(unscored).action is Action.FLAG
    assert verdict_on(unscored).reasons[0].code == "unscored"


def test_a_comment_of_which_nothing_readable_is_left_is_held():
    empty = replace(case(), scores=Scores({}, "m", empty=True))
    assert verdict_on(empty).reasons[0].code == "empty"


@pytest.mark.parametrize(
    "text",
    [
        "fine words. " * 1700,
        f"{chr(0xFDFA) * 600} hidden {chr(0xFDFA) * 600}",
        chr(0x1F600) * 15_000,
    ],
    ids=["long", "long once it is composed", "perhaps cut by a door"],
)
def test_a_comment_of_which_a_part_was_not_read_is_held_and_says_so(text):
    """Whatever stands in its middle: it was published."""
    verdict = verdict_on(case(text=text, spam=0.1))
    assert (verdict.action, verdict.reasons[0].code) == (Action.FLAG, "partly_read")
    assert verdict_on(case(text=text, spam=0.95)).action is Action.REJECT
    trusted = replace(case(text=text), facts=Facts(treatment=Treatment.TRUST))
    assert verdict_on(trusted).action is Action.ALLOW


def test_abuse_that_a_second_reading_does_not_show_is_held_and_says_so():
    alone = case(toxicity=0.97)
    verdict = verdict_on(replace(alone, scores=replace(alone.scores, seconded=False)))
    assert (verdict.action, verdict.label) == (Action.FLAG, "toxicity")
    assert [reason.code for reason in verdict.reasons] == ["toxicity", "disputed"]
    assert verdict_on(alone).action is Action.REJECT


def test_spam_needs_no_second_reading():
    alone = case(spam=0.97, toxicity=0.9)
    verdict = verdict_on(replace(alone, scores=replace(alone.scores, seconded=False)))
    assert (verdict.action, verdict.label) == (Action.REJECT, "spam")


def test_staff_of_the_blog_pass_whatever_the_scores():
    assert verdict_on(case(role="subscriber,Administrator", spam=0.99)).action is Action.ALLOW
    assert verdict_on(case(role="subscriber", spam=0.99)).action is Action.REJECT


def test_a_sites_own_numbers_take_the_place_of_the_models():
    assert verdict_on(case(Policy(flag_at={"spam": 0.05}), spam=0.1)).action is Action.FLAG
    assert verdict_on(case(Policy(reject_at={"spam": 1.01}), spam=1.0)).action is Action.FLAG


def test_lists_hold_but_never_reject():
    policy = Policy(blocked_words=("casino",), blocked_domains=("bad.example",))
    assert verdict_on(case(policy, text="best Casino")).reasons[0].code == "blocked_word"
    linked = verdict_on(case(policy, text="see http://www.bad.example/x"))
    assert (linked.action, linked.reasons[0].code) == (Action.FLAG, "blocked_domain")
    assert verdict_on(case(policy, text="casino", spam=0.95)).action is Action.REJECT


@pytest.mark.parametrize(
    "policy, about, code",
    [
        (Policy(hold_links_over=1), {"text": "http://a.example http://b.example"}, "links"),
        (Policy(mode=Mode.HOLD_ALL), {}, "hold_all"),
    ],
)
def test_a_site_may_hold_what_no_score_objects_to(policy, about, code):
    assert verdict_on(case(policy, **about)).reasons[0].code == code


def test_hold_rules_are_off_unless_asked_for():
    text = "http://a.example http://b.example http://c.example"
    known = replace(
        case(text=text), facts=Facts(Near(9), first_comment=True),
        scores=Scores({}, "m", known_language=False),
    )  # fmt: skip
    assert verdict_on(known).action is Action.ALLOW
    strict = Policy(hold_first_comment=True, hold_near_duplicates=2, hold_unknown_language=True)
    assert verdict_on(replace(known, policy=strict)).reasons[0].code == "near_duplicate"


def test_the_leading_label_decides_between_rejected_and_spam():
    policy = Policy()
    assert outcome(policy, verdict_on(case(spam=0.95))) is Status.SPAM
    assert outcome(policy, verdict_on(case(toxicity=0.95))) is Status.REJECTED
    assert outcome(policy, verdict_on(case(toxicity=0.5))) is Status.FLAGGED


def test_shadow_mode_approves_everything_and_keeps_the_verdict():
    verdict = verdict_on(case(Policy(mode=Mode.SHADOW), spam=0.99))
    assert verdict.action is Action.REJECT
    assert outcome(Policy(mode=Mode.SHADOW), verdict) is Status.APPROVED


def test_what_nobody_could_score_comes_first_and_the_uncertain_before_the_clear():
    doubtful, clear = Scores({"spam": 0.6}, "m"), Scores({"spam": 0.05}, "m")
    assert priority(None) > priority(doubtful) > priority(clear)


def test_a_policy_survives_being_stored():
    policy = Policy(mode=Mode.SHADOW, flag_at={"spam": 0.2}, blocked_words=("x",))
    assert Policy.from_dict({**policy.to_dict(), "from_a_later_version": 1}) == policy


def test_a_kept_list_that_costs_too_much_holds_every_comment():
    """One from before the cost was bounded: nothing is let through unread, and nothing raises."""
    costly = Policy(blocked_words=("/[^z]{500}/",) * 50)
    assert verdict_on(case(costly, spam=0.1)).action is Action.FLAG


@pytest.mark.parametrize(
    "author",
    [Author(email="ADA@Bad.example"), Author(ip="::ffff:192.0.2.9"), Author(ip="2001:db8::9")],
)
def test_a_listed_person_is_held_however_they_are_spelled(author: Author):
    policy = Policy(blocked_words=("ada@bad.example", "192.0.2.0/24", "2001:db8::1"))
    case = Case(Draft("hello", author), Scores({}, "m"), policy, Thresholds({}, {}))
    assert verdict_on(case).reasons[0].code == "blocked_word"


def test_allowed_words_and_domains_except_from_the_lists():
    policy = Policy(
        blocked_words=("*sex*",), allowed_words=("Essex",),
        blocked_domains=("blog.example",), allowed_domains=("good.blog.example",),
    )  # fmt: skip
    fine, held = "in Essex, at good.blog.example", "in Essex, at bad.blog.example"
    for text, action in ((fine, Action.ALLOW), (held, Action.FLAG)):
        case = Case(Draft(text), Scores({}, "m"), policy, Thresholds({}, {}))
        assert verdict_on(case).action is action


@pytest.mark.parametrize(
    "flag, reject, refused",
    [
        (0.6, 0.4, True),
        (0.4, 0.6, False),
        (0.5, 0.5, False),
        (1.01, 0.9, True),
        (1.01, 1.01, False),
    ],
)
def test_nothing_is_rejected_at_a_lower_score_than_the_one_that_holds(
    flag: float, reject: float, refused: bool
):
    policy = Policy(flag_at={"spam": flag}, reject_at={"spam": reject})
    with pytest.raises(InvalidInput) if refused else nullcontext():
        policy.check()
