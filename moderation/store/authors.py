"""Digests under which authors and a blog's own ids are found."""

from __future__ import annotations

import hashlib
import hmac

from moderation import ids
from moderation.comment import Draft
from moderation.identity import address_form, email_form

#: Days for which an author is known by the same digest; after that only the holder of the secret can tell.
AUTHOR_KEY_DAYS = 90
_DAY_MS = 86_400_000


class Authors:
    """Keyed hashes of e-mails and addresses, so that reading Redis tells nobody who wrote what."""

    def __init__(self, pepper: bytes) -> None:
        """Hash under *pepper*."""
        self._keyed = hmac.new(pepper, digestmod="sha256")

    def number(self, draft: Draft) -> int:
        """Return a keyed hash of 64 bits by which authors are told apart among near-duplicates."""
        author = draft.author
        who = email_form(author.email) or address_form(author.ip) or author.name.lower()
        return int.from_bytes(self._hash("near:" + who)[:8], "big")

    def of(self, site_id: str, draft: Draft, now_ms: int) -> tuple[bytes, bytes]:
        """Return the digests of a draft's e-mail and address as of now; empty for none."""
        return self._digests(site_id, _period(now_ms), draft.author.email, draft.author.ip)

    def ever(self, site_id: str, email: str, ip: str, *, now_ms: int) -> list[bytes]:
        """Return the digests of an e-mail or address in every period since the site was made."""
        return [
            who
            # One more on each side: clocks that were set differ.
            for period in range(_period(ids.made_ms(ids.shorten(site_id))) - 1, _period(now_ms) + 2)
            for who in self._digests(site_id, period, email, ip)
            if who
        ]

    def _digests(self, site_id: str, period: int, email: str, ip: str) -> tuple[bytes, bytes]:
        """Return the digests of an e-mail and an address, under the key of a site and a period."""

        def digest(what: str, value: str) -> bytes:
            return self._hash(f"{site_id} {period} {what}:{value}")[:8] if value else b""

        return digest("email", email_form(email)), digest("ip", address_form(ip))

    def _hash(self, text: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.digest()


def external_digest(external_id: str) -> bytes:
    """Return the eight bytes under which a blog's own id is indexed; none for none."""
    text = external_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).digest()[:8] if text else b""


def _period(now_ms: int) -> int:
    """Number the times between which the keys of authors' digests change."""
    return now_ms // (AUTHOR_KEY_DAYS * _DAY_MS)
