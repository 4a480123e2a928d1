"""Which Host names are served: another page must not reach the desk by its own name (DNS rebinding)."""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from moderation import values
from service.context import WebContext
from service.problems import problem

#: Extension that tells whether a Host header's name is served; the port is ignored.
SERVES = "winnow_hosts"


def init_app(app: Flask, *, anywhere: Container[str]) -> None:
    """Refuse requests to *app* under names that it does not serve, save for the blueprints *anywhere*."""

    @app.before_request
    def refuse_unknown_names() -> Response | None:
        serves = current_app.extensions[SERVES]
        if serves(request.host) or (request.blueprint or "") in anywhere:
            return None
        detail = (
            f"this Winnow is not known as {(_name(request.host) or 'that')[:100]}; set WINNOW_PUBLIC_URL to the address that "
            "people use, or name further ones in WINNOW_ALLOWED_HOSTS"
        )
        return problem(421, "unknown-host", detail)


def serve(app: Flask, context: WebContext) -> None:
    """Have *app* answer under the names of *context*.

    Served are addresses, names without a dot (a container's, localhost), the host of
    WINNOW_PUBLIC_URL and those of WINNOW_ALLOWED_HOSTS: nobody else's DNS can point these to Winnow.
    """
    settings = context.settings
    public = _name(urlsplit(settings.url).netloc)
    known = frozenset(
        {public or "", settings.host.lower(), *map(str.lower, settings.allowed_hosts)}
    )

    @lru_cache(256)  # most requests come under the same few names
    def serves(host: str) -> bool:
        name = _name(host)
        return name is not None and (name in known or _cannot_be_bound(name))

    app.extensions[SERVES] = serves


def _name(host: str) -> str | None:
    """Return a Host header without its port; None where it cannot be read."""
    parts = values.split_url(f"//{host}")
    return (parts.hostname or "").lower().rstrip(".") if parts else None


def _cannot_be_bound(name: str) -> bool:
    """Tell whether *name* is an address or has no dot, so that no public DNS can point it here."""
    if "." not in name and ":" not in name:
        return True
    if name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
