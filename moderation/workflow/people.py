"""People: how a site treats somebody; finding, exporting and erasing their comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from moderation import ids, texts
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.comment import Comment, Status
from moderation.errors import InvalidInput, NotFound
from moderation.ports import Clock
from moderation.search import LIVING, Query, network_of, of_author
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.store.search import TALLIED
from moderation.treatment import (
    MAX_NOTE,
    Dossier,
    Erasure,
    PersonRecord,
    Subject,
    SubjectKind,
    Treatment,
)

_DAY_MS = 86_400_000
#: Comments of one step of an erasure.
STEP = 200
MAX_DAYS = 3650


def treat(
    site_id: str,
    subject: Subject,
    treatment: Treatment | None,
    *,
    note: str = "",
    days: int | None = None,
    keep_end: bool = False,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> PersonRecord:
    """Have a site treat a subject so, for some days or for good; None: as anybody.

    *keep_end*: until the end that was set before, if any. Raises InvalidInput.
    """
    texts.check(note, field="note")
    if len(note) > MAX_NOTE:
        raise InvalidInput(f"a note has {MAX_NOTE} characters at most", field="note")
    if treatment is Treatment.TRUST and subject.kind is SubjectKind.DOMAIN:
        raise InvalidInput("a domain earns nobody trust: anybody may link to it", field="treatment")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"days are of 1 to {MAX_DAYS}", field="days")
    now = clock.now_ms()
    until = now + days * _DAY_MS if days else None
    before = comments.person(site_id, subject) if keep_end else None
    if before is not None:
        until = before.until
    if treatment is None:
        until = None
    person = PersonRecord(subject, treatment, until, note.strip(), by, now)
    comments.note_person(site_id, person)
    # The trail outlives an erasure: it names nobody.
    detail = {
        "site": site_id,
        "kind": subject.kind,
        "treatment": treatment or "",
        "days": days or 0,
    }
    accounts.note(AuditLine(now, by, "person.treat", comments.whom(subject), detail))
    return person


def sought(subject: Subject) -> Query:
    """Return the query that finds a subject's comments."""
    match subject.kind:
        case SubjectKind.USER:
            return Query(user_ids=(subject.value,))
        case SubjectKind.EMAIL:
            return Query(emails=(subject.value,))
        case SubjectKind.ADDRESS:
            return Query(addresses=(subject.value,))
        case SubjectKind.DOMAIN:
            return Query(domains=(subject.value,))
        case SubjectKind.NETWORK:
            if network_of(subject.value.partition("/")[0]) != subject.value:
                raise InvalidInput("comments are found by a /24, or of IPv6 a /64", field="value")
            return Query(networks=(subject.value,))


def look_up(
    site_ids: Sequence[str],
    subject: Subject,
    *,
    most: int = TALLIED,
    comments: Comments,
    clock: Clock,
) -> list[Dossier]:
    """Return what each site keeps of a subject, counting its latest *most* comments at a site.

    Sites that keep nothing are left out.
    """
    now = clock.now_ms()
    query = sought(subject)
    found = []
    for site_id in site_ids:
        behind = comments.index(site_id) if query.domains or query.networks else 0
        tally = comments.tally(site_id, query, now_ms=now, most=most)
        known = comments.person(site_id, subject)
        dossier = Dossier(site_id, tally.counts, known, tally.whole and not behind, tally.sure)
        if dossier.total or dossier.person:
            found.append(dossier)
    return found


def export(
    site_ids: Sequence[str], subject: Subject, *, comments: Comments, clock: Clock
) -> Iterator[Comment]:
    """Yield every comment of a subject, whole, site by site, the latest first.

    One that the blog gave another author since comes as it was under the subject: nothing of the other.
    """
    query = sought(subject)
    for site_id in site_ids:
        for comment in comments.each_found(site_id, query, now_ms=clock.now_ms()):
            yield from _as_theirs([comment], query, comments=comments)


def export_author(
    site_id: str,
    *,
    email: str,
    ip: str,
    user_id: str,
    limit: int,
    before: str | None,
    comments: Comments,
    clock: Clock,
) -> tuple[list[Comment], str | None]:
    """Return up to *limit* comments of an author, as :func:`export` yields them, and the id to go on *before*.

    It is None where there are no more.
    """
    found = comments.by_author(
        site_id, now_ms=clock.now_ms(), email=email, ip=ip, user_id=user_id, limit=limit,
        before=before,
    )  # fmt: skip
    query = of_author(email=email, ip=ip, user_id=user_id)
    theirs = list(_as_theirs(found, query, comments=comments))
    return theirs, found[-1].id if len(found) == limit else None


def _as_theirs(found: Sequence[Comment], query: Query, *, comments: Comments) -> Iterator[Comment]:
    """Yield comments as they were while their author was one who was asked for."""
    for comment in found:
        if not query.by_author or query.fits_author(comment.draft):
            yield comment
            continue
        for draft in filter(query.fits_author, comments.former([comment])[comment.id]):
            yield replace(comment, draft=draft, original=None)


def begin_erasure(
    site_ids: Sequence[str],
    subject: Subject,
    *,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> Erasure:
    """Begin to erase every comment and record of a person; :func:`step_erasure` does it.

    Of a person only: an e-mail, an address or a user's id. Raises InvalidInput for a network or a
    domain, behind which many may stand. The same one that is at work already is returned as it is.
    """
    if subject.kind in {SubjectKind.NETWORK, SubjectKind.DOMAIN}:
        raise InvalidInput("a person is erased by e-mail, address or user id", field="kind")
    now = clock.now_ms()
    by_status = dict.fromkeys(map(str, LIVING), 0)
    whom = comments.whom(subject)
    earlier = accounts.audit(about=whom, action="person.erase", limit=1)
    wanted = Erasure(
        ids.new_id(now), by, now, whom, tuple(site_ids), subject, by_status=by_status,
        erased_before=earlier[0].at if earlier else None,
    )  # fmt: skip
    begun = accounts.begin_erasure(wanted)
    if begun is wanted:
        detail = {"receipt": begun.id}
        accounts.note(AuditLine(now, by, "person.erase_begin", begun.whom, detail))
    return begun


def step_erasure(
    erasure_id: str, *, comments: Comments, accounts: Accounts, clock: Clock
) -> Erasure:
    """Erase up to 200 comments more; return how far it is.

    Comments are listed before they are erased, so that a process that goes on after a step that was cut off
    counts it once. One process at a time works on an erasure; to another it is returned as it is.
    """
    with accounts.erasing(erasure_id) as mine:
        one = accounts.erasure(erasure_id)
        subject = one.subject
        if not mine or subject is None:
            return one
        one = _counted(one, comments=comments)
        if one.at_site < len(one.site_ids):
            one = _erase_some(one, subject, comments=comments, accounts=accounts, clock=clock)
        if one.at_site == len(one.site_ids):
            accounts.forget_searches()
            one = replace(one, done_at=clock.now_ms(), subject=None)
            detail = {"receipt": one.id, "comments": one.comments, "records": one.records}
            accounts.note(AuditLine(one.done_at, one.by, "person.erase", one.whom, detail))
        accounts.save_erasure(one)
        return one


def _erase_some(
    one: Erasure, subject: Subject, *, comments: Comments, accounts: Accounts, clock: Clock
) -> Erasure:
    site_id, now = one.site_ids[one.at_site], clock.now_ms()
    found = list(comments.each_found(site_id, sought(subject), now_ms=now, most=STEP))
    if found:
        one = replace(one, in_hand=tuple((each.id, str(each.status)) for each in found))
        accounts.save_erasure(one)
        for comment in found:
            with suppress(NotFound):  # the purge was there first
                comments.erase(comment.id, by=one.by, now_ms=now)
        return replace(_counted(one, comments=comments), found_here=True)
    dropped = comments.forget_person(site_id, subject)
    return replace(
        one,
        at_site=one.at_site + 1,
        found_here=False,
        sites=one.sites + (one.found_here or dropped),
        records=one.records + dropped,
    )


def _counted(one: Erasure, *, comments: Comments) -> Erasure:
    """Return an erasure with those counted that were in hand and are erased."""
    if not one.in_hand:
        return one
    before, counts = dict(one.in_hand), dict(one.by_status)
    for comment in comments.get_many(list(before)):
        if comment.status is Status.ERASED:
            counts[before[comment.id]] += 1
    return replace(one, in_hand=(), by_status=counts)
