"""Authentication of the API: a site by its key, an administrator by a token."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from cachetools import TTLCache, cached
from flask import abort, make_response, request

from moderation.actor import Actor, ActorKind
from moderation.credentials import Key, KeyKind
from moderation.errors import NotFound, StorageUnavailable
from moderation.site import Site
from service.context import winnow
from service.problems import problem

#: Seconds for which a key's look-up is cached; a revoked key works for this long at most.
CACHE_SECONDS = 3.0
_CACHE_SIZE = 10_000
_LONGEST_KEY = 200
TOKEN_PREFIX = "wt_"  # noqa: S105 - what tokens begin with, not a token


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: a site, or an administrator (then ``site`` is None)."""

    site: Site | None
    actor: Actor

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator."""
        return self.site is None

    def may_see(self, site_id: str) -> bool:
        """Tell whether the caller may see what belongs to a site."""
        return self.site is None or self.site.id == site_id


class Callers:
    """Looks up callers by key, and caches each for a few seconds."""

    def __init__(self) -> None:
        """Begin with an empty cache."""
        self._known: TTLCache[str, Caller] = TTLCache(_CACHE_SIZE, CACHE_SECONDS)
        self._lock = threading.Lock()
        #: Return the caller whose key or token this is. Raises NotFound.
        self.find = cached(self._known, key=str, lock=self._lock)(_looked_up)

    def known(self, text: str) -> Caller | None:
        """Return the caller whose key or token this is if it is in the cache, else None."""
        with self._lock:
            return self._known.get(text)


def _looked_up(text: str) -> Caller:
    accounts = winnow().accounts
    if text.startswith(TOKEN_PREFIX):
        return Caller(None, Actor(ActorKind.TOKEN, via=accounts.token(text).name))
    key = accounts.key(text, now_ms=winnow().clock.now_ms())
    if key.kind is not KeyKind.API:
        refuse(403, "forbidden", "a door key opens the drop-in doors only; use an API key here")
    note_use(key)
    return Caller(accounts.site(key.site_id), Actor(ActorKind.BLOG, via=key.id))


def note_use(key: Key) -> None:
    """Record the time at which *key* was used; a failure of storage is ignored."""
    context = winnow()
    with suppress(StorageUnavailable):
        context.accounts.note_key_use(key, now_ms=context.clock.now_ms())


def caller(callers: Callers) -> Caller:
    """Return who sent this request; answers 401 without a known key or token."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        _unauthorized("send your site's key as `Authorization: Bearer <key>`")
    if len(text) > _LONGEST_KEY or not text.isascii():
        _unauthorized("this key is not known, or was revoked")
    try:
        return callers.find(text)
    except NotFound:
        _unauthorized("this key is not known, or was revoked")


def refuse(status: int, name: str, detail: str) -> NoReturn:
    """End the request with a problem document."""
    abort(make_response(problem(status, name, detail)))


def _unauthorized(detail: str) -> NoReturn:
    answer = problem(401, "wrong-key", detail)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="winnow"'
    abort(make_response(answer))
