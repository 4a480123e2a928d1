"""What may go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WinnowError(Exception):
    """Raised when Winnow refused or failed; the base of the others."""


class Unavailable(WinnowError):
    """Raised when Winnow does not answer, is busy or in trouble. Keep the comment hidden; try later.

    ``retry_after`` is in seconds, None where Winnow did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Carry when to try again."""
        super().__init__(message)
        self.retry_after = retry_after


class Refused(WinnowError):
    """Raised when a request is wrong and stays so. ``problem`` is Winnow's own account (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        """Carry the HTTP status and the problem details."""
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP {status}"))
        self.status, self.problem = status, problem


class NotFound(Refused):
    """Raised when there is no such comment, site or endpoint for this key."""


class Conflict(Refused):
    """Raised when the comment moved on, or its external id belongs to other content.

    In the latter case ``comment_id`` names the comment that has it.
    """

    @property
    def comment_id(self) -> str | None:
        """The comment that has the external id, None for other conflicts."""
        found = self.problem.get("comment_id")
        return found if isinstance(found, str) else None


class BadSignature(WinnowError):
    """Raised when a webhook was not signed by Winnow, was changed on its way, or is too old."""
