"""Whether people who decide on like comments decide alike. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moderation.comment import Decision
from moderation.feedback import Feedback
from moderation.scores import Label

#: Score for attacks on a group from which a comment counts as being about one.
ABOUT_A_GROUP = 0.05


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person's decisions, and how they compare with others' on comments that are alike.

    ``agreed`` of ``compared`` pairs have the same outcome, good or bad; of those about a group of
    people, ``agreed_on_groups`` of ``compared_on_groups``.
    """

    person: str
    decisions: int
    compared: int = 0
    agreed: int = 0
    compared_on_groups: int = 0
    agreed_on_groups: int = 0


def colleagues(
    feedback: Sequence[Feedback], pairs: Iterable[tuple[str, str]]
) -> tuple[Colleague, ...]:
    """Return each person who decided, those with most decisions first; *pairs* are alike comments."""
    known = {one.comment_id: one for one in feedback}
    decisions = Counter(one.person for one in feedback)
    compared: Counter[tuple[str, bool]] = Counter()
    agreed: Counter[tuple[str, bool]] = Counter()
    for pair in pairs:
        one, other = (known[each] for each in pair)
        same = (one.decision is Decision.APPROVE) == (other.decision is Decision.APPROVE)
        about_a_group = _about_a_group(one) or _about_a_group(other)
        for person in {one.person, other.person}:
            compared[person, about_a_group] += 1
            agreed[person, about_a_group] += same
    return tuple(
        Colleague(
            person,
            number,
            compared[person, True] + compared[person, False],
            agreed[person, True] + agreed[person, False],
            compared[person, True],
            agreed[person, True],
        )
        for person, number in decisions.most_common()
    )


def _about_a_group(one: Feedback) -> bool:
    return one.scores is not None and one.scores[Label.IDENTITY_ATTACK] >= ABOUT_A_GROUP
