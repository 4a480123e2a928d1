"""The short way: requests in their plain form that are answered without Flask: the two busiest, and health.

An optimisation and nothing else: what these requests mean, how they are read, bounded, judged and
answered is defined where their views are, and called from here. A request that is unusual in any way
goes on to Flask, unread: another method, a query, a cookie, ``Prefer``, another content type, a large
body, a name that is not served, a key that no request was sent with in the last seconds, a site that has
used up its share of the rate, a body with something wrong in it. So does one that failed, and Flask
answers for the failure. ``tests/properties/test_short.py`` sends odd requests both ways; WINNOW_SHORT_WAY=off
leaves this way out. ``GET /healthz`` takes no thread either: it says that the process is alive, also while
model work keeps all threads busy.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from flask import Flask
from pydantic import ValidationError
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.urls import iri_to_uri

from moderation.comment import Draft
from moderation.errors import WinnowError
from moderation.records import Accepted
from moderation.site import Door, Site
from service import inputs, ops
from service.api import comments
from service.api.base import CALLERS, LIMITER
from service.api.describe import FEW_MEMBERS_BYTES, JSON, needs_mending
from service.auth import Callers
from service.bodies import DEFAULT_BYTES
from service.context import WebContext
from service.doors import akismet
from service.doors import base as doors
from service.doors.base import SitesByKey, spender
from service.front.pool import GATE, Answer, Environ, Request, Response, wire
from service.headers import REQUEST_ID, SAFE, begin_all, id_of
from service.hosts import SERVES
from service.limits import Limiter
from service.problems import FAILED

#: The app's extension that is its :class:`ShortWay`.
SHORT_WAY = "winnow_short_way"
FORM = "application/x-www-form-urlencoded"
Headers = list[tuple[str, str]]
#: Return an address as werkzeug writes it into a header.
_as_uri = lru_cache(4)(iri_to_uri)
_REQUEST_ID_BYTES = REQUEST_ID.lower().encode()
_REQUEST_ID_KEY = f"HTTP_{REQUEST_ID.upper().replace('-', '_')}"
#: What a request in its plain form does not have.
_UNUSUAL = ("HTTP_COOKIE", "HTTP_PREFER")
#: Headers that a plain question after health may have, each once, besides its request id.
_OF_HEALTH = frozenset(
    {
        b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"cache-control",
        b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip",
    }
)  # fmt: skip
#: Before a door's key in a form, bytes of a form in which it is looked for, and of the longest one.
_BEFORE_KEY, _SOUGHT, _LONGEST_KEY = b"api_key=", 16_384, 40
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class Way(Protocol):
    """One kind of request."""

    path: str
    status: str
    #: Content types that are taken, as they are usually written, and the bytes of the longest body.
    types: frozenset[str]
    longest: int

    @property
    def most(self) -> int:
        """The most requests that are answered at once."""

    def key_of(self, request: Request) -> bytes | None:
        """Return what is taken for its site's key without a look-up; None: it is answered alone."""

    def answers(self, asked: Sequence[Asked]) -> Sequence[tuple[Headers, bytes] | None]:
        """Return each answer's own headers and its body; None for what Flask is to answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a way is asked to answer."""

    environ: Environ
    body: bytes


class ShortWay:
    """WSGI middleware that answers some requests by a *way* and hands all others on.

    The server's threads ask it for several requests of one path and key at once (:class:`Joint`).
    """

    def __init__(self, app: Flask, ways: Iterable[Way], *, serves: Callable[[str], bool]) -> None:
        """Stand before *app*, for Host names that it *serves*."""
        self._app = app.wsgi_app
        self._serves = lru_cache(256)(lambda host: host_is_trusted(host) and serves(host))
        self._ways = {
            way.path: (way, ops.observer(app, "POST", way.path, way.status[:3])) for way in ways
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        """Answer the request."""
        (answer,) = self.together([environ])
        if answer is None:
            return self._app(environ, start_response)
        status, headers, body = answer
        start_response(status, headers)
        return [body]

    def kind(self, request: Request) -> Hashable | None:
        """Return the path and the key of a submission or a check; None for other requests."""
        path = request.path.decode("latin-1")
        if path not in self._ways or request.method != "POST" or request.query:
            return None
        key = self._ways[path][0].key_of(request)
        return Joined(path, key) if key is not None else None

    def most(self, kind: Hashable) -> int:
        """Return the largest number of requests of *kind* that are answered at once."""
        return self._ways[kind.path][0].most if isinstance(kind, Joined) else 1

    def together(self, environs: Sequence[Environ]) -> Sequence[Answer | None]:
        """Return the answers to requests for one path; None for what Flask is to answer."""
        answers: list[Answer | None] = [None] * len(environs)
        found = self._ways.get(environs[0]["PATH_INFO"])
        if found is None:
            return answers
        way, observe = found
        started = time.perf_counter()
        plain = [n for n, environ in enumerate(environs) if self._is_plain(environ, way)]
        asked = [Asked(environs[n], environs[n]["wsgi.input"].read()) for n in plain]
        ids = begin_all([one.environ.get(_REQUEST_ID_KEY, "") for one in asked])
        for n, one, request_id, own in zip(plain, asked, ids, way.answers(asked), strict=True):
            if own is None:
                # One name in the logs, and one body, for requests that begin here.
                one.environ[_REQUEST_ID_KEY] = request_id
                one.environ["wsgi.input"] = io.BytesIO(one.body)
                continue
            headers, body = own
            answers[n] = way.status, [*headers, (REQUEST_ID, request_id), *SAFE.items()], body
            observe(time.perf_counter() - started)
        return answers

    def _is_plain(self, environ: Mapping[str, Any], way: Way) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["REQUEST_METHOD"] == "POST"
            and not environ["QUERY_STRING"]
            and not environ.get(GATE)
            and environ.get("CONTENT_TYPE", "") in way.types
            and not any(name in environ for name in _UNUSUAL)
            # All of the body is here, and no more than the route takes.
            and bool(environ.get("wsgi.input_terminated"))
            and length.isdecimal()
            and int(length) <= way.longest
            and self._serves(environ.get("HTTP_HOST", ""))
        )


class Joined(NamedTuple):
    """What requests have in common that are answered together."""

    path: str
    key: bytes


Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Read(Generic[Item, Result]):
    """What one request holds, and what was made of it; None where that failed."""

    environ: Environ
    site: Site
    item: Item
    result: Result | None = None


def _carry_out(
    read: Iterable[_Read[Item, Result] | None],
    work: Callable[[Site, Sequence[Item]], Sequence[Result | Exception]],
) -> None:
    """Do *work* for each site's requests; of what fails the view raises the problem, each one its own."""
    by_site: dict[str, list[_Read[Item, Result]]] = {}
    for one in read:
        if one is not None:
            by_site.setdefault(one.site.id, []).append(one)
    for group in by_site.values():
        results: Sequence[Result | Exception]
        try:
            results = work(group[0].site, [one.item for one in group])
        except Exception as problem:  # noqa: BLE001 - the view raises it
            if len(group) > 1 and not isinstance(problem, WinnowError):
                for one in group:
                    _carry_out([one], work)
                continue
            results = [problem] * len(group)
        for one, result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                one.environ[FAILED] = result
            else:
                one.result = result


@dataclass(frozen=True)
class PlainSubmission:
    """``POST /v1/comments`` of a site's key, without ``Prefer``."""

    context: WebContext
    callers: Callers
    limiter: Limiter
    dumps: Callable[..., str]

    path = "/v1/comments"
    status = "202 ACCEPTED"
    types = frozenset({JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8"})
    longest = FEW_MEMBERS_BYTES
    most = 64

    def key_of(self, request: Request) -> bytes | None:
        """Return the key as it stands in the request's header."""
        found = (value for name, value in request.headers if name.lower() == b"authorization")
        return next(found, None)

    def answers(self, asked: Sequence[Asked]) -> Sequence[tuple[Headers, bytes] | None]:
        """Store the comments."""
        read = [self._read(one) for one in asked]
        _carry_out(read, self._take)
        return [self._shaped(one) if one is not None else None for one in read]

    def _read(self, asked: Asked) -> _Read[Draft, Accepted] | None:
        scheme, _, key = asked.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        caller = self.callers.known(key) if scheme == "Bearer" else None
        site = caller.site if caller else None
        if site is None or needs_mending(asked.body):
            return None
        try:
            draft = inputs.CommentIn.model_validate_json(asked.body).draft()
        except (ValidationError, WinnowError):
            return None
        if not self.limiter.spend_share(site.id):
            return None
        return _Read(asked.environ, site, draft)

    def _take(self, site: Site, drafts: Sequence[Draft]) -> Sequence[Accepted | Exception]:
        return comments.take(drafts, site=site, context=self.context)

    def _shaped(self, one: _Read[Draft, Accepted]) -> tuple[Headers, bytes] | None:
        if one.result is None:
            return None
        base = self.context.settings.url
        shape = comments.accepted_shape(one.result, one.item, base)
        text = (self.dumps(shape, separators=(",", ":")) + "\n").encode()
        location = _as_uri(base) + shape["links"]["self"].removeprefix(base)
        return [
            ("Content-Type", JSON),
            ("Content-Length", str(len(text))),
            ("Location", location),
        ], text


@dataclass(frozen=True)
class PlainCheck:
    """Akismet's ``comment-check`` that asks for a verdict and nothing else."""

    context: WebContext
    sites: SitesByKey
    limiter: Limiter

    path = "/1.1/comment-check"
    status = "200 OK"
    types = frozenset(
        {
            FORM,
            *(
                f"{FORM};{space}charset={name}"
                for space in ("", " ")
                for name in ("utf-8", "UTF-8")
            ),
        }
    )
    longest = DEFAULT_BYTES

    @property
    def most(self) -> int:
        """The most that a group of the model holds."""
        return self.context.at_once

    def key_of(self, request: Request) -> bytes | None:
        """Return the key as it stands in the form, if it is not too long or too far behind."""
        form = request.body
        at = form.find(_BEFORE_KEY, 0, _SOUGHT) + len(_BEFORE_KEY)
        if at < len(_BEFORE_KEY):
            return None
        key, _, _ = bytes(form[at : at + _LONGEST_KEY + 1]).partition(b"&")
        return key if len(key) <= _LONGEST_KEY else None

    def answers(self, asked: Sequence[Asked]) -> Sequence[tuple[Headers, bytes] | None]:
        """Judge the comments and keep them."""
        read = [self._read(one) for one in asked]
        _carry_out(read, self._check)
        return [self._shaped(one) if one is not None else None for one in read]

    def _read(self, asked: Asked) -> _Read[akismet.Asking, akismet.Told] | None:
        agent = asked.environ.get("HTTP_USER_AGENT", "")
        fields = akismet.as_meant(dict(akismet.parsed(asked.body, "utf-8")), agent)
        site = self.sites.known(akismet.key_of(fields), Door.AKISMET)
        if site is None or not akismet.is_ordinary(fields):
            return None
        if not self.limiter.spend_share(spender(site)):
            return None
        try:
            draft = akismet.draft_of(fields)
        except Exception as problem:  # noqa: BLE001 - the view raises it
            asked.environ[FAILED] = problem
            return None
        return _Read(asked.environ, site, akismet.Asking(draft, fields, agent))

    def _check(
        self, site: Site, checks: Sequence[akismet.Asking]
    ) -> Sequence[akismet.Told | Exception]:
        return akismet.check(checks, site=site, context=self.context)

    def _shaped(self, one: _Read[akismet.Asking, akismet.Told]) -> tuple[Headers, bytes] | None:
        if one.result is None:
            return None
        word, headers = one.result
        own = [("Content-Type", akismet.TEXT), ("Content-Length", str(len(word)))]
        return [*own, *headers.items()], word.encode()


class PlainHealth:
    """``GET`` or ``HEAD /healthz``, for the event loop to answer."""

    path = b"/healthz"

    def __init__(self, app: Flask) -> None:
        """Answer, and measure, as *app* does."""
        self._body = (app.json.dumps(ops.HEALTHY, separators=(",", ":")) + "\n").encode()
        self._own = [("Content-Type", JSON), ("Content-Length", str(len(self._body)))]
        rule = self.path.decode()
        self._observe = {
            method: ops.observer(app, method, rule, "200") for method in ("GET", "HEAD")
        }

    def __call__(self, request: Request) -> Response | None:
        """Return the answer; None for what Flask is to answer."""
        observe = self._observe.get(request.method)
        # A length of 0 is unusual, too.
        if observe is None or request.query or request.chunked or request.length is not None:
            return None
        started = time.perf_counter()
        found: dict[bytes, bytes] = {}
        for name, value in request.headers:
            lowered = name.lower()
            if lowered in found or (lowered not in _OF_HEALTH and lowered != _REQUEST_ID_BYTES):
                return None
            found[lowered] = value
        if not _PLAIN_HOST.fullmatch(found.get(b"host", b"")):
            return None
        request_id = id_of(found.get(_REQUEST_ID_BYTES, b"").decode("latin-1"))
        headers = [*self._own, (REQUEST_ID, request_id), *SAFE.items()]
        keep, bare = request.keep_alive, request.method == "HEAD"
        data = wire("200 OK", headers, self._body, keep_alive=keep, bare=bare)
        observe(time.perf_counter() - started)
        return Response(200, data, keep)


def serve(app: Flask, context: WebContext) -> None:
    """Put the short way before *app*."""
    submission = PlainSubmission(
        context, app.extensions[CALLERS], app.extensions[LIMITER], app.json.dumps
    )
    check = PlainCheck(context, app.extensions[doors.SITES], app.extensions[doors.LIMITER])
    way = ShortWay(app, [submission, check], serves=app.extensions[SERVES])
    app.extensions[SHORT_WAY] = way
    app.wsgi_app = way  # type: ignore[method-assign]
