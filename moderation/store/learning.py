"""Feedback to learn from, and the heads that were fitted on it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from moderation import ids
from moderation.comment import Decision, Draft
from moderation.errors import Conflict, NotFound
from moderation.feedback import Feedback, FitReport, Progress, Version
from moderation.store import codec, keys
from moderation.store.library import LEARN_LEASE_MS
from moderation.store.liveness import first_to
from moderation.store.queries import Queries, decisions_on

#: Feedback that one round trip brings, without and with its readings.
_PAGE, _PAGE_OF_READINGS = 1000, 500
#: Versions of a site's head that are kept, the latest.
VERSIONS_KEPT = 20
#: What fields of LEARNING begin with: a head, its report, a person who is left out, one vouched for.
_HEAD, _REPORT, _OUT, _IN = "head:", "report:", "out:", "in:"


class Learning(Queries):
    """Keeps feedback and heads; none of it holds a text."""

    # -- feedback

    def feedback(
        self,
        site_id: str,
        *,
        readings: bool = False,
        newest: int | None = None,
        until: int | None = None,
        page: int = 0,
    ) -> Iterator[Feedback]:
        """Yield a site's feedback in the order in which it came; the *newest* of it if given.

        None beyond the place *until*, by default the newest. In pages, so that the memory needed
        is bounded. Comments that are erased meanwhile are left out.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        key = keys.EVIDENT(shard, site)
        # By place: a comment that is decided again moves to the end, and must not hide its neighbour.
        first, last = [] if newest is None else self._redis.zrange(key, -newest, -newest), "-inf"
        if first:
            last = self._redis.zscore(key, first[0]) - 1
        end = self.place(site_id) if until is None else until
        page = page or (_PAGE_OF_READINGS if readings else _PAGE)
        while True:
            rows = self._redis.zrangebyscore(key, f"({last}", end, 0, page, withscores=True)
            yield from self._feedback(shard, site, rows, readings=readings)
            if len(rows) < page:
                return
            last = rows[-1][1]

    def feedback_on(self, site_id: str, comment_ids: Sequence[str]) -> dict[str, Feedback]:
        """Return what people decided on those of *comment_ids* that they decided, by id."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        shorts = [ids.shorten(one).encode() for one in comment_ids]
        places = self._redis.zmscore(keys.EVIDENT(shard, site), shorts) if shorts else []
        rows = [(one, at) for one, at in zip(shorts, places, strict=True) if at is not None]
        return {one.comment_id: one for one in self._feedback(shard, site, rows, readings=False)}

    def _feedback(
        self, shard: int, site: str, rows: Sequence[tuple[bytes, float]], *, readings: bool
    ) -> Iterator[Feedback]:
        if not rows:
            return
        shorts = [short for short, _ in rows]
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hmget(keys.EVIDENCE(shard, site), shorts)
        if readings:
            pipeline.hmget(keys.READINGS(shard, site), shorts)
        evidence, read = (*pipeline.execute(), [b""] * len(shorts))[:2]
        for (short, place), stored, reading in zip(rows, evidence, read, strict=True):
            if stored is not None:
                yield _unpacked(short.decode(), stored, reading or b"", round(place))

    def unread(self, site_id: str, *, size: int) -> tuple[list[Feedback], int]:
        """Return the latest feedback, up to *size*, whose text nobody read, and how much there is."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        shorts = self._redis.zrange(keys.EVIDENT(shard, site), 0, -1, desc=True, withscores=True)
        known = set(self._redis.hkeys(keys.READINGS(shard, site)))
        missing = [row for row in shorts if row[0] not in known]
        return list(self._feedback(shard, site, missing[:size], readings=False)), len(missing)

    def drafts_of(self, feedback: Sequence[Feedback]) -> dict[str, Draft]:
        """Return by id the comments that were decided on, as far as their text is still kept."""
        wanted = {one.comment_id: one.revision for one in feedback}
        comments = self.get_many(list(wanted))
        pipeline = self._redis.pipeline(transaction=False)
        for comment in comments:
            pipeline.hgetall(keys.KEPT(self.shard_of(comment.id), ids.shorten(comment.id)))
        found = {}
        for comment, kept in zip(comments, pipeline.execute() if comments else [], strict=True):
            drafts = [
                one.draft
                for one in decisions_on(comment, kept)
                if one.revision == wanted[comment.id] and one.draft and one.draft.content
            ]
            newest = comment.original_revision or comment.revision
            if newest == wanted[comment.id] and comment.judged.content:
                drafts = [comment.judged]
            if drafts:
                found[comment.id] = drafts[-1]
        return found

    def keep_readings(self, site_id: str, read: Iterable[tuple[Feedback, bytes]]) -> int:
        """Keep readings of texts that were not erased or edited meanwhile; return how many.

        An empty reading says that there is no text to read any more.
        """
        args = [
            part
            for one, reading in read
            for part in (ids.shorten(one.comment_id), one.revision, reading)
        ]
        if not args:
            return 0
        shard = self.shard_of_site(site_id)
        return int(self._run("keep_readings", shard, ids.shorten(site_id), *args))

    def forget_learning(self, site_id: str) -> None:
        """Forget feedback and heads of a removed site."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        kinds = (keys.EVIDENCE, keys.EVIDENT, keys.READINGS, keys.LEARNING, keys.LEARNER)
        self._redis.delete(*(kind(shard, site) for kind in kinds))
        self._redis.zrem(keys.UNLEARNED(shard), site)

    # -- heads

    def progress(self, site_id: str) -> Progress:
        """Return the versions of a site's head, and which one is in use."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        pipeline = self._redis.pipeline(transaction=False)
        key = keys.LEARNING(shard, site)
        pipeline.hgetall(key)
        pipeline.zcard(keys.EVIDENT(shard, site))
        pipeline.zscore(keys.UNLEARNED(shard), site)
        stored, feedback, due = pipeline.execute()
        packed = {name.decode(): value for name, value in stored.items()}
        trail = tuple(map(int, packed.get("trail", b"0").split()))
        numbers = sorted(
            (int(name[len(_REPORT) :]) for name in packed if name.startswith(_REPORT)), reverse=True
        )
        return Progress(
            current=int(packed.get("current", 0)),
            pinned="pinned" in packed,
            trail=trail,
            versions=tuple(
                Version(
                    n, FitReport.from_dict(json.loads(packed[f"{_REPORT}{n}"])), judged=n in trail
                )
                for n in numbers
            ),
            left_out=tuple(sorted(name[len(_OUT) :] for name in packed if name.startswith(_OUT))),
            vouched=tuple(sorted(name[len(_IN) :] for name in packed if name.startswith(_IN))),
            latest=FitReport.from_dict(json.loads(packed["tried"])) if "tried" in packed else None,
            feedback=feedback,
            due=due is not None,
            reader=packed.get("reader", b"").decode(),
            next=int(packed.get("last", 0)) + 1,
        )

    def current_heads(self, site_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of each site's head that judges, 0 for none."""
        wanted = list(dict.fromkeys(site_ids))
        pipeline = self._redis.pipeline(transaction=False)
        for site_id in wanted:
            shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
            pipeline.hget(keys.LEARNING(shard, site), "current")
        found = pipeline.execute() if wanted else []
        return {site_id: int(number or 0) for site_id, number in zip(wanted, found, strict=True)}

    def head(self, site_id: str, number: int) -> bytes | None:
        """Return a head, packed; None for one that is not kept, and for 0."""
        key = keys.LEARNING(self.shard_of_site(site_id), ids.shorten(site_id))
        packed: bytes | None = self._redis.hget(key, f"{_HEAD}{number}")
        return packed

    def keep_head(
        self,
        site_id: str,
        number: int,
        head: bytes,
        made: FitReport,
        *,
        judges: bool,
        against: int,
        place: int,
    ) -> bool:
        """Keep a head as a site's next version; it *judges* unless another one than *against* does.

        Returns whether it judges now. While versions are pinned, it does not. It is of feedback up
        to *place*; if any of that was erased since, it is not kept.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        packed = json.dumps(asdict(made), ensure_ascii=False)
        _, now = self._run(
            "keep_head",
            shard,
            site,
            number,
            head,
            packed,
            int(judges),
            against,
            VERSIONS_KEPT,
            place,
        )
        return bool(now)

    def use_head(
        self, site_id: str, number: int, *, was: Progress, trail: Sequence[int], pinned: bool
    ) -> None:
        """Let version *number* judge, 0 for none. Raises NotFound, and Conflict if *was* is past."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        packed = " ".join(map(str, trail))
        answer = self._run(
            "use_head", shard, site, was.current, number, packed, int(pinned)
        )  # fmt: skip
        if answer == b"missing":
            raise NotFound(f"this site has no version {number}, or not any more")
        if answer == b"stale":
            raise Conflict("another version judges since; nothing was changed")

    def note_attempt(self, site_id: str, attempt: FitReport, number: int | None = None) -> None:
        """Note the result of the latest fit; of version *number* if it made one that is kept."""
        key = keys.LEARNING(self.shard_of_site(site_id), ids.shorten(site_id))
        packed = json.dumps(asdict(attempt), ensure_ascii=False)
        self._redis.hset(key, "tried", packed)
        if number is not None and self._redis.hexists(key, f"{_HEAD}{number}"):
            self._redis.hset(key, f"{_REPORT}{number}", packed)

    def leave_out(self, site_id: str, person: str, *, out: bool, now_ms: int) -> bool:
        """Leave a person's decisions out of learning, or count them unconditionally.

        Returns whether that changed anything; if so the site learns again.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        key, (wanted, other) = keys.LEARNING(shard, site), (_OUT, _IN) if out else (_IN, _OUT)
        pipeline = self._redis.pipeline()
        pipeline.hset(key, f"{wanted}{person}", now_ms)
        pipeline.hdel(key, f"{other}{person}")
        done, _ = pipeline.execute()
        if done:
            self.relearn(site_id, now_ms=now_ms)
        return bool(done)

    def relearn(self, site_id: str, *, now_ms: int) -> None:
        """Have a site learn again although nothing was decided."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        self._run("relearn", shard, now_ms, site)

    def note_reader(self, site_id: str, reader: str) -> None:
        """Note who has read the texts of all feedback."""
        key = keys.LEARNING(self.shard_of_site(site_id), ids.shorten(site_id))
        self._redis.hset(key, "reader", reader)

    # -- whose turn it is to be learned

    def claim_learning(self, shard: int, *, now_ms: int) -> list[str]:
        """Return the sites that are due to be learned; each is due again should that be lost."""
        return [
            ids.lengthen(short.decode())
            for short in self._run("claim_learning", shard, now_ms, LEARN_LEASE_MS)
        ]

    def learned(self, site_id: str, *, place: int, now_ms: int) -> bool:
        """Note that decisions up to *place* are learned; False if more came meanwhile."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        return bool(self._run("learned", shard, now_ms, site, place))

    def place(self, site_id: str) -> int:
        """Return a number that grows with each change of a site's feedback."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        return int(self._redis.hget(keys.LEARNING(shard, site), "place") or 0)

    @contextmanager
    def learner(self, site_id: str) -> Iterator[bool]:
        """Be the only one that learns for a site; yields False where somebody else does."""
        key = keys.LEARNER(self.shard_of_site(site_id), ids.shorten(site_id))
        mine = secrets.token_bytes(8)
        if not first_to(self._redis, key, mine, LEARN_LEASE_MS):
            yield False
            return
        try:
            yield True
        finally:
            if self._redis.get(key) == mine:  # else it lasted longer than the lease
                self._redis.delete(key)

    def renew_learner(self, site_id: str) -> None:
        """Go on learning for a site for as long again."""
        key = keys.LEARNER(self.shard_of_site(site_id), ids.shorten(site_id))
        self._redis.pexpire(key, LEARN_LEASE_MS)


def _unpacked(short: str, stored: bytes, reading: bytes, place: int) -> Feedback:
    line, _, scored = stored.partition(b"\n")
    decision, by, at, revision, spot_check = json.loads(line)
    scores, verdict = codec.unpack_scored(scored)
    return Feedback(
        ids.lengthen(short),
        revision,
        Decision(decision),
        codec.unpack_actor(by),
        at,
        bool(spot_check),
        scores,
        verdict,
        reading,
        place,
    )
