"""The client of a request behind trusted proxies, and the network that limits count it as."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

#: Hops of X-Forwarded-For that are read, from the right.
_LONGEST_CHAIN = 20


@lru_cache(4096)
def network_of(address: str) -> str:
    """Return the network that limits count *address* as: itself, or the /64 of an IPv6 address.

    One customer of a provider has at least a /64, so a limit on single addresses would limit nobody.
    A text that is no address is returned as it is.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))


class Proxies:
    """The proxies whose X-Forwarded-* headers are believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """Trust the addresses and networks of *trusted*."""
        self._trusted = [ipaddress.ip_network(one, strict=False) for one in trusted]

    def trusts(self, address: str) -> bool:
        """Tell whether *address* is one of these proxies."""
        known = _address(address) if self._trusted else None
        return known is not None and any(known in network for network in self._trusted)

    def client_of(self, peer: str, forwarded: str) -> str:
        """Return the client's address: *peer*, or the one that trusted proxies forward.

        From the right, the first address that is no proxy of ours; a part that is no address ends
        the search, since its sender is not trusted.
        """
        client = peer
        for part in reversed(forwarded.split(",")[-_LONGEST_CHAIN:]):
            if not self.trusts(client):
                break
            known = _address(part.strip())
            if known is None:
                break
            client = str(known)
        return client


class TrustedProxies:
    """WSGI middleware that believes X-Forwarded-For and -Proto from these proxies alone."""

    def __init__(self, app: Any, proxies: Proxies) -> None:
        """Wrap *app*; take the client from the headers of *proxies*."""
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer the request."""
        peer = environ.get("REMOTE_ADDR", "")
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded and self._proxies.trusts(peer):
            environ["REMOTE_ADDR"] = self._proxies.client_of(peer, forwarded)
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address of *text*, which may have brackets and a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known
