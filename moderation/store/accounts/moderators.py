"""Moderators and their passwords."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from argon2.exceptions import InvalidHashError, VerifyMismatchError

from moderation.actor import OPERATOR, Actor
from moderation.audit import AuditLine
from moderation.changes import difference
from moderation.channels import Channel
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.moderators import ALL_SITES, Moderator, Role
from moderation.store import keys
from moderation.store.accounts.base import (
    Command,
    as_json,
    changed_meanwhile,
    checked_name,
    cut,
    detail,
    fold,
    notices_key,
    readable,
)
from moderation.store.accounts.desk import kept_of, view_key
from moderation.store.accounts.sites import Sites
from moderation.store.accounts.trail import line_of

_PASSWORD_LENGTH = 1000
#: Filters of the queue that moderators type, and so may name somebody.
_TYPED = frozenset({"author", "post", "q"})
_G = keys.GLOBAL


class Moderators(Sites):
    """Moderators by folded name; passwords are kept as Argon2 hashes."""

    def add_moderator(
        self,
        name: str,
        password: str,
        *,
        role: Role,
        sites: Sequence[str],
        now_ms: int,
        must_change: bool = False,
        email: str = "",
        by: Actor = OPERATOR,
    ) -> Moderator:
        """Make a moderator. Raises Conflict when the name is taken."""
        seen = self._seen(sites)
        moderator = Moderator(
            checked_name(name),
            role,
            seen,
            now_ms,
            must_change_password=must_change,
            email=email and Channel.MAIL.address(email),
        )
        detail = {"role": role, "sites": seen}
        stored = as_json({**asdict(moderator), "password": self._hashed(password)})
        failed = self._change(
            [[keys.MODERATORS(_G), fold(moderator.name), "", stored]],
            [
                ["HSET", keys.MODERATORS(_G), fold(moderator.name), stored],
                ["HINCRBY", keys.EPOCHS(_G), fold(moderator.name), "1"],
                line_of(AuditLine(now_ms, by, "moderator.add", moderator.name, detail)),
            ],
        )
        if failed:
            raise Conflict(f"there is a moderator named {moderator.name} already")
        return moderator

    def _seen(self, sites: Sequence[str]) -> tuple[str, ...]:
        """Return the ids of *sites*; all sites stand for themselves. Raises NotFound."""
        if ALL_SITES in sites:
            return (ALL_SITES,)
        return tuple(self.site(site).id for site in sites)

    def save_moderator(
        self, moderator: Moderator, *, was: Moderator, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a moderator's role, sites, and whether they may sign in at all.

        Ends the sessions of one who may not. Raises NotFound, and Conflict when no administrator
        would be left or the moderator is not as they *were* any more.
        """
        sites = list(self._seen(moderator.sites))
        changed = {"role": moderator.role, "sites": sites, "disabled": moderator.disabled}
        while True:
            stored = self._stored_moderators()
            before = stored.get(fold(moderator.name))
            if before is None:
                raise NotFound(f"there is no moderator {cut(moderator.name)}", kind="moderator")
            old = json.loads(before)
            if _moderator(old) != was:
                raise changed_meanwhile(was.name)
            after = as_json({**old, **changed})
            others = [one for one in stored if one != fold(moderator.name)]
            chief = next((one for one in others if _administers(json.loads(stored[one]))), None)
            conditions = [[keys.MODERATORS(_G), fold(moderator.name), before, after]]
            if _administers(old) and not _administers(changed):
                if chief is None:
                    raise Conflict("this is the last administrator; make somebody else one first")
                # Checked within the write: two who step down at once would leave nobody.
                conditions.append([keys.MODERATORS(_G), chief, stored[chief]])
            changes = difference({name: old.get(name, False) for name in changed}, changed)
            commands = [["HSET", keys.MODERATORS(_G), fold(moderator.name), after]]
            if moderator.disabled:
                commands.append(["HINCRBY", keys.EPOCHS(_G), fold(moderator.name), "1"])
            line = AuditLine(now_ms, by, "moderator.save", old["name"], detail(changes, reverts))
            if not self._change(conditions, [*commands, line_of(line)]):
                return

    def set_password(
        self, name: str, password: str, *, by: Actor, now_ms: int, must_change: bool = False
    ) -> None:
        """Replace a password and end that moderator's sessions. Raises NotFound."""
        changed = {"password": self._hashed(password), "must_change_password": must_change}
        ending = ["HINCRBY", keys.EPOCHS(_G), fold(name), "1"]
        self._replace(name, changed, ending, line=AuditLine(now_ms, by, "moderator.password", name))

    def set_email(self, name: str, email: str, *, by: Actor, now_ms: int) -> Moderator:
        """Replace a moderator's e-mail address, "" for none; return them as they were.

        Every link that was sent to them ends: the old address may be somebody else's. Raises NotFound,
        and InvalidInput for an invalid address.
        """
        changed = {"email": email and Channel.MAIL.address(email)}
        ending = ["HINCRBY", keys.LINK_EPOCHS(_G), fold(name), "1"]
        line = AuditLine(now_ms, by, "moderator.email", name)
        return _moderator(self._replace(name, changed, ending, line=line))

    def note_language(self, name: str, language: str) -> None:
        """Remember the language that a moderator reads; no line of the audit trail. Raises NotFound."""
        key, field = keys.MODERATORS(_G), fold(name)
        while True:
            before = self._redis.hget(key, field)
            if before is None:
                raise NotFound(f"there is no moderator {cut(name)}", kind="moderator")
            after = as_json({**json.loads(before), "language": language})
            if not self._change(
                [[key, field, before.decode(), after]], [["HSET", key, field, after]]
            ):
                return

    def _replace(
        self, name: str, changed: Mapping[str, Any], *commands: Command, line: AuditLine
    ) -> dict[str, Any]:
        """Write *changed* into a moderator's record, with *commands*; return it as it was."""
        key, field = keys.MODERATORS(_G), fold(name)
        while True:
            before = self._redis.hget(key, field)
            if before is None:
                raise NotFound(f"there is no moderator {cut(name)}", kind="moderator")
            old: dict[str, Any] = json.loads(before)
            after = as_json({**old, **changed})
            noted = line_of(replace(line, subject=old["name"]))
            plan: list[Command] = [["HSET", key, field, after], *commands, noted]
            if not self._change([[key, field, before.decode(), after]], plan):
                return old

    def check_password(self, name: str, password: str) -> Moderator:
        """Return the moderator whose name and password these are, unless disabled.

        Raises NotFound otherwise.
        """
        stored = self._redis.hget(keys.MODERATORS(_G), fold(name))
        changed = json.loads(stored) if stored else None
        # An unknown name costs as much time as a known one, so that names cannot be guessed by it.
        hashed = changed["password"] if changed else self._nobodys()
        try:
            self._hasher.verify(hashed, password[:_PASSWORD_LENGTH])
        except (VerifyMismatchError, InvalidHashError):
            changed = None
        if changed is None or changed.get("disabled"):
            raise NotFound("wrong name or password")
        return _moderator(changed)

    def moderator(self, name: str) -> Moderator:
        """Return a moderator. Raises NotFound."""
        stored = self._redis.hget(keys.MODERATORS(_G), fold(name))
        if stored is None:
            raise NotFound(f"there is no moderator {cut(name)}", kind="moderator")
        return _moderator(json.loads(stored))

    def moderators(self) -> list[Moderator]:
        """Return every moderator by name."""
        stored = self._redis.hgetall(keys.MODERATORS(_G))
        found = readable(stored, lambda one: _moderator(json.loads(one)))
        return sorted(found, key=lambda moderator: fold(moderator.name))

    def remove_moderator(self, name: str, *, by: Actor, now_ms: int) -> None:
        """Forget a moderator and end their sessions. Raises NotFound."""
        moderator = self.moderator(name)
        self._change(
            [],
            [
                ["HDEL", keys.MODERATORS(_G), fold(name)],
                ["HDEL", keys.FACTORS(_G), fold(name)],
                ["HINCRBY", keys.EPOCHS(_G), fold(name), "1"],
                # Nobody who has the name later inherits any of it.
                ["DEL", notices_key(name), *kept_of(moderator.name)],
                line_of(AuditLine(now_ms, by, "moderator.remove", moderator.name)),
            ],
        )

    def forget_searches(self) -> None:
        """Forget the authors, posts and words that moderators filter the queue by; the rest of their view stays."""
        for moderator in self.moderators():
            key = view_key(moderator.name)
            view = json.loads(self._redis.get(key) or "{}")
            if _TYPED & view.keys():
                rest = {name: chosen for name, chosen in view.items() if name not in _TYPED}
                self._redis.set(key, json.dumps(rest), keepttl=True)

    def session_epoch(self, name: str) -> int:
        """Return a number that changes whenever that moderator's sessions end."""
        return int(self._redis.hget(keys.EPOCHS(_G), fold(name)) or 0)

    def link_epoch(self, name: str) -> str:
        """Return what changes whenever that moderator's links end: with sessions and address, too."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hget(keys.EPOCHS(_G), fold(name))
        pipeline.hget(keys.LINK_EPOCHS(_G), fold(name))
        return ".".join(str(int(one or 0)) for one in pipeline.execute())

    def revoke_links(self, name: str, *, by: Actor, now_ms: int) -> None:
        """End every link in e-mail by which a moderator decides. Raises NotFound."""
        name = self.moderator(name).name
        self._change(
            [],
            [
                ["HINCRBY", keys.LINK_EPOCHS(_G), fold(name), "1"],
                line_of(AuditLine(now_ms, by, "links.revoke", name)),
            ],
        )

    def present(self, name: str) -> tuple[Moderator, int]:
        """Return a moderator and their :meth:`session_epoch`, in one round trip. Raises NotFound."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hget(keys.MODERATORS(_G), fold(name))
        pipeline.hget(keys.EPOCHS(_G), fold(name))
        stored, epoch = pipeline.execute()
        if stored is None:
            raise NotFound(f"there is no moderator {cut(name)}", kind="moderator")
        return _moderator(json.loads(stored)), int(epoch or 0)

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


def _administers(record: Mapping[str, Any]) -> bool:
    return record["role"] == Role.ADMIN and not record.get("disabled")


def _moderator(record: dict[str, Any]) -> Moderator:
    return Moderator(
        record["name"],
        Role(record["role"]),
        tuple(record["sites"]),
        record["created_at"],
        record.get("disabled", False),
        record.get("must_change_password", False),
        record.get("email", ""),
        record.get("language", ""),
    )
