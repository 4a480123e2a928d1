"""Screening: from a site's list to a lease, and from the lease to a verdict or back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from moderation import ids
from moderation.actor import SUPERVISOR, Actor, machine
from moderation.comment import Comment, Draft, from_ms
from moderation.events import OF_STATUS, EventType
from moderation.records import Batch, Judged
from moderation.scores import Scores
from moderation.store import codec, keys
from moderation.store.sharded import Sharded, day_of
from moderation.verdict import Verdict

#: Bytes of texts that one lease holds at most.
_TAKE_BYTES = 4_000_000


class Screening(Sharded):
    """Leases pending comments, and writes their verdicts."""

    def take(
        self, shard: int, holder: str, *, size: int, lease_ms: int, now_ms: int
    ) -> Batch | None:
        """Lease up to *size* pending comments to *holder*, in turn from each site; None if none."""
        token = f"{holder}:{secrets.token_hex(6)}"
        wake, suspect, *rows = self._run("take", shard, now_ms, token, size, _TAKE_BYTES, lease_ms)
        if not rows:
            return None
        items = tuple(
            Comment(
                id=ids.lengthen(short.decode()),
                site_id=ids.lengthen(site.decode()),
                draft=codec.unpack(doc),
                created_at=from_ms(ids.made_ms(short.decode())),
                revision=int(revision),
                version=int(version),
                digest=digest.hex(),
            )
            for short, site, revision, version, doc, digest in rows
        )
        return Batch(token, items, wake=bool(wake), suspect=bool(suspect))

    def commit(
        self, shard: int, token: str, screened: Sequence[tuple[Comment, Judged]], *, now_ms: int
    ) -> int:
        """Write verdicts, once; return how many were written (0 when the lease is gone).

        Comments of the lease that *screened* leaves out, and newer revisions, go back to their list.
        """
        args: list[Any] = [now_ms, day_of(now_ms), token]
        for comment, judged in screened:
            args += [
                ids.shorten(comment.id),
                comment.revision,
                judged.status,
                codec.pack_scored(judged.scores, judged.verdict),
                judged.priority,
                codec.pack_actor(judge_of(judged.scores)),
                codes_of(judged.verdict),
                OF_STATUS[judged.status],
                judged.verdict.action,
                self._near(comment.id, comment.draft, judged),
                int(judged.spot_check),
            ]
        return max(0, int(self._run("commit", shard, *args)))

    def reclaim(
        self, shard: int, *, holder: str | None = None, lease_ms: int | None = None, now_ms: int
    ) -> list[str]:
        """Take back expired leases, or with *holder* those of a worker that died.

        With *lease_ms*, what a lease lasts, also those that end later than any can: the clock was
        set back. Returns the ids quarantined by this: suspects that have killed their third worker.
        """
        latest = "+inf" if lease_ms is None else now_ms + 2 * lease_ms
        gone = self._run(
            "reclaim",
            shard,
            now_ms,
            day_of(now_ms),
            holder or "",
            EventType.FLAGGED,
            latest,
            codec.pack_actor(SUPERVISOR),
        )
        return [ids.lengthen(short.decode()) for short in gone]

    def overdue(self, shard: int, *, started_before_ms: int, lease_ms: int) -> list[str]:
        """Return the holders of leases taken before then, for the supervisor to kill."""
        tokens = self._redis.zrangebyscore(keys.LEASES(shard), "-inf", started_before_ms + lease_ms)
        return sorted({token.decode().rpartition(":")[0] for token in tokens})

    def author_number(self, draft: Draft) -> int:
        """Return a keyed hash of an author, by which near-duplicates of one author count once."""
        return self._authors.number(draft)


def judge_of(scores: Scores | None, via: str = "") -> Actor:
    """Return the machine that gave *scores*, at the door *via* if any."""
    return machine(scores.model if scores else "", via=via)


def codes_of(verdict: Verdict) -> str:
    """Return the codes of a verdict's reasons, joined."""
    return ",".join(reason.code for reason in verdict.reasons)
