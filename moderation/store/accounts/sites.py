"""Sites by id and by name."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlsplit

from moderation import ids
from moderation.actor import OPERATOR, Actor
from moderation.audit import AuditLine
from moderation.changes import difference
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.site import Site
from moderation.store import keys
from moderation.store.accounts.base import (
    as_json,
    changed_meanwhile,
    checked_name,
    cut,
    detail,
    fold,
    readable,
    texts,
)
from moderation.store.accounts.trail import Trail, line_of

_URL_LENGTH = 2000
_G = keys.GLOBAL


class Sites(Trail):
    """Sites; a name is given once."""

    def add_site(self, name: str, url: str = "", *, now_ms: int, by: Actor = OPERATOR) -> Site:
        """Make a site in the emptiest shard. Raises Conflict when the name is taken."""
        site = Site(
            id=ids.new_id(now_ms, self._emptiest_shard()),
            name=checked_name(name),
            url=_web_address(url),
            created_at=now_ms,
        )
        failed = self._change(
            [[keys.SITE_NAMES(_G), fold(site.name), "", site.id]],
            [
                ["HSET", keys.SITES(_G), site.id, as_json(site.to_dict())],
                ["HSET", keys.SITE_NAMES(_G), fold(site.name), site.id],
                line_of(AuditLine(now_ms, by, "site.add", site.id, {"name": site.name})),
            ],
        )
        if failed:
            raise Conflict(f"there is a site named {site.name} already")
        return site

    def save_site(
        self, site: Site, *, was: Site, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a site's settings, on the audit trail with what they were.

        *reverts* names the line of the trail that this takes back. Raises NotFound, InvalidInput,
        and Conflict when the name is taken or the site is not as it *was* any more.
        """
        site = replace(site, name=checked_name(site.name), url=_web_address(site.url))
        site.check()
        after = as_json(site.to_dict())
        while True:
            before = self._redis.hget(keys.SITES(_G), site.id)
            if before is None:
                raise NotFound(f"there is no site {cut(site.id)}", kind="site")
            old = Site.from_dict(json.loads(before))
            if old != was:
                raise changed_meanwhile(old.name)
            changes = difference(old.to_dict(), site.to_dict())
            commands = [
                ["HDEL", keys.SITE_NAMES(_G), fold(old.name)],
                ["HSET", keys.SITE_NAMES(_G), fold(site.name), site.id],
                ["HSET", keys.SITES(_G), site.id, after],
                line_of(AuditLine(now_ms, by, "site.save", site.id, detail(changes, reverts))),
            ]
            failed = self._change(
                [
                    [keys.SITES(_G), site.id, before.decode(), after],
                    [keys.SITE_NAMES(_G), fold(site.name), "", site.id],
                ],
                commands,
            )
            if failed == 2:
                raise Conflict(f"there is a site named {site.name} already")
            if not failed:
                return

    def removed_sites(self) -> list[str]:
        """Return the ids of removed sites whose comments are still to be purged."""
        return texts(self._redis.hkeys(keys.REMOVED_SITES(_G)))

    def purged_site(self, site_id: str) -> None:
        """Note that nothing of a removed site is left."""
        self._redis.hdel(keys.REMOVED_SITES(_G), site_id)

    def site(self, id_or_name: str) -> Site:
        """Return a site by id or name. Raises NotFound."""
        site_id = ids.canonical(id_or_name)
        if site_id is None:
            found = self._redis.hget(keys.SITE_NAMES(_G), fold(id_or_name))
            site_id = found.decode() if found else None
        stored = self._redis.hget(keys.SITES(_G), site_id) if site_id else None
        if stored is None:
            raise NotFound(f"there is no site {cut(id_or_name)}", kind="site")
        return Site.from_dict(json.loads(stored))

    def sites(self) -> list[Site]:
        """Return every site by name."""
        found = readable(self._redis.hgetall(keys.SITES(_G)), _site)
        return sorted(found, key=lambda site: fold(site.name))

    def _emptiest_shard(self) -> int:
        if self._shards == 1:
            return 0
        inhabitants = dict.fromkeys(range(self._shards), 0)
        for site_id in texts(self._redis.hkeys(keys.SITES(_G))):
            inhabitants[ids.shard_of(site_id)] += 1
        return min(inhabitants, key=inhabitants.__getitem__)


def _site(stored: bytes) -> Site:
    return Site.from_dict(json.loads(stored))


def _web_address(url: str) -> str:
    """Return *url* unless it cannot be a blog's address. Raises InvalidInput."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and url.isprintable()
    except ValueError:
        sound = False
    if not sound or len(url) > _URL_LENGTH:
        raise InvalidInput("a site's url begins with http:// or https://", field="url")
    return url
