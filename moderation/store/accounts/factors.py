"""Second factors: the app's secret is sealed, recovery codes are kept as digests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from moderation.audit import AuditLine
from moderation.errors import NotFound
from moderation.factors import Factors
from moderation.store import keys
from moderation.store.accounts.base import as_json, cut, fold
from moderation.store.accounts.moderators import Moderators
from moderation.store.accounts.trail import line_of

_G = keys.GLOBAL


class SecondFactors(Moderators):
    """A record for each moderator who has any, which goes with them."""

    def factors(self, name: str) -> Factors:
        """Return what a moderator has beside their password."""
        stored = self._redis.hget(keys.FACTORS(_G), fold(name))
        return self._factors(name, stored.decode() if stored else "")

    def has_factors(self, name: str) -> bool:
        """Tell whether a moderator has anything beside their password."""
        return bool(self._redis.hexists(keys.FACTORS(_G), fold(name)))

    def with_factors(self) -> frozenset[str]:
        """Return the folded names of all who have anything beside their password."""
        return frozenset(name.decode() for name in self._redis.hkeys(keys.FACTORS(_G)))

    def change_factors(
        self, name: str, change: Callable[[Factors], Factors], *, line: AuditLine | None = None
    ) -> Factors:
        """Write *change* applied to a moderator's factors, and *line*; return what was written.

        *change* is called again if somebody wrote meanwhile, so that one code is used once. Raises
        NotFound for whom there is not, and what *change* raises.
        """
        while True:
            person = self._redis.hget(keys.MODERATORS(_G), fold(name))
            if person is None:
                raise NotFound(f"there is no moderator {cut(name)}", kind="moderator")
            stored = self._redis.hget(keys.FACTORS(_G), fold(name))
            before = stored.decode() if stored else ""
            changed = change(self._factors(name, before))
            after = self._packed(name, changed) if changed else ""
            write = ["HSET", keys.FACTORS(_G), fold(name), after]
            commands = [write if after else ["HDEL", keys.FACTORS(_G), fold(name)]]
            if line:
                commands.append(line_of(line))
            conditions = [
                [keys.FACTORS(_G), fold(name), before],
                [keys.MODERATORS(_G), fold(name), "*"],
            ]
            if not self._change(conditions, commands):
                return changed

    def _packed(self, name: str, factors: Factors) -> str:
        sealed = self.vault.seal(factors.secret, about=_about(name)) if factors.secret else ""
        return as_json({**asdict(factors), "secret": sealed})

    def _factors(self, name: str, stored: str) -> Factors:
        if not stored:
            return Factors()
        kept = json.loads(stored)
        if kept["secret"]:
            kept["secret"] = self.vault.unseal(kept["secret"], about=_about(name))
        return Factors(**{**kept, "recovery": tuple(kept["recovery"])})


def _about(name: str) -> str:
    return f"totp:{fold(name)}"
