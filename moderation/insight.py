"""What a changed policy would do to comments already screened. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from moderation.comment import SETTLED, Comment, Status
from moderation.policy import Case, Policy, Thresholds, judge, outcome


@dataclass(frozen=True, slots=True)
class WhatIf:
    """How verdicts on past comments would change."""

    looked_at: int
    changed: int
    moves: dict[tuple[str, str], int]
    decided: int
    disagreed_before: int
    disagreed_after: int


def what_if(comments: Iterable[Comment], old: Policy, new: Policy, defaults: Thresholds) -> WhatIf:
    """Return what *new* would have made of *comments*, against *old* and against moderators.

    Only comments with scores and text count. A moderator disagrees with a policy that would have
    settled a comment otherwise than they did; a held comment leaves it to them.
    """
    looked_at = decided = before = after = 0
    moves: Counter[tuple[str, str]] = Counter()
    for comment in comments:
        if comment.scores is None or not comment.content:
            continue
        looked_at += 1
        was, would = (_status(comment, policy, defaults) for policy in (old, new))
        if was is not would:
            moves[was, would] += 1
        if comment.status in SETTLED and not comment.history[-1].by.startswith(
            ("model ", "winnow")
        ):
            decided += 1
            before += _disagree(was, comment.status)
            after += _disagree(would, comment.status)
    return WhatIf(looked_at, moves.total(), dict(moves), decided, before, after)


def _status(comment: Comment, policy: Policy, defaults: Thresholds) -> Status:
    case = Case(comment.draft, comment.scores, policy, policy.thresholds(defaults))
    return outcome(policy, judge(case))


def _disagree(machine: Status, person: Status) -> bool:
    return machine in SETTLED and (machine is Status.APPROVED) != (person is Status.APPROVED)
