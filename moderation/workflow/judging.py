"""Judging: gather the facts, ask the model, apply the policy. The same for queue, doors and imports."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moderation import ids
from moderation.comment import SETTLED, Draft, Status
from moderation.facts import Facts, Near
from moderation.feedback import LearningMode
from moderation.policy import Case, Policy, Thresholds, outcome, priority, verdict_on
from moderation.ports import Bars, Clock, Duplicates, Model, Sample
from moderation.records import Judged
from moderation.scores import Scores
from moderation.store.comments import Comments
from moderation.treatment import strictest

log = logging.getLogger(__name__)

#: Most comments of an author that count for trust, of those approved and of the others each.
_COUNTED = 10
#: The id of a draft that is no comment yet.
_NO_ID = (0, 0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft to be judged, its site and the policy; its comment's id, if it is one already."""

    draft: Draft
    site_id: str
    policy: Policy
    comment_id: str = ""


#: Returns by site id the heads of the sites that have one.
Heads = Callable[[Iterable[str]], Mapping[str, object]]


def gather(
    subjects: Sequence[Candidate],
    *,
    comments: Comments,
    duplicates: Duplicates,
    clock: Clock,
    heads: Heads = lambda _: {},
) -> list[Facts]:
    """Return the facts about each subject; the subjects of a site are compared with one another, too.

    Raises StorageUnavailable.
    """
    houses = heads(one.site_id for one in subjects if one.policy.learning is LearningMode.ON)
    signatures = duplicates.signatures([one.draft.content for one in subjects])
    now = clock.now_ms()
    writers = [_writer(one) for one in subjects]
    authors = list(dict.fromkeys(one for one in writers if one is not None))
    known = comments.surroundings(
        [one.site_id for one in subjects], authors, now_ms=now, most=_COUNTED
    )
    near = _near(subjects, signatures, known.signatures, comments, duplicates)
    behind = comments.people_behind(
        [(one.site_id, one.draft) for one in subjects], treating=known.treating
    )
    treated = [strictest(people, now) for people in behind]
    trust_of = {one: trust(*counts) for one, counts in zip(authors, known.standings, strict=True)}
    trusts = [0.0 if one is None else trust_of[one] for one in writers]
    return [
        Facts(
            near=found,
            signature=signature,
            first_comment=one.policy.hold_first_comment and _is_first(one, comments, clock),
            house=houses.get(one.site_id) if one.policy.learning is LearningMode.ON else None,
            trust=trusted,
            treatment=person.treatment if person else None,
        )
        for one, signature, found, person, trusted in zip(
            subjects, signatures, near, treated, trusts, strict=True
        )
    ]


def _near(
    subjects: Sequence[Candidate],
    signatures: Sequence[int],
    recent: Mapping[str, Sequence[int]],
    comments: Comments,
    duplicates: Duplicates,
) -> list[Near]:
    near = [Near()] * len(subjects)
    for site_id, seen in recent.items():
        places = [n for n, one in enumerate(subjects) if one.site_id == site_id]
        marked = [
            (
                signatures[n],
                comments.author_number(subjects[n].draft),
                *(ids.halves(subjects[n].comment_id) if subjects[n].comment_id else _NO_ID),
            )
            for n in places
        ]
        others = duplicates.others(seen, marked)
        for place, (count, named) in zip(places, others, strict=True):
            if count:
                near[place] = Near(count, tuple(ids.whole(*one) for one in named if one != _NO_ID))
    return near


def trust(approved: int, refused: int) -> float:
    """Return an author's standing, -1 to 1: 0 for a stranger, 0.77 after ten approvals.

    A refusal weighs as much as three approvals. Anybody may type an e-mail address, so the model bounds
    its effect, and no rule is bypassed by it.
    """
    return (approved - 3 * refused) / (approved + 3 * refused + 3)


def _writer(subject: Candidate) -> tuple[str, str, str] | None:
    """Return by what the author is known at the site: an e-mail or an account; None without any."""
    author = subject.draft.author
    if not (author.email or author.id):
        return None
    # Who is signed in is known for sure.
    return subject.site_id, "" if author.id else author.email, author.id


def _is_first(subject: Candidate, comments: Comments, clock: Clock) -> bool:
    """Tell whether no comment by this e-mail was approved yet; without an e-mail it always is."""
    email = subject.draft.author.email
    if not email:
        return True
    approved = comments.by_author(
        subject.site_id,
        now_ms=clock.now_ms(),
        email=email,
        limit=1,
        statuses=(Status.APPROVED,),
    )
    return not approved


def spot_checked(judged: Judged, policy: Policy, chance: Callable[[], float]) -> Judged:
    """Return *judged* marked as a spot check if *chance*, a number of 0 to 1, picks it.

    Only comments that the machine settled: not those it held, nor the staff's.
    """
    settled = judged.status in SETTLED and judged.scores is not None
    by_rule = any(reason.code == "staff" for reason in judged.verdict.reasons)
    if settled and not by_rule and chance() < policy.spot_checks / 1000:
        return replace(judged, spot_check=True)
    return judged


def judge(draft: Draft, facts: Facts, policy: Policy, *, model: Model) -> Judged:
    """Judge one draft by *model* and *policy*; without scores it is held."""
    return judge_all([(draft, facts, policy)], model=model)[0]


def judge_all(
    cases: Sequence[tuple[Draft, Facts, Policy]],
    *,
    model: Model,
    stopping: Callable[[], bool] = lambda: False,
    hurried: bool = False,
) -> list[Judged]:
    """Judge drafts by *model* and each one's policy, in order; *hurried* as in `score`.

    A draft that the model cannot score is held and takes nothing from its neighbours. Once
    *stopping*, drafts that are not scored yet may be left out at the end.
    """
    drafts, facts = [one[0] for one in cases], [one[1] for one in cases]
    policies = [one[2] for one in cases]
    return [
        _judged(draft, known, own, scores, model)
        for (draft, known, own), scores in zip(
            cases, _scores(drafts, facts, policies, model, stopping, hurried=hurried), strict=False
        )
    ]


def _judged(draft: Draft, facts: Facts, own: Policy, scores: Scores | None, model: Model) -> Judged:
    thresholds = own.thresholds(defaults_of(model))
    verdict = verdict_on(Case(draft, scores, own, thresholds, facts))
    return Judged(
        scores=scores,
        verdict=verdict,
        status=outcome(own, verdict),
        priority=priority(scores),
        signature=facts.signature,
    )


def _scores(
    drafts: Sequence[Draft],
    facts: Sequence[Facts],
    policies: Sequence[Policy],
    model: Model,
    stopping: Callable[[], bool],
    *,
    hurried: bool,
) -> Sequence[Scores | None]:
    try:
        return score(drafts, facts, policies, model=model, hurried=hurried)
    except Exception:  # noqa: BLE001 - one text that breaks the model must not hold up its neighbours
        alone: list[Scores | None] = []
        for draft, known, own in zip(drafts, facts, policies, strict=True):
            if stopping():
                break
            alone.append(_scored_alone(draft, known, own, model))
        return alone


def _scored_alone(draft: Draft, facts: Facts, own: Policy, model: Model) -> Scores | None:
    """Return the scores of one draft, or None when the model cannot give any."""
    try:
        return score([draft], [facts], [own], model=model)[0]
    except Exception as problem:  # noqa: BLE001 - any failure holds the comment for a person
        log.error("a text could not be scored: %s", type(problem).__name__)  # noqa: TRY400 - a traceback may quote the comment
        return None


def score(
    drafts: Sequence[Draft],
    facts: Sequence[Facts] = (),
    policies: Sequence[Policy] = (),
    *,
    model: Model,
    hurried: bool = False,
) -> list[Scores]:
    """Return the scores of *drafts*, on which every verdict is based. Raises what the model raises.

    *hurried*: drafts that n-grams are sure of are not read by the encoder; ``Scores.model`` says so. The
    *policies* bound what a site's head may do, which goes by the site's own thresholds.
    """
    near = [one.near for one in facts] or [Near()] * len(drafts)
    trusts = [one.trust for one in facts] or [0.0] * len(drafts)
    samples = [
        sample(draft, one.count, known)
        for draft, one, known in zip(drafts, near, trusts, strict=True)
    ]
    options: dict[str, Any] = {"hurried": True} if hurried else {}
    houses = [one.house for one in facts]
    if any(house is not None for house in houses):
        options["house"] = houses
        bars = [bars_of(one, model) for one in policies]
        if any(bars):
            options["bars"] = bars
    results = model.score(samples, **options)
    # NaN reaches no threshold: the comment would be published.
    if not all(all(map(math.isfinite, one.labels.values())) for one in results):
        raise ValueError("a score is no number")
    return [
        in_our_words(result, model.version, one) for result, one in zip(results, near, strict=True)
    ]


def sample(draft: Draft, near_duplicates: int = 0, trust: float = 0.0) -> Sample:
    """Return *draft* as the model's input."""
    return Sample(
        content=draft.content,
        author_name=draft.author.name,
        author_email=draft.author.email,
        author_url=draft.author.url,
        user_agent=draft.author.user_agent,
        post_url=draft.post.url,
        post_title=draft.post.title,
        language=draft.post.language,
        honeypot=bool(draft.honeypot),
        seconds_to_submit=draft.seconds_to_submit,
        near_duplicates=near_duplicates,
        trust=trust,
    )


def in_our_words(result: object, version: str, near: Near) -> Scores:
    """Return a model's answer for one Sample as scores; *version* is the model's."""
    return Scores(
        labels=dict(result.labels),  # type: ignore[attr-defined]
        model=getattr(result, "model", version),
        language=result.language,  # type: ignore[attr-defined]
        known_language=result.known_language,  # type: ignore[attr-defined]
        empty=result.empty,  # type: ignore[attr-defined]
        near_duplicates=near.count,
        alike=near.ids,
        seconded=getattr(result, "seconded", True),
        unmoved=getattr(result, "unmoved", None),
        precedents=getattr(result, "alike", ()),
    )


def bars_of(policy: Policy, model: Model) -> Bars | None:
    """Return the thresholds of a site as *model* has its own; None for a site that set none."""
    if not (policy.flag_at or policy.reject_at):
        return None
    thresholds = policy.thresholds(defaults_of(model))
    return {"flag": thresholds.flag, "reject": thresholds.reject}


def defaults_of(model: Model) -> Thresholds:
    """Return the thresholds that *model* came with."""
    return Thresholds(flag=model.thresholds["flag"], reject=model.thresholds["reject"])
