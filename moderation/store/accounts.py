"""Sites, keys, tokens, moderators and endpoints in Redis: the port ``Accounts``.

Records are JSON in a few hashes. Every change is one call of ``change`` (lua/accounts.lua), which writes only if
what the change was worked out from still holds, and puts a line on the audit trail with it.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from moderation import ids
from moderation.actor import OPERATOR, Actor, ActorKind
from moderation.audit import AuditLine
from moderation.changes import Change, difference
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.signing import new_secret
from moderation.site import (
    MAX_DAYS,
    Door,
    Endpoint,
    EndpointKind,
    Key,
    KeyKind,
    Moderator,
    Role,
    Secret,
    Site,
    Token,
)
from moderation.store import keys
from moderation.store.client import Client
from moderation.store.library import Library
from moderation.vault import Vault

AUDIT_LINES = 10_000
NAME_LENGTH = 100
_SECRET_TEXT_LENGTH = 200
_PASSWORD_LENGTH = 1000
_URL_LENGTH = 2000
_DAY_MS = 86_400_000
_LINE_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")
#: Lines of the trail that one round trip brings.
_LINES_READ = 500
_G = keys.GLOBAL

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Condition = list[str]
Command = list[str]


class Accounts:
    """Sites and whoever may speak for them; see the port for what each call promises."""

    def __init__(
        self, redis: Client, vault: Vault, *, shards: int = 1, hasher: PasswordHasher | None = None
    ) -> None:
        """Keep accounts in *redis*, their secrets hashed or sealed by *vault*."""
        self._redis: Any = redis
        self.vault = vault
        self._shards = shards
        self._hasher = hasher or PasswordHasher()
        self._library = Library(redis)
        self._nobody = ""

    def check_secret(self) -> None:
        """Record which secret key this data is sealed with, or raise if it is another one's.

        Raises Conflict: keys would be refused and endpoint secrets unreadable.
        """
        key = keys.META(_G)
        self._redis.hsetnx(key, "secret", self.vault.fingerprint)
        if self._redis.hget(key, "secret").decode() != self.vault.fingerprint:
            raise Conflict(
                "this data was made with another secret key; bring back its secret.key, "
                "or name it by WINNOW_SECRET_KEY_FILE"
            )

    # -- sites -----------------------------------------------------------------------------------

    def add_site(self, name: str, url: str = "", *, now_ms: int, by: Actor = OPERATOR) -> Site:
        """Make a site in the emptiest shard. Raises Conflict when the name is taken."""
        site = Site(
            id=ids.new_id(now_ms, self._emptiest_shard()),
            name=_name(name),
            url=_web_address(url),
            created_at=now_ms,
        )
        failed = self._change(
            [[keys.SITE_NAMES(_G), _fold(site.name), "", site.id]],
            [
                ["HSET", keys.SITES(_G), site.id, _json(site.to_dict())],
                ["HSET", keys.SITE_NAMES(_G), _fold(site.name), site.id],
                _line(AuditLine(now_ms, by, "site.add", site.id, {"name": site.name})),
            ],
        )
        if failed:
            raise Conflict(f"there is a site named {site.name} already")
        return site

    def save_site(
        self, site: Site, *, was: Site, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a site's settings, on the audit trail with what they were."""
        site = replace(site, name=_name(site.name), url=_web_address(site.url))
        site.check()
        after = _json(site.to_dict())
        while True:
            before = self._redis.hget(keys.SITES(_G), site.id)
            if before is None:
                raise NotFound(f"there is no site {_cut(site.id)}")
            old = Site.from_dict(json.loads(before))
            if old != was:
                raise _changed_meanwhile(old.name)
            changes = difference(old.to_dict(), site.to_dict())
            commands = [
                ["HDEL", keys.SITE_NAMES(_G), _fold(old.name)],
                ["HSET", keys.SITE_NAMES(_G), _fold(site.name), site.id],
                ["HSET", keys.SITES(_G), site.id, after],
                _line(AuditLine(now_ms, by, "site.save", site.id, _told(changes, reverts))),
            ]
            failed = self._change(
                [
                    [keys.SITES(_G), site.id, before.decode(), after],
                    [keys.SITE_NAMES(_G), _fold(site.name), "", site.id],
                ],
                commands,
            )
            if failed == 2:
                raise Conflict(f"there is a site named {site.name} already")
            if not failed:
                return

    def remove_site(self, site_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget a site, its keys and endpoints; its comments are purged by the worker."""
        site = self.site(site_id)
        digests = _texts(self._redis.smembers(keys.SITE_KEYS(_G, site.id)))
        endpoints = _texts(self._redis.smembers(keys.SITE_ENDPOINTS(_G, site.id)))
        self._change(
            [],
            [
                ["HDEL", keys.SITES(_G), site.id],
                ["HDEL", keys.SITE_NAMES(_G), _fold(site.name)],
                ["HSET", keys.REMOVED_SITES(_G), site.id, str(now_ms)],
                *(["HDEL", keys.KEYS(_G), digest] for digest in digests),
                *(["HDEL", keys.KEY_IDS(_G), key.id] for key in self.keys(site.id)),
                *(["HDEL", keys.ENDPOINTS(_G), endpoint] for endpoint in endpoints),
                ["DEL", keys.SITE_KEYS(_G, site.id)],
                ["DEL", keys.SITE_ENDPOINTS(_G, site.id)],
                _line(AuditLine(now_ms, by, "site.remove", site.id, {"name": site.name})),
            ],
        )

    def removed_sites(self) -> list[str]:
        """Return the removed sites whose comments are still to be purged."""
        return _texts(self._redis.hkeys(keys.REMOVED_SITES(_G)))

    def purged_site(self, site_id: str) -> None:
        """Note that nothing of a removed site is left."""
        self._redis.hdel(keys.REMOVED_SITES(_G), site_id)

    def site(self, id_or_name: str) -> Site:
        """Return a site by id or name. Raises NotFound."""
        site_id = ids.canonical(id_or_name)
        if site_id is None:
            found = self._redis.hget(keys.SITE_NAMES(_G), _fold(id_or_name))
            site_id = found.decode() if found else None
        stored = self._redis.hget(keys.SITES(_G), site_id) if site_id else None
        if stored is None:
            raise NotFound(f"there is no site {_cut(id_or_name)}")
        return Site.from_dict(json.loads(stored))

    def sites(self) -> list[Site]:
        """Return every site by name."""
        found = _readable(self._redis.hgetall(keys.SITES(_G)), _site)
        return sorted(found, key=lambda site: _fold(site.name))

    def _emptiest_shard(self) -> int:
        if self._shards == 1:
            return 0
        inhabitants = dict.fromkeys(range(self._shards), 0)
        for site_id in _texts(self._redis.hkeys(keys.SITES(_G))):
            inhabitants[ids.shard_of(site_id)] += 1
        return min(inhabitants, key=inhabitants.__getitem__)

    # -- keys ------------------------------------------------------------------------------------

    def add_key(
        self,
        site_id: str,
        kind: KeyKind,
        *,
        now_ms: int,
        expires_at: int | None = None,
        by: Actor = OPERATOR,
    ) -> tuple[Key, str]:
        """Make a key; the second value is the key itself (door keys: 12 lower-case hex digits)."""
        if expires_at is not None and not now_ms < expires_at <= now_ms + MAX_DAYS * _DAY_MS:
            raise InvalidInput("a key expires in the future", field="expires_at")
        site_id = self.site(site_id).id
        door = kind is KeyKind.DOOR
        # Two characters of twelve help to tell keys apart and leave 40 bits unsaid.
        text, shown = (secrets.token_hex(6), 2) if door else (f"wk_{secrets.token_urlsafe(24)}", 4)
        key = Key(ids.new_id(now_ms), site_id, kind, f"…{text[-shown:]}", now_ms, expires_at)
        told = {"site": site_id, "kind": kind} | ({"expires_at": expires_at} if expires_at else {})
        digest = self.vault.digest(text)
        stored = asdict(key)
        if door:
            stored["sealed"] = self.vault.seal(text, about=f"key {key.id}")
        failed = self._change(
            [[keys.SITES(_G), site_id, "*"]],
            [
                ["HSET", keys.KEYS(_G), digest, _json(stored)],
                ["HSET", keys.KEY_IDS(_G), key.id, digest],
                ["SADD", keys.SITE_KEYS(_G, site_id), digest],
                _line(AuditLine(now_ms, by, "key.add", key.id, told)),
            ],
        )
        if failed:
            raise NotFound(f"there is no site {_cut(site_id)}")
        return key, text

    def key(self, text: str, *, now_ms: int) -> Key:
        """Return the key whose text this is, unless revoked or expired. Raises NotFound."""
        stored = self._secret(keys.KEYS(_G), text)
        if stored is None or (key := _key(stored)).has_expired(now_ms):
            raise NotFound("there is no such key")
        return key

    def keys(self, site_id: str) -> list[Key]:
        """Return a site's keys, the newest first."""
        found = map(_key, self._site_keys(site_id))
        return sorted(found, key=lambda key: key.id, reverse=True)

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
        """Make a key worthless at once. Raises NotFound."""
        digest = self._redis.hget(keys.KEY_IDS(_G), key_id)
        stored = self._redis.hget(keys.KEYS(_G), digest) if digest else None
        if stored is None:
            raise NotFound(f"there is no key {_cut(key_id)}")
        key = _key(json.loads(stored))
        self._change(
            [],
            [
                ["HDEL", keys.KEYS(_G), digest.decode()],
                ["HDEL", keys.KEY_IDS(_G), key.id],
                ["SREM", keys.SITE_KEYS(_G, key.site_id), digest.decode()],
                _line(AuditLine(now_ms, by, "key.revoke", key.id, {"site": key.site_id})),
            ],
        )

    def _site_keys(self, site_id: str) -> list[dict[str, Any]]:
        digests = self._redis.smembers(keys.SITE_KEYS(_G, site_id))
        stored = self._redis.hmget(keys.KEYS(_G), list(digests)) if digests else []
        return [json.loads(one) for one in stored if one is not None]

    # -- tokens ----------------------------------------------------------------------------------

    def add_token(self, name: str, *, now_ms: int, by: Actor = OPERATOR) -> tuple[Token, str]:
        """Make an administrator's token; the second value is the token itself."""
        text = f"wt_{secrets.token_urlsafe(24)}"
        token = Token(ids.new_id(now_ms), _name(name), f"…{text[-4:]}", now_ms)
        self._change(
            [],
            [
                ["HSET", keys.TOKENS(_G), self.vault.digest(text), _json(asdict(token))],
                _line(AuditLine(now_ms, by, "token.add", token.id, {"name": token.name})),
            ],
        )
        return token, text

    def token(self, text: str) -> Token:
        """Return the token whose text this is. Raises NotFound."""
        stored = self._secret(keys.TOKENS(_G), text)
        if stored is None:
            raise NotFound("there is no such token")
        return Token(**stored)

    def tokens(self) -> list[Token]:
        """Return every token."""
        stored = self._redis.hvals(keys.TOKENS(_G))
        return sorted((Token(**json.loads(one)) for one in stored), key=lambda token: token.id)

    def revoke_token(self, token_id: str, *, by: Actor, now_ms: int) -> None:
        """Make a token worthless at once. Raises NotFound."""
        for digest, stored in self._redis.hgetall(keys.TOKENS(_G)).items():
            token = Token(**json.loads(stored))
            if token.id == token_id:
                self._change(
                    [],
                    [
                        ["HDEL", keys.TOKENS(_G), digest.decode()],
                        _line(AuditLine(now_ms, by, "token.revoke", token_id)),
                    ],
                )
                return
        raise NotFound(f"there is no token {_cut(token_id)}")

    def _secret(self, key: str, text: str) -> dict[str, Any] | None:
        """Return what is stored for a key's or token's text; nothing for what cannot be one."""
        if not text or len(text) > _SECRET_TEXT_LENGTH:
            return None
        stored = self._redis.hget(key, self.vault.digest(text))
        return json.loads(stored) if stored is not None else None

    # -- moderators ------------------------------------------------------------------------------

    def add_moderator(
        self,
        name: str,
        password: str,
        *,
        role: Role,
        sites: Sequence[str],
        now_ms: int,
        must_change: bool = False,
        by: Actor = OPERATOR,
    ) -> Moderator:
        """Make a moderator. Raises Conflict when the name is taken."""
        seen = tuple(self.site(site).id for site in sites)
        moderator = Moderator(_name(name), role, seen, now_ms, must_change_password=must_change)
        told = {"role": role, "sites": seen}
        stored = _json({**asdict(moderator), "password": self._hashed(password)})
        failed = self._change(
            [[keys.MODERATORS(_G), _fold(moderator.name), "", stored]],
            [
                ["HSET", keys.MODERATORS(_G), _fold(moderator.name), stored],
                ["HINCRBY", keys.EPOCHS(_G), _fold(moderator.name), "1"],
                _line(AuditLine(now_ms, by, "moderator.add", moderator.name, told)),
            ],
        )
        if failed:
            raise Conflict(f"there is a moderator named {moderator.name} already")
        return moderator

    def save_moderator(
        self, moderator: Moderator, *, was: Moderator, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a moderator's role, sites, and whether they may sign in at all."""
        sites = [self.site(site).id for site in moderator.sites]
        told = {"role": moderator.role, "sites": sites, "disabled": moderator.disabled}
        while True:
            stored = self._stored_moderators()
            before = stored.get(_fold(moderator.name))
            if before is None:
                raise NotFound(f"there is no moderator {_cut(moderator.name)}")
            old = json.loads(before)
            if _moderator(old) != was:
                raise _changed_meanwhile(was.name)
            after = _json({**old, **told})
            others = [one for one in stored if one != _fold(moderator.name)]
            chief = next((one for one in others if _administers(json.loads(stored[one]))), None)
            conditions = [[keys.MODERATORS(_G), _fold(moderator.name), before, after]]
            if _administers(old) and not _administers(told):
                if chief is None:
                    raise Conflict("this is the last administrator; make somebody else one first")
                # They must be there still: two who step down at once would leave nobody.
                conditions.append([keys.MODERATORS(_G), chief, stored[chief]])
            changes = difference({name: old.get(name, False) for name in told}, told)
            commands = [["HSET", keys.MODERATORS(_G), _fold(moderator.name), after]]
            if moderator.disabled:
                commands.append(["HINCRBY", keys.EPOCHS(_G), _fold(moderator.name), "1"])
            line = AuditLine(now_ms, by, "moderator.save", old["name"], _told(changes, reverts))
            if not self._change(conditions, [*commands, _line(line)]):
                return

    def set_password(
        self, name: str, password: str, *, by: Actor, now_ms: int, must_change: bool = False
    ) -> None:
        """Replace a password and end that moderator's sessions. Raises NotFound."""
        told = {"password": self._hashed(password), "must_change_password": must_change}
        while True:
            before = self._redis.hget(keys.MODERATORS(_G), _fold(name))
            if before is None:
                raise NotFound(f"there is no moderator {_cut(name)}")
            old = json.loads(before)
            after = _json({**old, **told})
            failed = self._change(
                [[keys.MODERATORS(_G), _fold(name), before.decode(), after]],
                [
                    ["HSET", keys.MODERATORS(_G), _fold(name), after],
                    ["HINCRBY", keys.EPOCHS(_G), _fold(name), "1"],
                    _line(AuditLine(now_ms, by, "moderator.password", old["name"])),
                ],
            )
            if not failed:
                return

    def check_password(self, name: str, password: str) -> Moderator:
        """Return the moderator whose name and password these are, unless disabled."""
        stored = self._redis.hget(keys.MODERATORS(_G), _fold(name))
        told = json.loads(stored) if stored else None
        # An unknown name costs as much time as a known one, so that names cannot be guessed by it.
        hashed = told["password"] if told else self._nobodys()
        try:
            self._hasher.verify(hashed, password[:_PASSWORD_LENGTH])
        except (VerifyMismatchError, InvalidHashError):
            told = None
        if told is None or told.get("disabled"):
            raise NotFound("wrong name or password")
        return _moderator(told)

    def moderator(self, name: str) -> Moderator:
        """Return a moderator. Raises NotFound."""
        stored = self._redis.hget(keys.MODERATORS(_G), _fold(name))
        if stored is None:
            raise NotFound(f"there is no moderator {_cut(name)}")
        return _moderator(json.loads(stored))

    def moderators(self) -> list[Moderator]:
        """Return every moderator by name."""
        stored = self._redis.hgetall(keys.MODERATORS(_G))
        found = _readable(stored, lambda one: _moderator(json.loads(one)))
        return sorted(found, key=lambda moderator: _fold(moderator.name))

    def remove_moderator(self, name: str, *, by: Actor, now_ms: int) -> None:
        """Forget a moderator and end their sessions. Raises NotFound."""
        moderator = self.moderator(name)
        self._change(
            [],
            [
                ["HDEL", keys.MODERATORS(_G), _fold(name)],
                ["HINCRBY", keys.EPOCHS(_G), _fold(name), "1"],
                _line(AuditLine(now_ms, by, "moderator.remove", moderator.name)),
            ],
        )

    def session_epoch(self, name: str) -> int:
        """Return a number that changes whenever that moderator's sessions end."""
        return int(self._redis.hget(keys.EPOCHS(_G), _fold(name)) or 0)

    def _nobodys(self) -> str:
        """Return the hash of a password that nobody has."""
        if not self._nobody:
            self._nobody = self._hasher.hash(secrets.token_hex())
        return self._nobody

    def _hashed(self, password: str) -> str:
        if not password or len(password) > _PASSWORD_LENGTH:
            raise InvalidInput("a password has 1 to 1000 characters", field="password")
        return self._hasher.hash(password)

    def _stored_moderators(self) -> dict[str, str]:
        stored = self._redis.hgetall(keys.MODERATORS(_G))
        return {name.decode(): one.decode() for name, one in stored.items()}

    # -- endpoints -------------------------------------------------------------------------------

    def add_endpoint(self, endpoint: Endpoint, *, by: Actor, now_ms: int) -> Endpoint:
        """Keep a new endpoint, with an id and, unless it brings one, a fresh secret."""
        kept = replace(
            endpoint,
            id=ids.new_id(now_ms),
            created_at=now_ms,
            secrets=endpoint.secrets or (Secret(new_secret()),),
        )
        failed = self._change(
            [[keys.SITES(_G), kept.site_id, "*"]],
            [
                ["HSET", keys.ENDPOINTS(_G), kept.id, self._sealed(kept)],
                ["SADD", keys.SITE_ENDPOINTS(_G, kept.site_id), kept.id],
                _line(AuditLine(now_ms, by, "endpoint.add", kept.id, {"site": kept.site_id})),
            ],
        )
        if failed:
            raise NotFound(f"there is no site {_cut(kept.site_id)}")
        return kept

    def save_endpoint(
        self, endpoint: Endpoint, *, was: Endpoint, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace an endpoint's settings. Raises NotFound, and Conflict if it is not as it *was*."""
        after = self._sealed(endpoint)
        while True:
            before = self._redis.hget(keys.ENDPOINTS(_G), endpoint.id)
            if before is None:
                raise NotFound(f"there is no endpoint {_cut(endpoint.id)}")
            kept = self._unsealed(before)
            if kept != was:
                raise _changed_meanwhile("the endpoint")
            old, new = asdict(kept), asdict(endpoint)
            for told in (old, new):
                del told["failing_since"]  # the deliverer's own note, no setting
            changes = difference(old, new, secret={"secrets", "headers"})
            told = {"site": endpoint.site_id} | _told(changes, reverts)
            failed = self._change(
                [[keys.ENDPOINTS(_G), endpoint.id, before.decode(), after]],
                [
                    ["HSET", keys.ENDPOINTS(_G), endpoint.id, after],
                    _line(AuditLine(now_ms, by, "endpoint.save", endpoint.id, told)),
                ],
            )
            if not failed:
                return

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint with its secrets in clear. Raises NotFound."""
        stored = self._redis.hget(keys.ENDPOINTS(_G), endpoint_id)
        if stored is None:
            raise NotFound(f"there is no endpoint {_cut(endpoint_id)}")
        return self._unsealed(stored)

    def endpoints(self, site_id: str) -> list[Endpoint]:
        """Return a site's endpoints, the oldest first."""
        known = self._redis.smembers(keys.SITE_ENDPOINTS(_G, site_id))
        stored = self._redis.hmget(keys.ENDPOINTS(_G), list(known)) if known else []
        found = (self._unsealed(one) for one in stored if one is not None)
        return sorted(found, key=lambda endpoint: endpoint.id)

    def remove_endpoint(self, endpoint_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget an endpoint; what was due to it is dropped. Raises NotFound."""
        endpoint = self.endpoint(endpoint_id)
        self._change(
            [],
            [
                ["HDEL", keys.ENDPOINTS(_G), endpoint_id],
                ["SREM", keys.SITE_ENDPOINTS(_G, endpoint.site_id), endpoint_id],
                _line(
                    AuditLine(
                        now_ms, by, "endpoint.remove", endpoint_id, {"site": endpoint.site_id}
                    )
                ),
            ],
        )

    def _sealed(self, endpoint: Endpoint) -> str:
        """Return an endpoint as it is stored: what a thief could use is encrypted."""
        told = asdict(endpoint)
        hidden = _json({"secrets": told.pop("secrets"), "headers": dict(told.pop("headers"))})
        return _json({**told, "sealed": self.vault.seal(hidden, about=f"endpoint {endpoint.id}")})

    def _unsealed(self, stored: bytes) -> Endpoint:
        told = json.loads(stored)
        hidden = self.vault.unseal(told.pop("sealed"), about=f"endpoint {told['id']}")
        opened = json.loads(hidden)
        return Endpoint(
            **{
                **told,
                "events": tuple(told["events"]),
                "kind": EndpointKind(told["kind"]),
                "headers": opened["headers"],
                "secrets": tuple(Secret(**secret) for secret in opened["secrets"]),
            }
        )

    # -- the audit trail -------------------------------------------------------------------------

    def note(self, line: AuditLine) -> None:
        """Put a line on the audit trail."""
        self._redis.execute_command(*_line(line))

    def audit(
        self, *, limit: int = 200, before: str = "", about: str = "", by: str = "", action: str = ""
    ) -> list[AuditLine]:
        """Return the audit trail, the newest first: of the lines older than the line *before*."""
        found: list[AuditLine] = []
        cursor = f"({before}" if _LINE_ID.fullmatch(before) else "+"
        while len(found) < limit:
            rows = self._redis.xrevrange(keys.AUDIT(_G), max=cursor, count=max(limit, _LINES_READ))
            lines = [_audit_line(*row) for row in rows]
            found += [line for line in lines if _fits(line, about=about, by=by, action=action)]
            if len(rows) < max(limit, _LINES_READ):
                break
            cursor = f"({lines[-1].id}"
        return found[:limit]

    def audit_line(self, line_id: str) -> AuditLine:
        """Return one line of the trail. Raises NotFound."""
        rows = (
            self._redis.xrange(keys.AUDIT(_G), line_id, line_id)
            if _LINE_ID.fullmatch(line_id)
            else []
        )
        if not rows:
            raise NotFound("the trail has no such line, or not any more")
        return _audit_line(*rows[0])

    def _change(self, conditions: list[Condition], commands: list[Command]) -> int:
        plan = _json({"if": conditions, "do": commands})
        return int(self._library("change", _G, plan))


def _line(line: AuditLine) -> Command:
    told = _json({name: value for name, value in asdict(line).items() if name != "id"})
    return ["XADD", keys.AUDIT(_G), "MAXLEN", "~", str(AUDIT_LINES), "*", "line", told]


def _audit_line(line_id: bytes, fields: dict[bytes, bytes]) -> AuditLine:
    told = json.loads(fields[b"line"])
    by = Actor(ActorKind(told["by"]["kind"]), told["by"]["name"], told["by"]["via"])
    return AuditLine(**{**told, "by": by}, id=line_id.decode())


def _fits(line: AuditLine, *, about: str, by: str, action: str) -> bool:
    return (
        (not about or about in {line.subject, line.detail.get("site")})
        and (not by or _fold(by) in {_fold(line.by.name), _fold(line.by.via)})
        and (not action or line.action == action or line.action.startswith(f"{action}."))
    )


def _changed_meanwhile(name: str) -> Conflict:
    return Conflict(f"somebody changed {name} meanwhile; nothing was saved")


def _told(changes: dict[str, Change], reverts: str) -> dict[str, Any]:
    return {"changes": changes} | ({"reverts": reverts} if reverts else {})


def _administers(told: Mapping[str, Any]) -> bool:
    return told["role"] == Role.ADMIN and not told.get("disabled")


def _readable(stored: Mapping[bytes, bytes], read: Callable[[bytes], Row]) -> list[Row]:
    """Return what can be read of *stored*; a row that cannot, such as a newer Winnow's, is logged."""
    found = []
    for name, row in stored.items():
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError) as problem:
            log.error("cannot read the row %r: %s", name.decode(), type(problem).__name__)  # noqa: TRY400
    return found


def _site(stored: bytes) -> Site:
    return Site.from_dict(json.loads(stored))


def _key(stored: dict[str, Any]) -> Key:
    told = {name: value for name, value in stored.items() if name != "sealed"}
    return Key(**{**told, "kind": KeyKind(told["kind"])})


def _moderator(told: dict[str, Any]) -> Moderator:
    return Moderator(
        told["name"],
        Role(told["role"]),
        tuple(told["sites"]),
        told["created_at"],
        told.get("disabled", False),
        told.get("must_change_password", False),
    )


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _texts(found: Sequence[bytes]) -> list[str]:
    return sorted(one.decode() for one in found)


def _cut(text: str) -> str:
    return text[:NAME_LENGTH]


def _fold(name: str) -> str:
    """Return the form in which names are compared: `Blog` and `blog` are one."""
    folded = unicodedata.normalize("NFKC", name[: NAME_LENGTH * 4]).casefold()
    return folded.encode("utf-8", "replace").decode()


def _name(name: str) -> str:
    """Return *name* fit to be shown and typed. Raises InvalidInput."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInput(f"a name has 1 to {NAME_LENGTH} printable characters", field="name")
    if ids.canonical(name):
        raise InvalidInput("a name must not look like an id", field="name")
    return name


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
