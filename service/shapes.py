"""JSON of comments, sites, keys and endpoints, for the API, the command line and exports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from moderation.comment import Comment, Transition, from_ms, rfc3339
from moderation.credentials import Key, Token
from moderation.delivery import Delivery
from moderation.endpoint import Endpoint
from moderation.events import Event
from moderation.feedback import FitReport, Progress
from moderation.moderators import Moderator
from moderation.reasons import Reason
from moderation.remarks import Remark
from moderation.site import Site
from moderation.treatment import PersonRecord, Receipt


def comment_shape(comment: Comment, *, base: str = "") -> dict[str, Any]:
    """Return a comment as its own site may see it; *base* is the URL that its links begin with."""
    draft = comment.draft
    shape: dict[str, Any] = {
        "id": comment.id,
        "site_id": comment.site_id,
        "external_id": draft.external_id or None,
        "status": comment.status,
        "revision": comment.revision,
        "version": comment.version,
        "created_at": rfc3339(comment.created_at),
        "updated_at": rfc3339(comment.updated_at or comment.created_at),
        "content": draft.content,
        "author": asdict(draft.author),
        "post": asdict(draft.post),
        "parent": draft.parent or None,
        "spot_check": comment.spot_check,
        "revised": None,
        "scores": None,
        "model": None,
        "verdict": None,
        "reasons": [],
        "history": [transition_shape(step) for step in comment.history],
        "undo_until": rfc3339(comment.undo_until) if comment.undo_until else None,
        "links": links(comment.id, base),
    }
    if comment.scores:
        shape["scores"] = dict(comment.scores.labels)
        shape["model"] = comment.scores.model
    if comment.verdict:
        shape["verdict"] = comment.verdict.action
        shape["reasons"] = [reason_shape(reason, base) for reason in comment.verdict.reasons]
    if (original := comment.original) is not None:
        step = comment.revised
        shape["revised"] = {
            "original": original.content,
            "by": asdict(step.by) if step else None,
            "at": rfc3339(step.at) if step else None,
        }
    return shape


def reason_shape(reason: Reason, base: str = "") -> dict[str, Any]:
    """Return a reason, with links to the comments that it speaks of."""
    shape = reason.to_dict()
    if reason.comments:
        shape["links"] = [f"{base}/v1/comments/{one}" for one in reason.comments]
    return shape


def links(comment_id: str, base: str) -> dict[str, str]:
    """Return the URLs of a comment in the API and at the desk."""
    return {
        "self": f"{base}/v1/comments/{comment_id}",
        "decision": f"{base}/v1/comments/{comment_id}/decision",
        "desk": f"{base}/desk/comments/{comment_id}",
    }


def transition_shape(step: Transition) -> dict[str, Any]:
    """Return one transition of a comment's history."""
    return {
        "from": step.old,
        "to": step.new,
        "by": asdict(step.by),
        "reason": step.reason,
        "note": step.note,
        "at": rfc3339(step.at),
    }


def person_shape(person: PersonRecord) -> dict[str, Any]:
    """Return the record of a person: treatment and note."""
    return {
        "kind": person.subject.kind,
        "value": person.subject.value,
        "treatment": person.treatment,
        "until": _time(person.until) if person.until else None,
        "note": person.note,
        "by": asdict(person.by),
        "at": _time(person.at),
    }


def receipt_shape(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt of an erasure: numbers, a time, and a keyed hash of the person."""
    before = receipt.erased_before
    times = {"at": _time(receipt.at), "erased_before": None if before is None else _time(before)}
    return receipt.to_dict() | times


def event_shape(
    event: Event, comment: Comment | None, reply: Remark | None = None
) -> dict[str, Any]:
    """Return an event of the feed: a webhook's body, with its id and cursor."""
    body = event.payload(comment, full=True, reply=reply)
    return {"id": event.id, "cursor": event.cursor, **body}


def remark_shape(remark: Remark) -> dict[str, Any]:
    """Return a note or a reply."""
    return {
        "number": remark.number,
        "text": remark.text,
        "by": asdict(remark.by),
        "at": rfc3339(remark.at),
    }


def site_shape(site: Site) -> dict[str, Any]:
    """Return a site with its policy."""
    return site.to_dict() | {"created_at": _time(site.created_at)}


def learning_shape(site: Site, progress: Progress) -> dict[str, Any]:
    """Return the versions of a site's head, and which one is in use."""
    return {
        "site_id": site.id,
        "learning": site.policy.learning,
        "current": f"s{progress.current}" if progress.current else None,
        "pinned": progress.pinned,
        "feedback": progress.feedback,
        "due": progress.due,
        "left_out": list(progress.left_out),
        "vouched": list(progress.vouched),
        "latest": attempt_shape(progress.latest) if progress.latest else None,
        "versions": [
            {
                "version": one.number,
                "name": one.name,
                "current": one.number == progress.current,
                "judged": one.judged,
                **attempt_shape(one.made),
            }
            for one in progress.versions
        ],
    }


def attempt_shape(made: FitReport) -> dict[str, Any]:
    """Return the report of a fit; figures are shares from 0 to 1."""
    before, after = made.agreement
    return {
        "at": _time(made.at),
        "outcome": made.why,
        "model": made.model,
        "decisions": made.decisions,
        "people": dict(made.people),
        "replayed": made.replayed,
        "agreement_before": round(before, 4),
        "agreement_after": round(after, 4),
        "frozen_auc_drop": round(made.auc_drop, 5),
        "compared": made.compared,
        "elsewhere": made.elsewhere,
        "moved": list(made.moved),
        "digest": made.digest,
        "set_aside": {
            person: {"agreed": round(own, 4), "others": round(others, 4)}
            for person, (own, others) in made.set_aside.items()
        },
        "unproven": dict(made.unproven),
    }


def key_shape(key: Key) -> dict[str, Any]:
    """Return a key without its secret."""
    return {
        "id": key.id,
        "name": key.name,
        "site_id": key.site_id,
        "kind": key.kind,
        "hint": key.hint,
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at) if key.expires_at else None,
        "last_used_at": _time(key.last_used_at) if key.last_used_at else None,
    }


def token_shape(token: Token) -> dict[str, Any]:
    """Return a token without its secret."""
    return asdict(token) | {"created_at": _time(token.created_at)}


def moderator_shape(moderator: Moderator) -> dict[str, Any]:
    """Return a moderator."""
    return asdict(moderator) | {"created_at": _time(moderator.created_at)}


def endpoint_shape(endpoint: Endpoint, *, failing_since: int | None) -> dict[str, Any]:
    """Return an endpoint without its secrets; of its headers only the names.

    *failing_since*: since when all attempts have failed; of an endpoint that was disabled for that,
    the time is kept with it.
    """
    since = failing_since or endpoint.failing_since
    shape = asdict(endpoint) | {"created_at": _time(endpoint.created_at)}
    shape["headers"] = sorted(endpoint.headers)
    shape["failing_since"] = _time(since) if since else None
    del shape["secrets"]
    return shape


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    """Return one delivery with its attempts."""
    following = delivery.next_attempt_at
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "comment_id": delivery.subject_id if delivery.type.is_of_comment else None,
        "type": delivery.type,
        "state": delivery.state,
        "next_attempt_at": _time(following) if following else None,
        "attempts": [one | {"at": _time(one["at"])} for one in delivery.attempts],
    }


def _time(milliseconds: int) -> str:
    return rfc3339(from_ms(milliseconds))
