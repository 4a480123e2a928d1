"""Moderators' decisions: writing, undoing, sending their events."""

from __future__ import annotations

from moderation import ids
from moderation.actor import Actor
from moderation.comment import Comment, Decision
from moderation.errors import IllegalMove, StaleVersion, UndoTooLate
from moderation.events import OF_STATUS
from moderation.store import codec
from moderation.store.queries import Queries
from moderation.store.sharded import day_of, missing

#: Most events that one call of ``release`` sends.
_RELEASED = 500


class Decisions(Queries):
    """Writes what people decide."""

    def decide(
        self,
        comment_id: str,
        decision: Decision,
        *,
        by: Actor,
        reason: str,
        note: str,
        version: int | None,
        hold_ms: int,
        now_ms: int,
    ) -> Comment:
        """Write a moderator's decision, its event held for *hold_ms*; keep what it was decided on.

        Raises NotFound, StaleVersion (when *version* is given and not current), IllegalMove.
        """
        answer, *rest = self._run(
            "decide",
            self.shard_of(comment_id),
            now_ms,
            day_of(now_ms),
            ids.shorten(comment_id),
            decision,
            decision.status,
            codec.pack_actor(by),
            reason or decision,
            note,
            "" if version is None else version,
            now_ms + hold_ms,
            OF_STATUS[decision.status],
        )
        if answer == b"missing":
            raise missing(comment_id)
        if answer == b"stale":
            raise StaleVersion(int(rest[0]))
        if answer == b"illegal":
            raise IllegalMove(f"the comment is {rest[0].decode()} already")
        return self.get(comment_id)

    def undo(self, comment_id: str, *, by: Actor, now_ms: int) -> tuple[Comment, bool]:
        """Take back the last decision while its event is held; tell whether to wake a worker."""
        answer, *rest = self._run(
            "undo",
            self.shard_of(comment_id),
            now_ms,
            day_of(now_ms),
            ids.shorten(comment_id),
            codec.pack_actor(by),
        )
        if answer == b"missing":
            raise missing(comment_id)
        if answer == b"late":
            raise UndoTooLate("there is no decision to undo any more; decide again to reverse it")
        return self.get(comment_id), bool(rest[0])

    def release(self, shard: int, *, hold_ms: int | None = None, now_ms: int) -> int:
        """Move held events whose window has closed to their site's stream; return how many.

        With *hold_ms*, the longest window, also those that close later than any can: the clock was
        set back.
        """
        latest = "+inf" if hold_ms is None else now_ms + 2 * hold_ms
        return int(self._run("release", shard, now_ms, _RELEASED, latest))

    def retry(self, comment_id: str, *, by: Actor, now_ms: int) -> tuple[Comment, bool]:
        """Make a flagged comment pending again, its deaths forgotten; tell whether to wake a worker."""
        answer, *rest = self._run(
            "retry",
            self.shard_of(comment_id),
            now_ms,
            ids.shorten(comment_id),
            codec.pack_actor(by),
        )
        if answer == b"missing":
            raise missing(comment_id)
        if answer == b"illegal":
            raise IllegalMove(
                f"only a flagged comment can be retried; this one is {rest[0].decode()}"
            )
        if answer == b"revised":
            raise IllegalMove("a moderator changed its text; decide on it instead")
        return self.get(comment_id), bool(rest[0])
