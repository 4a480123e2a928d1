"""Keys of sites, and the secrets with which a door's client signs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, replace
from typing import Any

from moderation import ids, texts
from moderation.actor import OPERATOR, Actor
from moderation.audit import AuditLine
from moderation.credentials import Key, KeyKind
from moderation.errors import InvalidInput, NotFound
from moderation.site import MAX_DAYS, Door
from moderation.store import keys
from moderation.store.accounts.base import as_json, cut
from moderation.store.accounts.sites import Sites
from moderation.store.accounts.trail import line_of

_DAY_MS = 86_400_000
LONGEST_NAME = 100
_G = keys.GLOBAL


class SiteKeys(Sites):
    """Keys are known by a keyed hash; those of doors are kept sealed, too."""

    def add_key(
        self,
        site_id: str,
        kind: KeyKind,
        *,
        now_ms: int,
        expires_at: int | None = None,
        name: str = "",
        by: Actor = OPERATOR,
    ) -> tuple[Key, str]:
        """Make a key; the second value is the key itself (door keys: 12 lower-case hex digits).

        It works until *expires_at*, None for ever. Raises InvalidInput when that is not to come.
        """
        if expires_at is not None and not now_ms < expires_at <= now_ms + MAX_DAYS * _DAY_MS:
            raise InvalidInput("a key expires in the future", field="expires_at")
        texts.check(name, field="name")
        if len(name) > LONGEST_NAME:
            raise InvalidInput(f"a key's name has {LONGEST_NAME} characters at most", field="name")
        site_id = self.site(site_id).id
        door = kind is KeyKind.DOOR
        # Two characters of twelve distinguish keys for people and keep 40 bits secret.
        text, shown = (secrets.token_hex(6), 2) if door else (f"wk_{secrets.token_urlsafe(24)}", 4)
        key = Key(ids.new_id(now_ms), site_id, kind, f"…{text[-shown:]}", now_ms, expires_at, name)
        detail = (
            {"site": site_id, "kind": kind}
            | ({"name": name} if name else {})
            | ({"expires_at": expires_at} if expires_at else {})
        )
        digest = self.vault.digest(text)
        stored = asdict(key)
        if door:
            stored["sealed"] = self.vault.seal(text, about=f"key {key.id}")
        failed = self._change(
            [[keys.SITES(_G), site_id, "*"]],
            [
                ["HSET", keys.KEYS(_G), digest, as_json(stored)],
                ["HSET", keys.KEY_IDS(_G), key.id, digest],
                ["SADD", keys.SITE_KEYS(_G, site_id), digest],
                line_of(AuditLine(now_ms, by, "key.add", key.id, detail)),
            ],
        )
        if failed:
            raise NotFound(f"there is no site {cut(site_id)}", kind="site")
        return key, text

    def key(self, text: str, *, now_ms: int) -> Key:
        """Return the key whose text this is, unless revoked or expired. Raises NotFound."""
        stored = self._secret(keys.KEYS(_G), text)
        if stored is None or (key := _key(stored)).has_expired(now_ms):
            raise NotFound("there is no such key")
        return key

    def keys(self, site_id: str) -> list[Key]:
        """Return a site's keys, the newest first, each with when it was last used."""
        found = sorted(map(_key, self._site_keys(site_id)), key=lambda key: key.id, reverse=True)
        uses = self._redis.hmget(keys.KEY_USES(_G), [key.id for key in found]) if found else []
        return [
            replace(key, last_used_at=int(use)) if use else key
            for key, use in zip(found, uses, strict=True)
        ]

    def note_key_use(self, key: Key, *, now_ms: int) -> None:
        """Keep that *key* was used just now."""
        self._redis.hset(keys.KEY_USES(_G), key.id, now_ms)

    def door_key_text(self, site_id: str, *, now_ms: int) -> str | None:
        """Return a valid door key in clear, for WordPress's call-back; None if there is none."""
        doors = [
            stored
            for stored in self._site_keys(site_id)
            if "sealed" in stored and not _key(stored).has_expired(now_ms)
        ]
        if not doors:
            return None
        newest = max(doors, key=lambda stored: stored["id"])
        return self.vault.unseal(newest["sealed"], about=f"key {newest['id']}")

    def set_door_secret(
        self, site_id: str, door: Door, secret: str, *, by: Actor, now_ms: int
    ) -> None:
        """Keep the secret with which a door's client signs, and switch the door on."""
        site = self.site(site_id)
        sealed = self.vault.seal(secret, about=f"{door} of {site.id}")
        self._redis.hset(keys.DOOR_SECRETS(_G), f"{site.id}|{door}", sealed)
        self.note(AuditLine(now_ms, by, "door.secret", site.id, {"door": door}))
        doors = tuple(dict.fromkeys((*site.doors, door)))
        if doors != site.doors:
            self.save_site(replace(site, doors=doors), was=site, by=by, now_ms=now_ms)

    def door_secret(self, site_id: str, door: Door) -> str:
        """Return the secret with which a door's client signs. Raises NotFound."""
        sealed = self._redis.hget(keys.DOOR_SECRETS(_G), f"{site_id}|{door}")
        if sealed is None:
            raise NotFound(f"no secret was set for the {door} door")
        return self.vault.unseal(sealed.decode(), about=f"{door} of {site_id}")

    def revoke_key(self, key_id: str, *, by: Actor, now_ms: int) -> None:
        """Revoke a key. Raises NotFound."""
        digest = self._redis.hget(keys.KEY_IDS(_G), key_id)
        stored = self._redis.hget(keys.KEYS(_G), digest) if digest else None
        if stored is None:
            raise NotFound(f"there is no key {cut(key_id)}", kind="key")
        key = _key(json.loads(stored))
        self._change(
            [],
            [
                ["HDEL", keys.KEYS(_G), digest.decode()],
                ["HDEL", keys.KEY_IDS(_G), key.id],
                ["HDEL", keys.KEY_USES(_G), key.id],
                ["SREM", keys.SITE_KEYS(_G, key.site_id), digest.decode()],
                line_of(AuditLine(now_ms, by, "key.revoke", key.id, {"site": key.site_id})),
            ],
        )

    def _site_keys(self, site_id: str) -> list[dict[str, Any]]:
        digests = self._redis.smembers(keys.SITE_KEYS(_G, site_id))
        stored = self._redis.hmget(keys.KEYS(_G), list(digests)) if digests else []
        return [json.loads(one) for one in stored if one is not None]


def _key(stored: dict[str, Any]) -> Key:
    detail = {name: value for name, value in stored.items() if name != "sealed"}
    return Key(**{**detail, "kind": KeyKind(detail["kind"])})
