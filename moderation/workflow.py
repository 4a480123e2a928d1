"""The product, top to bottom: submit, screen, review, undo, edit, erase, remember.

Each step takes what it needs as keyword arguments, fetches, decides without I/O, and writes once.
HTTP views, jobs, doors and the command line call these and do nothing else of consequence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from time import monotonic, sleep

from moderation import ids, texts
from moderation.actor import Actor
from moderation.addresses import check_headers, check_url
from moderation.audit import AuditLine
from moderation.changes import taken_back
from moderation.comment import Comment, Decision, Draft, Status, from_ms, to_ms
from moderation.dispatch import Jobs
from moderation.errors import Conflict, NotFound
from moderation.policy import Case, Policy, Thresholds, judge, outcome, priority
from moderation.ports import Clock, Duplicates, Model, Sample
from moderation.records import Accepted, Batch, Near, Past, Screened, Taken
from moderation.scores import Scores
from moderation.signing import new_secret
from moderation.site import Endpoint, EndpointKind, Moderator, Retention, Role, Secret, Site
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.store.metrics import Metrics
from moderation.vault import new_password

log = logging.getLogger(__name__)

_DAY_MS = 86_400_000

#: So soon a job that listens notices that it is to stop.
_LISTEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """How much one screening job takes on."""

    #: Comments of one batch: with the encoder one takes 5 ms of a core, a long one 30 ms.
    batch: int = 64
    lease_ms: int = 10_000
    #: Age of a batch's oldest comment, from which the model reads in a hurry.
    hurry_after_ms: int = 30_000
    budget_seconds: float = 1.0
    #: With nothing left a job stays for so long and listens: what comes meanwhile needs no job of its
    #: own, which costs more than screening it.
    linger_seconds: float = 0.1
    #: Comments that come in numbers are let gather for so long, for each up to so many of them.
    gather_seconds: float = 0.004
    patience: int = 5


def submit(
    drafts: Sequence[Draft],
    *,
    site: Site,
    comments: Comments,
    jobs: Jobs,
    clock: Clock,
    backlog: int,
) -> list[Accepted]:
    """Accept *drafts*, whole or not at all, and wake a worker. What is returned is stored.

    Raises Busy or SiteBusy when there is too much waiting. A draft whose external id belongs to
    other content is not stored: its outcome is a conflict, with the id of that comment.
    """
    accepted, wake = comments.accept(site.id, drafts, backlog=backlog, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of_site(site.id))
    return accepted


def screen(
    shard: int,
    *,
    holder: str,
    comments: Comments,
    accounts: Accounts,
    model: Model,
    duplicates: Duplicates,
    jobs: Jobs,
    clock: Clock,
    meter: Metrics,
    limits: ScreenLimits,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Take batches, score, judge and commit until the time budget ends; return how many verdicts.

    The wake-up is let go of first, so that a comment that comes meanwhile wakes another worker;
    and while there is more than one batch, another worker is woken to help.
    """
    comments.woken(shard)
    idle_since = monotonic()
    ends, written, came = idle_since + limits.budget_seconds, 0, 0
    while True:
        batch = comments.take(
            shard, holder, size=limits.batch, lease_ms=limits.lease_ms, now_ms=clock.now_ms()
        )
        if batch is None:
            left = min(idle_since + limits.linger_seconds, ends) - monotonic()
            if stopping() or left <= 0:
                break
            _wait(came, min(left, _LISTEN_SECONDS), shard, comments=comments, limits=limits)
            came = 0
            continue
        came = len(batch.items)
        if batch.wake:
            jobs.wake(shard)
        began = monotonic()
        oldest = min(item.comment.created_at for item in batch.items)
        hurried = clock.now_ms() - to_ms(oldest) > limits.hurry_after_ms
        screened = _judged(
            batch, comments, accounts, model, duplicates, clock, stopping, hurried=hurried
        )
        written += comments.commit(shard, batch.token, screened, now_ms=clock.now_ms())
        idle_since = monotonic()
        meter.screened(screened, idle_since - began)
        if stopping() or monotonic() > ends:
            break
    comments.woken(shard)
    if comments.has_work(shard) and comments.claim_wake(shard):
        jobs.wake(shard)
    return written


def _wait(
    came: int, seconds: float, shard: int, *, comments: Comments, limits: ScreenLimits
) -> None:
    """Wait for more comments after *came* of them: where many came, without listening."""
    if came > 1:
        sleep(limits.gather_seconds * min(came, limits.patience))
        return
    began = monotonic()
    if comments.listen(shard, seconds=seconds) and monotonic() - began < limits.gather_seconds:
        sleep(limits.gather_seconds)


def _judged(
    batch: Batch,
    comments: Comments,
    accounts: Accounts,
    model: Model,
    duplicates: Duplicates,
    clock: Clock,
    stopping: Callable[[], bool],
    *,
    hurried: bool,
) -> list[Screened]:
    """Return a verdict for each comment of *batch*; what is left out goes back to its list."""
    sites = {
        site_id: _site(accounts, site_id) for site_id in {t.comment.site_id for t in batch.items}
    }
    signatures = duplicates.signatures([item.comment.content for item in batch.items])
    taken = _surrounded(batch.items, signatures, sites, comments, duplicates, clock)
    measured: list[Scores | None] = []
    try:
        measured += score(
            [item.comment.draft for item in taken],
            model=model,
            near=[item.near for item in taken],
            hurried=hurried,
        )
    except Exception:  # noqa: BLE001 - one text that breaks the model must not hold up its neighbours
        for item in taken:
            if stopping():
                break
            measured.append(_scored_alone(item, model))
    return [
        verdict_on(item, scores, policy=sites[item.comment.site_id], model=model, signature=mark)
        for item, scores, mark in zip(taken, measured, signatures, strict=False)
    ]


def _scored_alone(item: Taken, model: Model) -> Scores | None:
    """Return the scores of one comment, or None when the model cannot give any: it is held."""
    try:
        return score([item.comment.draft], model=model, near=[item.near])[0]
    except Exception as problem:  # noqa: BLE001 - whatever it was, a person looks
        log.error("comment %s could not be scored: %s", item.comment.id, type(problem).__name__)  # noqa: TRY400 - a traceback may quote the comment
        return None


def _site(accounts: Accounts, site_id: str) -> Policy:
    """Return a site's policy; a site that was removed meanwhile has the default one."""
    try:
        return accounts.site(site_id).policy
    except NotFound:
        return Policy()


def _surrounded(
    items: Sequence[Taken],
    signatures: Sequence[int],
    sites: Mapping[str, Policy],
    comments: Comments,
    duplicates: Duplicates,
    clock: Clock,
) -> list[Taken]:
    """Return *items* with what their sites know: near-duplicates of late, and first comments."""
    seen = comments.signatures(sites)
    found = [Near()] * len(items)
    for site_id in sites:
        places = [n for n, item in enumerate(items) if item.comment.site_id == site_id]
        marked = [
            (signatures[n], comments.author_number(one.draft), *ids.halves(one.id))
            for n in places
            for one in (items[n].comment,)
        ]
        others = duplicates.others(seen[site_id], marked)
        for place, (count, named) in zip(places, others, strict=True):
            if count:
                found[place] = Near(count, tuple(ids.whole(*one) for one in named))
    return [
        replace(item, near=near, first_comment=first) if near.count or first else item
        for item, near in zip(items, found, strict=True)
        for first in (
            sites[item.comment.site_id].hold_first_comment
            and _is_first(item.comment, comments, clock),
        )
    ]


def _is_first(comment: Comment, comments: Comments, clock: Clock) -> bool:
    """Tell whether no comment by this e-mail was approved yet; without an e-mail it always is."""
    if not comment.draft.author.email:
        return True
    email = comment.draft.author.email
    known = comments.by_author(comment.site_id, now_ms=clock.now_ms(), email=email, limit=50)
    return not any(one.status is Status.APPROVED for one in known)


def score(
    drafts: Sequence[Draft], *, model: Model, near: Sequence[Near] = (), hurried: bool = False
) -> list[Scores]:
    """Return the scores of *drafts*; the one way in which anything here asks the model.

    *hurried*: what n-grams are sure of is not read by the encoder; ``Scores.model`` says so.
    """
    known = near or [Near()] * len(drafts)
    samples = [sample(draft, one.count) for draft, one in zip(drafts, known, strict=True)]
    results = model.score(samples, hurried=True) if hurried else model.score(samples)
    return [
        scores_of(result, model.version, one) for result, one in zip(results, known, strict=True)
    ]


def verdict_on(
    taken: Taken, scores: Scores | None, *, policy: Policy, model: Model, signature: int = 0
) -> Screened:
    """Return what *policy* makes of one comment with *scores*; without scores it is held. Pure."""
    case = Case(
        draft=taken.comment.draft,
        scores=scores,
        policy=policy,
        thresholds=policy.thresholds(defaults_of(model.thresholds)),
        first_comment=taken.first_comment,
    )
    verdict = judge(case)
    return Screened(
        comment=taken.comment,
        scores=scores,
        verdict=verdict,
        status=outcome(policy, verdict),
        priority=priority(scores),
        signature=signature,
    )


def review(
    comment_id: str,
    decision: Decision,
    *,
    by: Actor,
    comments: Comments,
    clock: Clock,
    hold_seconds: float,
    version: int | None = None,
    reason: str = "",
    note: str = "",
) -> Comment:
    """Write a moderator's decision; the blog hears of it once the undo window has closed.

    Raises NotFound, StaleVersion when *version* is not current, IllegalMove when nothing changes,
    InvalidInput when *reason* or *note* is no text.
    """
    texts.check(reason, field="reason")
    texts.check(note, field="note")
    return comments.decide(
        comment_id,
        decision,
        by=by,
        reason=reason,
        note=note,
        version=version,
        hold_ms=round(hold_seconds * 1000),
        now_ms=clock.now_ms(),
    )


def remember(
    history: Sequence[Past], *, site: Site, comments: Comments, model: Model, clock: Clock
) -> list[Accepted]:
    """Keep comments from before Winnow as their blog left them, with today's scores and verdicts.

    Nobody is told. What nobody had decided yet is flagged, so that it waits for a moderator here,
    too. One whose external id is known is not kept again: SAME, or CONFLICT if it says otherwise.
    """
    now = clock.now_ms()
    kept = []
    known = [replace(past, created_ms=min(past.created_ms, now)) for past in history]
    measured = score_each([past.draft for past in known], model)
    for past, scores in zip(known, measured, strict=True):
        told = Comment(
            id="", site_id=site.id, draft=past.draft, created_at=from_ms(past.created_ms)
        )
        screened = verdict_on(Taken(told), scores, policy=site.policy, model=model)
        status = past.decision.status if past.decision else Status.FLAGGED
        kept.append(comments.remember(site.id, past, replace(screened, status=status), now_ms=now))
    return kept


def score_each(drafts: Sequence[Draft], model: Model) -> Sequence[Scores | None]:
    """Return the scores of each draft, None for one that the model cannot score."""
    try:
        return score(drafts, model=model) if drafts else []
    except Exception:  # noqa: BLE001 - one bad text must not take its neighbours' scores
        if len(drafts) == 1:
            return [None]
        return [one for draft in drafts for one in score_each([draft], model)]


def undo(comment_id: str, *, by: Actor, comments: Comments, clock: Clock) -> Comment:
    """Take back the last decision within its window, before anyone heard of it."""
    return comments.undo(comment_id, by=by, now_ms=clock.now_ms())


def edit(
    comment_id: str, draft: Draft, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock
) -> Comment:
    """Make *draft* the next revision of a comment and have it screened anew."""
    comment, wake = comments.edit(comment_id, draft, by=by, now_ms=clock.now_ms())
    if wake:
        jobs.wake(comments.shard_of(comment_id))
    return comment


def retry(comment_id: str, *, by: Actor, comments: Comments, jobs: Jobs, clock: Clock) -> Comment:
    """Give a comment that could not be scored another chance."""
    comment = comments.retry(comment_id, by=by, now_ms=clock.now_ms())
    jobs.wake(comments.shard_of(comment_id))
    return comment


def erase(comment_id: str, *, by: Actor, comments: Comments, clock: Clock) -> None:
    """Forget a comment's words and author, leaving a tombstone."""
    comments.erase(comment_id, by=by, now_ms=clock.now_ms())


#: What is kept of a site that was removed: nothing.
KEPT_OF_REMOVED = Retention(
    text_days=dict.fromkeys(("approved", "rejected", "spam", "flagged"), 0), verdict_days=0
)


def purge(site: Site, *, comments: Comments, clock: Clock) -> int:
    """Let go of texts, and later of whole comments, that *site* keeps no longer.

    A flagged comment is kept whole for as long as the site says, since someone still has to read
    it; a pending one is never touched. A comment is looked at once a day. Returns how many changed.
    """
    now, changed = clock.now_ms(), 0
    texts = {
        Status(status): now - days * _DAY_MS for status, days in site.retention.text_days.items()
    }
    verdicts = now - site.retention.verdict_days * _DAY_MS
    soonest = max([verdicts, *texts.values()])
    for comment in comments.aged(site.id, before_ms=soonest, now_ms=now):
        moved_at = to_ms(comment.updated_at or comment.created_at)
        if moved_at < verdicts:
            changed += comments.forget(comment, everything=True)
        elif not comment.text_expired and moved_at < texts.get(comment.status, 0):
            changed += comments.forget(comment, everything=False)
    return changed


def add_endpoint(
    endpoint: Endpoint, *, by: Actor, admin: bool, accounts: Accounts, clock: Clock
) -> Endpoint:
    """Have a site's events sent to a new endpoint; it comes back with its id and its secret.

    Private addresses are allowed by an administrator (*admin*) only. Raises InvalidInput.
    """
    endpoint = _as_allowed(endpoint, admin=admin)
    _check_endpoint(endpoint)
    return accounts.add_endpoint(endpoint, by=by, now_ms=clock.now_ms())


def change_endpoint(
    endpoint: Endpoint,
    *,
    was: Endpoint,
    by: Actor,
    admin: bool,
    accounts: Accounts,
    clock: Clock,
    reverts: str = "",
) -> Endpoint:
    """Change an endpoint from what it *was*; return it as it is now.

    One that is enabled forgets why it ever was not. Leave to reach private addresses was given for
    one URL and its headers: when somebody who is no administrator (*admin*) changes either, it
    ends. Raises NotFound, InvalidInput, and Conflict if the endpoint changed meanwhile.
    """
    if endpoint.enabled:
        endpoint = replace(endpoint, disabled_reason="", failing_since=None)
    endpoint = _as_allowed(endpoint, was, admin=admin)
    _check_endpoint(endpoint)
    accounts.save_endpoint(endpoint, was=was, by=by, now_ms=clock.now_ms(), reverts=reverts)
    return endpoint


def _as_allowed(endpoint: Endpoint, was: Endpoint | None = None, *, admin: bool) -> Endpoint:
    """Return *endpoint* without leave to reach private addresses, unless an admin gave it for this."""
    granted = was is not None and was.allow_private
    moved = was is None or (endpoint.url, endpoint.headers) != (was.url, was.headers)
    if endpoint.allow_private and not admin and (moved or not granted):
        return replace(endpoint, allow_private=False)
    return endpoint


def _check_endpoint(endpoint: Endpoint) -> None:
    texts.check(endpoint.description, field="description")
    check_url(endpoint.url, allow_private=endpoint.allow_private)
    check_headers(endpoint.headers)


def rotate_secret(endpoint_id: str, *, by: Actor, accounts: Accounts, clock: Clock) -> str:
    """Give an endpoint a new secret and return it; the old one signs beside it for 24 hours."""
    endpoint, now = accounts.endpoint(endpoint_id), clock.now_ms()
    kept = [
        replace(secret, expires_at=secret.expires_at or now + _DAY_MS)
        for secret in endpoint.secrets
        if secret.expires_at is None or secret.expires_at > now
    ]
    fresh = Secret(new_secret())
    changed = replace(endpoint, secrets=(*kept, fresh))
    accounts.save_endpoint(changed, was=endpoint, by=by, now_ms=now)
    return fresh.value


def add_moderator(
    name: str, *, role: Role, sites: Sequence[str], by: Actor, accounts: Accounts, clock: Clock
) -> tuple[Moderator, str]:
    """Make a moderator, with a password to be shown once and changed at the first sign-in."""
    password = new_password()
    made = accounts.add_moderator(
        name,
        password,
        role=role,
        sites=sites,
        must_change=True,
        by=by,
        now_ms=clock.now_ms(),
    )
    return made, password


def reset_password(name: str, *, by: Actor, accounts: Accounts, clock: Clock) -> str:
    """Give a moderator a password to be shown once and changed; their sessions end."""
    password = new_password()
    accounts.set_password(name, password, by=by, must_change=True, now_ms=clock.now_ms())
    return password


def revert(line_id: str, *, by: Actor, accounts: Accounts, clock: Clock) -> AuditLine:
    """Take back a change of settings by a new change, and return the line that told of it.

    For administrators. All of it or nothing: raises Conflict when one of its settings has changed since, and when it
    was no change that can be taken back; NotFound when what it changed is gone.
    """
    line, now = accounts.audit_line(line_id), clock.now_ms()
    if not line.revertible:
        raise Conflict("this is no change of settings that can be taken back")
    match line.action:
        case "site.save":
            site = accounts.site(line.subject)
            back = Site.from_dict(taken_back(site.to_dict(), line.changes))
            accounts.save_site(back, was=site, by=by, now_ms=now, reverts=line.id)
        case "moderator.save":
            moderator = accounts.moderator(line.subject)
            told = taken_back(asdict(moderator), line.changes)
            person = replace(
                moderator,
                role=Role(told["role"]),
                sites=tuple(told["sites"]),
                disabled=told["disabled"],
            )
            accounts.save_moderator(person, was=moderator, by=by, now_ms=now, reverts=line.id)
        case _:
            endpoint = accounts.endpoint(line.subject)
            told = taken_back(asdict(endpoint), line.changes)
            changed = {name: told[name] for name in line.changes}
            if "events" in changed:
                changed["events"] = tuple(changed["events"])
            if "kind" in changed:
                changed["kind"] = EndpointKind(changed["kind"])
            change_endpoint(
                replace(endpoint, **changed),
                was=endpoint,
                by=by,
                admin=True,
                accounts=accounts,
                clock=clock,
                reverts=line.id,
            )
    return line


def sample(draft: Draft, near_duplicates: int = 0) -> Sample:
    """Return what a model may know of *draft*."""
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
    )


def scores_of(result: object, version: str, near: Near) -> Scores:
    """Return a model's result in the words of the domain."""
    return Scores(
        labels=dict(result.labels),  # type: ignore[attr-defined]
        model=getattr(result, "model", version),
        language=result.language,  # type: ignore[attr-defined]
        known_language=result.known_language,  # type: ignore[attr-defined]
        empty=result.empty,  # type: ignore[attr-defined]
        near_duplicates=near.count,
        alike=near.ids,
    )


def defaults_of(thresholds: Mapping[str, Mapping[str, float]]) -> Thresholds:
    """Return an artifact's thresholds in the words of the policy."""
    return Thresholds(flag=thresholds["flag"], reject=thresholds["reject"])


def with_external_id(draft: Draft, external_id: str) -> Draft:
    """Return *draft* under the id by which the blog knows its comment; edits keep it."""
    return replace(draft, external_id=external_id)


def erase_author(
    site_id: str, *, email: str, ip: str, by: Actor, comments: Comments, clock: Clock
) -> int:
    """Erase every comment of whoever used that e-mail or address; return how many."""
    known = comments.by_author(site_id, now_ms=clock.now_ms(), email=email, ip=ip, limit=1_000_000)
    living = [comment for comment in known if comment.status is not Status.ERASED]
    for comment in living:
        erase(comment.id, by=by, comments=comments, clock=clock)
    return len(living)
