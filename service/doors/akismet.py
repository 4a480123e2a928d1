"""Akismet's REST API 1.1 and 1.2, as its clients were seen to use it.

Sources: Automattic/akismet-sdk-php (spec.yml), the WordPress plugin's class.akismet.php, and
akismet.com/developers. Clients compare bodies byte for byte, so none ends with a newline, and the
status is 200 for errors, too.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

from flask import Blueprint, Response, request

from moderation import texts, values
from moderation.actor import Actor, ActorKind
from moderation.comment import Author, Comment, Decision, Draft, Post, Status
from moderation.errors import Conflict, NotFound, StorageUnavailable
from moderation.records import Accepted
from moderation.scores import Label, Scores
from moderation.site import Door, Site
from service.context import WebContext, winnow
from service.doors import akismet_stats as stats
from service.doors.base import REPEAT_MS, judge, site_of, spend, unread
from service.doors.failures import Cause, Failure, shape_failures
from service.problems import raise_failed

bp = Blueprint("akismet", __name__)

TEXT = "text/plain; charset=utf-8"
THANKS = "Thanks for making the web a better place."
#: Score from which spam is so blatant that a client may throw it away unseen.
BLATANT = 0.99
_SPAM_AUTHORS = frozenset({"viagra-test-123", "akismet-guaranteed-spam"})
_SPAM_EMAIL = "akismet-guaranteed-spam@example.com"
_TRUE = frozenset({"1", "true", "yes", "on"})
#: Other clients name another Akismet (Ruby's gem is "Ruby Akismet/3.0.0") and cannot wait.
_PLUGIN = re.compile(r"WordPress/[^|]*\| *Akismet/\d{1,4}\.\d{1,4}")
_ESCAPE = re.compile(r"\\(['\"\\])")
_ESCAPED = re.compile(r"(?:[^'\"\\]|\\['\"\\])*")
#: PHP takes a thousand from a form; the plugin copies them all, and adds the server's variables.
_MAX_FIELDS = 5000
#: What browsers encode forms in (the WHATWG's Encoding Standard), by Python's names. Python knows
#: more, some of which decode ASCII to other than it says: raw_unicode_escape, utf-7, idna.
_CHARSETS = frozenset(
    {
        "utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5",
        "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-10", "iso8859-13",
        "iso8859-14", "iso8859-15", "iso8859-16", "cp866", "cp874", "iso8859-11", "tis-620",
        "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
        "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "gb2312", "gbk", "gb18030", "big5",
        "big5hkscs", "euc_jp", "iso2022_jp", "shift_jis", "cp932", "euc_kr", "cp949",
    }
)  # fmt: skip
_MULTIPART = "multipart/form-data"
_CHARSET = re.compile(rb"(?:^|&)blog_charset=([^&]+)")
_LONGEST_TEXT = 64 * 1024
_LONGEST_FIELD = 2000

Fields = Mapping[str, str]
#: A verdict in Akismet's words: the body of an answer, and its headers.
Told = tuple[str, dict[str, str]]


@bp.route("/1.1/verify-key", methods=["GET", "POST"])
def verify_key() -> Response:
    """Say whether a key is good. The key under test is `key`; a stored `api_key` may stand by."""
    fields = _fields()
    key = fields.get("key") or fields.get("api_key") or _host_key()
    if site_of(key, Door.AKISMET) is None:
        return _invalid("api_key")
    return _text("valid") if fields.get("blog") else _invalid("blog")


@bp.route("/1.1/comment-check", methods=["GET", "POST"])
def comment_check() -> Response:
    """Say `true` for spam and `false` for ham, from the site's own policy."""
    raise_failed()  # before the key is looked up again
    fields = _fields()
    site = _site(fields)
    if site is None:
        return _invalid("api_key")
    for name, missing in (("blog", not fields.get("blog")), ("user_ip", "user_ip" not in fields)):
        if missing:
            return _invalid(name)
    spend(site)
    draft = draft_of(fields)
    if _is_guaranteed_spam(fields):
        headers = {"X-akismet-guid": uuid.uuid4().hex}
        if _truth(fields.get("test_discard", "")):
            headers["X-akismet-pro-tip"] = "discard"
        return _text("true", headers=headers)
    known = _checked_before(draft, site) if fields.get("recheck_reason") else None
    if known is not None:
        return _answer(known.status, known.scores, uuid.UUID(known.id).hex, fields)
    if _truth(fields.get("is_test", "")):
        (judged,) = judge([draft], site)
        return _answer(judged.status, judged.scores, uuid.uuid4().hex, fields)
    (answer,) = check([Asking(draft, fields, _agent())], site=site, context=winnow())
    if isinstance(answer, Exception):
        raise answer
    word, headers = answer
    return _text(word, headers=headers)


@bp.route("/1.1/submit-spam", methods=["GET", "POST"])
def submit_spam() -> Response:
    """Take a moderator's word that a comment is spam."""
    return _feedback(Decision.SPAM)


@bp.route("/1.1/submit-ham", methods=["GET", "POST"])
def submit_ham() -> Response:
    """Take a moderator's word that a comment is not spam."""
    return _feedback(Decision.APPROVE)


@bp.route("/1.1/test", methods=["GET", "POST"])
def test() -> Response:
    """Answer that Winnow is reachable: WordPress's settings page asks."""
    return _text("connected")


@bp.route("/1.1/deactivate", methods=["GET", "POST"])
def deactivate() -> Response:
    """Acknowledge that a blog switches its plugin off; its key stays valid."""
    return _text("deactivated") if _site(_fields()) else _invalid("api_key")


@bp.route("/1.1/get-subscription", methods=["GET", "POST"])
def get_subscription() -> Response:
    """Describe the subscription that WordPress's settings page wants to see."""
    site = _site(_fields())
    if site is None:
        return _invalid("api_key")
    return _json(
        {
            "account_id": 1,
            "account_type": "self-hosted",
            "account_name": site.name,
            "status": "active",
            "next_billing_date": False,
            "limit_reached": False,
        }
    )


@bp.route("/1.1/get-stats", methods=["GET", "POST"])
@bp.route("/1.1/get-key-stats", methods=["GET", "POST"])
def get_stats() -> Response:
    """Count a site's comments by outcome and month, for the period that was asked for."""
    fields = _fields()
    site = _site(fields)
    return _json(stats.since(fields.get("from", ""), site)) if site else _invalid("api_key")


@bp.route("/1.2/key-sites", methods=["GET", "POST"])
def key_sites() -> Response:
    """List the one site of a key with its month, as JSON or CSV.

    A request without any key, as akismet.py sends it, gets an empty list.
    """
    fields = _fields()
    site, key = _site(fields), fields.get("api_key") or fields.get("key") or ""
    if site is None and key:
        return _invalid("api_key")
    month = fields.get("month") or stats.this_month()
    if not stats.MONTH.fullmatch(month):
        return _invalid("month")
    listing = stats.SiteListing(
        month,
        site,
        wanted=fields.get("filter", ""),
        limit=_number(fields, "limit", 500),
        offset=_number(fields, "offset", 0),
    )
    if fields.get("format") == "csv":
        return Response(listing.as_csv(key or _host_key()), content_type="text/csv; charset=utf-8")
    return _json(listing.as_dict())


@bp.route("/1.1/token", methods=["GET", "POST"])
def token() -> Response:
    """Return a token that stands for the key's site; nothing of ours asks for it."""
    site = _site(_fields())
    if site is None:
        return _invalid("api_key")
    return _text(hmac.digest(winnow().vault.derive("akismet"), site.id.encode(), "sha256").hex())


@bp.route("/1.2/usage-limit", methods=["GET", "POST"])
def usage_limit() -> Response:
    """Return the number of checks this month, and that there is no limit."""
    site = _site(_fields())
    if site is None:
        return _invalid("api_key")
    return _json(
        {
            "limit": "none",
            "usage": stats.used_this_month(site),
            "percentage": "0.00",
            "throttled": False,
        }
    )


def _failed(failure: Failure) -> Response:
    """Answer neither true nor false, so that the client holds the comment for a person."""
    if failure.cause in {Cause.AWAY, Cause.BROKEN}:
        answer = _text("unavailable")
        answer.headers["X-akismet-error"] = "temporarily-unavailable"
    else:
        answer = _text("invalid", status=failure.status)
        answer.headers["X-akismet-error"] = "refused"
    return answer


shape_failures(bp, _failed)


def _fields() -> Fields:
    """Return the fields of query and form, decoded by the charset that the blog names."""
    given = dict(request.args.items())
    if request.mimetype == _MULTIPART:
        given.update(request.form.items())
    else:
        given.update(parsed(request.get_data(), request.mimetype_params.get("charset", "")))
    return as_meant(given, _agent())


def as_meant(given: Fields, agent: str) -> Fields:
    """Return fields with their texts mended, and without the escapes that WordPress adds."""
    from_wordpress = "WordPress/" in agent
    return {
        name: _unslashed(value) if from_wordpress else value
        for name, value in texts.fields_mended(given).items()
    }


def is_ordinary(fields: Fields) -> bool:
    """Tell whether a check has all it needs and asks for nothing but a verdict."""
    asks = fields.get("recheck_reason") or _truth(fields.get("is_test", ""))
    has_all = fields.get("blog") and "user_ip" in fields
    return bool(has_all) and not asks and not _is_guaranteed_spam(fields)


@dataclass(frozen=True, slots=True)
class Asking:
    """What one request for a verdict holds."""

    draft: Draft
    fields: Fields
    agent: str


def check(
    checks: Sequence[Asking], *, site: Site, context: WebContext
) -> list[Told | StorageUnavailable]:
    """Judge comments of a site together, and keep them.

    What the model cannot read has an error of its own, and takes nothing from the others.
    """
    judged = context.judged([(one.draft, site) for one in checks])
    read = [
        (one.draft, own) for one, own in zip(checks, judged, strict=True) if own.scores is not None
    ]
    kept = iter(context.record_many(read, site=site, via=Door.AKISMET, repeat_ms=REPEAT_MS))
    return [
        _told_of(next(kept), own.scores, one) if own.scores is not None else unread()
        for one, own in zip(checks, judged, strict=True)
    ]


def _told_of(kept: Accepted, scores: Scores, one: Asking) -> Told:
    return _told(kept.status, scores, kept.id.replace("-", ""), one.fields, one.agent)


def parsed(body: bytes, charset: str) -> list[tuple[str, str]]:
    """Return a form's fields in the charset that it names itself, or else in *charset*."""
    named = _CHARSET.search(body)
    own = unquote_plus(named[1].decode("ascii", "replace")) if named else ""
    return _parsed(body, _known(own or charset))


def _known(charset: str) -> str:
    """Return Python's name of *charset* if browsers send forms in it, else UTF-8."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # an unknown charset, or an invalid name
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"


def _unslashed(value: str) -> str:
    """Return *value* without WordPress's escapes, if every quote and backslash has one.

    Its plugin checks a comment as the form gave it, escaped, and reports it as it was stored.
    """
    return _ESCAPE.sub(r"\1", value) if "\\" in value and _ESCAPED.fullmatch(value) else value


def _agent() -> str:
    return request.headers.get("User-Agent", "")


def _parsed(body: bytes, charset: str) -> list[tuple[str, str]]:
    """Return the fields of a form, whose texts may come without any escapes."""
    parts = body.replace(b"+", b" ").split(b"&", _MAX_FIELDS)
    if len(parts) > _MAX_FIELDS:  # more than any client sends
        return []
    pairs = (part.partition(b"=") for part in parts if part)
    return [(_text_of(name, charset), _text_of(value, charset)) for name, _, value in pairs]


def _text_of(part: bytes, charset: str) -> str:
    return (unquote_to_bytes(part) if b"%" in part else part).decode(charset, "replace")


def _host_key() -> str:
    """Return the first label of the host, where old clients put the key."""
    return request.host.partition(":")[0].partition(".")[0]


def _number(fields: Fields, name: str, default: int) -> int:
    return values.whole_or(default, fields.get(name, ""), most=999_999)


def _site(fields: Fields) -> Site | None:
    return site_of(key_of(fields) or _host_key(), Door.AKISMET)


def key_of(fields: Fields) -> str:
    """Return the key that the fields themselves have."""
    return fields.get("api_key") or fields.get("key") or ""


def draft_of(fields: Fields) -> Draft:
    """Return the comment that a check or a report is about."""
    content = fields.get("comment_content", "")
    while len(content.encode("utf-8", "replace")) > _LONGEST_TEXT:
        content = content[: len(content) * 9 // 10]

    def short(name: str) -> str:
        return fields.get(name, "")[:_LONGEST_FIELD]

    author = Author(
        name=short("comment_author"),
        email=short("comment_author_email"),
        url=short("comment_author_url"),
        ip=short("user_ip"),
        user_agent=short("user_agent"),
        role=short("user_role"),
        id="" if fields.get("user_ID") == "0" else short("user_ID")[:200],
    )
    trap = fields.get("honeypot_field_name", "")
    identity = f"{author.name}\n{author.email}\n{author.url}\n{content}"
    digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]
    return Draft(
        content=content,
        author=author,
        post=Post(url=short("permalink"), language=short("blog_lang")[:35]),
        external_id=f"akismet:{digest}",
        parent="" if fields.get("comment_parent") == "0" else short("comment_parent")[:200],
        honeypot=fields.get(trap, "")[:_LONGEST_FIELD] if trap else "",
    )


def _answer(status: Status, scores: Scores | None, guid: str, fields: Fields) -> Response:
    word, headers = _told(status, scores, guid, fields, _agent())
    return _text(word, headers=headers)


def _told(
    status: Status, scores: Scores | None, guid: str, fields: Fields, agent: str
) -> tuple[str, dict[str, str]]:
    """Return the verdict in Akismet's words: the body, and headers.

    What a person should look at is `true` without the discard tip, so that the blog keeps it
    among its spam; WordPress's plugin can wait, and gets the decision by call-back. Only
    when it repeats a failed check does it publish each `false`, whatever else the answer says.
    """
    headers = {"X-akismet-guid": guid}
    if status is Status.APPROVED:
        return "false", headers
    plugin = _PLUGIN.search(agent)
    if status is Status.FLAGGED and plugin and fields.get("recheck_reason") != "retry":
        # Every version holds for a person what comes with an error. With `X-akismet-recheck-after: N`
        # version 5.5 and later hold it too, but publish it by themselves after 2 N seconds.
        return "false", headers | {"X-akismet-error": "held-for-a-moderator"}
    if status is Status.SPAM and scores is not None and scores[Label.SPAM] >= BLATANT:
        headers["X-akismet-pro-tip"] = "discard"
    return "true", headers


def _feedback(decision: Decision) -> Response:
    """Write a moderator's decision on the comment that was checked; keep it first if need be."""
    fields = _fields()
    site = _site(fields)
    if site is None:
        return _invalid("api_key")
    if _truth(fields.get("is_test", "")) or _is_guaranteed_spam(fields):
        return _text(THANKS)
    context = winnow()
    comment_id = _checked(fields, site)
    reporter = fields.get("reporter", "")[:100]
    with contextlib.suppress(Conflict):  # it stands there already
        context.review(
            comment_id,
            decision,
            by=Actor(ActorKind.BLOG, reporter, via=Door.AKISMET),
            reason="feedback",
        )
    return _text(THANKS)


def _checked(fields: Fields, site: Site) -> str:
    """Return the id of the comment that was checked, by guid or by what it says."""
    comments, draft = winnow().comments, draft_of(fields)
    with contextlib.suppress(NotFound, ValueError):
        found = comments.get(str(uuid.UUID(fields.get("guid", ""))))
        if _stands(found, site):
            return found.id
    with contextlib.suppress(NotFound):
        found = comments.find(site.id, draft.external_id)
        if _stands(found, site):
            return found.id
    (judged,) = judge([draft], site)
    return (
        winnow().record(draft, judged, site=site, via=Door.AKISMET, announce=False, decided=True).id
    )


def _checked_before(draft: Draft, site: Site) -> Comment | None:
    """Return the comment that a blog checks again, however long ago it was first checked.

    WordPress leaves out what only the form had, such as the hidden field; but the role must be the
    same: a stranger's answer says nothing of what the staff writes.
    """
    with contextlib.suppress(NotFound):
        found = winnow().comments.find(site.id, draft.external_id)
        if _stands(found, site) and found.draft.author.role == draft.author.role:
            return found
    return None


def _stands(comment: Comment, site: Site) -> bool:
    return comment.site_id == site.id and comment.status is not Status.ERASED


def _is_guaranteed_spam(fields: Fields) -> bool:
    author, email = fields.get("comment_author", ""), fields.get("comment_author_email", "")
    return author in _SPAM_AUTHORS or email == _SPAM_EMAIL


def _truth(text: str) -> bool:
    return text.strip().lower() in _TRUE


def _invalid(field: str) -> Response:
    answer = _text("invalid")
    said = "the key is not known" if field == "api_key" else f'Empty "{field}" value'
    answer.headers["X-akismet-debug-help"] = said
    return answer


def _text(body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    answer = Response(body, status, content_type=TEXT)
    answer.headers.update(headers or {})
    return answer


def _json(answer: Mapping[str, Any]) -> Response:
    # Without spaces, as Akismet writes it: some clients compare bodies byte for byte.
    body = json.dumps(answer, separators=(",", ":"))
    return Response(body, content_type="application/json; charset=utf-8")
