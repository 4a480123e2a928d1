"""The one tree of errors; the edges turn each into their own shape."""

from __future__ import annotations


class WinnowError(Exception):
    """Root of everything that Winnow raises on purpose."""


class BadSettings(WinnowError):
    """Raised when a setting is missing, malformed or contradicts another; says which and what to do."""


class NoInstallation(BadSettings):
    """Raised when a verb is asked of a directory or a Redis that holds no Winnow; nothing was made."""


class AlreadyRunning(WinnowError):
    """Raised when another Winnow already serves this data directory."""


class NewerData(WinnowError):
    """Raised when the stored data was written by a newer Winnow than this one."""


class StorageUnavailable(WinnowError):
    """Raised when Redis is away, loading, full or read-only; nothing was stored."""

    def __init__(self, message: str = "storage is unavailable", *, retry_after: int = 2) -> None:
        """Carry the seconds after which trying again makes sense."""
        super().__init__(message)
        self.retry_after = retry_after


class WritesRefused(StorageUnavailable):
    """Raised when Redis is full or read-only, so that what is stored can be read and nothing can be written."""


class Busy(WinnowError):
    """Raised when the backlog of unscreened comments is over its cap; nothing was stored."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        """Carry the seconds after which trying again makes sense."""
        super().__init__(message)
        self.retry_after = retry_after


class SiteBusy(Busy):
    """Raised when one site fills more than its share of the backlog; nothing was stored."""


class InvalidInput(WinnowError):
    """Raised when what a client sent cannot be accepted; names the field and what to do."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Carry the offending field, where there is one."""
        super().__init__(message)
        self.field = field


class NotFound(WinnowError):
    """Raised when a thing does not exist, or belongs to somebody else."""

    def __init__(self, message: str, *, kind: str = "") -> None:
        """Carry what was looked for by name: site, moderator, endpoint, key, token or comment."""
        super().__init__(message)
        self.kind = kind


class Conflict(WinnowError):
    """Raised when the current state forbids the request; nothing was changed."""


class DuplicateExternalId(Conflict):
    """Raised when an external id is already taken by a comment with other content."""

    def __init__(self, external_id: str, comment_id: str) -> None:
        """Carry the id of the comment that holds the external id."""
        super().__init__(
            f"external_id {external_id!r} already belongs to another comment; "
            "send PUT to that comment to edit it"
        )
        self.comment_id = comment_id


class StaleVersion(Conflict):
    """Raised when a comment moved on since the caller looked at it."""

    def __init__(self, current: int) -> None:
        """Carry the version that the comment has now."""
        super().__init__(f"the comment has changed meanwhile; it is at version {current} now")
        self.current = current


class IllegalMove(Conflict):
    """Raised when a comment cannot go from its status to the one asked for."""


class UndoTooLate(Conflict):
    """Raised when the undo window of a decision has closed, or there is nothing to undo."""


class CursorExpired(WinnowError):
    """Raised when a feed's cursor is older than what the event stream still holds."""
