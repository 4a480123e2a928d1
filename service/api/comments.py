"""Submitting comments, reading them, deciding on them, and the feed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, jsonify, request
from werkzeug.exceptions import TooManyRequests

from moderation import values
from moderation.comment import Comment, Draft, to_ms
from moderation.errors import DuplicateExternalId, InvalidInput, NotFound, WinnowError
from moderation.events import EventType
from moderation.ids import canonical
from moderation.records import Accepted, IntakeOutcome, Order
from moderation.search import LIVING, LONGEST, Query, query
from moderation.site import Site
from moderation.treatment import Subject, SubjectKind
from service import inputs
from service.api import schemas
from service.api.base import (
    CURSOR,
    LIMIT,
    MAX_PAGE,
    SITE,
    actor,
    api,
    asked_site,
    asking,
    number,
    own_comment,
    spend,
    text,
)
from service.api.describe import JSON, NDJSON, Parameter, RequestRefused, parsed, read, warned
from service.context import WebContext, winnow
from service.problems import problem
from service.shapes import comment_shape, event_shape, links, receipt_shape, remark_shape
from service.waiting import RETRY_SECONDS

_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?([0-9]{1,3})", re.IGNORECASE)
_LONGEST_WAIT_SECONDS = 10
#: Comments of an author in one answer.
_EXPORTED = 500

PREFER = Parameter(
    "Prefer",
    {"type": "string", "maxLength": 100},
    "`wait=2`: answer 200 with the verdict if it comes within that number of seconds (RFC 7240).",
)


@api.route(
    "POST",
    "/comments",
    tag="Comments",
    body=inputs.CommentIn,
    answers={202: schemas.AcceptedOut, 200: schemas.CommentOut},
    problems=(409,),
    query=(SITE,),
    headers=(PREFER,),
)
def submit_comment() -> Any:
    """Submit a comment.

    What is acknowledged is stored. A repeat with the same `external_id` and content is the same
    comment: whatever else it says, such as another title or time, is ignored (`PUT` changes it).
    With other content it is a 409 that names the comment.
    """
    site = asked_site()
    draft = read(inputs.CommentIn).draft()
    context = winnow()
    spend()
    (accepted,) = take([draft], site=site, context=context)
    if isinstance(accepted, DuplicateExternalId):
        raise accepted
    shape = warned(accepted_shape(accepted, draft, context.settings.url))
    headers = {"Location": shape["links"]["self"]}
    wait = _wanted_wait()
    if wait:
        with context.waiting.place(site.id) as has_place:
            comment = context.verdicts.wait(accepted.id, wait) if has_place else None
        if comment is not None:
            answer = jsonify(warned(_shape(comment)))
            answer.headers["Preference-Applied"] = f"wait={wait}"
            return answer
        headers["Retry-After"] = str(RETRY_SECONDS)
    return shape, 202, headers


@api.route(
    "POST",
    "/comments/batch",
    tag="Comments",
    body=schemas.BatchIn,
    answers={202: schemas.BatchOut},
    query=(SITE,),
)
def submit_batch() -> Any:
    """Submit up to 1,000 comments, taken whole or not at all.

    As `{"comments": [...]}`, as a bare array, or as NDJSON (`application/x-ndjson`), one comment a
    line. Each line of the answer says whether its comment is `new`, the `same` as one known by its
    external id, or in `conflict` with one.
    """
    site = asked_site()
    drafts = [one.draft() for one in _batch()]
    spend(len(drafts))
    context = winnow()
    accepted = context.submit(drafts, site=site)
    pairs, base = zip(accepted, drafts, strict=True), context.settings.url
    return warned({"items": [accepted_shape(one, draft, base) for one, draft in pairs]}), 202


@api.route(
    "GET",
    "/comments",
    tag="Comments",
    answers={200: schemas.CommentsOut},
    problems=(422,),
    query=(
        SITE,
        Parameter("external_id", {"type": "string", "maxLength": 200}, "The blog's own id."),
        Parameter(
            "status",
            {"type": "string", "maxLength": 100},
            f"Only these, joined by commas: {', '.join(LIVING)}.",
        ),
        Parameter(
            "q",
            {"type": "string", "maxLength": LONGEST},
            'Words, "phrases" and domains that it has, an author\'s e-mail or address, an id; all of them.',
        ),
        Parameter(
            "author",
            {"type": "string", "maxLength": LONGEST},
            "A name, an e-mail, an address, a network (/24, of IPv6 /64), or id: and the blog's id.",
        ),
        Parameter("post", {"type": "string", "maxLength": 2000}, "The post's URL or its title."),
        Parameter(
            "before", {"type": "string", "format": "date-time"}, "Only what came before then."
        ),
        CURSOR,
        LIMIT,
    ),
)
def list_comments() -> Any:
    """List or search a site's comments, the latest first, or find one by its external id.

    One search reads 1,000 comments at most: a page may have few items and a `next`, which goes on.
    """
    site, context = asked_site(), winnow()
    external_id = text("external_id", 200)
    if external_id:
        return _page([context.comments.find(site.id, external_id)], None)
    cursor, limit = text("cursor"), number("limit", 50, MAX_PAGE)
    sought = _query()
    if not sought and sought.statuses == LIVING and sought.before is None:
        page = context.comments.recent(site.id, cursor=cursor, limit=limit)
        return _page(page.items, page.next)
    found = context.comments.search(
        site.id, sought, now_ms=context.clock.now_ms(), cursor=cursor, limit=limit
    )
    return _page(found.items, found.next, unsearched=found.behind)


def _query() -> Query:
    """Return what the parameters ask for."""
    named = (text("status") or "").split(",") if text("status") else LIVING
    before = text("before")
    if any(status not in LIVING for status in named):
        raise InvalidInput(f"status is of {', '.join(LIVING)}", field="status")
    return query(
        text("q", LONGEST) or "",
        author=text("author", LONGEST) or "",
        post=text("post", 2000) or "",
        statuses=tuple(status for status in LIVING if status in named),
        before=to_ms(values.time(before, field="before")) if before else None,
    )


@api.route("GET", "/comments/<comment_id>", tag="Comments", answers={200: schemas.CommentOut})
def get_comment(comment_id: str) -> Any:
    """Get a comment: its status, scores, verdict with reasons, and history."""
    return _shape(own_comment(comment_id))


@api.route(
    "PUT",
    "/comments/<comment_id>",
    tag="Comments",
    body=inputs.CommentIn,
    answers={200: schemas.CommentOut},
    problems=(409,),
)
def edit_comment(comment_id: str) -> Any:
    """Edit a comment: its next revision is pending and screened again."""
    comment = own_comment(comment_id)
    draft = read(inputs.CommentIn).draft()
    known = comment.draft.external_id
    if draft.external_id != known and (draft.external_id or not known):
        raise InvalidInput("external_id cannot be changed by an edit", field="external_id")
    spend()
    context = winnow()
    edited = context.edit(comment_id, replace(draft, external_id=known), by=actor())
    return warned(_shape(edited))


@api.route("DELETE", "/comments/<comment_id>", tag="Comments", answers={204: None})
def erase_comment(comment_id: str) -> Any:
    """Erase a comment: its words and author are forgotten, a tombstone stays."""
    own_comment(comment_id)
    context = winnow()
    context.erase(comment_id, by=actor())
    return "", 204


@api.route(
    "GET",
    "/queue",
    tag="Moderation",
    answers={200: schemas.CommentsOut},
    problems=(422,),
    query=(
        SITE,
        Parameter(
            "order",
            {"type": "string", "enum": [str(order) for order in Order], "default": "priority"},
            "By risk and uncertainty, or by time.",
        ),
        CURSOR,
        LIMIT,
    ),
)
def list_queue() -> Any:
    """List the flagged comments that wait for a moderator."""
    site = asked_site()
    order = request.args.get("order", Order.PRIORITY)
    if order not in set(Order):
        raise InvalidInput(f"order is one of {', '.join(Order)}", field="order")
    page = winnow().comments.queue(
        site.id, order=Order(order), cursor=text("cursor"), limit=number("limit", 50, MAX_PAGE)
    )
    return _page(page.items, page.next)


@api.route(
    "POST",
    "/comments/<comment_id>/decision",
    tag="Moderation",
    body=schemas.DecisionIn,
    answers={200: schemas.CommentOut},
    problems=(409,),
)
def decide(comment_id: str) -> Any:
    """Decide on a comment.

    The event is sent once the undo window has closed (`undo_until`). With `version`, a comment that
    moved on meanwhile is a 409 that says what version it has now.
    """
    own_comment(comment_id)
    body, context = read(schemas.DecisionIn), winnow()
    comment = context.review(
        comment_id,
        body.decision,
        by=actor(body.moderator),
        version=body.version,
        reason=body.reason,
        note=body.note,
    )
    return _shape(comment)


@api.route(
    "POST",
    "/decisions",
    tag="Moderation",
    body=schemas.DecisionsIn,
    answers={200: schemas.DecisionsOut},
)
def decide_many() -> Any:
    """Decide on many comments at once; each is decided or refused on its own."""
    body, context = read(schemas.DecisionsIn), winnow()
    decided, refused = [], {}
    for comment_id in dict.fromkeys(body.ids):
        try:
            own_comment(comment_id)
            context.review(
                comment_id,
                body.decision,
                by=actor(body.moderator),
                reason=body.reason,
                note=body.note,
                hold_seconds=context.settings.bulk_undo_seconds,
            )
            decided.append(comment_id)
        except WinnowError as error:
            refused[comment_id] = str(error)
    return {"decided": decided, "refused": refused}


@api.route(
    "POST",
    "/comments/<comment_id>/undo",
    tag="Moderation",
    answers={200: schemas.CommentOut},
    problems=(409,),
)
def undo(comment_id: str) -> Any:
    """Take back the last decision within its window, before its event is sent."""
    own_comment(comment_id)
    context = winnow()
    comment = context.undo(comment_id, by=actor())
    return _shape(comment)


@api.route(
    "POST",
    "/comments/<comment_id>/revision",
    tag="Moderation",
    body=schemas.RevisionIn,
    answers={200: schemas.CommentOut},
    problems=(409,),
)
def revise(comment_id: str) -> Any:
    """Change a comment's text as a moderator; its status stays.

    For a held or an approved comment, where the site's setting `edits` is on. `revised.original` is what
    its author wrote; scores and verdict are of that. A `revision` that is not the latest is a 409.
    """
    own_comment(comment_id)
    body = read(schemas.RevisionIn)
    spend()
    revised = winnow().revise(
        comment_id, body.content, revision=body.revision, by=actor(body.moderator)
    )
    return warned(_shape(revised))


@api.route(
    "POST",
    "/comments/<comment_id>/replies",
    tag="Moderation",
    body=schemas.RemarkIn,
    answers={201: schemas.RemarkOut},
    problems=(409,),
)
def reply(comment_id: str) -> Any:
    """Have the blog publish a reply under an approved comment, as the site's owner.

    The event is `reply.requested`; the site's setting `replies` has to be on, and an endpoint subscribed.
    """
    own_comment(comment_id)
    body = read(schemas.RemarkIn)
    spend()
    made = winnow().reply(comment_id, body.text, by=actor(body.moderator))
    return remark_shape(made), 201


@api.route(
    "POST",
    "/comments/<comment_id>/notes",
    tag="Moderation",
    body=schemas.RemarkIn,
    answers={201: schemas.RemarkOut},
    problems=(409,),
)
def note(comment_id: str) -> Any:
    """Put a note beside a comment, for moderators alone."""
    own_comment(comment_id)
    body = read(schemas.RemarkIn)
    spend()
    made = winnow().note(comment_id, body.text, by=actor(body.moderator))
    return remark_shape(made), 201


@api.route(
    "GET",
    "/comments/<comment_id>/remarks",
    tag="Moderation",
    answers={200: schemas.RemarksOut},
)
def list_remarks(comment_id: str) -> Any:
    """List a comment's notes and replies, the oldest first."""
    own_comment(comment_id)
    found = winnow().comments.remarks(comment_id)
    return {
        "notes": [remark_shape(one) for one in found.notes],
        "replies": [remark_shape(one) for one in found.replies],
    }


@api.route(
    "POST",
    "/comments/<comment_id>/retry",
    tag="Moderation",
    answers={200: schemas.CommentOut},
    problems=(409,),
)
def retry(comment_id: str) -> Any:
    """Screen a flagged comment again, one that could not be scored above all."""
    own_comment(comment_id)
    context = winnow()
    comment = context.retry(comment_id, by=actor())
    return _shape(comment)


@api.route(
    "GET",
    "/events",
    tag="Events",
    answers={200: schemas.EventsOut},
    problems=(410, 422),
    query=(
        SITE,
        Parameter(
            "after",
            {"type": "string", "pattern": r"^\d{1,20}(-\d{1,20})?$"},
            "The `next` of the last answer; nothing: from the oldest event that is kept.",
        ),
        LIMIT,
        Parameter(
            "wait",
            {"type": "integer", "minimum": 0, "maximum": _LONGEST_WAIT_SECONDS},
            "Seconds to wait for an event, if there is none yet.",
        ),
    ),
)
def list_events() -> Any:
    """Read the site's events, the same that webhooks tell, in order.

    A cursor older than what is kept is a 410.
    """
    site, comments = asked_site(), winnow().comments
    after = text("after", 41) or "0"
    values.stream_id(after, field="after")
    limit = number("limit", 50, MAX_PAGE)
    wait = number("wait", 0, _LONGEST_WAIT_SECONDS, least=0)
    events = comments.events(site.id, after=after, limit=limit)
    if wait and not events:
        with winnow().waiting.place(site.id) as has_place:
            if not has_place:
                # Not the empty answer, after which a client would ask again at once.
                detail = "too many requests of this site wait already"
                raise TooManyRequests(detail, retry_after=RETRY_SECONDS)
            if winnow().news.wait(f"{site.id} {after}", wait):
                events = comments.events(site.id, after=after, limit=limit)
    wanted = list(dict.fromkeys(one.subject_id for one in events if one.type.is_of_comment))
    known = {comment.id: comment for comment in comments.get_many(wanted)}
    return {
        "items": [
            event_shape(event, known.get(event.subject_id), comments.reply_of(event))
            for event in events
            if event.type is not EventType.TEST  # for one endpoint alone
        ],
        "next": events[-1].cursor if events else after,
    }


@api.route(
    "GET",
    "/authors/comments",
    tag="Authors",
    answers={200: schemas.CommentsOut},
    problems=(422,),
    query=(
        SITE,
        Parameter("email", {"type": "string", "maxLength": 320}, "The author's e-mail."),
        Parameter("ip", {"type": "string", "maxLength": 64}, "The author's address."),
        Parameter("user_id", {"type": "string", "maxLength": 200}, "The blog's own id of a user."),
        CURSOR,
    ),
)
def export_author() -> Any:
    """Export all that is kept of an author, by e-mail or address, the newest first.

    A comment that the blog gave another author since comes as it was under this one.
    """
    site = asked_site()
    email, ip = text("email", 320) or "", text("ip", 64) or ""
    user_id = text("user_id", 200) or ""
    if not (email or ip or user_id):
        raise InvalidInput("say whose comments: ?email=, ?ip= or ?user_id=", field="email")
    after = text("cursor")
    if after and not (after := canonical(after)):
        raise InvalidInput("that is no cursor of this list", field="cursor")
    found, following = winnow().export_author(
        site.id, email=email, ip=ip, user_id=user_id, limit=_EXPORTED, before=after
    )
    return _page(found, following)


@api.route(
    "POST",
    "/authors/erase",
    tag="Authors",
    body=schemas.EraseAuthorIn,
    answers={200: schemas.Erased, 202: schemas.Erased},
    query=(SITE,),
)
def erase_author() -> Any:
    """Erase all comments of an author, by e-mail, address or the blog's id, and what was noted of them.

    `receipts` say what was erased, and have no word of it: numbers, times, and a keyed hash of who it
    was. What is not erased within two seconds a worker goes on with: the answer is 202, `done` is
    false, and `GET /v1/erasures/{id}` says how far it is. Asking again for the same author goes on, too.
    """
    site, body, context = asked_site(), read(schemas.EraseAuthorIn), winnow()
    named = (
        (SubjectKind.EMAIL, body.email),
        (SubjectKind.ADDRESS, body.ip),
        (SubjectKind.USER, body.user_id),
    )
    subjects = [Subject.read(kind, value) for kind, value in named if value]
    if not subjects:
        raise InvalidInput("say whose comments: email, ip or user_id", field="email")
    erasures = [context.erase_person([site.id], one, by=actor()) for one in subjects]
    done = not any(one.goes_on for one in erasures)
    shown = {
        "erased": sum(one.comments for one in erasures),
        "done": done,
        "receipts": [receipt_shape(one.receipt) for one in erasures],
    }
    return shown, 200 if done else 202


@api.route(
    "GET",
    "/erasures/<erasure_id>",
    tag="Authors",
    answers={200: schemas.ReceiptOut},
)
def get_erasure(erasure_id: str) -> Any:
    """Get the receipt of an erasure, for 30 days after it is done; until then, how far it is."""
    one = winnow().accounts.erasure(erasure_id)
    if not all(asking().may_see(site_id) for site_id in one.site_ids):
        raise NotFound("there is no such erasure, or not any more")
    return receipt_shape(one.receipt)


def _batch() -> Sequence[inputs.CommentIn]:
    body = request.get_data()
    if request.mimetype == NDJSON:
        lines = [line for line in body.splitlines() if line.strip()]
        if not 1 <= len(lines) <= schemas.MAX_BATCH:
            raise InvalidInput(f"a batch has 1 to {schemas.MAX_BATCH} lines")
        return [
            parsed(inputs.CommentIn, line, where=f"line {n}: ") for n, line in enumerate(lines, 1)
        ]
    if request.mimetype != JSON:
        detail = f"send the batch as {JSON} or {NDJSON}"
        raise RequestRefused(problem(415, "unsupported-media-type", detail))
    if body.lstrip()[:1] == b"[":
        body = b'{"comments":' + body + b"}"
    return parsed(schemas.BatchIn, body).comments


def _wanted_wait() -> int:
    wanted = _WAIT.search(request.headers.get("Prefer", "")[:200])
    return min(int(wanted[1]), _LONGEST_WAIT_SECONDS) if wanted else 0


def take(
    drafts: Sequence[Draft], *, site: Site, context: WebContext
) -> list[Accepted | DuplicateExternalId]:
    """Store comments, each of which was sent by itself; one whose id another text has is a problem."""
    return [
        DuplicateExternalId(draft.external_id, one.id)
        if one.outcome is IntakeOutcome.CONFLICT
        else one
        for draft, one in zip(drafts, context.submit(drafts, site=site), strict=True)
    ]


def accepted_shape(accepted: Accepted, draft: Draft, base: str) -> dict[str, Any]:
    """Return the answer on a comment that was accepted."""
    return {
        "id": accepted.id,
        "external_id": draft.external_id or None,
        "status": accepted.status,
        "outcome": accepted.outcome,
        "links": links(accepted.id, base),
    }


def _shape(comment: Comment) -> dict[str, Any]:
    return comment_shape(comment, base=winnow().settings.url)


def _page(
    comments: Sequence[Comment], following: str | None, *, unsearched: int | None = None
) -> Response:
    body = {"items": [_shape(comment) for comment in comments], "next": following}
    return jsonify(body if unsearched is None else body | {"unsearched": unsearched})
