"""Keys and tokens as they are stored: all but the secret, which is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class KeyKind(StrEnum):
    """What a key opens: the native API, or the drop-in doors and nothing else."""

    API = "api"
    DOOR = "door"


@dataclass(frozen=True, slots=True)
class Key:
    """A site's key as it is stored; the key itself is shown only when it is made."""

    id: str
    site_id: str
    kind: KeyKind
    hint: str
    created_at: int
    expires_at: int | None = None
    #: What it is for, as its maker says, such as the blog that holds it.
    name: str = ""
    #: When it was last looked up (Unix ms), exact to some seconds.
    last_used_at: int | None = None

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
