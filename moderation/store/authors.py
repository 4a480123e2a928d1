"""Digests under which authors and a blog's own ids are found."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from moderation import ids
from moderation.comment import Draft
from moderation.identity import address_form, email_form

#: Days for which an author is known by the same digest; after that only the holder of the secret can tell.
AUTHOR_KEY_DAYS = 90
_DAY_MS = 86_400_000
#: Hashes that are not computed again, at most.
_REMEMBERED = 1024


class Authors:
    """Keyed hashes of e-mails and addresses, so that reading Redis tells nobody who wrote what."""

    def __init__(self, pepper: bytes) -> None:
        """Hash under *pepper*."""
        self._keyed = hmac.new(pepper, digestmod="sha256")
        #: An author's marks are asked for a few times when a comment is judged, and again when it is kept.
        self._hash = lru_cache(_REMEMBERED)(self._hashed)

    def number(self, draft: Draft) -> int:
        """Return a keyed hash of 64 bits of an author, by which near-duplicates of one author count once."""
        author = draft.author
        who = (
            author.id or email_form(author.email) or address_form(author.ip) or author.name.lower()
        )
        return int.from_bytes(self._hash("near:" + who)[:8], "big")

    def of(self, site_id: str, draft: Draft, now_ms: int) -> bytes:
        """Return the digests that a draft's author is found by as of now, eight bytes each, joined."""
        forms = _forms(draft.author.email, draft.author.ip, draft.author.id)
        return b"".join(self._digests(site_id, _period(now_ms), forms))

    def ever(
        self, site_id: str, email: str, ip: str, user_id: str = "", *, now_ms: int
    ) -> list[bytes]:
        """Return the digests of an author in every period since the site was made."""
        forms = _forms(email, ip, user_id)
        return [
            who
            # One more on each side: clocks that were set differ.
            for period in range(_period(ids.made_ms(ids.shorten(site_id))) - 1, _period(now_ms) + 2)
            for who in self._digests(site_id, period, forms)
        ]

    def all_of(
        self,
        site_id: str,
        emails: Iterable[str],
        addresses: Iterable[str],
        user_ids: Iterable[str],
        *,
        now_ms: int,
    ) -> list[bytes]:
        """Return the digests of several authors in every period since the site was made."""
        named = [(one, "", "") for one in emails] + [("", one, "") for one in addresses]
        named += [("", "", one) for one in user_ids]
        return [who for one in named for who in self.ever(site_id, *one, now_ms=now_ms)]

    def whom(self, named: str) -> str:
        """Return a keyed hash of somebody, the same at every site and time, for receipts."""
        return self._hash(f"receipt {named}")[:16].hex()

    def _digests(self, site_id: str, period: int, forms: Iterable[str]) -> list[bytes]:
        """Return the digests of *forms* under the key of a site and a period."""
        return [self._hash(f"{site_id} {period} {form}")[:8] for form in forms]

    def _hashed(self, text: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.digest()


def external_digest(external_id: str) -> bytes:
    """Return the eight bytes under which a blog's own id is indexed; none for none."""
    text = external_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).digest()[:8] if text else b""


def _forms(email: str, ip: str, user_id: str) -> list[str]:
    """Return what is hashed of those of an author's marks that are given."""
    forms = (
        ("email", email_form(email) if email else ""),
        ("ip", address_form(ip) if ip else ""),
        ("id", user_id),
    )
    return [f"{what}:{form}" for what, form in forms if form]


def _period(now_ms: int) -> int:
    """Number the times between which the keys of authors' digests change."""
    return now_ms // (AUTHOR_KEY_DAYS * _DAY_MS)
