"""People: how a site treats somebody, and what is found, exported and erased of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moderation import ids, texts
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.comment import Comment, Status
from moderation.errors import InvalidInput
from moderation.ports import Clock
from moderation.search import LIVING, Query, network_of
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.treatment import (
    MAX_NOTE,
    Dossier,
    PersonRecord,
    Receipt,
    Subject,
    SubjectKind,
    Treatment,
)

_DAY_MS = 86_400_000
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
    site_ids: Sequence[str], subject: Subject, *, comments: Comments, clock: Clock
) -> list[Dossier]:
    """Return what each site keeps of a subject; sites that keep nothing are left out."""
    now = clock.now_ms()
    query = sought(subject)
    found = []
    for site_id in site_ids:
        if query.domains or query.networks:
            comments.index(site_id)
        counts = comments.tally(site_id, query, now_ms=now).counts
        dossier = Dossier(site_id, counts, comments.person(site_id, subject))
        if dossier.total or dossier.person:
            found.append(dossier)
    return found


def export(
    site_ids: Sequence[str], subject: Subject, *, comments: Comments, clock: Clock
) -> Iterator[Comment]:
    """Yield every comment of a subject, whole, site by site, the latest first."""
    for site_id in site_ids:
        yield from comments.each_found(site_id, sought(subject), now_ms=clock.now_ms())


def erase_person(
    site_ids: Sequence[str],
    subject: Subject,
    *,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> Receipt:
    """Erase every comment of a person and what was noted of them; return the receipt.

    Of a person only: an e-mail, an address or a user's id. Raises InvalidInput for a network or a
    domain, behind which many may stand. Repeating it erases what is left.
    """
    if subject.kind in {SubjectKind.NETWORK, SubjectKind.DOMAIN}:
        raise InvalidInput("a person is erased by e-mail, address or user id", field="kind")
    now = clock.now_ms()
    by_status: dict[str, int] = dict.fromkeys(map(str, LIVING), 0)
    sites = records = 0
    for site_id in site_ids:
        found = 0
        for comment in comments.each_found(site_id, sought(subject), now_ms=now):
            if comment.status is Status.ERASED:
                continue
            comments.erase(comment.id, by=by, now_ms=clock.now_ms())
            by_status[comment.status] += 1
            found += 1
        dropped = comments.forget_person(site_id, subject)
        records += dropped
        sites += bool(found or dropped)
    receipt = Receipt(
        ids.new_id(now), now, comments.whom(subject), sites, sum(by_status.values()), records, by_status
    )  # fmt: skip
    detail = {"receipt": receipt.id, "comments": receipt.comments, "records": records}
    accounts.note(AuditLine(now, by, "person.erase", receipt.whom, detail))
    return receipt
