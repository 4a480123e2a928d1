"""Records of people, addresses, networks and domains: a moderator's note, and the site's treatment."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from moderation import ids, values
from moderation.comment import Draft
from moderation.errors import InvalidInput
from moderation.store import keys
from moderation.store.sharded import Sharded
from moderation.treatment import MAX_PEOPLE, PersonRecord, Subject, subjects_of

_PAGE = 1000


class People(Sharded):
    """One record a subject and site; a look-up, and a page of all, cost the same however many there are."""

    def person(self, site_id: str, subject: Subject) -> PersonRecord | None:
        """Return the record of a subject, None if there is none."""
        stored = self._redis.hget(self._people(site_id), subject.key)
        return PersonRecord.from_dict(subject, json.loads(stored)) if stored else None

    def people(
        self, site_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[PersonRecord], str | None]:
        """Return a page of a site's records, the latest first, and the cursor of the next one."""
        key, latest = self._people(site_id), self._latest(site_id)
        if self._redis.hlen(key) != self._redis.zcard(latest):
            self._index_people(site_id)
        score, _, last = (cursor or "").partition(" ")
        above = values.whole(score, field="cursor", most=2**53) if score else 2**53
        rows = self._below(latest, above, last.encode(), limit + 1)
        names = [name for name, _ in rows[:limit]]
        stored = self._redis.hmget(key, names) if names else []
        found = [
            PersonRecord.from_dict(Subject.of(name.decode()), json.loads(one))
            for name, one in zip(names, stored, strict=True)
            if one
        ]
        end = rows[limit - 1] if len(rows) > limit else None
        return found, f"{int(end[1])} {end[0].decode()}" if end else None

    def note_person(self, site_id: str, person: PersonRecord) -> None:
        """Keep a record in the place of an earlier one; one that says nothing is dropped.

        Raises InvalidInput when a site has too many.
        """
        key, name = self._people(site_id), person.subject.key
        if person.treatment is None and not person.note:
            self.forget_person(site_id, person.subject)
            return
        if self._redis.hlen(key) >= MAX_PEOPLE and not self._redis.hexists(key, name):
            raise InvalidInput(f"a site treats {MAX_PEOPLE} people, addresses and domains at most")
        packed = json.dumps(person.to_dict(), ensure_ascii=False, separators=(",", ":"))
        with self._redis.pipeline(transaction=True) as both:
            both.hset(key, name, packed)
            both.zadd(self._latest(site_id), {name: person.at})
            if person.until is None:
                both.zrem(self._ends(site_id), name)
            else:
                both.zadd(self._ends(site_id), {name: person.until})
            both.execute()

    def forget_person(self, site_id: str, subject: Subject) -> bool:
        """Drop a record; tell whether there was one."""
        return bool(self._forget(site_id, [subject.key.encode()]))

    def forget_people(self, site_id: str, *, now_ms: int | None = None) -> int:
        """Drop all records of a site; with *now_ms* those that have ended and note nothing."""
        key, ends = self._people(site_id), self._ends(site_id)
        if now_ms is None:
            return int(self._redis.delete(key, self._latest(site_id), ends))
        dropped = 0
        while names := self._redis.zrange(ends, "-inf", now_ms, byscore=True, offset=0, num=_PAGE):
            stored = dict(zip(names, self._redis.hmget(key, names), strict=True))
            bare = [name for name, one in stored.items() if one and not json.loads(one)["note"]]
            dropped += self._forget(site_id, bare) if bare else 0
            self._redis.zrem(ends, *names)  # a note stays, and nothing of it ends any more
        return dropped

    def _forget(self, site_id: str, names: Sequence[bytes]) -> int:
        with self._redis.pipeline(transaction=True) as all_three:
            all_three.hdel(self._people(site_id), *names)
            all_three.zrem(self._latest(site_id), *names)
            all_three.zrem(self._ends(site_id), *names)
            return int(all_three.execute()[0])

    def _index_people(self, site_id: str) -> None:
        """Build both orders of a site's records again, for records that are older than the orders."""
        latest, ends = self._latest(site_id), self._ends(site_id)
        known = {}
        for name, one in self._redis.hscan_iter(self._people(site_id), count=_PAGE):
            record = known[name] = json.loads(one)
            self._redis.zadd(latest, {name: record["at"]})
            if record["until"] is not None:
                self._redis.zadd(ends, {name: record["until"]})
        gone = [name for name in self._redis.zrange(latest, 0, -1) if name not in known]
        if gone:
            self._redis.zrem(latest, *gone)

    def people_behind(
        self, drafts: Sequence[tuple[str, Draft]], *, treating: Collection[str] | None = None
    ) -> list[list[PersonRecord]]:
        """Return for each draft of a site the records of its author and of the domains it names.

        Only sites of *treating* are asked, those that have any records (None: each is).
        """
        pipeline = self._redis.pipeline(transaction=False)
        asked = [
            subjects_of(draft) if treating is None or site in treating else []
            for site, draft in drafts
        ]
        for (site_id, _), subjects in zip(drafts, asked, strict=True):
            if subjects:
                pipeline.hmget(self._people(site_id), [one.key for one in subjects])
        answers = iter(pipeline.execute() if any(asked) else [])
        return [
            [
                PersonRecord.from_dict(subject, json.loads(stored))
                for subject, stored in zip(subjects, next(answers), strict=True)
                if stored
            ]
            if subjects
            else []
            for subjects in asked
        ]

    def whom(self, subject: Subject) -> str:
        """Return the keyed hash by which a receipt names a subject."""
        return self._authors.whom(subject.key)

    def _people(self, site_id: str) -> str:
        return keys.PEOPLE(self.shard_of_site(site_id), ids.shorten(site_id))

    def _below(self, key: str, score: int, last: bytes, count: int) -> list[tuple[bytes, float]]:
        """Return members of a sorted set and their scores, the highest first, after a score and member."""
        found: list[tuple[bytes, float]] = []
        offset, more = 0, True
        while more and len(found) < count:
            rows = self._redis.zrange(
                key, score, "-inf", desc=True, byscore=True,
                offset=offset, num=count, withscores=True,
            )  # fmt: skip
            found += [(name, rank) for name, rank in rows if rank != score or name < last]
            offset, more = offset + count, len(rows) == count
        return found[:count]

    def _latest(self, site_id: str) -> str:
        return keys.PEOPLE_LATEST(self.shard_of_site(site_id), ids.shorten(site_id))

    def _ends(self, site_id: str) -> str:
        return keys.PEOPLE_ENDS(self.shard_of_site(site_id), ids.shorten(site_id))
