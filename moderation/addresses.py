"""Where a webhook may go, and what may travel with it. Pure: nothing here asks a name server.

The same rules are asked twice: of the URL when an endpoint is saved, so that its author
learns the reason, and of every address that its name has at the moment of dialling, since a name
may point elsewhere by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from moderation.errors import InvalidInput

Address = IPv4Address | IPv6Address

MAX_URL_CHARACTERS = 2048


class Reach(StrEnum):
    """Who may be reached at an address of some kind."""

    PRIVATE = "private"  #: only by an endpoint that an admin allowed private targets
    NOBODY = "nobody"  #: not by any endpoint


@dataclass(frozen=True, slots=True)
class AddressBlock:
    """A block of addresses that isn't the public internet."""

    network: IPv4Network | IPv6Network
    name: str
    reach: Reach


def _blocks(*rows: tuple[str, str, Reach]) -> tuple[AddressBlock, ...]:
    return tuple(AddressBlock(ip_network(block), name, reach) for block, name, reach in rows)


#: Asked in order; the first that holds the address names it. A table of our own, since the
#: standard library's `is_private` and `is_global` differ between Python's versions.
ADDRESS_BLOCKS: tuple[AddressBlock, ...] = _blocks(
    # What answers with the machine's own credentials; no blog listens there.
    ("169.254.0.0/16", "link-local", Reach.NOBODY),
    ("fe80::/10", "link-local", Reach.NOBODY),
    ("100.100.100.200/32", "cloud metadata", Reach.NOBODY),
    ("168.63.129.16/32", "cloud metadata", Reach.NOBODY),
    ("192.0.0.192/32", "cloud metadata", Reach.NOBODY),
    ("fd00:ec2::/32", "cloud metadata", Reach.NOBODY),
    ("fd20:ce::254/128", "cloud metadata", Reach.NOBODY),
    # A blog beside Winnow or in the same network.
    ("127.0.0.0/8", "loopback", Reach.PRIVATE),
    ("::1/128", "loopback", Reach.PRIVATE),
    ("10.0.0.0/8", "private", Reach.PRIVATE),
    ("172.16.0.0/12", "private", Reach.PRIVATE),
    ("192.168.0.0/16", "private", Reach.PRIVATE),
    ("fc00::/7", "private", Reach.PRIVATE),
    ("fec0::/10", "private (site-local)", Reach.PRIVATE),
    ("100.64.0.0/10", "shared by carriers (CGNAT)", Reach.PRIVATE),
    ("198.18.0.0/15", "for benchmarks", Reach.PRIVATE),
    ("2001:2::/48", "for benchmarks", Reach.PRIVATE),
    # What no server has.
    ("0.0.0.0/8", "unspecified", Reach.NOBODY),
    ("::/128", "unspecified", Reach.NOBODY),
    ("192.0.2.0/24", "for documentation", Reach.NOBODY),
    ("198.51.100.0/24", "for documentation", Reach.NOBODY),
    ("203.0.113.0/24", "for documentation", Reach.NOBODY),
    ("2001:db8::/32", "for documentation", Reach.NOBODY),
    ("3fff::/20", "for documentation", Reach.NOBODY),
    ("192.0.0.0/24", "reserved for protocols", Reach.NOBODY),
    ("192.88.99.0/24", "a 6to4 relay", Reach.NOBODY),
    ("224.0.0.0/4", "multicast", Reach.NOBODY),
    ("255.255.255.255/32", "broadcast", Reach.NOBODY),
    ("240.0.0.0/4", "reserved", Reach.NOBODY),
    ("64:ff9b:1::/48", "a private NAT64", Reach.NOBODY),
    ("2002::/16", "6to4", Reach.NOBODY),
    ("2001::/32", "Teredo", Reach.NOBODY),
    ("2001::/23", "reserved for protocols", Reach.NOBODY),
    ("ff00::/8", "multicast", Reach.NOBODY),
)

#: The only part of IPv6 that is given out; all the rest is reserved.
GLOBAL_UNICAST = ip_network("2000::/3")

#: Ways to write an IPv4 address inside an IPv6 one that reach the very same host.
SAME_HOST = (
    (ip_network("::ffff:0:0/96"), "IPv4-mapped"),
    (ip_network("::ffff:0:0:0/96"), "IPv4-translated"),
    (ip_network("64:ff9b::/96"), "NAT64"),
)


def refusal_reason(address: str | Address, *, allow_private: bool = False) -> str | None:
    """Return why *address* must not be dialled, such as "127.0.0.1 is loopback"; None if it may.

    Addresses inside addresses (IPv4-mapped, NAT64, 6to4, Teredo) are looked at from within.
    Link-local addresses, where clouds hand out credentials, are always refused, even with private targets allowed.
    """
    if isinstance(address, str):
        if "%" in address:
            return f"{address} has a zone id"
        try:
            address = ip_address(address)
        except ValueError:
            return f"{address} is no address"
    if isinstance(address, IPv6Address):
        return _refusal_of_ipv6(address, allow_private=allow_private)
    return _refusal_by_kind(address, allow_private=allow_private)


def _refusal_by_kind(address: Address, *, allow_private: bool) -> str | None:
    for kind in ADDRESS_BLOCKS:
        if address in kind.network:
            if allow_private and kind.reach is Reach.PRIVATE:
                return None
            return f"{address} is {kind.name}"
    return None


def _refusal_of_ipv6(address: IPv6Address, *, allow_private: bool) -> str | None:
    if address.scope_id is not None:
        return f"{address} has a zone id"
    for network, form in SAME_HOST:
        if address in network:
            inner = refusal_reason(_low_ipv4(address), allow_private=allow_private)
            return f"{address} is {form}: {inner}" if inner else None
    for tunnelled in _carried(address):
        reason = refusal_reason(tunnelled, allow_private=allow_private)
        if reason:
            return f"{address} carries an address: {reason}"
    reason = _refusal_by_kind(address, allow_private=allow_private)
    if reason or address in GLOBAL_UNICAST or (allow_private and _is_known(address)):
        return reason
    return f"{address} is reserved"


def _is_known(address: IPv6Address) -> bool:
    return any(address in kind.network for kind in ADDRESS_BLOCKS)


def _low_ipv4(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a tunnel would take *address* to."""
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    # ISATAP: the interface's half says 0:5efe (or 200:5efe), then the IPv4 address.
    if (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE:
        return (_low_ipv4(address),)
    return ()


# -- URLs -------------------------------------------------------------------------------------

_URL = re.compile(
    r"""(?P<scheme>[a-z][a-z0-9+.-]*)://
        (?P<authority>[^/?\#]*)
        (?P<target>[^\#]*)""",
    re.VERBOSE | re.IGNORECASE,
)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's URL, parsed once, so that the address that was checked is the one dialled."""

    scheme: str
    host: str  #: a name, or an address without brackets
    port: int
    path: str  #: with the query; begins with a slash
    address: Address | None = None  #: where the host is an address


def check_url(url: str, *, allow_private: bool = False) -> Target:
    """Return the parts of *url*; raise InvalidInput that names the reason if no webhook may go there.

    A host that is a name passes here and is looked up when it is dialled, then each of its
    addresses goes through :func:`refusal_reason`.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise _refused(f"is longer than {MAX_URL_CHARACTERS} characters")
    if not url.isascii():
        raise _refused("holds other than ASCII; write its host as xn--... and its path as %XX")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise _refused("holds a space, a control character or a backslash")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise _refused("is no http:// or https:// URL, or holds a #fragment")
    scheme = parts["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _refused(f"begins with {scheme}://; only http:// and https:// are called")
    if "@" in parts["authority"]:
        raise _refused("holds a user or password before an @; use a custom header")
    host, port = _host_and_port(parts["authority"], _DEFAULT_PORTS[scheme])
    address = _address_of(host)
    if address is not None:
        reason = refusal_reason(address, allow_private=allow_private)
        if reason:
            raise _refused(f"cannot be called: {reason}")
    elif _is_local_name(host) and not allow_private:
        raise _refused(f"cannot be called: {host} is loopback")
    target = parts["target"]
    return Target(scheme, host, port, target if target.startswith("/") else "/" + target, address)


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([^:]*))?", authority)
    plain = re.fullmatch(r"([^:\[\]]*)(?::([^:]*))?", authority)
    found = bracketed or plain
    if found is None:
        raise _refused("has a host that can be read in more than one way")
    host, port = found[1].lower(), found[2]
    if not host:
        raise _refused("has no host")
    if bracketed and ":" not in host:
        raise _refused("has brackets around what is no IPv6 address")
    if port is None:
        return host, default_port
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise _refused("has a port outside 1..65535")
    return host, int(port)


def _address_of(host: str) -> Address | None:
    """Return the address that *host* is, None if it is a name; refuse what only some would read."""
    if "%" in host:
        raise _refused("has a zone id or an escape in its host")
    if ":" in host:
        try:
            return IPv6Address(host)
        except AddressValueError:
            raise _refused("has a host that is no IPv6 address") from None
    # Whatever ends in a number is an address to some resolvers: 127.1, 0x7f.1, 017700000001.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rstrip(".").rpartition(".")[2]):
        try:
            return IPv4Address(host)
        except AddressValueError:
            raise _refused(
                "has a number for a host; write an IPv4 address as four decimal numbers"
            ) from None
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise _refused("has a host that is no name")
    return None


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".")
    return name == "localhost" or name.endswith((".localhost", ".localdomain"))


def _refused(reason: str) -> InvalidInput:
    # The message does not repeat the URL: it may hold a token, and its author has it before them.
    return InvalidInput(f"the URL {reason}", field="url")


# -- headers ----------------------------------------------------------------------------------

#: Headers that delimit a request or name its sender; a custom header must not replace them.
RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def check_headers(headers: Mapping[str, str]) -> None:
    """Return if *headers* may travel with a webhook; raise InvalidInput that names the one that not.

    Their values are never repeated: they are often passwords.
    """
    for name, value in headers.items():
        lowered = name.lower()
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", name):
            raise InvalidInput("a header's name holds letters, digits and dashes", field="headers")
        if lowered in RESERVED_HEADERS or lowered.startswith(("webhook-", "proxy-")):
            raise InvalidInput(f"the header {name} is Winnow's own", field="headers")
        if not re.fullmatch(r"[\x20-\x7e]{0,2000}", value):
            raise InvalidInput(f"the header {name} holds other than ASCII text", field="headers")
