"""Learning: read what people decided on, fit the site's own head, and let it judge if it does better."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moderation.actor import Actor
from moderation.agreement import Colleague, colleagues
from moderation.audit import AuditLine
from moderation.comment import Comment
from moderation.errors import Conflict, NotFound
from moderation.facts import Facts, Near
from moderation.feedback import Feedback, FitReport, LearningMode, Progress, lessons, numbers_of
from moderation.policy import Case, Policy, outcome, verdict_on
from moderation.ports import Clock, Fit, Learner, Model, Sample
from moderation.scores import Scores
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.store.metrics import Metrics
from moderation.workflow.judging import bars_of, defaults_of, in_our_words, sample

log = logging.getLogger(__name__)

#: Comments that a new head is tried on, and those that would go elsewhere which are named.
COMPARED, NAMED = 500, 20
#: Decisions among which precedents are looked for, the latest, and how many are shown.
SEARCHED, PRECEDENTS = 2000, 5
#: Decisions that are compared with one another, the latest.
PAIRED = 1000
#: Why nothing was fitted, or no head was kept; beside the codes of the learner.
NO_READER, TOO_OLD, BROKEN, SAME, OVERTAKEN = "no_reader", "no_text", "broken", "same", "overtaken"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one learning job takes on; what is left is learned in the next."""

    #: Texts that are read at once: 5 to 30 ms each. Between two batches it can be stopped.
    batch: int = 32
    #: Texts that are read before a fit, so that an import does not keep a site's head waiting.
    texts: int = 2000


def learn(
    site_id: str,
    *,
    accounts: Accounts,
    comments: Comments,
    model: Model,
    learner: Learner,
    clock: Clock,
    meter: Metrics,
    budget: Budget = Budget(),
    stopping: Callable[[], bool] = lambda: False,
) -> FitReport | None:
    """Learn from a site's new decisions; return the result, None if there was nothing to do.

    One process at a time does so for a site. One that is stopped or dies leaves what it has read;
    the site is due again, and the next one goes on from there.
    """
    with comments.learner(site_id) as mine:
        if not mine:
            return None
        place = comments.place(site_id)
        try:
            site = accounts.site(site_id)
        except NotFound:
            site = None
        if site is None or site.policy.learning is LearningMode.OFF:
            comments.learned(site_id, place=place, now_ms=clock.now_ms())
            return None
        left = _read(site_id, comments, learner, budget, stopping)
        if stopping():
            return None
        attempt = _attempt(site, comments, model, learner, clock)
        meter.learned(attempt.why)
        if left:
            comments.relearn(site_id, now_ms=clock.now_ms())
        comments.learned(site_id, place=place, now_ms=clock.now_ms())
        return attempt


def _read(
    site_id: str,
    comments: Comments,
    learner: Learner,
    budget: Budget,
    stopping: Callable[[], bool],
) -> int:
    """Read texts that were decided on, the latest first; return how many are left to be read."""
    if comments.progress(site_id).reader != learner.reader:
        _read_anew(site_id, comments, learner, budget, stopping)
    unread, missing = comments.unread(site_id, size=budget.texts)
    for at in range(0, len(unread), budget.batch):
        if stopping():
            break
        _keep_readings(site_id, unread[at : at + budget.batch], comments, learner)
    return missing - len(unread)


def _read_anew(
    site_id: str,
    comments: Comments,
    learner: Learner,
    budget: Budget,
    stopping: Callable[[], bool],
) -> None:
    """Read by another model the texts that are still kept; the other readings stay as they are."""
    part: list[Feedback] = []
    for one in comments.feedback(site_id, readings=True):
        if one.reading and not stopping():
            part.append(one)
        if len(part) == budget.batch:
            _keep_readings(site_id, part, comments, learner)
            part = []
    if not stopping():
        _keep_readings(site_id, part, comments, learner)
        comments.note_reader(site_id, learner.reader)


def _keep_readings(
    site_id: str, feedback: Sequence[Feedback], comments: Comments, learner: Learner
) -> None:
    """Read the texts that are still kept; the others keep an earlier reading, or have none."""
    drafts = comments.drafts_of(feedback)
    # What no model could score may have killed its workers: it is not read again here.
    there = [one for one in feedback if one.comment_id in drafts and one.scores]
    known = [Facts.kept_in(one.scores).near.count for one in there]
    samples = [sample(drafts[one.comment_id], n) for one, n in zip(there, known, strict=True)]
    read = dict(zip((one.comment_id for one in there), _readings(samples, learner), strict=True))
    comments.keep_readings(
        site_id, [(one, read.get(one.comment_id, one.reading)) for one in feedback]
    )
    comments.renew_learner(site_id)


def _readings(samples: Sequence[Sample], learner: Learner) -> Sequence[bytes]:
    """Return the readings of *samples*; none of a text that breaks the model."""
    if not samples:
        return ()
    try:
        return learner.read(samples)
    except Exception:  # noqa: BLE001 - one bad text must not keep a site from learning
        return [_reading_alone(one, learner) for one in samples]


def _reading_alone(one: Sample, learner: Learner) -> bytes:
    try:
        return learner.read([one])[0]
    except Exception as problem:  # noqa: BLE001 - as above
        log.error("a text could not be read to learn from: %s", type(problem).__name__)  # noqa: TRY400 - a traceback may quote the comment
        return b""


def _attempt(
    site: Site, comments: Comments, model: Model, learner: Learner, clock: Clock
) -> FitReport:
    """Fit a head, hold it against the one that judges, and put it in its place if it is better."""
    progress, place = comments.progress(site.id), comments.place(site.id)
    feedback = [
        one
        for one in comments.feedback(site.id, readings=True, until=place)
        if one.person not in progress.left_out and learner.fits(one.reading)
    ]
    attempt = FitReport(
        clock.now_ms(),
        NO_READER,
        decisions=len(feedback),
        model=model.version,
        people=dict(Counter(one.person for one in feedback)),
    )
    if learner.reader:
        try:
            fit, attempt = _fitted(site, feedback, attempt, progress, comments, learner)
            if _had_a_part(attempt.set_aside, progress) and not progress.pinned:
                progress = _stop(site.id, progress, comments)
                fit, attempt = _fitted(site, feedback, attempt, progress, comments, learner)
            if fit.accepted:
                return _put_in_place(
                    site,
                    fit,
                    attempt,
                    progress,
                    place,
                    comments=comments,
                    model=model,
                    learner=learner,
                )
        except ValueError as problem:
            log.error("site %s: no head could be fitted: %s", site.id, problem)  # noqa: TRY400
            attempt = replace(attempt, why=BROKEN)
    comments.note_attempt(site.id, attempt)
    return attempt


def _fitted(
    site: Site,
    feedback: Sequence[Feedback],
    attempt: FitReport,
    progress: Progress,
    comments: Comments,
    learner: Learner,
) -> tuple[Fit, FitReport]:
    """Return a head fitted on *feedback*, held against the one that judges, and its figures."""
    people = numbers_of(feedback)
    vouched = {people[name] for name in progress.vouched if name in people}
    current = comments.head(site.id, progress.current)
    fit = learner.learn(lessons(feedback), current=current, vouched=vouched)
    return fit, _with_figures(attempt, fit, list(people))


def _had_a_part(people: Collection[str], progress: Progress) -> bool:
    """Tell whether the head that judges was fitted on decisions of one of *people*."""
    judging = next((one for one in progress.versions if one.number == progress.current), None)
    return judging is not None and any(one in judging.made.people for one in people)


def _stop(site_id: str, was: Progress, comments: Comments) -> Progress:
    """Let the shared model judge alone from now on."""
    comments.use_head(site_id, 0, was=was, trail=(*was.trail, 0), pinned=was.pinned)
    return comments.progress(site_id)


def _with_figures(attempt: FitReport, fit: Fit, people: Sequence[str]) -> FitReport:
    aside = {people[number]: (own, others) for number, own, others in fit.contrary}
    unproven = {people[number]: count for number, count in fit.unproven}
    counted = {name: n - unproven.get(name, 0) for name, n in attempt.people.items()}
    return replace(
        attempt,
        digest=fit.digest,
        set_aside=aside,
        unproven=unproven,
        people={name: n for name, n in counted.items() if n > 0 and name not in aside},
        why=fit.why,
        decisions=fit.decisions or attempt.decisions,
        replayed=fit.replayed,
        agreement=fit.agreement,
        auc_drop=fit.auc_drop,
    )


def _put_in_place(
    site: Site,
    fit: Fit,
    attempt: FitReport,
    progress: Progress,
    place: int,
    *,
    comments: Comments,
    model: Model,
    learner: Learner,
) -> FitReport:
    """Keep a head that does better, and then see which of the latest comments would go elsewhere.

    It judges first: to look at 500 comments takes seconds.
    """
    judges = comments.keep_head(
        site.id,
        progress.next,
        fit.head,
        attempt,
        judges=True,
        against=progress.current,
        place=place,
    )
    if not judges and not progress.pinned:
        attempt = replace(attempt, why=OVERTAKEN)
    comments.note_attempt(site.id, attempt, progress.next)
    before = comments.head(site.id, progress.current)
    applies = site.policy.learning is LearningMode.ON
    old = learner.head(before, progress.current) if before and applies else None
    new = learner.head(fit.head, progress.next)
    attempt = compare(attempt, site, old, new, comments=comments, model=model, learner=learner)
    comments.note_attempt(site.id, attempt, progress.next)
    log.info("site %s has learned s%s from %s decisions", site.id, progress.next, attempt.decisions)
    return attempt


def compare(
    attempt: FitReport,
    site: Site,
    old: object | None,
    new: object,
    *,
    comments: Comments,
    model: Model,
    learner: Learner,
) -> FitReport:
    """Return *attempt* with the latest comments that *new* would send elsewhere than *old* does."""
    recent: list[Comment] = []
    cursor = None
    while len(recent) < COMPARED:
        page = comments.recent(site.id, cursor=cursor, limit=100)
        recent += [one for one in page.items if one.content and one.scores]
        cursor = page.next
        if cursor is None:
            break
    recent, bars = recent[:COMPARED], bars_of(site.policy, model)
    moved: list[str] = []
    for at in range(0, len(recent), 32):
        part = recent[at : at + 32]
        comments.renew_learner(site.id)
        known = [Facts.kept_in(one.scores) for one in part]
        samples = [
            sample(one.judged, facts.near.count) for one, facts in zip(part, known, strict=True)
        ]
        plain = model.score(samples)
        was = learner.moved(plain, old, bars) if old is not None else plain
        would = learner.moved(plain, new, bars)
        rows = zip(part, known, was, would, strict=True)
        moved += [
            comment.id
            for comment, facts, one, other in rows
            if _status(comment, facts, site.policy, one, model)
            is not _status(comment, facts, site.policy, other, model)
        ]
    return replace(attempt, compared=len(recent), elsewhere=len(moved), moved=tuple(moved[:NAMED]))


def _status(comment: Comment, facts: Facts, policy: Policy, result: Any, model: Model) -> object:
    scores: Scores = in_our_words(result, model.version, Near(facts.near.count))
    thresholds = policy.thresholds(defaults_of(model))
    return outcome(policy, verdict_on(Case(comment.judged, scores, policy, thresholds, facts)))


def precedents(
    comment: Comment, *, comments: Comments, learner: Learner, most: int = PRECEDENTS
) -> list[Feedback]:
    """Return the decisions on comments most like *comment*, the most like first; often none.

    Of the latest 2,000. Reading the comment takes 5 to 30 ms.
    """
    if not (learner.reader and comment.content and comment.scores):
        return []
    known = [
        one
        for one in comments.feedback(comment.site_id, readings=True, newest=SEARCHED)
        if one.comment_id != comment.id and learner.fits(one.reading)
    ]
    if not known:
        return []
    (reading,) = learner.read([sample(comment.judged)])
    by_id = {one.comment_id: one for one in known}
    return [by_id[one] for one, _ in learner.alike(reading, lessons(known), most=most)]


def compared(site_id: str, *, comments: Comments, learner: Learner) -> tuple[Colleague, ...]:
    """Return who decided on a site recently, and whether people decide like comments alike."""
    known = list(comments.feedback(site_id, readings=True, newest=PAIRED))
    fitting = [one for one in known if learner.fits(one.reading)]
    return colleagues(known, learner.pairs(lessons(fitting)))


def roll_back(
    site_id: str,
    number: int | None,
    *,
    by: Actor,
    accounts: Accounts,
    comments: Comments,
    clock: Clock,
) -> Progress:
    """Let an earlier version judge, by default the one before; 0 is the shared model alone.

    No later head takes its place by itself until :func:`resume`. Raises NotFound, and Conflict when
    it judges already or another version was put in place meanwhile.
    """
    was = comments.progress(site_id)
    wanted = was.before() if number is None else number
    if wanted == was.current:
        raise Conflict(
            f"version {wanted} judges already"
            if wanted
            else "no learned version judges: the shared model does alone"
        )
    trail = (*was.trail, wanted)
    if number is None and wanted in was.trail:
        last = len(was.trail) - 1 - was.trail[::-1].index(wanted)
        trail = was.trail[: last + 1]
    comments.use_head(site_id, wanted, was=was, trail=trail, pinned=True)
    detail = {"from": was.current, "to": wanted}
    _note("learning.rollback", site_id, by, accounts, clock, **detail)
    return comments.progress(site_id)


def resume(
    site_id: str, *, by: Actor, accounts: Accounts, comments: Comments, clock: Clock
) -> Progress:
    """Let heads that do better take the place of the one that judges again, after a roll-back."""
    was = comments.progress(site_id)
    if not was.pinned:
        raise Conflict("nothing keeps this site from learning")
    comments.use_head(site_id, was.current, was=was, trail=(*was.trail, was.current), pinned=False)
    comments.relearn(site_id, now_ms=clock.now_ms())
    _note("learning.resume", site_id, by, accounts, clock)
    return comments.progress(site_id)


def leave_out(
    site_id: str,
    person: str,
    *,
    out: bool,
    by: Actor,
    accounts: Accounts,
    comments: Comments,
    clock: Clock,
) -> Progress:
    """Leave a person's decisions out of learning, or count them unconditionally.

    A head that they had a part in stops judging at once; the shared model judges alone until one is
    fitted without them, some seconds later. Raises NotFound for a person who decided nothing.
    """
    was = comments.progress(site_id)
    person = _called(person, {one.person for one in comments.feedback(site_id)} | {*was.left_out})
    if comments.leave_out(site_id, person, out=out, now_ms=clock.now_ms()):
        if out and _had_a_part([person], was):
            _stop(site_id, was, comments)
        action = "learning.leave_out" if out else "learning.take_in"
        _note(action, site_id, by, accounts, clock, person=person)
    return comments.progress(site_id)


def _called(name: str, known: Collection[str]) -> str:
    """Return the person of *known* whom *name* means: ``moderator:ada``, or ``ada`` if that is clear."""
    fitting = [one for one in known if name in {one, one.partition(":")[2]}]
    if name in fitting:
        return name
    if len(fitting) != 1:
        there = ", ".join(sorted(known)) or "nobody"
        raise NotFound(f"{name[:100]!r} names nobody here, or several; there is {there}")
    return fitting[0]


def _note(
    action: str, site_id: str, by: Actor, accounts: Accounts, clock: Clock, **detail: object
) -> None:
    accounts.note(AuditLine(clock.now_ms(), by, action, site_id, {"site": site_id, **detail}))
