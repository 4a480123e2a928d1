"""An interval that says 19 times of 20 holds 19 times of 20."""

from __future__ import annotations

import random

import pytest
from scipy.special import betaincinv

from moderation.actor import moderator
from moderation.comment import Decision
from moderation.estimates import share, spot_checks
from moderation.feedback import Feedback
from moderation.reasons import Reason
from moderation.verdict import Action, Verdict


@pytest.mark.parametrize(
    "number, of", [(0, 1), (1, 1), (0, 50), (3, 50), (48, 50), (50, 50), (7, 2000), (950, 1900)]
)
def test_the_interval_is_clopper_and_pearsons(number: int, of: int):
    estimate = share(number, of)
    low = betaincinv(number, of - number + 1, 0.025) if number else 0.0
    high = betaincinv(number + 1, of - number, 0.975) if number < of else 1.0
    assert (estimate.low, estimate.high) == (
        pytest.approx(low, abs=1e-6),
        pytest.approx(high, abs=1e-6),
    )


def test_nothing_counted_says_nothing():
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


def checked(action: Action, decision: Decision, *, spot_check: bool = True) -> Feedback:
    verdict = Verdict(action, (Reason("clean"),))
    return Feedback("id", 1, decision, moderator("ada"), 1, spot_check, verdict=verdict)


def test_only_what_chance_picked_counts():
    """What people look up by themselves is looked up because something is wrong with it."""
    estimates = spot_checks(
        [
            checked(Action.ALLOW, Decision.APPROVE),
            checked(Action.REJECT, Decision.APPROVE),
            checked(Action.REJECT, Decision.SPAM),
            checked(Action.ALLOW, Decision.REJECT),
            *[checked(Action.REJECT, Decision.APPROVE, spot_check=False)] * 20,
        ]
    )
    assert estimates.checked == 4
    assert (estimates.rejected.number, estimates.rejected.of) == (1, 2)
    assert (estimates.published.number, estimates.published.of) == (1, 2)


def test_the_interval_holds_on_95_of_100_simulated_sites():
    """Sites of 4,000 to 40,000 comments, whose machine rejects 0.1 to 5 % of the good ones."""
    dice, holds = random.Random(17), 0
    for _ in range(400):
        wrong, bad = dice.uniform(0.001, 0.05), dice.uniform(0.02, 0.4)
        feedback = []
        for _ in range(round(dice.uniform(4_000, 40_000) * 0.01)):
            is_bad = dice.random() < bad
            rejected = dice.random() < (0.9 if is_bad else wrong)
            action = Action.REJECT if rejected else Action.ALLOW
            feedback.append(checked(action, Decision.SPAM if is_bad else Decision.APPROVE))
        estimate = spot_checks(feedback).rejected
        holds += estimate.low <= wrong <= estimate.high
    assert holds >= 0.95 * 400
