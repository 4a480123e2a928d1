"""Comments as they stand, one or many, in every order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from moderation import ids, values
from moderation.comment import (
    EDITED,
    Comment,
    Decision,
    Draft,
    Status,
    Transition,
    from_ms,
    to_ms,
)
from moderation.errors import CursorExpired, NotFound
from moderation.events import Event
from moderation.records import KeptDecision, Order, Page
from moderation.store import codec, keys
from moderation.store.authors import external_digest
from moderation.store.sharded import Sharded, missing
from moderation.store.streams import read_event

_FIELDS = ("s", "st", "r", "v", "d", "g", "u", "sc", "z", "h", "k", "e")
_BY_LETTER = {status[0]: status for status in Status}
_OF_DECISION = {decision.status: decision for decision in Decision}


class Queries(Sharded):
    """Reads comments; changes nothing."""

    def get(self, comment_id: str) -> Comment:
        """Return a comment. Raises NotFound."""
        found = self.get_many([comment_id])
        if not found:
            raise missing(comment_id)
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
        rows = [
            row
            for row in zip(wanted, answers[::2], answers[1::2], strict=True)
            if row[1][0] is not None
        ]
        originals = self._originals([known for known, fields, _ in rows if fields[-1] is not None])
        return [
            replace(comment, original=originals[comment.id]) if comment.id in originals else comment
            for comment in (self._comment(known, fields, held) for known, fields, held in rows)
        ]

    def _originals(self, revised: Sequence[str]) -> dict[str, Draft]:
        """Return what the authors of *revised* comments wrote, as far as it is kept."""
        pipeline = self._redis.pipeline(transaction=False)
        for known in revised:
            pipeline.hget(keys.KEPT(self.shard_of(known), ids.shorten(known)), "o:d")
        docs = pipeline.execute() if revised else []
        return {known: codec.unpack(doc) for known, doc in zip(revised, docs, strict=True) if doc}

    def former(self, comments: Sequence[Comment]) -> dict[str, tuple[Draft, ...]]:
        """Return by id the former revisions of *comments* that are kept with decisions, the latest first."""
        pipeline = self._redis.pipeline(transaction=False)
        for one in comments:
            pipeline.hgetall(keys.KEPT(self.shard_of(one.id), ids.shorten(one.id)))
        kept = pipeline.execute()
        return {one.id: tuple(_former(stored)) for one, stored in zip(comments, kept, strict=True)}

    def find(self, site_id: str, external_id: str) -> Comment:
        """Return the comment that the blog knows as *external_id*. Raises NotFound."""
        digest = external_digest(external_id)
        found = self._look_up("externals", site_id, [digest])
        if not found:
            raise NotFound(f"this site has no comment with external_id {external_id!r}")
        return self.get(ids.lengthen(found[0][1].decode()))

    def find_many(self, site_id: str, external_ids: Sequence[str]) -> dict[str, Comment]:
        """Return those of a site's comments that the blog knows by *external_ids*, by that id."""
        digests = [external_digest(one) for one in external_ids]
        shorts = dict(self._look_up("externals", site_id, digests) if digests else ())
        named = [(name, shorts.get(one)) for name, one in zip(external_ids, digests, strict=True)]
        ids_by_name = {name: ids.lengthen(short.decode()) for name, short in named if short}
        comments = {one.id: one for one in self.get_many(list(ids_by_name.values()))}
        return {name: comments[one] for name, one in ids_by_name.items() if one in comments}

    def queue(
        self,
        site_id: str,
        *,
        order: Order = Order.PRIORITY,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return a page of a site's flagged comments, and of those that are spot-checked.

        The cursor is a score and an id, so that a page neither repeats nor skips comments when
        those before it are decided meanwhile.
        """
        return self.queues([site_id], order=order, cursor=cursor, limit=limit)

    def queues(
        self,
        site_ids: Sequence[str],
        *,
        order: Order = Order.PRIORITY,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return a page of the flagged comments of several sites as one queue; see :meth:`queue`."""
        rows = self._ranked(site_ids, cursor, limit + 1, order=order)
        comments = self.get_many([ids.lengthen(short.decode()) for short, _ in rows[:limit]])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(
            tuple(
                comment
                for comment in comments
                if comment.status is Status.FLAGGED or comment.spot_check
            ),
            f"{last[1]!r}_{last[0].decode()}" if last else None,
        )

    def queue_place(self, comment: Comment, *, order: Order) -> str | None:
        """Return the cursor of the queue after *comment*; None if it does not wait."""
        kind = keys.QUEUE if order is Order.PRIORITY else keys.WAITING
        site, short = ids.shorten(comment.site_id), ids.shorten(comment.id)
        score = self._redis.zscore(kind(self.shard_of_site(comment.site_id), site), short)
        return None if score is None else f"{score!r}_{short}"

    def waiting(self, site_ids: Sequence[str]) -> dict[str, int]:
        """Return how many flagged comments each of *site_ids* has, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for site_id in site_ids:
            pipeline.zcard(keys.WAITING(self.shard_of_site(site_id), ids.shorten(site_id)))
        return dict(zip(site_ids, pipeline.execute() if site_ids else [], strict=True))

    def waiting_since(self, site_id: str, since_ms: int) -> int:
        """Return how many flagged comments of a site came to wait after a time."""
        key = keys.WAITING(self.shard_of_site(site_id), ids.shorten(site_id))
        return int(self._redis.zcount(key, f"({since_ms}", "+inf"))

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
            for decision in reversed(list(decisions_on(comment, stored)))
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
        """Return the counters of each UTC day (YYYY-MM-DD).

        They are accepted, allow, flag, reject (verdicts) and decided:<decision>.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        pipeline = self._redis.pipeline(transaction=False)
        for day in days:
            pipeline.hgetall(keys.DAILY(shard, site, day.replace("-", "")))
        return {
            day: {name.decode(): int(number) for name, number in stored.items()}
            for day, stored in zip(days, pipeline.execute() if days else [], strict=True)
        }

    def oldest_pending_ms(self) -> int | None:
        """Return when the oldest pending comment was accepted, None when none is pending."""
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
        if at == values.LAST_IN_STREAM:  # the greatest possible id: Redis answers with an error
            return []
        rows = self._redis.xrange(key, min=f"({after}", count=limit)
        return [read_event(site_id, cursor.decode(), fields) for cursor, fields in rows]

    def _comment(
        self, comment_id: str, fields: Sequence[bytes | None], held: float | None
    ) -> Comment:
        site, st, r, v, doc, digest, updated, scored, remains, lines, spot_check, own = fields
        shard, created = ids.shard_of(comment_id), ids.made_ms(ids.shorten(comment_id))
        scores, verdict = codec.unpack_scored(scored or b"")
        last_verdict, before = codec.unpack_remains(remains or b"")
        if doc is None:  # an edit after the text expired is a text without a verdict
            verdict = verdict or last_verdict
        status = _BY_LETTER[(st or b"").decode()]
        history = tuple(
            self._step(shard, json.loads(line), created)
            for line in joined_history(before, lines or b"").splitlines()
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
            spot_check=spot_check is not None,
            original_revision=int(own) if own else None,
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

    def _ranked(
        self, site_ids: Sequence[str], cursor: str | None, count: int, *, order: Order
    ) -> list[tuple[bytes, float]]:
        """Return (id, score) pairs of several sites' queues as of one, in order, after *cursor*."""
        rising = order is Order.OLDEST
        score, last = values.ranking(cursor) if cursor else ("", "")
        sought = [int(order is Order.PRIORITY), int(rising), score, last, count]
        calls = [(self.shard_of_site(one), [ids.shorten(one), *sought]) for one in site_ids]
        found = [
            (short, float(rank))
            for rows in self._library.many("ranked", calls)
            for short, rank in zip(rows[::2], rows[1::2], strict=True)
        ]
        return sorted(found, key=lambda row: (row[1], row[0]), reverse=not rising)[:count]


def joined_history(*histories: bytes) -> bytes:
    """Return lines of history as one."""
    return b"\n".join(history for history in histories if history)


def _former(kept: dict[bytes, bytes]) -> Iterator[Draft]:
    """Yield the drafts that stand in *kept* with the version of a decision, the latest first."""
    versions = [name[:-2] for name in kept if name.endswith(b":d") and name[:-2].isdigit()]
    for version in sorted(versions, key=int, reverse=True):
        yield codec.unpack(kept[version + b":d"])


def decisions_on(comment: Comment, kept: dict[bytes, bytes]) -> Iterator[KeptDecision]:
    """Yield a comment's decisions, each with the text and scores that it was made on.

    Those stand in *kept* if they changed since, else in the comment itself.
    """
    first = comment.version - len(comment.history) + 1
    revisions = [step.is_revision for step in comment.history]
    # Of a long history the oldest lines are gone: that of the revision may be.
    changed = comment.original is not None and not any(revisions)
    for version, step in enumerate(comment.history, first):
        if step.is_revision:
            changed = True
        elif step.new is Status.PENDING and step.reason == EDITED:
            changed = False
        if step.decided_on is None:
            continue
        draft, (scores, verdict) = comment.judged, (comment.scores, comment.verdict)
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
            changed=changed,
        )
