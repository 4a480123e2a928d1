"""What a changed policy would do to comments already screened, and where the model erred. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import median

from moderation import ids
from moderation.actor import ActorKind
from moderation.comment import SETTLED, Comment, Decision, Status
from moderation.facts import Facts
from moderation.policy import Case, Policy, Thresholds, outcome, verdict_on
from moderation.reasons import Reason
from moderation.records import KeptDecision
from moderation.scores import Label
from moderation.verdict import Action, Verdict

#: Example comments named for each kind of move.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class WhatIf:
    """How verdicts on past comments would change."""

    looked_at: int
    changed: int
    moves: dict[tuple[str, str], int]
    decided: int
    disagreed_before: int
    disagreed_after: int
    #: A few of the comments that would move, by where from and where to.
    examples: dict[tuple[str, str], tuple[Comment, ...]] = field(default_factory=dict)


def what_if(comments: Iterable[Comment], old: Policy, new: Policy, defaults: Thresholds) -> WhatIf:
    """Return what *new* would have made of *comments*, against *old* and against moderators.

    Only comments with scores and text count. A moderator disagrees with a policy that would have
    settled a comment otherwise than they did; a held comment leaves it to them.
    """
    looked_at = decided = before = after = 0
    moves: Counter[tuple[str, str]] = Counter()
    examples: defaultdict[tuple[str, str], list[Comment]] = defaultdict(list)
    for comment in comments:
        if comment.scores is None or not comment.content:
            continue
        looked_at += 1
        was, would = (_status(comment, policy, defaults) for policy in (old, new))
        if was is not would:
            moves[was, would] += 1
            if len(examples[was, would]) < EXAMPLES:
                examples[was, would].append(comment)
        if comment.status in SETTLED and _by_person(comment):
            decided += 1
            before += _disagree(was, comment.status)
            after += _disagree(would, comment.status)
    named = {move: tuple(few) for move, few in examples.items()}
    return WhatIf(
        looked_at, moves.total(), dict(moves.most_common()), decided, before, after, named
    )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Where a policy puts comments, and how many it settles against what moderators decided."""

    looked_at: int = 0
    published: int = 0
    held: int = 0
    rejected: int = 0
    decided: int = 0
    against: int = 0


def _by_person(comment: Comment) -> bool:
    """Tell whether a person decided last, on the very text that was scored."""
    last = comment.last_move
    return last is not None and last.decided_on is not None and comment.original is None


def outcomes(comments: Iterable[Comment], policy: Policy, defaults: Thresholds) -> Outcomes:
    """Return what *policy* would have made of *comments*; only those with scores and text count."""
    statuses: Counter[Status] = Counter()
    decided = against = 0
    for comment in comments:
        if comment.scores is None or not comment.content:
            continue
        would = _status(comment, policy, defaults)
        statuses[would] += 1
        if comment.status in SETTLED and _by_person(comment):
            decided += 1
            against += _disagree(would, comment.status)
    held = statuses[Status.FLAGGED]
    published = statuses[Status.APPROVED]
    total = statuses.total()
    return Outcomes(total, published, held, total - held - published, decided, against)


#: Rules of a site that hold what no score objected to; the machine alone would have allowed it.
_NO_SCORE_OBJECTED = frozenset(
    {"clean", "near_duplicate", "links", "unknown_language", "first_comment", "hold_all"}
)


def machines_own(verdict: Verdict | None) -> Action | None:
    """Return what the scores alone led to, whatever the site's own rules then made of it.

    None where the scores had no say: staff, lists of the site, and what could not be scored.
    """
    if verdict is None or not verdict.reasons:
        return verdict.action if verdict else None
    code = verdict.reasons[0].code
    if code in _NO_SCORE_OBJECTED:
        return Action.ALLOW
    return verdict.action if code in set(Label) else None


def unmarked(comment: Comment) -> Comment:
    """Return a comment that is spot-checked as its checker is to see it: like one that is held.

    A person who knew what the machine thinks would decide as it did. Any other comment is returned as it is.
    """
    if not comment.spot_check:
        return comment
    look = Verdict(Action.FLAG, (Reason("second_look"),))
    return replace(comment, status=Status.FLAGGED, verdict=look, scores=None, history=())


def agrees(action: str, decision: str) -> bool:
    """Tell whether the machine leaned the way the person went; a flag leans to neither."""
    return action == Action.FLAG or (action == Action.ALLOW) == (decision == Decision.APPROVE)


@dataclass(frozen=True, slots=True)
class Summary:
    """What moderators decided, beside what the machine had said."""

    decided: int = 0
    #: Of those that the machine had allowed or rejected: how many, and how many it had right.
    settled: int = 0
    agreed: int = 0
    #: Of those that it had held: how many, and how many were fine.
    held: int = 0
    fine: int = 0
    #: From a comment's arrival to its decision; half of them took less. None without any.
    median_seconds: float | None = None
    #: The first reason for which each was held or rejected, the most frequent first.
    reasons: tuple[tuple[str, int], ...] = ()


def summary(decisions: Iterable[KeptDecision]) -> Summary:
    """Return what *decisions* come to; those undone and those from before Winnow don't count."""
    kept = [
        one
        for one in decisions
        if not one.undone and one.verdict and one.by.kind is not ActorKind.IMPORT
    ]
    pairs = [(one.verdict, one.decision) for one in kept if one.verdict]
    owns = [
        (own, one.decision)
        for one in kept
        if one.is_on_the_verdict and (own := machines_own(one.verdict))
    ]
    settled = [pair for pair in owns if pair[0] is not Action.FLAG]
    held = [decision for own, decision in owns if own is Action.FLAG]
    waits = [one.at - ids.made_ms(ids.shorten(one.comment_id)) for one in kept]
    reasons = Counter(
        verdict.reasons[0].code
        for verdict, _ in pairs
        if verdict.reasons and verdict.action != Action.ALLOW
    )
    return Summary(
        decided=len(kept),
        settled=len(settled),
        agreed=sum(agrees(own, decision) for own, decision in settled),
        held=len(held),
        fine=sum(decision is Decision.APPROVE for decision in held),
        median_seconds=median(waits) / 1000 if waits else None,
        reasons=tuple(reasons.most_common()),
    )


def how_wrong(kept: KeptDecision) -> float:
    """Return by how much, of 1, the model's scores missed what a person then decided.

    For an approved comment the highest score was too high; for any other, the highest
    was too low: its score for spam, if it was decided to be spam.
    """
    if kept.scores is None:
        return 0.0
    worst = max((kept.scores[label] for label in Label), default=0.0)
    if kept.decision is Decision.APPROVE:
        return worst
    return 1 - (kept.scores[Label.SPAM] if kept.decision is Decision.SPAM else worst)


def most_wrong(decisions: Iterable[KeptDecision]) -> list[KeptDecision]:
    """Return the decisions that went against what the scores led to, the worst miss first."""
    against = [
        one
        for one in decisions
        if not one.undone
        and one.is_on_the_verdict
        and (own := machines_own(one.verdict)) is not None
        and not agrees(own, one.decision)
    ]
    return sorted(against, key=how_wrong, reverse=True)


def _status(comment: Comment, policy: Policy, defaults: Thresholds) -> Status:
    facts = Facts.kept_in(comment.scores)
    case = Case(comment.judged, comment.scores, policy, policy.thresholds(defaults), facts)
    return outcome(policy, verdict_on(case))


def _disagree(machine: Status, person: Status) -> bool:
    return machine in SETTLED and (machine is Status.APPROVED) != (person is Status.APPROVED)
