"""Who wrote, by value: one form for each address and e-mail, however a blog spells it. Pure."""

from __future__ import annotations

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.utils import parseaddr

import idna

from moderation.lists import Hit, kept

#: An address in brackets, or an IPv4 one, with a port; quotation marks as in Forwarded's "for=".
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}")
#: Forms that are not computed again, at most: an author's are asked for several times for one comment.
_REMEMBERED = 256
#: To a network provider an IPv6 subscriber is a /64 at least: who has one address has them all.
_IPV6_SUBSCRIBER = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address(text: str) -> Address | None:
    """Return *text* as an address, or the first of a list; None for anything else.

    An IPv4 address written as IPv6 (::ffff:192.0.2.1) is the IPv4 one; ports and zones are dropped.
    """
    first = text.partition(",")[0].strip().removeprefix("for=").strip('" ')
    ported = _WITH_PORT.fullmatch(first)
    bare = (ported[1] or ported[2]) if ported else first.strip("[]")
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@functools.lru_cache(_REMEMBERED)
def address_form(text: str) -> str:
    """Return the one form of an IP address; for any other text, the text in lower case."""
    found = address(text)
    return text.strip().lower() if found is None else str(found)


@functools.lru_cache(_REMEMBERED)
def email_form(text: str) -> str:
    """Return the one form of an e-mail address: lower case, its domain as xn--, no name beside it."""
    bare = unicodedata.normalize("NFKC", text.strip())
    bare = (parseaddr(bare)[1] or bare) if "<" in bare else bare
    local, at, domain = bare.removeprefix("mailto:").lower().rpartition("@")
    return f"{local}{at}{_ascii(domain.rstrip('.'))}"


@functools.lru_cache(1024)
def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):  # it is only itself
        return domain


class IdentityList:
    """Addresses, networks and e-mails among a list's entries, to tell whether one of them wrote."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Take in *entries*; whatever is no address, network or e-mail is left to other lists."""
        self._emails: dict[str, Hit] = {}
        #: By version and length of the prefix: the networks' numbers without what follows it.
        self._networks: dict[tuple[int, int], dict[int, Hit]] = {}
        for line, entry in enumerate(entries, 1):
            hit, network = Hit(line, entry), _network(entry)
            if network is not None:
                number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
                same = self._networks.setdefault((network.version, network.prefixlen), {})
                same.setdefault(number, hit)
            elif "@" in entry and " " not in entry.strip():
                self._emails.setdefault(email_form(entry), hit)

    def first(self, *, email: str, ip: str) -> str | None:
        """Return the first entry that *email* or *ip* is or lies in, or None."""
        return min(self._hits(email, ip), default=Hit(0, "")).entry or None

    def _hits(self, email: str, ip: str) -> Iterator[Hit]:
        if email and (hit := self._emails.get(email_form(email))):
            yield hit
        at = address(ip) if ip and self._networks else None
        if at is not None:
            for (version, length), networks in self._networks.items():
                if version == at.version:
                    hit = networks.get(int(at) >> (at.max_prefixlen - length))
                    if hit:
                        yield hit


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network that an entry is: a network, or an address; of IPv6 with its /64."""
    if "/" in entry:
        try:
            return ipaddress.ip_network(entry.strip(), strict=False)
        except ValueError:
            return None
    found = address(entry)
    if found is None:
        return None
    length = _IPV6_SUBSCRIBER if found.version == 6 else 32
    return ipaddress.ip_network((found, length), strict=False)


def people(entries: tuple[str, ...]) -> IdentityList:
    """Return the :class:`IdentityList` of *entries*, made once for all comments."""
    return kept(_people, entries)


@functools.lru_cache(maxsize=64)
def _people(entries: tuple[str, ...]) -> IdentityList:
    return IdentityList(entries)
