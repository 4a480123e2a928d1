"""OpenAI's ``/v1/moderations``, after openai/openai-openapi (openapi.yaml)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.comment import MAX_CONTENT_BYTES, Draft
from moderation.records import Judged
from moderation.scores import Label
from moderation.site import Door, Site
from moderation.verdict import Action
from moderation.workflow.judging import defaults_of
from service.bodies import vouched
from service.context import winnow
from service.doors.base import judge, measured, parsed, record, site_of, spend, warned
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("openai", __name__)

#: What each category is read from; all of several must be high. Empty: not measured, always 0.
CATEGORIES: Mapping[str, tuple[Label, ...]] = {
    "harassment": (Label.INSULT,),
    "harassment/threatening": (Label.INSULT, Label.THREAT),
    "hate": (Label.IDENTITY_ATTACK,),
    "hate/threatening": (Label.IDENTITY_ATTACK, Label.THREAT),
    "illicit": (),
    "illicit/violent": (),
    "self-harm": (),
    "self-harm/intent": (),
    "self-harm/instructions": (),
    "sexual": (),
    "sexual/minors": (),
    "violence": (Label.THREAT,),
    "violence/graphic": (),
}
MAX_INPUTS = 256
_DEFAULT_MODEL = "omni-moderation-latest"


@bp.before_request
def _identify() -> None:
    """Ask for the key before the body, which may be large, is read."""
    g.site = _site()
    vouched()


@bp.post("/v1/moderations")
def moderations() -> Response:
    """Score one text, several, or the text parts of one message."""
    site: Site = g.site
    body = _body()
    texts = _texts(body.get("input"))
    spend(site, len(texts))
    drafts = [Draft(content=text) for text in texts]
    bars, results = _bars(site), []
    for draft, judged in zip(drafts, judge(drafts, site), strict=True):
        results.append(_result(draft, judged, bars))
        if site.record_doors and draft.content.strip():
            record(site, draft, judged, via=Door.OPENAI)
    named = body.get("model")
    return _json(
        warned(
            {
                "id": f"modr-{secrets.token_hex(12)}",
                "model": named if isinstance(named, str) and named else _DEFAULT_MODEL,
                "results": results,
            }
        )
    )


def _failed(failure: Failure) -> Response:
    """Answer in OpenAI's form: its clients retry these errors, then report them, and take none for a pass."""
    match failure.cause:
        case Cause.REFUSED:
            code = failure.detail.get("code")
            return _error(failure.status, failure.message, "invalid_request_error", code)
        case Cause.TOO_FAST:
            message = "Rate limit reached for this site."
            return _error(429, message, "requests", "rate_limit_exceeded")
        case Cause.TOO_LARGE:
            return _error(413, failure.message, "invalid_request_error", None)
        case _:
            return _error(503, "The service is away for the moment.", "server_error", None)


shape_failures(bp, _failed)


def _site() -> Site:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    site = site_of(key, Door.OPENAI) if scheme.lower() == "bearer" else None
    if site is None:
        raise Refusal("Incorrect API key provided.", status=401, code="invalid_api_key")
    return site


def _body() -> dict[str, Any]:
    body = parsed(request.get_data())
    if body is None:
        raise Refusal("We could not parse the JSON body of your request.")
    return body


def _texts(given: Any) -> list[str]:
    """Return the texts to score: one result each; the parts of one message are one text."""
    if isinstance(given, str):
        texts = [given]
    elif isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        texts = given
    elif isinstance(given, list) and given and all(isinstance(one, dict) for one in given):
        texts = ["\n".join(_part(one) for one in given)]
    else:
        raise Refusal("'input' must be a string, a list of strings, or a list of content parts.")
    if len(texts) > MAX_INPUTS:
        raise Refusal(f"'input' may have at most {MAX_INPUTS} items.")
    if any(len(text.encode("utf-8", "replace")) > MAX_CONTENT_BYTES for text in texts):
        raise Refusal(f"A text may have at most {MAX_CONTENT_BYTES} bytes.")
    return texts


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if part.get("type") == "image_url":
        raise Refusal("Images are not supported: Winnow reads text only.")
    raise Refusal("A content part is {'type': 'text', 'text': '...'}.")


def _bars(site: Site) -> Mapping[str, float]:
    model = winnow().model
    return site.policy.thresholds(defaults_of(model)).flag if model else {}


def _result(draft: Draft, judged: Judged, bars: Mapping[str, float]) -> dict[str, Any]:
    """Return one result: flagged by the site's policy, categories by its thresholds, *bars*."""
    scores = measured(judged)
    values = {
        name: min((scores[label] for label in labels), default=0.0)
        for name, labels in CATEGORIES.items()
    }
    return {
        # An empty text is not flagged here; a comment's policy would hold it.
        "flagged": bool(draft.content.strip()) and judged.verdict.action is not Action.ALLOW,
        "categories": {
            name: bool(labels) and all(scores[label] >= bars.get(label, 2) for label in labels)
            for name, labels in CATEGORIES.items()
        },
        "category_scores": values,
        "category_applied_input_types": {
            name: ["text"] if labels else [] for name, labels in CATEGORIES.items()
        },
        "x_spam": scores[Label.SPAM],
        "x_toxicity": scores[Label.TOXICITY],
    }


def _error(status: int, message: str, kind: str, code: str | None) -> Response:
    return _json({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
