"""What the doors share: finding the site of a door key, and judging in the request."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from cachetools import TTLCache, cached
from flask import Flask, current_app, g

from moderation import texts
from moderation.comment import Draft
from moderation.credentials import KeyKind
from moderation.errors import NotFound, StorageUnavailable
from moderation.records import Accepted, Judged
from moderation.scores import Scores
from moderation.site import Door, Site
from service.auth import note_use
from service.context import WebContext, winnow
from service.limits import Limiter

SITES, LIMITER = "winnow_door_sites", "winnow_door_limiter"
#: Seconds for which a revoked door key may go on working.
_CACHE_SECONDS = 3.0
_CACHE_SIZE = 10_000
_DOOR_KEY_LENGTH = 12
#: The same text within this time is the same check, sent again.
REPEAT_MS = 60_000


class SitesByKey:
    """Sites by door key, looked up once every few seconds."""

    def __init__(self) -> None:
        """Remember none yet."""
        self._known: TTLCache[str, Site | None] = TTLCache(_CACHE_SIZE, _CACHE_SECONDS)
        self._lock = threading.Lock()
        self._site = cached(self._known, key=str, lock=self._lock)(_site)

    def find(self, key: str) -> Site | None:
        """Return the site whose door key this is, None when it is nobody's."""
        key = key.strip().lower()
        if len(key) != _DOOR_KEY_LENGTH or not key.isalnum() or not key.isascii():
            return None
        return self._site(key)

    def known(self, key: str, door: Door) -> Site | None:
        """Return the site that *key* opens *door* of if it was looked up a moment ago."""
        with self._lock:
            site = self._known.get(key.strip().lower())
        return site if site is not None and door in site.doors else None


def _site(text: str) -> Site | None:
    accounts = winnow().accounts
    try:
        key = accounts.key(text, now_ms=winnow().clock.now_ms())
        if key.kind is not KeyKind.DOOR:
            return None
        note_use(key)
        return accounts.site(key.site_id)
    except NotFound:
        return None


def serve(app: Flask, context: WebContext) -> None:
    """Give *app* what the doors share of an installation."""
    app.extensions[SITES] = SitesByKey()
    app.extensions[LIMITER] = Limiter.of(context.settings.site_rate, context.redis)


def parsed(body: bytes, *, asked: str = "") -> dict[str, Any] | None:
    """Return *body* as a JSON object, its texts mended, nulls left out; None for anything else.

    The member *asked* is an object whose names matter: there, null is nothing in particular.
    """
    try:
        text = body.decode(json.detect_encoding(body), "replace")
        content = json.loads(text)
        if "\\u" in text:  # only an escape can stand for half a surrogate pair
            content, g.halves = texts.paired(content)
            content = texts.all_mended(content)
        if "null" in text:
            whole, content = content, texts.without_nulls(content)
            if asked and isinstance(whole, dict) and isinstance(whole.get(asked), dict):
                content[asked] = {name: content[asked].get(name, {}) for name in whole[asked]}
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def warned(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with warnings for texts of its request that were mended."""
    warnings = texts.warnings_of(g.get("halves", 0))
    return answer | {"warnings": warnings} if warnings else answer


def site_of(key: str, door: Door) -> Site | None:
    """Return the site that *key* opens *door* of; None when it does not."""
    site = cast(SitesByKey, current_app.extensions[SITES]).find(key)
    return site if site is not None and door in site.doors else None


def spend(site: Site, number: int = 1) -> None:
    """Count a *number* of texts against the site's rate. Raises TooManyRequests, which each door shapes."""
    cast(Limiter, current_app.extensions[LIMITER]).spend(spender(site), number)


def spender(site: Site) -> str:
    """Return the name under which a site's doors spend its rate."""
    return f"door:{site.id}"


def judge(drafts: Sequence[Draft], site: Site) -> list[Judged]:
    """Judge *drafts* by the site's policy within this request, as its queue would.

    Raises StorageUnavailable when one cannot be scored: a door must not guess.
    """
    judged = winnow().judged([(draft, site) for draft in drafts])
    for one in judged:
        measured(one)
    return judged


def measured(judged: Judged) -> Scores:
    """Return the scores of what :func:`judge` judged."""
    if judged.scores is None:
        raise unread()
    return judged.scores


def unread() -> StorageUnavailable:
    """Return the error of a comment that the model could not read."""
    return StorageUnavailable("the scorer is away")


def record(
    site: Site,
    draft: Draft,
    judged: Judged,
    *,
    via: Door,
    repeat_ms: int | None = REPEAT_MS,
    decided: bool = False,
) -> Accepted:
    """Keep what a door that only scores has judged, for a site that asked for it.

    The same draft within *repeat_ms* (None: ever) is the same comment. *decided*: as it is next.
    """
    kept = replace(draft, external_id=f"{via}:{draft.digest}")
    return winnow().record(kept, judged, site=site, via=via, repeat_ms=repeat_ms, decided=decided)
