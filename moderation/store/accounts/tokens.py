"""Administrators' tokens."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict

from moderation import ids
from moderation.actor import OPERATOR, Actor
from moderation.audit import AuditLine
from moderation.credentials import Token
from moderation.errors import NotFound
from moderation.store import keys
from moderation.store.accounts.base import as_json, checked_name, cut
from moderation.store.accounts.trail import Trail, line_of

_G = keys.GLOBAL


class Tokens(Trail):
    """Tokens are known by a keyed hash."""

    def add_token(self, name: str, *, now_ms: int, by: Actor = OPERATOR) -> tuple[Token, str]:
        """Make an administrator's token; the second value is the token itself."""
        text = f"wt_{secrets.token_urlsafe(24)}"
        token = Token(ids.new_id(now_ms), checked_name(name), f"…{text[-4:]}", now_ms)
        self._change(
            [],
            [
                ["HSET", keys.TOKENS(_G), self.vault.digest(text), as_json(asdict(token))],
                line_of(AuditLine(now_ms, by, "token.add", token.id, {"name": token.name})),
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
        """Revoke a token. Raises NotFound."""
        for digest, stored in self._redis.hgetall(keys.TOKENS(_G)).items():
            token = Token(**json.loads(stored))
            if token.id == token_id:
                self._change(
                    [],
                    [
                        ["HDEL", keys.TOKENS(_G), digest.decode()],
                        line_of(AuditLine(now_ms, by, "token.revoke", token_id)),
                    ],
                )
                return
        raise NotFound(f"there is no token {cut(token_id)}", kind="token")
