"""A site, and who may speak for it: keys, tokens, moderators, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from moderation.errors import InvalidInput
from moderation.policy import Policy

#: A hundred years: longer than any retention needs, and still a date.
MAX_DAYS = 36_500


class Door(StrEnum):
    """A drop-in façade that a site may switch on."""

    AKISMET = "akismet"
    PERSPECTIVE = "perspective"
    OPENAI = "openai"
    CORAL = "coral"


class KeyKind(StrEnum):
    """What a key opens: the native API, or the drop-in doors and nothing else."""

    API = "api"
    DOOR = "door"


class Role(StrEnum):
    """What a moderator may do: decide on their sites, or administer all of them."""

    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which a settled comment's text, and then its bare verdict, are kept."""

    text_days: Mapping[str, int] = field(
        default_factory=lambda: {"approved": 90, "rejected": 30, "spam": 15, "flagged": 365}
    )
    verdict_days: int = 400

    def check(self) -> None:
        """Raise InvalidInput that names the first number of days that cannot be."""
        told = {f"text_days.{status}": days for status, days in self.text_days.items()}
        for name, days in {**told, "verdict_days": self.verdict_days}.items():
            if not 0 <= days <= MAX_DAYS:
                raise InvalidInput(f"days are between 0 and {MAX_DAYS}", field=name)


@dataclass(frozen=True, slots=True)
class Site:
    """A blog that sends its comments; the tenant."""

    id: str
    name: str
    url: str = ""
    created_at: int = 0
    policy: Policy = field(default_factory=Policy)
    retention: Retention = field(default_factory=Retention)
    doors: tuple[Door, ...] = (Door.AKISMET, Door.PERSPECTIVE, Door.OPENAI)
    #: Whether the doors that only score (Perspective, OpenAI) also record what they scored.
    record_doors: bool = False

    def check(self) -> None:
        """Raise InvalidInput that names the first setting that cannot be."""
        for name, part in (("policy", self.policy), ("retention", self.retention)):
            try:
                part.check()
            except InvalidInput as problem:
                raise InvalidInput(str(problem), field=f"{name}.{problem.field}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the site as JSON keeps and shows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave."""
        known = {key: value for key, value in told.items() if key in cls.__dataclass_fields__}
        known["policy"] = Policy.from_dict(told.get("policy", {}))
        known["retention"] = Retention(**told.get("retention", {}))
        if "doors" in known:
            known["doors"] = tuple(Door(door) for door in known["doors"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Key:
    """What is told of a site's key once it was made; the key itself is shown only then."""

    id: str
    site_id: str
    kind: KeyKind
    hint: str
    created_at: int
    expires_at: int | None = None

    def has_expired(self, now_ms: int) -> bool:
        """Tell whether the key opens nothing any more."""
        return self.expires_at is not None and self.expires_at <= now_ms


@dataclass(frozen=True, slots=True)
class Token:
    """An administrator's token for the API; the token itself is shown only when it is made."""

    id: str
    name: str
    hint: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Moderator:
    """A person who may sign in at the desk; an admin sees every site."""

    name: str
    role: Role
    sites: tuple[str, ...] = ()
    created_at: int = 0
    #: Whether they are kept from signing in; what they decided stays.
    disabled: bool = False
    #: Whether their password was made up by somebody else, so that they must choose their own.
    must_change_password: bool = False

    def sees(self, site_id: str) -> bool:
        """Tell whether this moderator may see and decide the comments of a site."""
        return self.role is Role.ADMIN or site_id in self.sites


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
