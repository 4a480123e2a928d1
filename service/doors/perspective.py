"""Google's Perspective Comment Analyzer, v1alpha1.

Sources: conversationai/perspectiveapi (2-api/methods.md), the discovery document of
commentanalyzer.googleapis.com, and the clients that were seen to speak it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request

from moderation.actor import Actor, ActorKind
from moderation.comment import Decision, Draft
from moderation.errors import Conflict, NotFound
from moderation.scores import Label, Scores
from moderation.site import Door, Site
from service.bodies import vouched
from service.context import winnow
from service.doors.base import judge, measured, parsed, record, site_of, spend, warned
from service.doors.failures import Cause, Failure, Refusal, shape_failures

bp = Blueprint("perspective", __name__)

#: What each attribute is read from; the first of several that is highest. None: not measured, 0.
MEASURED: Mapping[str, tuple[Label, ...]] = {
    "TOXICITY": (Label.TOXICITY,),
    "SEVERE_TOXICITY": (Label.SEVERE_TOXICITY,),
    "IDENTITY_ATTACK": (Label.IDENTITY_ATTACK,),
    "INSULT": (Label.INSULT,),
    "PROFANITY": (Label.OBSCENE,),
    "THREAT": (Label.THREAT,),
    "SPAM": (Label.SPAM,),
}
DERIVED: Mapping[str, tuple[Label, ...]] = {
    "TOXICITY_FAST": (Label.TOXICITY,),
    "OBSCENE": (Label.OBSCENE,),
    "INFLAMMATORY": (Label.TOXICITY,),
    "ATTACK_ON_COMMENTER": (Label.INSULT,),
    "ATTACK_ON_AUTHOR": (Label.INSULT,),
    "LIKELY_TO_REJECT": (Label.TOXICITY, Label.SPAM),
    **{f"{name}_EXPERIMENTAL": labels for name, labels in MEASURED.items() if name != "SPAM"},
}
NOT_MEASURED = ("SEXUALLY_EXPLICIT", "FLIRTATION", "INCOHERENT", "UNSUBSTANTIAL")
ATTRIBUTES: Mapping[str, tuple[Label, ...]] = {
    **MEASURED,
    **DERIVED,
    **dict.fromkeys(NOT_MEASURED, ()),
}
#: Languages that the model card has a figure for.
LANGUAGES = ("en", "de", "es", "fr", "ko", "pt", "ru", "vi")

LONGEST_BYTES = 20_480
_MAX_SPANS = 200
#: A suggested score from here on says that the comment was rejected.
_HALF = 0.5
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*|[.!?\n]+")
_RPC = "type.googleapis.com/google.rpc"
_ERROR_TYPE = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"


@bp.before_request
def _identify() -> None:
    """Ask for the key before the body is read."""
    if request.method == "POST":
        g.site = _site()
        vouched()


@bp.post("/v1alpha1/comments:analyze")
def analyze() -> Response:
    """Score a text for the attributes that were asked for."""
    site: Site = g.site
    body = _body()
    text, wanted = _text_of(body), _attributes(body)
    languages = _strings(body, "languages")
    drop = body.get("dropUnsupportedAttributes") is True
    wanted = _in_languages(wanted, languages, drop=drop)
    spend(site)
    draft = Draft(content=text)
    # Scores alone depend on no facts, and are answered although storage is away.
    keeps = site.record_doors and body.get("doNotStore") is not True
    judged = judge([draft], site)[0] if keeps else None
    scores = measured(judged) if judged else winnow().score([draft], site=site)[0]
    # "und" is BCP 47 for a text whose language nobody can tell.
    detected = [scores.language or "und"]
    if not languages and detected != ["und"]:
        wanted = _in_languages(wanted, detected, drop=drop)
    pieces = _pieces(text) if body.get("spanAnnotations") is True else []
    parts = winnow().score([Draft(text[a:b]) for a, b in pieces], site=site) if pieces else []
    answer: dict[str, Any] = {}
    attributes = {
        name: _attribute(name, text, scores, list(zip(pieces, parts, strict=True)))
        for name, asked in wanted.items()
        if _value(name, scores) >= _threshold(asked)
    }
    if attributes:
        answer["attributeScores"] = attributes
    answer |= {"languages": languages or detected, "detectedLanguages": detected}
    if isinstance(body.get("clientToken"), str):
        answer["clientToken"] = body["clientToken"]
    if judged:
        record(site, draft, judged, via=Door.PERSPECTIVE)
    return _json(warned(answer))


@bp.post("/v1alpha1/comments:suggestscore")
def suggest_score() -> Response:
    """Take a suggestion. Where the site records what this door scores, it is a decision on that.

    Coral suggests 1 for what its moderators rejected and 0 for what they approved.
    """
    site: Site = g.site
    spend(site)
    body = _body()
    text = _text_of(body)
    suggested = _suggested(body)
    if site.record_doors:
        _decide(
            site, Draft(content=text), Decision.REJECT if suggested >= _HALF else Decision.APPROVE
        )
    answer: dict[str, Any] = {"requestedLanguages": _strings(body, "languages") or ["en"]}
    answer["detectedLanguages"] = answer["requestedLanguages"]
    if isinstance(body.get("clientToken"), str):
        answer["clientToken"] = body["clientToken"]
    return _json(answer)


def _suggested(body: Mapping[str, Any]) -> float:
    """Return the highest of the scores that are suggested."""
    suggested = body.get("attributeScores")
    if not isinstance(suggested, dict) or not suggested:
        raise _refusal("INVALID_REQUEST", "Missing attribute_scores")
    values = []
    for scores in suggested.values():
        told_of = scores if isinstance(scores, dict) else {}
        spans = told_of.get("spanScores")
        whole = [{"score": told_of.get("summaryScore")}]
        for part in [*whole, *(spans if isinstance(spans, list) else [])]:
            score = part.get("score") if isinstance(part, dict) else None
            value = score.get("value") if isinstance(score, dict) else None
            if isinstance(value, int | float) and 0 <= value <= 1:
                values.append(float(value))
    if not values:
        raise _refusal("INVALID_REQUEST", "Suggested scores need a value between 0 and 1")
    return max(values)


def _decide(site: Site, draft: Draft, decision: Decision) -> None:
    """Write a decision on the comment of that text, which is recorded first if it was not."""
    context = winnow()
    kept = record(
        site, draft, *judge([draft], site), via=Door.PERSPECTIVE, repeat_ms=None, decided=True
    )
    with contextlib.suppress(Conflict, NotFound):  # it stands there already, or was erased
        context.review(
            kept.id, decision, by=Actor(ActorKind.BLOG, via=Door.PERSPECTIVE), reason="feedback"
        )


@bp.get("/$discovery/rest")
def discovery() -> Response:
    """Describe the two methods to Google's own client libraries."""
    url = winnow().settings.url + "/"
    methods = {
        name: {
            "id": f"commentanalyzer.comments.{name}",
            "path": f"v1alpha1/comments:{name}",
            "flatPath": f"v1alpha1/comments:{name}",
            "httpMethod": "POST",
            "parameters": {},
            "parameterOrder": [],
            "request": {"$ref": "Any"},
            "response": {"$ref": "Any"},
        }
        for name in ("analyze", "suggestscore")
    }
    return _json(
        {
            "kind": "discovery#restDescription",
            "discoveryVersion": "v1",
            "id": "commentanalyzer:v1alpha1",
            "name": "commentanalyzer",
            "version": "v1alpha1",
            "title": "Perspective Comment Analyzer API, served by Winnow",
            "protocol": "rest",
            "rootUrl": url,
            "servicePath": "",
            "baseUrl": url,
            "batchPath": "batch",
            "parameters": {
                "key": {"type": "string", "location": "query"},
                "alt": {"type": "string", "location": "query", "default": "json"},
                "fields": {"type": "string", "location": "query"},
                "prettyPrint": {"type": "boolean", "location": "query"},
            },
            "schemas": {
                "Any": {"id": "Any", "type": "object", "additionalProperties": {"type": "any"}}
            },
            "resources": {"comments": {"methods": methods}},
        }
    )


def _failed(failure: Failure) -> Response:
    """Answer in Google's form: a status by name, and a detail that says of what type it is."""
    match failure.cause:
        case Cause.REFUSED:
            kind = failure.detail.get("kind", "INVALID_REQUEST")
            body = {name: value for name, value in failure.detail.items() if name != "kind"}
            detail = {"@type": _ERROR_TYPE, "errorType": kind, **body}
            return _error(400, "INVALID_ARGUMENT", failure.message, detail)
        case Cause.TOO_LARGE:
            detail = {"@type": _ERROR_TYPE, "errorType": "INVALID_REQUEST"}
            message = "Request payload size exceeds the limit."
            return _error(400, "INVALID_ARGUMENT", message, detail)
        case Cause.TOO_FAST:
            detail = {"@type": f"{_RPC}.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
            return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for this site.", detail)
        case Cause.AWAY:
            detail = {"@type": f"{_RPC}.RetryInfo", "retryDelay": "2s"}
            message = "The service is currently unavailable."
            return _error(503, "UNAVAILABLE", message, detail)
        case _:
            detail = {"@type": f"{_RPC}.DebugInfo"}
            return _error(500, "INTERNAL", "Internal error encountered.", detail)


shape_failures(bp, _failed)


def _refusal(kind: str, message: str, **detail: Any) -> Refusal:
    """Return the refusal with Google's error type and the rest of its detail."""
    return Refusal(message, kind=kind, **detail)


def _site() -> Site:
    key = request.args.get("key", "") or request.headers.get("X-Goog-Api-Key", "")
    site = site_of(key, Door.PERSPECTIVE)
    if site is None:
        raise _refusal(
            "INVALID_REQUEST",
            "API key not valid. Please pass a valid API key.",
            **{
                "@type": f"{_RPC}.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
            },
        )
    return site


def _body() -> dict[str, Any]:
    body = parsed(request.get_data(), asked="requestedAttributes")
    if body is None:
        raise _refusal("INVALID_REQUEST", "Invalid JSON payload received.")
    return body


def _text_of(body: Mapping[str, Any]) -> str:
    comment = body.get("comment")
    comment = comment if isinstance(comment, dict) else {}
    if comment.get("type", "PLAIN_TEXT") not in ("PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED"):
        raise _refusal("INVALID_REQUEST", "Currently, only 'PLAIN_TEXT' comments are supported")
    text = comment.get("text")
    if not isinstance(text, str) or not text.strip():
        raise _refusal("COMMENT_EMPTY", "Comment must be non-empty.")
    size = len(text.encode("utf-8", "replace"))
    if size > LONGEST_BYTES:
        message = (
            f"Comment text was too many bytes. Value ({size}) exceeded limit ({LONGEST_BYTES})."
        )
        raise _refusal("COMMENT_TOO_LONG", message)
    context = body.get("context")
    if isinstance(context, dict) and {"entries", "articleAndParentComment"} <= context.keys():
        raise _refusal(
            "INVALID_REQUEST",
            "Context can have either entries or article_and_parent_comment, "
            "but both fields were populated.",
        )
    return text


def _attributes(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    wanted = body.get("requestedAttributes")
    if not isinstance(wanted, dict) or not wanted:
        raise _refusal("NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes")
    kept: dict[str, Mapping[str, Any]] = {}
    for name, asked in wanted.items():
        settings = asked if isinstance(asked, dict) else {}
        if name not in ATTRIBUTES:
            if body.get("dropUnsupportedAttributes") is True:
                continue
            raise _refusal("INVALID_REQUEST", f"Unknown requested attribute: {name[:100]}")
        kind = settings.get("scoreType", "PROBABILITY")
        if kind not in ("PROBABILITY", "SCORE_TYPE_UNSPECIFIED"):
            message = f"Requested score type {kind} is not supported by attribute {name}"
            raise _refusal("INVALID_REQUEST", message)
        kept[name] = settings
    return kept


def _in_languages(
    wanted: dict[str, Mapping[str, Any]], languages: Sequence[str], *, drop: bool
) -> dict[str, Mapping[str, Any]]:
    unknown = [one for one in languages if one.split("-")[0].lower() not in LANGUAGES]
    if not unknown:
        return wanted
    if drop:
        return {}
    name = next(iter(wanted), "TOXICITY")
    raise _refusal(
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        f"Attribute {name} does not support request languages: {','.join(unknown)}",
        languageNotSupportedByAttributeError={
            "detectedLanguages": list(languages),
            "attribute": name,
        },
    )


def _strings(body: Mapping[str, Any], name: str) -> list[str]:
    given = body.get(name)
    return (
        [one[:35] for one in given if isinstance(one, str)][:20] if isinstance(given, list) else []
    )


def _threshold(asked: Mapping[str, Any]) -> float:
    given = asked.get("scoreThreshold", 0)
    return given if isinstance(given, int | float) else 0.0  # an int may be too large for a float


def _value(name: str, scores: Scores) -> float:
    return max((scores[label] for label in ATTRIBUTES[name]), default=0.0)


def _attribute(
    name: str, text: str, scores: Scores, parts: Sequence[tuple[tuple[int, int], Scores]]
) -> dict[str, Any]:
    """Return an attribute's scores; spans are in code points, half-open."""
    whole = [((0, len(text)), scores)]
    return {
        "spanScores": [
            {"begin": begin, "end": end, "score": _score(_value(name, part))}
            for (begin, end), part in (parts or whole)
        ],
        "summaryScore": _score(_value(name, scores)),
    }


def _score(value: float) -> dict[str, Any]:
    return {"value": round(value, 6), "type": "PROBABILITY"}


def _pieces(text: str) -> list[tuple[int, int]]:
    """Return sentence-like pieces that cover the text; the last piece takes the rest over the limit."""
    spans = [match.span() for match in _SENTENCE.finditer(text)]
    if len(spans) > _MAX_SPANS:
        spans = [*spans[: _MAX_SPANS - 1], (spans[_MAX_SPANS - 1][0], spans[-1][1])]
    return spans


def _error(status: int, name: str, message: str, detail: Mapping[str, Any]) -> Response:
    body = {"code": status, "message": message, "status": name, "details": [detail]}
    return _json({"error": body}, status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False), status, content_type="application/json; charset=UTF-8"
    )
