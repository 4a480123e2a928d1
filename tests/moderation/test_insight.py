"""What moderators' decisions say of the machine."""

from __future__ import annotations

from moderation import ids
from moderation.comment import Decision
from moderation.insight import Summary, summary
from moderation.ports import BY_IMPORT, KeptDecision
from moderation.verdict import Action, Reason, Verdict

MADE = 1_800_000_000_000


def kept(action: Action, decision: Decision, *, code: str = "spam", after: int = 60, **told):
    """Return a decision *after* so many seconds on what had the verdict *action*."""
    reasons = () if action is Action.ALLOW else (Reason(code, "words"),)
    told.setdefault("by", "ada")
    return KeptDecision(
        ids.new_id(MADE), 1, decision, at=MADE + after * 1000,
        verdict=Verdict(action, reasons), **told,
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
            kept(Action.FLAG, Decision.SPAM, by=BY_IMPORT),
        ]
    )
    assert found == Summary()
