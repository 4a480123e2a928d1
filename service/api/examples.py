"""An example of each body and answer of the API, and of each webhook; a test holds them to the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from moderation.credentials import Key, KeyKind
from moderation.delivery import Delivery, DeliveryState
from moderation.endpoint import Endpoint
from moderation.events import EventType
from moderation.feedback import FitReport, Progress, Version
from moderation.site import Site
from service import inputs
from service.api import schemas
from service.shapes import delivery_shape, endpoint_shape, key_shape, learning_shape, site_shape

_SITE, _KEY, _ENDPOINT = (f"019ab3f0-1c2d-7000-8000-3f1d2c4b5a{n}" for n in (60, 61, 62))
_COMMENT = "019ab3f0-1c2d-7000-8000-3f1d2c4b5a69"
_AT, _AT_MS = "2026-11-26T10:00:00.000Z", 1_795_687_200_000
_EVENT = f"evt_{_COMMENT.replace('-', '')}_1_2_comment_approved"
_TEXT = "What a season finale! I did not see that coming."
_AUTHOR = {"name": "Ada", "email": "ada@mail.example", "url": "", "ip": "198.51.100.7"}
_POST = {"url": "https://blog.example/finale/", "title": "The finale"}
_LINKS = {
    "self": f"https://comments.example.org/v1/comments/{_COMMENT}",
    "decision": f"https://comments.example.org/v1/comments/{_COMMENT}/decision",
    "desk": f"https://comments.example.org/desk/comments/{_COMMENT}",
}
_BETTER = FitReport(
    _AT_MS, "better", 120, "3f2a9c1b77de", {"moderator:ada": 120}, 60, (0.85, 0.9167), 0.0004,
    compared=500, elsewhere=1, moved=(_COMMENT,),
)  # fmt: skip
_LEARNED = Progress(
    1, trail=(0, 1), versions=(Version(1, _BETTER, judged=True),), latest=_BETTER, feedback=120
)
_RECEIPT = {
    "id": _KEY,
    "at": _AT,
    "whom": "9f86d081884c7d65",
    "sites": 1,
    "comments": 12,
    "records": 3,
    "by_status": {"approved": 12},
    "done": True,
    "erased_before": None,
}
_REASON = {"code": "clean", "values": {}, "text": "no rule objected"}

_NEW = {"content": _TEXT, "external_id": "42", "author": _AUTHOR, "post": _POST}
_KEPT = {
    "id": _COMMENT,
    "site_id": _SITE,
    "external_id": "42",
    "status": "approved",
    "revision": 1,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
    "content": _TEXT,
    "author": {**_AUTHOR, "user_agent": "", "role": "", "id": ""},
    "post": {**_POST, "published_at": "", "language": ""},
    "parent": None,
    "spot_check": False,
    "revised": None,
    "scores": {"spam": 0.01, "toxicity": 0.02},
    "model": "3f2a9c1b77de",
    "verdict": "allow",
    "reasons": [_REASON],
    "history": [
        {
            "from": "pending",
            "to": "approved",
            "by": {"kind": "machine", "name": "", "via": ""},
            "reason": "clean",
            "note": "",
            "at": _AT,
        }
    ],
    "undo_until": None,
    "links": _LINKS,
}
_REMARK = {
    "number": 1,
    "text": "Thank you! The recipe is out on Friday.",
    "by": {"kind": "moderator", "name": "ada", "via": ""},
    "at": _AT,
}
_ACCEPTED = {
    "id": _COMMENT,
    "external_id": "42",
    "status": "pending",
    "outcome": "new",
    "links": _LINKS,
}
_EVENT_DATA = {
    "id": _COMMENT,
    "site_id": _SITE,
    "revision": 1,
    "sequence": 2,
    "status": "approved",
    "external_id": "42",
    "comment": {
        "content": _TEXT,
        "author": {"name": "Ada", "url": ""},
        "post": _POST,
        "created_at": _AT,
        "verdict": "allow",
        "reasons": [_REASON],
    },
}

#: An example of each model.
MODELS: Mapping[type[BaseModel], dict[str, Any]] = {
    inputs.CommentIn: _NEW,
    schemas.BatchIn: {"comments": [_NEW]},
    schemas.HistoryIn: {"comments": [{**_NEW, "created_at": _AT, "status": "approved"}]},
    schemas.DecisionIn: {"decision": "approve", "version": 2, "moderator": "ada"},
    schemas.DecisionsIn: {"ids": [_COMMENT], "decision": "spam", "moderator": "ada"},
    schemas.RevisionIn: {"content": _TEXT, "revision": 1, "moderator": "ada"},
    schemas.RemarkIn: {"text": "Thank you! The recipe is out on Friday.", "moderator": "ada"},
    schemas.RemarkOut: _REMARK,
    schemas.RemarksOut: {"notes": [], "replies": [_REMARK]},
    schemas.EraseAuthorIn: {"email": "ada@mail.example"},
    schemas.SiteIn: {"name": "blog", "url": "https://blog.example"},
    schemas.SiteChange: {
        "policy": {"hold_links_over": 3},
        "retention": {"text_days": {"spam": 15}},
    },
    schemas.KeyIn: {"kind": "door", "name": "WordPress"},
    schemas.EndpointIn: {"url": "https://blog.example/hook", "events": ["comment.approved"]},
    schemas.EndpointChange: {"enabled": True},
    schemas.RedeliverIn: {"failed_since": "2026-11-25T00:00:00Z"},
    schemas.RollbackIn: {"version": 3},
    schemas.LeaveOutIn: {"person": "moderator:ada", "out": True},
    schemas.AcceptedOut: _ACCEPTED,
    schemas.BatchOut: {"items": [_ACCEPTED]},
    schemas.HistoryOut: {
        "items": [
            {
                "external_id": "42",
                "outcome": "new",
                "id": _COMMENT,
                "status": "approved",
                "reason": None,
                "lost": [],
            }
        ]
    },
    schemas.CommentOut: _KEPT,
    schemas.CommentsOut: {"items": [_KEPT], "next": None},
    schemas.DecisionsOut: {"decided": [_COMMENT], "refused": {}},
    schemas.EventsOut: {
        "items": [
            {
                "id": _EVENT,
                "cursor": f"{_AT_MS}-0",
                "type": "comment.approved",
                "timestamp": _AT,
                "data": _EVENT_DATA,
            }
        ],
        "next": f"{_AT_MS}-0",
    },
    schemas.SecretOut: {"id": _ENDPOINT, "secret": "whsec_bWFkZSB1cCBmb3IgdGhpcyBwYWdl"},
    schemas.Redelivered: {"redelivered": 3},
    schemas.ReceiptOut: _RECEIPT,
    schemas.Erased: {"erased": 12, "done": True, "receipts": [_RECEIPT]},
    schemas.ProblemOut: {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"there is no comment {_COMMENT}",
    },
}


def of_answer(model: type[BaseModel]) -> dict[str, Any]:
    """Return an example of a body or an answer; what views shape is shaped here as they do."""
    if model in MODELS:
        return MODELS[model]
    site = Site(_SITE, "blog", "https://blog.example", created_at=_AT_MS)
    key = key_shape(Key(_KEY, _SITE, KeyKind.API, "x7Qd", _AT_MS))
    hook = Endpoint(_ENDPOINT, _SITE, "https://blog.example/hook", created_at=_AT_MS)
    endpoint = endpoint_shape(hook, failing_since=None)
    delivery = delivery_shape(
        Delivery(
            f"{_AT_MS}-0", _ENDPOINT, _SITE, _COMMENT, EventType.APPROVED, DeliveryState.DELIVERED, None,
            ({"at": _AT_MS, "status": 204},),
        )
    )  # fmt: skip
    shaped: dict[type[BaseModel], dict[str, Any]] = {
        schemas.LearningOut: learning_shape(site, _LEARNED),
        schemas.SiteOut: site_shape(site),
        schemas.SitesOut: {"items": [site_shape(site)]},
        schemas.KeyOut: key,
        schemas.NewKeyOut: key | {"key": "wk_shown-once-x7Qd"},
        schemas.KeysOut: {"items": [key]},
        schemas.EndpointOut: endpoint,
        schemas.NewEndpointOut: endpoint | {"secret": "whsec_bWFkZSB1cCBmb3IgdGhpcyBwYWdl"},
        schemas.EndpointsOut: {"items": [endpoint]},
        schemas.DeliveriesOut: {"items": [delivery]},
        schemas.SentOut: {"id": f"{_AT_MS}-0"},
    }
    return shaped[model]


def of_event(event: EventType) -> dict[str, Any]:
    """Return the body of the webhook that tells of *event*."""
    data: dict[str, Any]
    if event is EventType.REPLY:
        reply = {
            "id": f"{_COMMENT}-1",
            "text": _REMARK["text"],
            "author": {"name": "ada"},
            "created_at": _AT,
        }
        data = {"id": _COMMENT, "site_id": _SITE, "external_id": "42", "reply": reply}
    elif event.is_of_comment:
        status = event.removeprefix("comment.")
        others = {"edited": "pending", "revised": "approved"}
        data = _EVENT_DATA | {"status": others.get(status, status)}
        if status == "erased":
            del data["comment"]
    elif event is EventType.TEST:
        data = {"endpoint_id": _ENDPOINT, "message": "this is a test"}
    else:
        data = {"site_id": _SITE, "id": _SITE}
    return {"type": event.value, "timestamp": _AT, "data": data}
