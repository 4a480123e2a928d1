"""Sites, moderators, keys and tokens. Names are unique; secrets are shown once."""

from __future__ import annotations

from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.errors import Conflict
from moderation.store import keys
from moderation.store.accounts.base import fold, texts
from moderation.store.accounts.endpoints import Endpoints
from moderation.store.accounts.erasures import Erasures
from moderation.store.accounts.factors import SecondFactors
from moderation.store.accounts.site_keys import SiteKeys
from moderation.store.accounts.tokens import Tokens
from moderation.store.accounts.trail import AUDIT_LINES, REFUSED_LINES, line_of

__all__ = ["AUDIT_LINES", "REFUSED_LINES", "Accounts", "fold"]

_G = keys.GLOBAL


class Accounts(SiteKeys, Tokens, SecondFactors, Endpoints, Erasures):
    """Every account of an installation.

    A change writes only if the records that it was based on are unchanged, and puts a line on the audit
    trail with it. Every call raises StorageUnavailable when it cannot do its work, and then nothing
    was changed.
    """

    def check_secret(self) -> None:
        """Record which secret key this data is sealed with, or raise if it is another one's.

        Raises Conflict: keys would be refused and endpoint secrets unreadable.
        """
        key = keys.META(_G)
        if not self._redis.hexists(key, "secret"):
            self._redis.hsetnx(key, "secret", self.vault.fingerprint)
        if self._redis.hget(key, "secret").decode() != self.vault.fingerprint:
            raise Conflict(
                "this data was made with another secret key; bring back its secret.key, "
                "or name it by WINNOW_SECRET_KEY_FILE"
            )

    def remove_site(self, site_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget a site, its keys and endpoints; its comments are purged by the worker."""
        site = self.site(site_id)
        digests = texts(self._redis.smembers(keys.SITE_KEYS(_G, site.id)))
        endpoints = texts(self._redis.smembers(keys.SITE_ENDPOINTS(_G, site.id)))
        self._change(
            [],
            [
                ["HDEL", keys.SITES(_G), site.id],
                ["HDEL", keys.SITE_NAMES(_G), fold(site.name)],
                ["HSET", keys.REMOVED_SITES(_G), site.id, str(now_ms)],
                *(["HDEL", keys.KEYS(_G), digest] for digest in digests),
                *(["HDEL", keys.KEY_IDS(_G), key.id] for key in self.keys(site.id)),
                *(["HDEL", keys.ENDPOINTS(_G), endpoint] for endpoint in endpoints),
                ["DEL", keys.SITE_KEYS(_G, site.id)],
                ["DEL", keys.SITE_ENDPOINTS(_G, site.id)],
                line_of(AuditLine(now_ms, by, "site.remove", site.id, {"name": site.name})),
            ],
        )
