"""Coral's external moderation phase (coralproject/talk, docs/external-moderation-phases.md).

Coral asks about each comment after its own phases and publishes when no good answer comes in time,
so that this door answers even when it cannot judge: the comment is withheld for a person.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Post, Status
from moderation.errors import NotFound
from moderation.reasons import sentence
from moderation.scores import Label
from moderation.site import Door, Site
from service.bodies import vouched
from service.context import winnow
from service.doors.base import judge, parsed, record, site_of, spend
from service.doors.failures import Failure, shape_failures

bp = Blueprint("coral", __name__)

#: Roles that Coral's own staff have; ours pass them (policy.Policy.staff_roles).
_STAFF = {"STAFF": "staff", "MODERATOR": "moderator", "ADMIN": "administrator"}
_LONGEST = 2000


@bp.before_request
def _identify() -> Response | None:
    """Ask for the key before the body is read."""
    g.site = site_of((request.view_args or {}).get("key", ""), Door.CORAL)
    if g.site is None:
        return Response(status=404)
    vouched()
    return None


@bp.post("/coral/<key>")
def moderate(key: str) -> Response:
    """Answer what Coral should do with a comment."""
    del key  # `_identify` has found its site
    site: Site = g.site
    body = request.get_data()
    if not _signed(site, body):
        return Response(status=401)
    spend(site)
    draft = _draft(body)
    if draft is None:
        return _answer({"status": "SYSTEM_WITHHELD"})
    (judged,) = judge([draft], site)
    if site.record_doors:
        record(site, draft, judged, via=Door.CORAL)
    if judged.status is Status.APPROVED:
        return _answer({"status": "NONE"})
    spam = judged.verdict.label == Label.SPAM
    reason = "COMMENT_DETECTED_SPAM" if spam else "COMMENT_DETECTED_TOXIC"
    answer: dict[str, Any] = {"actions": [{"actionType": "FLAG", "reason": reason}]}
    if judged.status is Status.FLAGGED:
        return _answer(answer | {"status": "SYSTEM_WITHHELD"})
    explained = "; ".join(sentence(one) for one in judged.verdict.reasons)
    why = {"code": "SPAM" if spam else "ABUSIVE", "detailedExplanation": explained}
    decision = {"status": "REJECTED", "rejectionReason": why}
    return _answer(answer | {"status": "REJECTED", "moderationAction": decision})


def _failed(failure: Failure) -> Response:
    """Withhold the comment for a person after any failure, a rate limit too: unanswered, Coral publishes."""
    del failure
    return _answer({"status": "SYSTEM_WITHHELD"})


shape_failures(bp, _failed)


def _signed(site: Site, body: bytes) -> bool:
    """Tell whether Coral signed *body* with the site's secret."""
    try:
        secret = winnow().accounts.door_secret(site.id, Door.CORAL)
    except NotFound:
        return False
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}".encode()
    offered = request.headers.get("X-Coral-Signature", "")[:_LONGEST].encode("utf-8", "replace")
    return any(hmac.compare_digest(expected, one.strip()) for one in offered.split(b","))


def _draft(body: bytes) -> Draft | None:
    """Return the comment that Coral sent; None when it is not one that can be read."""
    sent = parsed(body)
    if sent is None:
        return None
    try:
        comment, author, story = sent["comment"], sent.get("author", {}), sent.get("story", {})
        text = comment["body"]
    except (KeyError, TypeError):
        return None
    if not isinstance(text, str) or len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES:
        return None
    return Draft(
        content=text,
        author=Author(role=_STAFF.get(str(author.get("role", "")), "")),
        post=Post(url=str(story.get("url") or "")[:_LONGEST]),
        parent=str(comment.get("parentID") or "")[:200],
    )


def _answer(answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer), content_type="application/json")
