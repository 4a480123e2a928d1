"""What moderators noted of people, addresses, networks and domains, and how a site treats them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from moderation import ids
from moderation.comment import Draft
from moderation.errors import InvalidInput
from moderation.store import keys
from moderation.store.sharded import Sharded
from moderation.treatment import MAX_PEOPLE, PersonRecord, Subject, subjects_of

_PAGE = 1000


class People(Sharded):
    """One record a subject and site; a look-up costs the same however many there are."""

    def person(self, site_id: str, subject: Subject) -> PersonRecord | None:
        """Return what is noted of a subject, None for nothing."""
        stored = self._redis.hget(self._people(site_id), subject.key)
        return PersonRecord.from_dict(subject, json.loads(stored)) if stored else None

    def people(self, site_id: str) -> list[PersonRecord]:
        """Return all records of a site, the latest first."""
        rows = self._redis.hscan_iter(self._people(site_id), count=_PAGE)
        found = [PersonRecord.from_dict(Subject.of(k.decode()), json.loads(v)) for k, v in rows]
        return sorted(found, key=lambda one: -one.at)

    def note_person(self, site_id: str, person: PersonRecord) -> None:
        """Keep a record in the place of an earlier one; one that says nothing is dropped.

        Raises InvalidInput when a site has too many.
        """
        key = self._people(site_id)
        if person.treatment is None and not person.note:
            self._redis.hdel(key, person.subject.key)
            return
        if self._redis.hlen(key) >= MAX_PEOPLE and not self._redis.hexists(key, person.subject.key):
            raise InvalidInput(f"a site treats {MAX_PEOPLE} people, addresses and domains at most")
        packed = json.dumps(person.to_dict(), ensure_ascii=False, separators=(",", ":"))
        self._redis.hset(key, person.subject.key, packed)

    def forget_person(self, site_id: str, subject: Subject) -> bool:
        """Drop a record; tell whether there was one."""
        return bool(self._redis.hdel(self._people(site_id), subject.key))

    def forget_people(self, site_id: str, *, now_ms: int | None = None) -> int:
        """Drop all records of a site; with *now_ms* those that have ended and note nothing."""
        if now_ms is None:
            return int(self._redis.delete(self._people(site_id)))
        ended = [
            one.subject.key
            for one in self.people(site_id)
            if one.until is not None and one.until <= now_ms and not one.note
        ]
        return int(self._redis.hdel(self._people(site_id), *ended)) if ended else 0

    def people_behind(self, drafts: Sequence[tuple[str, Draft]]) -> list[list[PersonRecord]]:
        """Return for each draft of a site the records of its author and of the domains it names."""
        sites = list(dict.fromkeys(site_id for site_id, _ in drafts))
        pipeline = self._redis.pipeline(transaction=False)
        for site_id in sites:
            pipeline.exists(self._people(site_id))
        some = {site for site, there in zip(sites, pipeline.execute(), strict=True) if there}
        asked = [subjects_of(draft) if site in some else [] for site, draft in drafts]
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
