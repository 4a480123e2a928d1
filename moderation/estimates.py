"""How often the machine is wrong where nobody looks, from spot checks, with honest intervals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, lgamma, log

from moderation.comment import Decision
from moderation.feedback import Feedback, Seen
from moderation.verdict import Action

#: What the true share lies outside of an interval for, at most.
_ERROR = 0.05
#: Halvings of 0..1: more than enough for a percentage.
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Share:
    """A share among *of* comments, and the interval in which the true one lies 19 times of 20."""

    number: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SpotChecks:
    """What people said of comments that chance picked from what the machine had settled.

    ``rejected``: of good comments, those that it had rejected; ``published``: of bad ones, those
    that it had let pass.
    """

    checked: int
    rejected: Share
    published: Share


def spot_checks(feedback: Iterable[Feedback]) -> SpotChecks:
    """Return the error rates estimated from the spot checks among *feedback*."""
    rows = [
        (one.verdict.action is Action.REJECT, one.decision is Decision.APPROVE)
        for one in feedback
        if one.seen is Seen.SPOT_CHECK and one.verdict
    ]
    good = [rejected for rejected, is_good in rows if is_good]
    bad = [rejected for rejected, is_good in rows if not is_good]
    return SpotChecks(len(rows), share(sum(good), len(good)), share(len(bad) - sum(bad), len(bad)))


def share(number: int, of: int) -> Share:
    """Return *number* among *of* with the interval of Clopper and Pearson (1934).

    It holds at least 95 % of the time for every true share; with nothing counted it says nothing.
    """
    if of == 0:
        return Share(0, 0, 0.0, 1.0)
    low = _where(lambda p: 1 - _at_most(number - 1, of, p)) if number else 0.0
    high = _where(lambda p: 1 - _at_most(number, of, p), 1 - _ERROR / 2) if number < of else 1.0
    return Share(number, of, low, high)


def _where(rising: Callable[[float], float], level: float = _ERROR / 2) -> float:
    """Return where *rising*, from 0 to 1 over 0..1, reaches *level*."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2


def _at_most(number: int, of: int, p: float) -> float:
    """Return how likely *of* tries come to *number* hits or fewer, each with *p*."""
    if number < 0:
        return 0.0
    if number > of // 2:  # the shorter side is summed
        return 1 - _at_most(of - number - 1, of, 1 - p)
    if not 0 < p < 1:
        return 1.0 if p <= 0 else 0.0
    ways = lgamma(of + 1)
    terms = (
        ways - lgamma(k + 1) - lgamma(of - k + 1) + k * log(p) + (of - k) * log(1 - p)
        for k in range(number + 1)
    )
    return min(1.0, sum(map(exp, terms)))
