"""Comments by status, author and word: the index and its searches."""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from moderation import ids, values
from moderation.comment import Comment, Status
from moderation.errors import WritesRefused
from moderation.records import Found, Surroundings, Tally
from moderation.search import LIVING, Query, words_of
from moderation.store import codec, keys, near
from moderation.store.queries import Queries

#: Comments that one call of the library adds to an index: together they cost less, some 10 ms.
_INDEXED = 256
#: Comments that are left to gather before a worker adds them, and that it adds at a time, at most.
_MANY, _AT_ONCE = 1024, 4096
#: Time for which one worker has the index to itself while it adds.
_INDEXING_MS = 10_000
#: Comments that a search adds to the index before it looks, at most.
_CAUGHT_UP = 1024
#: Seconds for which it adds some, at most; what is left is said, and added by the next.
_CATCHING_UP_SECONDS = 2.0
#: Comments that one search reads, at most; where it stopped, its cursor goes on.
_READ = 1000
#: Seconds for which one search compares what it reads: a text of 64 KiB takes some 7 ms.
_READING_SECONDS = 1.0
#: Steps of the library that one search takes, at most: some 30 ms of the server, in calls of some 3 ms
#: (lua/search.lua), between which others get their answers.
_STEPS = 100_000
#: Comments that one call of the library names.
_NAMED = 200
#: Comments that one tally counts, at most, unless more are asked for.
TALLIED = 1000
#: Authors of one call; they share its steps.
_STANDING_AT_ONCE = 8
#: Letters of what an author's standing counts apart: approved, and refused.
_STANDINGS = (Status.APPROVED[0], Status.REJECTED[0] + Status.SPAM[0])
_ID_BYTES = 22
_NO_DIGEST = bytes(12)


class Search(Queries):
    """Finds comments; what it adds to the index, no status depends on."""

    def index(
        self,
        site_id: str,
        *,
        most: int = _CAUGHT_UP,
        seconds: float = _CATCHING_UP_SECONDS,
        at_once: int = _INDEXED,
    ) -> int:
        """Add the words of up to *most* comments to a site's index; return how many are left.

        None are added while the store refuses to write.
        No other is begun after *seconds*: one of 64 KiB may take 0.3 s. *at_once* are added by a call
        that nothing else runs beside on the server.
        Several may do so at once: each comment is added once, in the order in which they came.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        (first, numbered), done = self._progress(shard, site), 0
        end = time.monotonic() + seconds
        while first < numbered and done < most:
            try:
                first = self._index(shard, site, first, min(first + at_once, numbered), end)
            except WritesRefused:  # what is indexed can be searched all the same
                break
            done += at_once
            if time.monotonic() >= end:
                break
        return max(0, numbered - first)

    def index_many(self, site_id: str) -> None:
        """Add a site's comments to its index if there are many to add; one process at a time does.

        The more are added at once, the less each costs the server.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        first, numbered = self._progress(shard, site)
        if numbered - first < _MANY:
            return
        key = keys.INDEXING(shard, site)
        if self._redis.set(key, 1, nx=True, px=_INDEXING_MS):
            self.index(site_id, most=_AT_ONCE, seconds=_INDEXING_MS / 2000)
            self._redis.delete(key)

    def _index(self, shard: int, site: str, first: int, end: int, until: float) -> int:
        """Add the words of numbers to the index; return the first number that is not there yet.

        After *until*, by the monotonic clock, only the part that was begun is added.
        """
        shorts = self._numbered(shard, site, first, end)
        pipeline = self._redis.pipeline(transaction=False)
        for short in shorts:
            pipeline.hmget(keys.COMMENT(shard, short), "d", "g")
        digests, numbers = [], defaultdict[bytes, list[int]](list)
        texts = zip(shorts, pipeline.execute(), strict=True)
        for number, (_short, (doc, digest)) in enumerate(texts, first % BLOCK):
            digests.append(digest if doc else _NO_DIGEST)
            for word in words_of(codec.unpack(doc)) if doc else ():
                numbers[word].append(number)
            if time.monotonic() >= until:
                break
        args = [
            part
            for word, found in numbers.items()
            for part in (word, struct.pack(f">{len(found)}H", *found))
        ]
        joined = b"".join(
            short.encode().ljust(_ID_BYTES, b"\0") for short in shorts[: len(digests)]
        )
        return int(self._run("index", shard, site, first, joined, b"".join(digests), *args))

    def search(
        self,
        site_id: str,
        query: Query,
        *,
        now_ms: int,
        cursor: str | None = None,
        limit: int = 50,
        steps: int = _STEPS,
        seconds: float = _READING_SECONDS,
    ) -> Found:
        """Return a page of a site's matching comments, the newest first.

        One search reads 1,000 comments at most, none after *seconds*, and begins no call of the library once those
        before took as many *steps*; a page may be short, and its cursor goes on.
        """
        below = values.whole(cursor, field="cursor", most=2**53) if cursor else None
        if query.id:
            known = [one for one in self.get_many([query.id]) if one.site_id == site_id]
            return Found(tuple(filter(self._fits(query, known), known)), None)
        behind = self.index(site_id) if query.entries() or query.networks or query.some else 0
        items: list[Comment] = []
        looked, taken, want, end = 0, 0, limit + 1, time.monotonic() + seconds
        while looked < _READ and taken < steps:
            asked = min(want, _NAMED)
            pairs, below, took = self._search(site_id, query, below, asked, now_ms)
            known = self.get_many([comment_id for _, comment_id in pairs])
            by_id, fits = {one.id: one for one in known}, self._fits(query, known)
            for place, (number, comment_id) in enumerate(pairs, looked):
                comment = by_id.get(comment_id)
                if place and time.monotonic() >= end:
                    return Found(tuple(items), str(number + 1), behind)
                if comment is None or not fits(comment):
                    continue
                if len(items) == limit:
                    return Found(tuple(items), str(number + 1), behind)
                items.append(comment)
            looked, taken, want = looked + len(pairs), taken + took, _NAMED
            if below is None:
                return Found(tuple(items), None, behind)
        return Found(tuple(items), str(below), behind)

    def _fits(self, query: Query, known: Sequence[Comment]) -> Callable[[Comment], bool]:
        """Return what tells whether one of *known* fits, also by the author of a former revision that is kept."""
        doubtful = [one for one in known if query.by_author and not query.fits_author(one.draft)]
        former = self.former(doubtful) if doubtful else {}
        return lambda one: query.fits(one, former.get(one.id, ()))

    def each_found(
        self, site_id: str, query: Query, *, now_ms: int, most: int = 1_000_000
    ) -> Iterator[Comment]:
        """Yield matching comments, the newest first, *most* at most, page by page."""
        cursor: str | None = None
        while most > 0:
            found = self.search(
                site_id, query, now_ms=now_ms, cursor=cursor, limit=min(most, _NAMED)
            )
            yield from found.items
            most -= len(found.items)
            cursor = found.next
            if cursor is None:
                return

    def by_author(
        self,
        site_id: str,
        *,
        now_ms: int,
        email: str = "",
        ip: str = "",
        user_id: str = "",
        limit: int = 1000,
        before: str | None = None,
        statuses: Sequence[Status] = LIVING,
    ) -> list[Comment]:
        """Return a site's comments by an author's e-mail, address or id, the latest first.

        With *before*, a comment's id, those that came before it.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        authors = self._authors.ever(site_id, email, ip, user_id, now_ms=now_ms)
        if not authors:
            return []
        below: int | None = None
        if before:
            number = self._redis.hget(keys.COMMENT(shard, ids.shorten(before)), "n")
            below = int(number) if number is not None else 0
        found: list[Comment] = []
        while len(found) < limit:
            most = min(limit - len(found), _NAMED)
            reply = self._run(
                "search", shard, site, _letters(statuses), "" if below is None else below, "", most,
                1, "authors", len(authors), *authors,
            )  # fmt: skip
            found += self.get_many([ids.lengthen(short.decode()) for short in reply[3::2]])
            if reply[0] == b"":
                break
            below = int(reply[0])
        return found

    def first_comments(self, comments: Sequence[Comment], *, now_ms: int) -> set[str]:
        """Return which of *comments* are the only one that their site has of their author's e-mail.

        One round trip for all of them; of each author's comments the latest two are looked for.
        """
        writers = [
            (one.site_id, one.draft.author.email) for one in comments if one.draft.author.email
        ]
        calls: dict[tuple[str, str], tuple[int, list[Any]]] = {}
        for site_id, email in dict.fromkeys(writers):
            whos = self._authors.ever(site_id, email, "", now_ms=now_ms)
            found = [ids.shorten(site_id), _letters(LIVING), "", "", 2, 1]
            calls[site_id, email] = (
                self.shard_of_site(site_id),
                [*found, "authors", len(whos), *whos],
            )
        replies = self._library.many("search", list(calls.values()))
        numbers = {writer: len(reply[3::2]) for writer, reply in zip(calls, replies, strict=True)}
        return {
            one.id for one in comments if numbers.get((one.site_id, one.draft.author.email)) == 1
        }

    def surroundings(
        self,
        site_ids: Iterable[str],
        authors: Sequence[tuple[str, str, str]],
        *,
        now_ms: int,
        most: int,
    ) -> Surroundings:
        """Return what is known of sites and authors before comments are judged, by one round trip.

        An author is a site with an e-mail or the blog's own account; up to *most* comments are counted of
        each, among some hundreds of the latest, and among the latest 196,608 of the site (four blocks of its index, the
        last one not full). No comment is read.
        """
        sites = list(dict.fromkeys(site_ids))
        calls: list[tuple[str, int | str, Sequence[Any]]] = [
            ("surroundings", self.shard_of_site(one), [ids.shorten(one)]) for one in sites
        ]
        parts = _parts(authors)
        for site_id, places in parts:
            arguments: list[Any] = [ids.shorten(site_id), *_STANDINGS, most]
            for place in places:
                _, email, user_id = authors[place]
                whos = self._authors.ever(site_id, email, "", user_id, now_ms=now_ms)
                arguments += [len(whos), *whos]
            calls.append(("standings", self.shard_of_site(site_id), arguments))
        replies = self._library.together(calls)
        known = list(zip(sites, replies[: len(sites)], strict=True))
        counts = [(0, 0)] * len(authors)
        for (_, places), reply in zip(parts, replies[len(sites) :], strict=True):
            for place, approved, refused in zip(places, reply[::2], reply[1::2], strict=True):
                counts[place] = approved, refused
        return Surroundings(
            {site_id: near.numbers(entries) for site_id, (entries, _) in known},
            frozenset(site_id for site_id, (_, treats) in known if treats),
            counts,
        )

    def tally(self, site_id: str, query: Query, *, now_ms: int, most: int = TALLIED) -> Tally:
        """Return how many comments would be found, by status; what they say is not read.

        The latest *most* are counted at most, by a call of some 2 ms of the server for each thousand of *most*.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        groups, need = self._groups(site_id, query, now_ms)
        by_letter = {status[0]: status for status in LIVING}
        counts: dict[Status, int] = dict.fromkeys(LIVING, 0)
        rest, sure = b"", query.is_by_index
        for _ in range(max(1, most // TALLIED)):
            left = most - sum(counts.values())
            rest, _steps, is_sure, *counted = self._run(
                "tally", shard, site, _letters(LIVING), rest, "", left, need, *groups
            )  # fmt: skip
            for letter, number in zip(counted[::2], counted[1::2], strict=True):
                counts[by_letter[letter.decode()]] += int(number)
            sure = sure and bool(is_sure)
            if rest == b"" or sum(counts.values()) >= most:
                break
        return Tally(counts, whole=rest == b"", sure=sure)

    def _search(
        self, site_id: str, query: Query, below: int | None, most: int, now_ms: int
    ) -> tuple[list[tuple[int, str]], int | None, int]:
        """Return number and id of candidates, the number to go on below (None at the end), and the steps taken."""
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        groups, need = self._groups(site_id, query, now_ms)
        rest, steps, *found = self._run(
            "search",
            shard,
            site,
            _letters(query.statuses),
            "" if below is None else below,
            "" if query.before is None else query.before,
            most,
            need,
            *groups,
        )
        pairs = [
            (int(number), ids.lengthen(short.decode()))
            for number, short in zip(found[::2], found[1::2], strict=True)
        ]
        return pairs, int(rest) if rest != b"" else None, int(steps)

    def _groups(self, site_id: str, query: Query, now_ms: int) -> tuple[list[Any], int]:
        """Return the groups of a query as the library takes them, and of how many to be in."""
        groups: list[list[bytes]] = [[one] for one in query.entries()]
        if query.networks:
            groups.append(query.of_networks())
        need = len(groups)
        if query.some:
            groups += [[one] for one in query.some]
            need += query.enough
        arguments = [part for group in groups for part in ("words", len(group), *group)]
        if query.by_author:
            authors = self._authors.all_of(
                site_id, query.emails, query.addresses, query.user_ids, now_ms=now_ms
            )
            arguments += ["authors", len(authors), *authors]
            need += 1
        return arguments, need

    def _progress(self, shard: int, site: str) -> tuple[int, int]:
        """Return the first number that is not indexed, and the first that no comment has yet."""
        indexed, numbered = self._redis.hmget(
            keys.COUNTS(shard), f"{site}:indexed", f"{site}:numbered"
        )
        return int(indexed or 0), int(numbered or 0)

    def _numbered(self, shard: int, site: str, first: int, end: int) -> list[str]:
        """Return the short ids of numbers, within the block of the first; '' of one that is gone."""
        block, at = divmod(first, BLOCK)
        end = min(end, (block + 1) * BLOCK)
        stored = self._redis.getrange(
            keys.NUMBERED(shard, site, block), at * _ID_BYTES, (end - block * BLOCK) * _ID_BYTES - 1
        )
        stored = stored.ljust((end - first) * _ID_BYTES, b"\0")
        return [
            stored[at : at + _ID_BYTES].replace(b"\0", b"").decode()
            for at in range(0, len(stored), _ID_BYTES)
        ]


#: Numbers of a block (lua/postings.lua).
BLOCK = 65_536


def _letters(statuses: Sequence[Status]) -> str:
    return "".join(status[0] for status in statuses)


def _parts(authors: Sequence[tuple[str, str, str]]) -> list[tuple[str, list[int]]]:
    """Return the places of each site's authors, in parts that one call counts."""
    places_by_site: dict[str, list[int]] = {}
    for place, (site_id, _, _) in enumerate(authors):
        places_by_site.setdefault(site_id, []).append(place)
    return [
        (site_id, places[at : at + _STANDING_AT_ONCE])
        for site_id, places in places_by_site.items()
        for at in range(0, len(places), _STANDING_AT_ONCE)
    ]
