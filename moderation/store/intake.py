"""Intake: accepting, recording, editing and erasing comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from moderation import ids
from moderation.actor import IMPORT, Actor
from moderation.comment import Comment, Draft, Status
from moderation.errors import Busy, Conflict, IllegalMove, SiteBusy
from moderation.events import OF_STATUS, EventType
from moderation.records import Accepted, IntakeOutcome, Judged, Past
from moderation.search import words_of
from moderation.store import codec, near
from moderation.store.authors import external_digest
from moderation.store.client import Client
from moderation.store.group_commit import GroupCommit
from moderation.store.queries import Queries
from moderation.store.screening import codes_of, judge_of
from moderation.store.sharded import day_of, missing
from moderation.together import Together

#: Comments of doors that are recorded in one round trip.
_MOST_RECORDED = 64
#: A shard, and the arguments of RECORD for each comment.
_Records = tuple[int, Sequence[Sequence[Any]]]
#: One site may fill this share of the backlog.
SITE_SHARE = 0.5


class Intake(Queries):
    """Takes comments in, from blogs, doors and imports."""

    def __init__(self, redis: Client, *, pepper: bytes, shards: int = 1, replicas: int = 0) -> None:
        """Group what several threads accept at once; the rest as for any stage."""
        super().__init__(redis, pepper=pepper, shards=shards, replicas=replicas)
        self._group_commit = GroupCommit(self._accept)
        self._recorded = Together[_Records, list[Accepted]](
            self._run_records,
            most=_MOST_RECORDED,
            kind=lambda records: records[0],  # so that a shard that is away delays no other
            weight=lambda records: len(records[1]),
        )

    def accept(
        self, site_id: str, drafts: Sequence[Draft], *, backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        """Store *drafts* as pending, all or none, and tell whether a worker should be woken.

        A draft whose external id is known is SAME (same content) or CONFLICT (other content) and
        stores nothing. Raises Busy or SiteBusy when the backlog is over its cap.
        """
        return self._group_commit(site_id, drafts, backlog=backlog, now_ms=now_ms)

    def _accept(
        self, site_id: str, drafts: Sequence[Draft], backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        shard = self.shard_of_site(site_id)
        args: list[Any] = [
            now_ms,
            day_of(now_ms),
            ids.shorten(site_id),
            backlog,
            int(backlog * SITE_SHARE),
            len(drafts),
        ]
        for identifier, draft in zip(ids.new_ids(now_ms, shard, len(drafts)), drafts, strict=True):
            args += [
                ids.shorten(identifier),
                codec.pack(draft),
                bytes.fromhex(draft.digest),
                external_digest(draft.external_id),
                self._authors.of(site_id, draft, now_ms),
            ]
        reply = self._run("accept", shard, *args)
        if reply[0] == b"busy":
            raise Busy("too many comments are waiting to be screened; try again shortly")
        if reply[0] == b"site_busy":
            raise SiteBusy("this site has too many comments waiting to be screened")
        return self._repeats_by_content(_accepted(reply[2:]), drafts), bool(reply[1])

    def _repeats_by_content(
        self, accepted: list[Accepted], drafts: Sequence[Draft]
    ) -> list[Accepted]:
        """Let repeats with the same content but another title, address or time be the same.

        What was stored first stands; an edit changes it.
        """
        conflicts = [one.id for one in accepted if one.outcome is IntakeOutcome.CONFLICT]
        known = self.get_many(conflicts) if conflicts else []
        contents = {one.id: one.judged.content for one in known}
        return [
            replace(one, outcome=IntakeOutcome.SAME)
            if one.outcome is IntakeOutcome.CONFLICT and contents.get(one.id) == draft.content
            else one
            for one, draft in zip(accepted, drafts, strict=True)
        ]

    def record_many(
        self,
        site_id: str,
        cases: Sequence[tuple[Draft, Judged]],
        *,
        via: str,
        now_ms: int,
        announce: bool = True,
        repeat_ms: int | None = None,
    ) -> list[Accepted]:
        """Store drafts that the door *via* has judged, settled or flagged; their events if *announce*.

        The same draft within *repeat_ms* is the same comment; with None, any of its external id. Each is
        stored whole or not at all, and all by one round trip.
        """
        identifiers = ids.new_ids(now_ms, self.shard_of_site(site_id), len(cases))
        records = [
            self._record_args(
                site_id, identifier, draft, judged, by=judge_of(judged.scores, via), why=codes_of(judged.verdict),
                event=OF_STATUS[judged.status] if announce else "", repeat_ms=repeat_ms,
                now_ms=now_ms, created_ms=now_ms,
            )
            for identifier, (draft, judged) in zip(identifiers, cases, strict=True)
        ]  # fmt: skip
        return self._record(site_id, [draft for draft, _ in cases], records)

    def remember(self, site_id: str, past: Past, judged: Judged, *, now_ms: int) -> Accepted:
        """Store a comment from before Winnow under its own time, and its decision.

        No event. A draft whose external id is known is SAME or CONFLICT and stores nothing.
        """
        identifier = ids.new_id(past.created_ms, self.shard_of_site(site_id))
        args = self._record_args(
            site_id, identifier, past.draft, judged, by=IMPORT, why="import", event="", repeat_ms=None,
            now_ms=now_ms, created_ms=past.created_ms, decision=past.decision or "",
        )  # fmt: skip
        return self._record(site_id, [past.draft], [args])[0]

    def _record_args(
        self,
        site_id: str,
        identifier: str,
        draft: Draft,
        judged: Judged,
        *,
        by: Actor,
        why: str,
        event: str,
        repeat_ms: int | None,
        now_ms: int,
        created_ms: int,
        decision: str = "",
    ) -> Sequence[Any]:
        return (
            now_ms,
            day_of(created_ms),
            ids.shorten(site_id),
            ids.shorten(identifier),
            codec.pack(draft),
            bytes.fromhex(draft.digest),
            external_digest(draft.external_id),
            self._authors.of(site_id, draft, now_ms),
            judged.status,
            codec.pack_scored(judged.scores, judged.verdict),
            judged.priority,
            codec.pack_actor(by),
            why,
            event,
            judged.verdict.action,
            "" if repeat_ms is None else repeat_ms,
            decision,
            self._near(identifier, draft, judged),
            int(judged.spot_check),
        )

    def _record(
        self, site_id: str, drafts: Sequence[Draft], records: Sequence[Sequence[Any]]
    ) -> list[Accepted]:
        accepted = self._recorded((self.shard_of_site(site_id), records))
        return self._repeats_by_content(accepted, drafts)

    def _run_records(self, groups: Sequence[_Records]) -> list[list[Accepted]]:
        flat = [part for _, records in groups for args in records for part in args]
        accepted = iter(_accepted(self._run("record", groups[0][0], *flat)))
        return [[next(accepted) for _ in records] for _, records in groups]

    def edit(
        self, comment_id: str, draft: Draft, *, by: Actor, now_ms: int
    ) -> tuple[Comment, bool]:
        """Make *draft* the next revision, pending; tell whether to wake a worker."""
        while True:
            before = self.get(comment_id)
            answer, *rest = self._run(
                "edit",
                self.shard_of(comment_id),
                now_ms,
                ids.shorten(comment_id),
                codec.pack(draft),
                bytes.fromhex(draft.digest),
                codec.pack_actor(by),
                EventType.EDITED,
                self._authors.of(before.site_id, draft, now_ms),
                bytes.fromhex(before.digest),
                b"".join(words_of(before.draft)),
                b"".join(words_of(draft)),
                near.comment_bytes(comment_id),
            )
            if answer == b"missing":
                raise missing(comment_id)
            if answer != b"changed":
                return self.get(comment_id), bool(rest[0])

    def revise(
        self, comment_id: str, content: str, *, revision: int, by: Actor, now_ms: int
    ) -> Comment:
        """Put a moderator's text in the place of a comment's; see lua/intake.lua, ``revise``.

        Raises NotFound, IllegalMove, and Conflict where *revision* is not the latest.
        """
        answer = b"changed"
        while answer == b"changed":
            before = self.get(comment_id)
            draft = replace(before.draft, content=content)
            answer, *rest = self._run(
                "revise",
                self.shard_of(comment_id),
                now_ms,
                ids.shorten(comment_id),
                codec.pack(draft),
                bytes.fromhex(draft.digest),
                codec.pack_actor(by),
                EventType.REVISED,
                revision,
                bytes.fromhex(before.digest),
                b"".join(words_of(before.draft)),
                b"".join(words_of(draft)),
            )
        match answer:
            case b"missing":
                raise missing(comment_id)
            case b"stale":
                raise Conflict("its text was changed meanwhile; look at it again")
            case b"illegal":
                raise IllegalMove(
                    f"only a held or an approved comment can be edited; it is {rest[0].decode()}"
                )
            case b"held":
                raise IllegalMove("a decision on it can still be undone: undo it, or wait")
            case b"expired":
                raise IllegalMove("its text is no longer kept")
            case b"same":
                raise IllegalMove("the text is the same")
        return self.get(comment_id)

    def erase(self, comment_id: str, *, by: Actor, now_ms: int) -> None:
        """Leave a tombstone: id, site, digest, time. Erasing twice is no error."""
        answer = b"changed"
        while answer == b"changed":
            before = self.get(comment_id)
            answer, *_ = self._run(
                "erase",
                self.shard_of(comment_id),
                now_ms,
                ids.shorten(comment_id),
                codec.pack_actor(by),
                EventType.ERASED,
                near.comment_bytes(comment_id),
                bytes.fromhex(before.digest),
                b"".join(words_of(before.draft)),
            )
        if answer == b"missing":
            raise missing(comment_id)


def _accepted(reply: Sequence[bytes]) -> list[Accepted]:
    """Return what a function says of each draft: outcome, id and status."""
    return [
        Accepted(
            ids.lengthen(short.decode()), Status(status.decode()), IntakeOutcome(outcome.decode())
        )
        for outcome, short, status in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
    ]
