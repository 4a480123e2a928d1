"""Lines of the audit trail: who changed what in the administration, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moderation.actor import Actor
from moderation.changes import Change, can_be_taken_back

#: Changes of settings. What makes or ends a thing, or touches a secret, is no such change.
REVERTIBLE = frozenset({"site.save", "moderator.save", "endpoint.save"})


@dataclass(frozen=True, slots=True)
class RefusedSignIn:
    """A sign-in that was refused: when, and who it claimed to be. Strangers write these."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who changed what in the administration, and when."""

    at: int
    by: Actor
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    #: Where it stands on the trail; given by the store.
    id: str = field(default="", compare=False)

    @property
    def changes(self) -> Mapping[str, Change]:
        """The settings that changed, with what they were and became."""
        found = self.detail.get("changes", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def revertible(self) -> bool:
        """Whether this was a change of settings that can be taken back."""
        return self.action in REVERTIBLE and can_be_taken_back(self.changes)
