"""What moderators' decisions say of the machine."""

from __future__ import annotations

from dataclasses import replace

from moderation import ids
from moderation.actor import IMPORT, SUPERVISOR, Actor, machine, moderator
from moderation.comment import Comment, Decision, Draft, Status, Transition, from_ms
from moderation.insight import Summary, most_wrong, summary, what_if
from moderation.policy import Policy, Thresholds
from moderation.reasons import Reason
from moderation.records import KeptDecision
from moderation.scores import Scores
from moderation.verdict import Action, Verdict
from tests.support.actors import ADA

MADE = 1_800_000_000_000


def kept(action: Action, decision: Decision, *, code: str = "spam", after: int = 60, **fields):
    """Return a decision made *after* seconds on a comment with the verdict *action*."""
    reasons = () if action is Action.ALLOW else (Reason(code),)
    fields.setdefault("by", ADA)
    return KeptDecision(
        ids.new_id(MADE), 1, decision, at=MADE + after * 1000,
        verdict=Verdict(action, reasons), **fields,
    )  # fmt: skip


def test_nothing_decided_sums_up_to_nothing():
    assert summary([]) == Summary()


def test_agreement_counts_what_the_machine_settled_and_no_more():
    """Of what it held it said nothing that a person could agree to."""
    found = summary(
        [
            kept(Action.REJECT, Decision.SPAM),
            kept(Action.ALLOW, Decision.REJECT),
            kept(Action.FLAG, Decision.APPROVE),
            kept(Action.FLAG, Decision.REJECT),
            kept(Action.FLAG, Decision.REJECT),
        ]
    )
    assert (found.decided, found.settled, found.agreed) == (5, 2, 1)
    assert (found.held, found.fine) == (3, 1)


def test_to_approve_a_text_that_a_moderator_changed_is_no_word_on_the_verdict():
    """To turn it away is: what its author wrote is turned away with it."""
    found = [
        kept(Action.REJECT, Decision.APPROVE, changed=True),
        kept(Action.ALLOW, Decision.APPROVE, changed=True),
        kept(Action.FLAG, Decision.APPROVE, changed=True),
        kept(Action.FLAG, Decision.SPAM, changed=True),
        kept(Action.ALLOW, Decision.SPAM, changed=True),
    ]
    counts = summary(found)
    assert (counts.decided, counts.settled, counts.agreed, counts.held, counts.fine) == (
        5,
        1,
        0,
        1,
        0,
    )
    assert most_wrong(found) == [found[4]]


def test_what_a_site_holds_by_its_own_rules_is_no_error_of_the_machine():
    """Under hold-all every comment is held; the scores allowed those to which none objected."""
    found = summary(
        [
            kept(Action.FLAG, Decision.APPROVE, code="hold_all"),
            kept(Action.FLAG, Decision.APPROVE, code="first_comment"),
            kept(Action.FLAG, Decision.SPAM, code="hold_all"),
            kept(Action.FLAG, Decision.APPROVE, code="blocked_word"),
            kept(Action.FLAG, Decision.APPROVE),
        ]
    )
    assert (found.settled, found.agreed) == (3, 2)
    assert (found.held, found.fine) == (1, 1)
    wrong = most_wrong([kept(Action.FLAG, Decision.SPAM, code="hold_all")])
    assert len(wrong) == 1, "the machine would have let this spam through"


def test_half_of_the_decisions_took_less_than_the_median():
    found = summary([kept(Action.FLAG, Decision.SPAM, after=n) for n in (10, 60, 86_400)])
    assert found.median_seconds == 60


def test_reasons_are_counted_once_for_each_comment_that_had_one():
    found = summary(
        [
            kept(Action.FLAG, Decision.SPAM, code="links"),
            kept(Action.REJECT, Decision.SPAM, code="links"),
            kept(Action.FLAG, Decision.SPAM, code="insult"),
            kept(Action.ALLOW, Decision.SPAM),
        ]
    )
    assert found.reasons == (("links", 2), ("insult", 1))


def test_what_was_undone_or_brought_in_by_an_import_says_nothing():
    found = summary(
        [
            kept(Action.FLAG, Decision.SPAM, undone=True),
            kept(Action.FLAG, Decision.SPAM, by=IMPORT),
        ]
    )
    assert found == Summary()


# -- what-if


BARS = Thresholds(flag={"spam": 0.5}, reject={"spam": 0.9})


def settled(by: Actor, decided_on: int | None = None) -> Comment:
    """Return a comment that *by* approved, a moderator if there is a revision *decided_on*."""
    step = Transition(
        Status.PENDING, Status.APPROVED, by, "clean", from_ms(MADE), decided_on=decided_on
    )
    return Comment(
        ids.new_id(MADE), ids.new_id(MADE), Draft("hello"), from_ms(MADE),
        status=Status.APPROVED, scores=Scores({"spam": 0.2}, "m"), history=(step,),
    )  # fmt: skip


def test_a_moderator_is_no_machine_whatever_the_name():
    for name in ("winnow-team", "winnow", "model 28dd4c0f2dd3", "x", "m"):
        found = what_if([settled(moderator(name), 1)], Policy(), Policy(), BARS)
        assert found.decided == 1, name


def test_what_no_person_decided_counts_as_no_decision():
    """Nor does what a door was answered, although the blog asked."""
    for by in (machine("m"), machine("m", via="akismet"), machine(""), SUPERVISOR):
        assert what_if([settled(by)], Policy(), Policy(), BARS).decided == 0, by


def test_an_undone_decision_leaves_the_machine_s():
    comment = settled(machine("m"))
    back = comment.history[0]
    undone = replace(back, old=Status.SPAM, by=moderator("ada"), reason="undo")
    assert (
        what_if([replace(comment, history=(back, undone))], Policy(), Policy(), BARS).decided == 0
    )
