"""Endpoints: a subscriber's URL, what it hears, and the secrets that sign it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: Endpoints of one site: each event of it is written down for each of them.
MAX_ENDPOINTS = 20


class EndpointKind(StrEnum):
    """How an endpoint is spoken to: Standard Webhooks, or WordPress's Akismet call-back."""

    WEBHOOK = "webhook"
    AKISMET = "akismet"


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret; an old one signs beside the new until it expires (Unix ms)."""

    value: str = field(repr=False)
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A subscriber's URL, what it wants to hear, and the secrets that sign it."""

    id: str
    site_id: str
    url: str
    events: tuple[str, ...] = ("comment.approved",)
    description: str = ""
    enabled: bool = True
    allow_private: bool = False
    full_payload: bool = True
    kind: EndpointKind = EndpointKind.WEBHOOK
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    created_at: int = 0
    disabled_reason: str = ""
    failing_since: int | None = None
