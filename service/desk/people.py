"""People who comment: finding them, treatments, and export and erasure of their comments."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask import Response, flash, redirect, request, url_for

from moderation import values
from moderation.comment import Comment, Status
from moderation.errors import InvalidInput, NotFound
from moderation.insight import unmarked
from moderation.lists import domains_in, is_domain
from moderation.moderators import Role
from moderation.search import LIVING, network_of
from moderation.site import Site
from moderation.treatment import MAX_NOTE, Erasure, Subject, SubjectKind, Treatment
from moderation.workflow.people import MAX_DAYS, sought
from service.context import winnow
from service.desk.base import administrator, asked_site, bp, me, my_site, my_sites, myself
from service.desk.pages import page
from service.desk.words import _
from service.shapes import comment_shape, person_shape

PAGE = 20
#: Largest number of treated people on a page.
LISTED = 100
#: Comments of a person that the desk lists beside one of theirs.
_OTHERS = 10
#: Domains of a comment whose pages and bulk decisions are linked.
_DOMAINS = 3
#: Durations of a treatment that the form offers, in days.
DAYS = (1, 7, 30, 365)


@bp.get("/people")
def people() -> Any:
    """Show the people whom a site blocks, holds or trusts, and look a person up."""
    site = asked_site()
    if request.args.get("value"):
        try:
            subject = _subject(request.args)
        except InvalidInput as problem:
            flash(str(problem), "problem")
        else:
            return redirect(_page_of(site, subject))
    cursor = request.args.get("cursor") or None
    known, following = winnow().comments.people(site.id, cursor=cursor, limit=LISTED)
    return page(
        "people.html",
        site=site,
        sites=my_sites(),
        known=known,
        next=following,
        erasures=_at_work(),
        kinds=list(SubjectKind),
        now=winnow().clock.now_ms(),
    )


@bp.get("/person")
def person() -> Any:
    """Show what a site stores about a person: comments, decisions, trust and treatment."""
    site, context = my_site(request.args.get("site", "")), winnow()
    subject = _subject(request.args)
    dossiers = {
        one.site_id: one for one in context.look_up([one.id for one in my_sites()], subject)
    }
    here = dossiers.get(site.id)
    counts: Mapping[Status, int] = here.comments if here else dict.fromkeys(LIVING, 0)
    found = context.comments.search(
        site.id,
        sought(subject),
        now_ms=context.clock.now_ms(),
        cursor=request.args.get("cursor") or None,
        limit=PAGE,
    )
    if here and not here.sure:  # what may not be theirs is not counted, but those that were read
        counts = dict.fromkeys(LIVING, 0) | Counter(one.status for one in found.items)
    return page(
        "person.html",
        site=site,
        subject=subject,
        counts=counts,
        total=sum(counts.values()),
        sign="≥ " if here and not (here.whole and here.sure) else "",
        noted=here.person if here else None,
        names=list(
            dict.fromkeys(one.draft.author.name for one in found.items if one.draft.author.name)
        )[:8],
        elsewhere=[
            (one, dossiers[one.id])
            for one in my_sites()
            if one.id in dossiers and one.id != site.id
        ],
        comments=list(map(unmarked, found.items)),
        next=found.next,
        treatments=list(Treatment),
        days=DAYS,
        now=context.clock.now_ms(),
        most_note=MAX_NOTE,
        erasable=subject.kind not in {SubjectKind.NETWORK, SubjectKind.DOMAIN},
        tab=_tab(subject),
    )


@bp.post("/person/treat")
def treat() -> Any:
    """Block, hold or trust a person at a site from now on, or end that."""
    site, subject = my_site(request.form.get("site", "")), _subject(request.form)
    asked = request.form.get("treatment", "")
    treatment = Treatment(asked) if asked in set(Treatment) else None
    days = values.whole_or(None, request.form.get("days", ""), most=MAX_DAYS, least=1)
    note = request.form.get("note", "")[: MAX_NOTE + 1]
    keep_end = request.form.get("days") == "keep"
    winnow().treat(
        site.id, subject, treatment, note=note, days=days, keep_end=keep_end, by=myself()
    )
    flash(_("Saved. It counts from the next comment on."))
    return redirect(_page_of(site, subject))


@bp.get("/person/export")
def export_person() -> Response:
    """Return all data on a person at the sites that the moderator may see, one JSON object a line."""
    administrator()
    subject, context = _subject(request.args), winnow()
    ids = [one.id for one in my_sites()]
    records = [known for one in ids if (known := context.comments.person(one, subject))]
    lines = _lines(context.export_person(ids, subject), [person_shape(one) for one in records])
    headers = {"Content-Disposition": 'attachment; filename="person.jsonl"'}
    return Response(lines, mimetype="application/x-ndjson", headers=headers)


@bp.post("/person/erase")
def erase_person() -> Any:
    """Erase all that is kept of a person at every site; show the receipt, or how far it is."""
    administrator()
    subject = _subject(request.form)
    one = winnow().erase_person([one.id for one in my_sites()], subject, by=myself())
    if one.goes_on:
        return redirect(url_for("desk.erasure", erasure_id=one.id))
    return page("receipt.html", one=one, receipt=one.receipt, subject=subject)


@bp.get("/erasures/<erasure_id>")
def erasure(erasure_id: str) -> Any:
    """Show how far an erasure is; its receipt once it is done."""
    administrator()
    one = winnow().accounts.erasure(erasure_id)
    return page("receipt.html", one=one, receipt=one.receipt, subject=one.subject)


def beside(site: Site, comment: Comment) -> dict[str, Any]:
    """Return other comments by a comment's author and address, and the pages of both."""
    author, context = comment.draft.author, winnow()
    now, known = context.clock.now_ms(), context.comments
    theirs: Sequence[Comment] = []
    if author.id:
        theirs = known.by_author(site.id, now_ms=now, user_id=author.id, limit=_OTHERS + 1)
    elif author.email:
        theirs = known.by_author(site.id, now_ms=now, email=author.email, limit=_OTHERS + 1)
    own = {comment.id, *(one.id for one in theirs)}
    near = (
        known.by_author(site.id, now_ms=now, ip=author.ip, limit=3 * _OTHERS) if author.ip else []
    )
    found = (
        (SubjectKind.USER, author.id),
        (SubjectKind.EMAIL, author.email),
        (SubjectKind.ADDRESS, author.ip),
    )
    subjects = [(kind, value) for kind, value in found if value]
    if network := network_of(author.ip):
        subjects.append((SubjectKind.NETWORK, network))
    return {
        "theirs": [unmarked(one) for one in theirs if one.id != comment.id][:_OTHERS],
        "nearby": [
            unmarked(one) for one in near if one.id not in own and one.status is not Status.ERASED
        ][:_OTHERS],
        "subjects": subjects,
        "noted": known.people_behind([(site.id, comment.draft)])[0],
        # Of what it links to, what may be treated: no host of somebody's own network, no address.
        "domains": sorted(filter(is_domain, domains_in(comment.content).hosts))[:_DOMAINS],
        "now": now,
    }


def _at_work() -> list[Erasure]:
    """Return the erasures that are not done, for moderators who may erase."""
    if me().role is not Role.ADMIN:
        return []
    accounts, found = winnow().accounts, []
    for erasure_id in accounts.unerased():
        with suppress(NotFound):
            found.append(accounts.erasure(erasure_id))
    return [one for one in found if one.goes_on]


def _subject(fields: Any) -> Subject:
    kind, value = fields.get("kind", ""), fields.get("value", "")
    return Subject.read(kind or _kind_of(value), value)


def _kind_of(value: str) -> str:
    """Return the kind of subject that a typed text most likely is."""
    value = value.strip()
    if "@" in value:
        return SubjectKind.EMAIL
    if "/" in value and "://" not in value:
        return SubjectKind.NETWORK
    if (value.count(".") == 3 and value.replace(".", "").isdigit()) or value.count(":") > 1:
        return SubjectKind.ADDRESS
    return SubjectKind.DOMAIN if "." in value else SubjectKind.USER


def _page_of(site: Site, subject: Subject) -> str:
    return url_for("desk.person", site=site.id, kind=subject.kind, value=subject.value)


def _tab(subject: Subject) -> dict[str, str]:
    """Return the URL of the search that lists all comments of a subject."""
    if subject.kind is SubjectKind.DOMAIN:
        return {"q": subject.value}
    return {"author": f"id:{subject.value}" if subject.kind is SubjectKind.USER else subject.value}


def _lines(comments: Iterator[Comment], records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield an object a line; the last counts the others, so that a cut-off file is noticed."""
    for record in records:
        yield json.dumps({"person": record}) + "\n"
    number = 0
    for number, comment in enumerate(comments, 1):  # noqa: B007 - the last one is counted
        yield json.dumps({"comment": comment_shape(comment)}) + "\n"
    yield json.dumps({"end": {"comments": number, "records": len(records)}}) + "\n"
