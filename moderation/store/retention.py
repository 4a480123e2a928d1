"""Retention: texts, then comments, that a site keeps no longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from moderation import ids
from moderation.comment import Comment
from moderation.errors import WritesRefused
from moderation.search import words_of
from moderation.store import codec, keys
from moderation.store.queries import Queries, joined_history
from moderation.store.sharded import day_of

_CHUNK = 500
#: Retention counts days: to look at each comment every hour would take hours, with millions.
_LOOK_AGAIN_MS = 20 * 3_600_000


class Purging(Queries):
    """Finds comments that are too old, and forgets them."""

    def forget(self, comment: Comment, *, everything: bool) -> bool:
        """Let go of a comment's text, or of all of it; False when it has changed meanwhile."""
        shard, short, remains = self.shard_of(comment.id), ids.shorten(comment.id), b""
        if not everything:
            before, lines = self._redis.hmget(keys.COMMENT(shard, short), "z", "h")
            _, history = codec.unpack_remains(before or b"")
            remains = codec.pack_remains(comment.verdict, joined_history(history, lines or b""))
        what = "all" if everything else "text"
        words = b"".join(words_of(comment.draft))
        return bool(self._run("forget", shard, short, comment.version, what, words, remains))

    def aged(self, site_id: str, *, before_ms: int, now_ms: int) -> Iterator[Comment]:
        """Yield comments accepted before the UTC day of then, the oldest first.

        Each day's are yielded once in some twenty hours. A day whose comments are all gone is
        forgotten on the way.
        """
        shard, site = self.shard_of_site(site_id), ids.shorten(site_id)
        days = self._redis.zrangebyscore(keys.DAYS(shard, site), "-inf", f"({day_of(before_ms)}")
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
                with suppress(WritesRefused):  # then the day is looked at again
                    self._redis.hset(keys.AGED(shard, site), str(day), now_ms)
            else:
                self._redis.delete(key)
                self._redis.zrem(keys.DAYS(shard, site), day)
                self._redis.hdel(keys.AGED(shard, site), str(day))
