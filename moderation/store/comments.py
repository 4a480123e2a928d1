"""Comments in Redis: the port ``Comments``, one function of lua/ for each step."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from moderation import ids, values
from moderation.actor import IMPORT, SUPERVISOR, Actor, machine
from moderation.comment import Comment, Decision, Draft, Status, Transition, from_ms, to_ms
from moderation.errors import (
    Busy,
    CursorExpired,
    IllegalMove,
    NotFound,
    SiteBusy,
    StaleVersion,
    UndoTooLate,
)
from moderation.events import OF_STATUS, Event, EventType
from moderation.identity import address_form, email_form
from moderation.records import (
    Accepted,
    Agenda,
    Batch,
    Judged,
    KeptDecision,
    Order,
    Outcome,
    Page,
    Past,
)
from moderation.scores import Scores
from moderation.store import codec, keys, near
from moderation.store.client import Client
from moderation.store.group_commit import GroupCommit
from moderation.store.library import Library
from moderation.store.liveness import first_to
from moderation.store.streams import read_event
from moderation.verdict import Verdict

#: One site may fill this share of the backlog.
SITE_SHARE = 0.5
_TAKE_BYTES = 4_000_000
_CHUNK = 500
#: What somebody outside is told is done, and how long replicas may take to confirm it.
_ACKNOWLEDGED = frozenset({"accept", "record", "edit", "erase", "decide"})
_CONFIRM_MS = 1000
#: What an author index says of an author whose ids have a list of their own.
_MANY = b"+"
#: Retention counts days: to look at each comment every hour would take hours, with millions.
_LOOK_AGAIN_MS = 20 * 3_600_000
#: Should a worker die that listens, others are woken so long after it would have ended.
_WAKE_SLACK_MS = 500
#: So long is an author known by the same digest: after that, only who holds the secret can tell.
AUTHOR_KEY_DAYS = 90
_DAY_MS = 86_400_000
_FIELDS = ("s", "st", "r", "v", "d", "g", "u", "sc", "z", "h")
_BY_LETTER = {status[0]: status for status in Status}


class Comments:
    """Every comment and where it stands; see the port for what each call promises."""

    def __init__(self, redis: Client, *, pepper: bytes, shards: int = 1, replicas: int = 0) -> None:
        """Use *redis*; *pepper* keys the hashes under which authors are indexed.

        What is acknowledged has reached so many *replicas*.
        """
        # redis-py's types allow for str, which a client for bytes never answers.
        self._redis: Any = redis
        self._keyed = hmac.new(pepper, digestmod="sha256")
        self._shards = shards
        self._replicas = replicas
        self._library = Library(redis)
        self._group_commit = GroupCommit(self._accept)
        self._terms: dict[tuple[int, int], str] = {}

    # -- in --------------------------------------------------------------------------------------

    def accept(
        self, site_id: str, drafts: Sequence[Draft], *, backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        """Store *drafts* as pending, all or none; tell whether a worker should be woken."""
        return self._group_commit(site_id, drafts, backlog=backlog, now_ms=now_ms)

    def _accept(
        self, site_id: str, drafts: Sequence[Draft], backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        shard = self.shard_of_site(site_id)
        args: list[Any] = [
            now_ms,
            _day(now_ms),
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
                _external(draft),
                *self._authors(site_id, draft, now_ms),
            ]
        reply = self._run("accept", shard, *args)
        if reply[0] == b"busy":
            raise Busy("too many comments are waiting to be screened; try again shortly")
        if reply[0] == b"site_busy":
            raise SiteBusy("this site has too many comments waiting to be screened")
        triples = zip(reply[2::3], reply[3::3], reply[4::3], strict=True)
        accepted = [
            Accepted(
                ids.lengthen(short.decode()), Status(status.decode()), Outcome(outcome.decode())
            )
            for outcome, short, status in triples
        ]
        return self._told_apart(accepted, drafts), bool(reply[1])

    def _told_apart(self, accepted: list[Accepted], drafts: Sequence[Draft]) -> list[Accepted]:
        """Let repeats with the same content but another title, address or time be the same.

        What was stored first stands; an edit changes it.
        """
        conflicts = [one.id for one in accepted if one.outcome is Outcome.CONFLICT]
        contents = {one.id: one.content for one in self.get_many(conflicts)} if conflicts else {}
        return [
            replace(one, outcome=Outcome.SAME)
            if one.outcome is Outcome.CONFLICT and contents.get(one.id) == draft.content
            else one
            for one, draft in zip(accepted, drafts, strict=True)
        ]

    def record(
        self,
        site_id: str,
        draft: Draft,
        judged: Judged,
        *,
        via: str,
        now_ms: int,
        announce: bool = True,
        repeat_ms: int | None = None,
    ) -> Accepted:
        """Store what was judged at the door *via*, settled or flagged; its event if *announce*.

        The same draft within *repeat_ms* is the same comment; with None, any of its external id.
        """
        event = OF_STATUS[judged.status] if announce else ""
        why = _why(judged.verdict)
        return self._record(
            site_id, draft, judged, by=_by(judged.scores, via), why=why, event=event,
            repeat_ms=repeat_ms, now_ms=now_ms, created_ms=now_ms,
        )  # fmt: skip

    def remember(self, site_id: str, past: Past, judged: Judged, *, now_ms: int) -> Accepted:
        """Store a comment from before Winnow under its own time, and what was decided on it."""
        return self._record(
            site_id, past.draft, judged, by=IMPORT, why="import", event="", repeat_ms=None,
            now_ms=now_ms, created_ms=past.created_ms, decision=past.decision or "",
        )  # fmt: skip

    def _record(
        self,
        site_id: str,
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
    ) -> Accepted:
        shard = self.shard_of_site(site_id)
        identifier = ids.new_id(created_ms, shard)
        outcome, short, status = self._run(
            "record",
            shard,
            now_ms,
            _day(created_ms),
            ids.shorten(site_id),
            ids.shorten(identifier),
            codec.pack(draft),
            bytes.fromhex(draft.digest),
            _external(draft),
            *self._authors(site_id, draft, now_ms),
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
        )
        accepted = Accepted(
            ids.lengthen(short.decode()), Status(status.decode()), Outcome(outcome.decode())
        )
        return self._told_apart([accepted], [draft])[0]

    def edit(
        self, comment_id: str, draft: Draft, *, by: Actor, now_ms: int
    ) -> tuple[Comment, bool]:
        """Make *draft* the next revision, pending; tell whether to wake a worker."""
        site_id = self.get(comment_id).site_id
        answer, *rest = self._run(
            "edit",
            self.shard_of(comment_id),
            now_ms,
            ids.shorten(comment_id),
            codec.pack(draft),
            bytes.fromhex(draft.digest),
            codec.pack_actor(by),
            EventType.EDITED,
            *self._authors(site_id, draft, now_ms),
        )
        if answer == b"missing":
            raise NotFound(_missing(comment_id))
        return self.get(comment_id), bool(rest[0])

    def erase(self, comment_id: str, *, by: Actor, now_ms: int) -> None:
        """Leave a tombstone: id, site, digest, time."""
        draft = self.get(comment_id).draft
        answer, *_ = self._run(
            "erase",
            self.shard_of(comment_id),
            now_ms,
            ids.shorten(comment_id),
            codec.pack_actor(by),
            EventType.ERASED,
            near.author_bytes(self.author_number(draft)),
        )
        if answer == b"missing":
            raise NotFound(_missing(comment_id))

    # -- screening -------------------------------------------------------------------------------

    def take(
        self, shard: int, holder: str, *, size: int, lease_ms: int, now_ms: int
    ) -> Batch | None:
        """Lease up to *size* pending comments to *holder*; None when there are none."""
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
        """Write verdicts, once; return how many (0 when the lease is gone)."""
        args: list[Any] = [now_ms, _day(now_ms), token]
        for comment, judged in screened:
            args += [
                ids.shorten(comment.id),
                comment.revision,
                judged.status,
                codec.pack_scored(judged.scores, judged.verdict),
                judged.priority,
                codec.pack_actor(_by(judged.scores)),
                _why(judged.verdict),
                OF_STATUS[judged.status],
                judged.verdict.action,
                self._near(comment.id, comment.draft, judged),
            ]
        return max(0, int(self._run("commit", shard, *args)))

    def reclaim(
        self, shard: int, *, holder: str | None = None, lease_ms: int | None = None, now_ms: int
    ) -> list[str]:
        """Take back expired leases, or those of a dead *holder*; return the ids quarantined."""
        latest = "+inf" if lease_ms is None else now_ms + 2 * lease_ms
        gone = self._run(
            "reclaim",
            shard,
            now_ms,
            _day(now_ms),
            holder or "",
            EventType.FLAGGED,
            latest,
            codec.pack_actor(SUPERVISOR),
        )
        return [ids.lengthen(short.decode()) for short in gone]

    def overdue(self, shard: int, *, started_before_ms: int, lease_ms: int) -> list[str]:
        """Return the holders of leases taken before then."""
        tokens = self._redis.zrangebyscore(keys.LEASES(shard), "-inf", started_before_ms + lease_ms)
        return sorted({token.decode().rpartition(":")[0] for token in tokens})

    def has_work(self, shard: int) -> bool:
        """Tell whether comments of *shard* wait for a worker."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zcard(keys.RING(shard))
        pipeline.llen(keys.SUSPECTS(shard))
        return any(pipeline.execute())

    def agenda(self, shard: int, *, lease_ms: int, hold_ms: int, now_ms: int) -> Agenda:
        """Return what the watchdog has to do; *lease_ms* and *hold_ms* are the longest there are."""
        latest = (now_ms + 2 * lease_ms, now_ms + 2 * hold_ms)
        work, lease_ends, window_closes = self._run("agenda", shard, now_ms, *latest)
        return Agenda(
            bool(work), int(lease_ends) if lease_ends else None,
            int(window_closes) if window_closes else None,
        )  # fmt: skip

    def claim_wake(self, shard: int) -> bool:
        """Tell whether the caller is the one to enqueue a screening job now."""
        return first_to(self._redis, keys.WAKE(shard), 1, 3000)

    def listen(self, shard: int, *, seconds: float) -> bool:
        """Wait until comments of *shard* come, or for so long; tell whether they did.

        Meanwhile they wake no other worker.
        """
        self._redis.set(keys.WAKE(shard), 1, px=round(seconds * 1000) + _WAKE_SLACK_MS)
        return self._redis.blpop([keys.BELL(shard)], timeout=seconds) is not None

    def woken(self, shard: int) -> None:
        """Let the next comment wake a worker again: called first thing by a screening job."""
        self._redis.delete(keys.WAKE(shard))

    def signatures(self, site_ids: Iterable[str]) -> dict[str, Sequence[int]]:
        """Return for each site the numbers of its recent texts, four each (near.py)."""
        wanted = list(dict.fromkeys(site_ids))
        pipeline = self._redis.pipeline(transaction=False)
        for site_id in wanted:
            pipeline.get(keys.NEAR(self.shard_of_site(site_id), ids.shorten(site_id)))
        return {
            site_id: near.numbers(ring or b"")
            for site_id, ring in zip(wanted, pipeline.execute(), strict=True)
        }

    def _near(self, comment_id: str, draft: Draft, judged: Judged) -> bytes:
        """Return what near-duplicates of *draft* will be found by; nothing for no signature."""
        if not judged.signature:
            return b""
        return near.entry(judged.signature, self.author_number(draft), comment_id)

    def author_number(self, draft: Draft) -> int:
        """Return a keyed hash by which authors are told apart among near-duplicates."""
        author = draft.author
        who = email_form(author.email) or address_form(author.ip) or author.name.lower()
        return int.from_bytes(self._hash("near:" + who)[:8], "big")

    # -- decisions -------------------------------------------------------------------------------

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
        """Write a moderator's decision, its event held; keep what it was decided on."""
        answer, *rest = self._run(
            "decide",
            self.shard_of(comment_id),
            now_ms,
            _day(now_ms),
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
            raise NotFound(_missing(comment_id))
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
            _day(now_ms),
            ids.shorten(comment_id),
            codec.pack_actor(by),
        )
        if answer == b"missing":
            raise NotFound(_missing(comment_id))
        if answer == b"late":
            raise UndoTooLate("there is no decision to undo any more; decide again to reverse it")
        return self.get(comment_id), bool(rest[0])

    def release(self, shard: int, *, hold_ms: int | None = None, now_ms: int) -> int:
        """Move held events whose window has closed to their site's stream."""
        latest = "+inf" if hold_ms is None else now_ms + 2 * hold_ms
        return int(self._run("release", shard, now_ms, 500, latest))

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
            raise NotFound(_missing(comment_id))
        if answer == b"illegal":
            raise IllegalMove(
                f"only a flagged comment can be retried; this one is {rest[0].decode()}"
            )
        return self.get(comment_id), bool(rest[0])

    def forget(self, comment: Comment, *, everything: bool) -> bool:
        """Let go of a comment's text, or of all of it; False when it has changed meanwhile."""
        shard, short, remains = self.shard_of(comment.id), ids.shorten(comment.id), b""
        if not everything:
            before, lines = self._redis.hmget(keys.COMMENT(shard, short), "z", "h")
            _, history = codec.unpack_remains(before or b"")
            remains = codec.pack_remains(comment.verdict, _joined(history, lines or b""))
        what = "all" if everything else "text"
        return bool(self._run("forget", shard, short, comment.version, what, remains))

    # -- out -------------------------------------------------------------------------------------

    def get(self, comment_id: str) -> Comment:
        """Return a comment. Raises NotFound."""
        found = self.get_many([comment_id])
        if not found:
            raise NotFound(_missing(comment_id))
        return found[0]

    def get_many(self, comment_ids: Sequence[str]) -> list[Comment]:
        """Return those of *comment_ids* that exist, in order."""
        wanted = [known for given in comment_ids if (known := ids.canonical(given))]
        pipeline = self._redis.pipeline(transaction=False)
        for known in wanted:
            shard, short = self.shard_of(known), ids.shorten(known)
            pipeline.hmget(keys.COMMENT(shard, short), _FIELDS)
            pipeline.zscore(keys.HELD(shard), short)
        answers = pipeline.execute() if wanted else []
        return [
            self._comment(known, fields, held)
            for known, fields, held in zip(wanted, answers[::2], answers[1::2], strict=True)
            if fields[0] is not None
        ]

    def find(self, site_id: str, external_id: str) -> Comment:
        """Return the comment that the blog knows as *external_id*. Raises NotFound."""
        digest = _external(Draft(content="", external_id=external_id))
        found = self._look_up("externals", site_id, [digest])
        if not found:
            raise NotFound(f"this site has no comment with external_id {external_id!r}")
        return self.get(ids.lengthen(found[0][1].decode()))

    def queue(
        self,
        site_id: str,
        *,
        order: Order = Order.PRIORITY,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return a page of a site's flagged comments.

        The cursor is a score and an id, so that a page neither repeats nor skips comments when
        those before it are decided meanwhile.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        kind = keys.QUEUE if order is Order.PRIORITY else keys.WAITING
        rising = order is Order.OLDEST
        rows = self._ranked(kind(shard, site), cursor, limit + 1, rising=rising)
        comments = self.get_many([ids.lengthen(short.decode()) for short, _ in rows[:limit]])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(
            tuple(comment for comment in comments if comment.status is Status.FLAGGED),
            f"{last[1]!r}_{last[0].decode()}" if last else None,
        )

    def recent(self, site_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Return a page of a site's comments of every status, the newest first."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        start_day, start = values.position(cursor) if cursor else (None, 0)
        days = self._redis.zrevrangebyscore(
            keys.DAYS(shard, site), start_day if start_day is not None else "+inf", "-inf"
        )
        found: list[tuple[int, int, str]] = []
        for day in map(int, days):
            key = keys.DAY(shard, site, day)
            top = start if day == start_day else self._redis.llen(key)
            bottom = max(0, top - (limit + 1 - len(found)))
            if top > 0:
                shorts = self._redis.lrange(key, bottom, top - 1)
                numbered = list(enumerate(shorts, bottom))
                found += [(day, n, short.decode()) for n, short in reversed(numbered)]
            if len(found) > limit:
                break
        page = found[:limit]
        comments = self.get_many([ids.lengthen(short) for _, _, short in page])
        more = len(found) > limit
        return Page(tuple(comments), f"{page[-1][0]}_{page[-1][1]}" if more else None)

    def aged(self, site_id: str, *, before_ms: int, now_ms: int) -> Iterator[Comment]:
        """Yield comments accepted before the UTC day of then, the oldest first.

        Each day's are yielded once in some twenty hours. A day whose comments are all gone is
        forgotten on the way.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        days = self._redis.zrangebyscore(keys.DAYS(shard, site), "-inf", f"({_day(before_ms)}")
        looked_at = self._redis.hgetall(keys.AGED(shard, site))
        for day in map(int, days):
            if 0 <= now_ms - int(looked_at.get(b"%d" % day, 0)) < _LOOK_AGAIN_MS:
                continue
            key, left = keys.DAY(shard, site, day), 0
            for at in range(0, self._redis.llen(key), _CHUNK):
                shorts = self._redis.lrange(key, at, at + _CHUNK - 1)
                found = self.get_many([ids.lengthen(short.decode()) for short in shorts])
                left += len(found)
                yield from found
            if left:
                self._redis.hset(keys.AGED(shard, site), str(day), now_ms)
            else:
                self._redis.delete(key)
                self._redis.zrem(keys.DAYS(shard, site), day)
                self._redis.hdel(keys.AGED(shard, site), str(day))

    def by_author(
        self,
        site_id: str,
        *,
        now_ms: int,
        email: str = "",
        ip: str = "",
        limit: int = 1000,
        before: str | None = None,
    ) -> list[Comment]:
        """Return a site's comments by whoever used that e-mail or address, the newest first."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        digests = [
            who
            # One more on each side: clocks that were set differ.
            for period in range(_period(ids.made_ms(site)) - 1, _period(now_ms) + 2)
            for who in (
                *self._author_digests(site_id, period, email_form(email), address_form(ip)),
                # As they were written before the store knew one form of each.
                *self._author_digests(site_id, period, email, ip),
            )
            if who
        ]
        found: set[str] = set()
        for digest, joined in self._look_up("authors", site_id, digests):
            shorts = [joined[at : at + 22] for at in range(0, len(joined), 22)]
            if joined == _MANY:
                shorts = self._redis.lrange(keys.AUTHORED(shard, site, digest.hex()), 0, -1)
            found.update(ids.lengthen(short.decode()) for short in shorts)
        older = [one for one in sorted(found, reverse=True) if before is None or one < before]
        return self.get_many(older[:limit])

    def decisions(self, site_id: str, *, limit: int = 1000) -> list[KeptDecision]:
        """Return a site's kept decisions, the newest first."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        shorts = self._redis.lrange(keys.DECIDED(shard, site), 0, limit - 1)
        wanted = [short.decode() for short in dict.fromkeys(shorts)]
        pipeline = self._redis.pipeline(transaction=False)
        for short in wanted:
            pipeline.hgetall(keys.KEPT(shard, short))
        comments = {one.id: one for one in self.get_many(list(map(ids.lengthen, wanted)))}
        kept = [
            decision
            for short, stored in zip(wanted, pipeline.execute() if wanted else [], strict=True)
            if (comment := comments.get(ids.lengthen(short)))
            for decision in _decisions(comment, stored)
        ]
        return sorted(kept, key=lambda one: -one.at)[:limit]

    def counts(self, site_id: str | None = None) -> dict[str, int]:
        """Return how many comments stand in each status, of one site or of all."""
        shards = range(self._shards) if site_id is None else [self.shard_of_site(site_id)]
        prefix = "" if site_id is None else ids.shorten(site_id) + ":"
        totals = dict.fromkeys(map(str, Status), 0)
        for shard in shards:
            stored = self._redis.hmget(keys.COUNTS(shard), [prefix + status for status in totals])
            for status, number in zip(totals, stored, strict=True):
                totals[status] += int(number or 0)
        return totals

    def accepted(self) -> int:
        """Return how many comments were accepted since this data set was made."""
        totals = [self._redis.hget(keys.COUNTS(shard), "accepted") for shard in self.shards]
        return sum(int(total or 0) for total in totals)

    def daily(self, site_id: str, days: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return the counters of each UTC day (YYYY-MM-DD)."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        pipeline = self._redis.pipeline(transaction=False)
        for day in days:
            pipeline.hgetall(keys.DAILY(shard, site, day.replace("-", "")))
        return {
            day: {name.decode(): int(number) for name, number in stored.items()}
            for day, stored in zip(days, pipeline.execute() if days else [], strict=True)
        }

    def oldest_pending_ms(self) -> int | None:
        """Return when the oldest pending comment on a list or lease was accepted."""
        heads: list[int] = []
        for shard in range(self._shards):
            shorts = self._redis.lrange(keys.SUSPECTS(shard), 0, 0)
            for site in self._redis.zrange(keys.RING(shard), 0, -1):
                shorts += self._redis.lrange(keys.PENDING(shard, site.decode()), 0, 0)
            for token in self._redis.zrange(keys.LEASES(shard), 0, -1):
                shorts += self._redis.lrange(keys.LEASE(shard, token.decode()), 0, 0)
            heads += [
                ids.made_ms(short.decode())
                for short in shorts
                if self._redis.hget(keys.COMMENT(shard, short.decode()), "st") == b"p"
            ]
        return min(heads, default=None)

    def events(self, site_id: str, *, after: str = "0", limit: int = 100) -> list[Event]:
        """Return the events of a site's stream after a cursor. Raises CursorExpired."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        key = keys.EVENTS(shard, site)
        at = values.stream_id(after, field="after")
        if after != "0":
            trimmed = self._redis.get(keys.TRIMMED(shard, site))
            if trimmed and at < values.stream_id(trimmed.decode(), field="after"):
                raise CursorExpired("that cursor is older than what is kept; start from 0 again")
        if at == values.LAST_IN_STREAM:  # nothing comes after it, and Redis says so by an error
            return []
        rows = self._redis.xrange(key, min=f"({after}", count=limit)
        return [read_event(site_id, cursor.decode(), fields) for cursor, fields in rows]

    # -- where things are ------------------------------------------------------------------------

    def shard_of(self, comment_id: str) -> int:
        """Return the shard that a comment's id carries. Raises NotFound for what is no id of ours."""
        known = ids.canonical(comment_id)
        shard = ids.shard_of(known) if known else self._shards
        if shard >= self._shards:
            raise NotFound(_missing(comment_id))
        return shard

    shard_of_site = shard_of

    @property
    def shards(self) -> range:
        """Every shard of this data set."""
        return range(self._shards)

    def _comment(
        self, comment_id: str, fields: Sequence[bytes | None], held: float | None
    ) -> Comment:
        site, st, r, v, doc, digest, updated, scored, remains, lines = fields
        shard, created = ids.shard_of(comment_id), ids.made_ms(ids.shorten(comment_id))
        scores, verdict = codec.unpack_scored(scored or b"")
        last_verdict, before = codec.unpack_remains(remains or b"")
        if doc is None:  # an edit after the text expired is a text without a verdict
            verdict = verdict or last_verdict
        status = _BY_LETTER[(st or b"").decode()]
        history = tuple(
            self._step(shard, json.loads(line), created)
            for line in _joined(before, lines or b"").splitlines()
        )
        last = from_ms(int(updated)) if updated else history[-1].at if history else from_ms(created)
        return Comment(
            id=comment_id,
            site_id=ids.lengthen(self._text_of(shard, int(site or 0))),
            draft=codec.unpack(doc or b""),
            created_at=from_ms(created),
            status=status,
            revision=int(r or 1),
            version=int(v or 0),
            updated_at=last,
            scores=scores,
            verdict=verdict,
            history=history,
            undo_until=from_ms(int(held)) if held is not None else None,
            text_expired=doc is None and status is not Status.ERASED,
            digest=(digest or b"").hex(),
        )

    def _step(self, shard: int, line: list[Any], created_ms: int) -> Transition:
        """Return the transition that a line of the stored history stands for (lua/comments.lua, ``move``)."""
        letters, by, reason, after, *rest = line
        note, decided_on = (*rest, None, None)[:2]
        return Transition(
            _BY_LETTER[letters[0]],
            _BY_LETTER[letters[1]],
            codec.unpack_actor(self._text_of(shard, by) if isinstance(by, int) else by),
            reason,
            from_ms(created_ms + int(after)),
            note or "",
            decided_on=decided_on,
        )

    def _text_of(self, shard: int, number: int) -> str:
        """Return what stands in comments as *number* (lua/comments.lua, ``number_of``); it never changes."""
        known = self._terms.get((shard, number))
        if known is None:
            known = self._redis.hget(keys.TERMS(shard), f"#{number}").decode()
            self._terms[shard, number] = known
        return known

    def _run(self, function: str, shard: int, *args: Any) -> Any:
        if self._replicas and function in _ACKNOWLEDGED:
            return self._library.confirmed(
                function, shard, *args, replicas=self._replicas, within_ms=_CONFIRM_MS
            )
        return self._library(function, shard, *args)

    def _hash(self, text: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def _look_up(
        self, index: str, site_id: str, digests: Sequence[bytes]
    ) -> list[tuple[bytes, bytes]]:
        """Return those of *digests* that are in a site's *index*, each with what it leads to."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        values = self._run("find", shard, site, index, *digests)
        return [pair for pair in zip(digests, values, strict=True) if pair[1]]

    def indexed_under(self, site_id: str, draft: Draft, now_ms: int) -> tuple[bytes, bytes, bytes]:
        """Return the digests of a draft's external id, e-mail and address; empty for none."""
        return _external(draft), *self._authors(site_id, draft, now_ms)

    def _authors(self, site_id: str, draft: Draft, now_ms: int) -> tuple[bytes, bytes]:
        email, ip = email_form(draft.author.email), address_form(draft.author.ip)
        return self._author_digests(site_id, _period(now_ms), email, ip)

    def _author_digests(
        self, site_id: str, period: int, email: str, ip: str
    ) -> tuple[bytes, bytes]:
        """Return the digests of an e-mail and an address, under the key of a site and a period."""

        def digest(what: str, value: str) -> bytes:
            told = value.strip().lower()
            return self._hash(f"{site_id} {period} {what}:{told}")[:8] if told else b""

        return digest("email", email), digest("ip", ip)

    def _ranked(
        self, key: str, cursor: str | None, count: int, *, rising: bool
    ) -> list[tuple[bytes, float]]:
        """Return (id, score) pairs in order, after *cursor*."""
        if cursor is None:
            return self._redis.zrange(key, 0, count - 1, desc=not rising, withscores=True)  # type: ignore[no-any-return]
        score, short_id = values.ranking(cursor)
        last = short_id.encode()
        found: list[tuple[bytes, float]] = []
        offset = 0
        while len(found) < count:
            rows = self._redis.zrange(
                key,
                score,
                "inf" if rising else "-inf",
                desc=not rising,
                byscore=True,
                offset=offset,
                num=count,
                withscores=True,
            )
            found += [
                (short, rank)
                for short, rank in rows
                if rank != score or (short > last if rising else short < last)
            ]
            offset += count
            if len(rows) < count:
                break
        return found[:count]


def _period(now_ms: int) -> int:
    """Number the times between which the keys of authors' digests change."""
    return now_ms // (AUTHOR_KEY_DAYS * _DAY_MS)


def _external(draft: Draft) -> bytes:
    """Return the eight bytes under which a blog's own id is indexed; none for none."""
    told = draft.external_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).digest()[:8] if told else b""


def _by(scores: Scores | None, via: str = "") -> Actor:
    return machine(scores.model if scores else "", via=via)


def _why(verdict: Verdict) -> str:
    return ",".join(reason.code for reason in verdict.reasons)


def _day(now_ms: int) -> str:
    return _day_of(now_ms // _DAY_MS)


@lru_cache(64)
def _day_of(number: int) -> str:
    return datetime.fromtimestamp(number * _DAY_MS / 1000, UTC).strftime("%Y%m%d")


def _missing(comment_id: str) -> str:
    return f"there is no comment {comment_id[:64]}"


def _joined(*histories: bytes) -> bytes:
    return b"\n".join(history for history in histories if history)


_OF_DECISION = {decision.status: decision for decision in Decision}


def _decisions(comment: Comment, kept: dict[bytes, bytes]) -> Iterator[KeptDecision]:
    """Yield a comment's decisions, each with the text and scores that it was made on.

    Those stand in *kept* if they changed since, else in the comment itself.
    """
    first = comment.version - len(comment.history) + 1
    for version, step in enumerate(comment.history, first):
        if step.decided_on is None:
            continue
        draft, (scores, verdict) = comment.draft, (comment.scores, comment.verdict)
        if (doc := kept.get(f"{version}:d".encode())) is not None:
            draft = codec.unpack(doc)
            scores, verdict = codec.unpack_scored(kept[f"{version}:s".encode()])
        later = comment.history[version - first + 1 :]
        yield KeptDecision(
            comment.id,
            step.decided_on,
            _OF_DECISION[step.new],
            step.by,
            to_ms(step.at),
            step.reason,
            step.note,
            draft=draft,
            scores=scores,
            verdict=verdict,
            undone=bool(later) and later[0].reason == "undo",
        )
