"""Deliveries in Redis: from a site's event stream to each endpoint that subscribed."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from moderation import ids, values
from moderation.delivery import Delivery, DeliveryState, Due, Leased
from moderation.endpoint import Endpoint
from moderation.errors import NotFound, StorageUnavailable
from moderation.events import WITHDRAWALS, Event, EventType
from moderation.settings import Settings
from moderation.store import keys
from moderation.store.client import Client, storage
from moderation.store.comments import Comments
from moderation.store.library import DELIVERIES_CHANNEL, LISTED, Library
from moderation.store.streams import read_event

_FAN_OUT = 200
_DAY_MS = 86_400_000


class Deliveries:
    """Fans events out, leases due deliveries, and keeps the log."""

    def __init__(self, redis: Client, *, settings: Settings, comments: Comments) -> None:
        """Use *redis*; *comments* has the event streams."""
        self._redis: Any = redis
        self._comments = comments
        self._days = settings.event_days
        self._life = round(settings.event_days * 86_400)
        self._run = Library(redis)
        self._subscription: Any = None

    # -- the deliverer's side --------------------------------------------------------------------

    def eventful_sites(self, shard: int) -> list[str]:
        """Return the sites of *shard* that have events to fan out."""
        found = self._redis.smembers(keys.EVENTFUL(shard))
        return [ids.lengthen(site.decode()) for site in found]

    def fan_out(self, site_id: str, endpoints: Sequence[Endpoint], *, now_ms: int) -> int:
        """Turn a site's next events into deliveries due; return how many events were read.

        An endpoint gets the events that it subscribed to, and the withdrawal of each approval it got.
        Without a subscriber only the last event is kept, for the cursor.
        """
        shard, site = self._comments.shard_of_site(site_id), ids.shorten(site_id)
        key = keys.EVENTS(shard, site)
        cursor = (self._redis.get(keys.FANNED_OUT(shard, site)) or b"0").decode()
        after = f"({cursor}"
        if any(endpoint.enabled for endpoint in endpoints):
            rows = self._redis.xrange(key, after, count=_FAN_OUT)
        else:
            rows = self._redis.xrevrange(key, "+", after, count=1)
        if not rows:
            self._redis.srem(keys.EVENTFUL(shard), site)
            return 0
        events = [read_event(site_id, at.decode(), fields) for at, fields in rows]
        informed = self._informed(shard, events)
        due: list[str] = []
        for event in events:
            short = ids.shorten(event.subject_id)
            for endpoint in endpoints:
                name = ids.shorten(endpoint.id)
                heard = _concerns(event, endpoint)
                withdrawn = event.type in WITHDRAWALS and name in informed[event.subject_id]
                if endpoint.enabled and (heard or withdrawn):
                    due += [name, event.cursor, short, event.type]
                    if event.type is EventType.APPROVED:
                        informed[event.subject_id] += name
        self._run("fan_out", shard, now_ms, site, cursor, events[-1].cursor, self._life, *due)
        return len(events)

    def lease(
        self, shard: int, holder: str, *, most: int, lease_ms: int, now_ms: int
    ) -> list[Leased]:
        """Lease up to *most* deliveries that are due, a few for each endpoint."""
        rows = self._run("lease_deliveries", shard, now_ms, holder, most, lease_ms)
        return [
            Leased(
                lease.decode(),
                shard,
                ids.lengthen(site.decode()),
                ids.lengthen(endpoint.decode()),
                event.decode(),
                int(attempts),
            )
            for lease, site, endpoint, event, attempts in rows
        ]

    def event(self, leased: Leased) -> Event | None:
        """Return the event of a delivery; None when the stream no longer holds it."""
        site = ids.shorten(leased.site_id)
        rows = self._redis.xrange(
            keys.EVENTS(leased.shard, site), min=leased.cursor, max=leased.cursor
        )
        return read_event(leased.site_id, leased.cursor, rows[0][1]) if rows else None

    def finish(
        self,
        leased: Leased,
        state: DeliveryState,
        *,
        next_ms: int = 0,
        attempt: dict[str, Any] | None = None,
        now_ms: int,
    ) -> bool:
        """Write the result of an attempt; False when the lease was gone and nothing was written."""
        packed = json.dumps(attempt, ensure_ascii=False) if attempt else ""
        return bool(
            self._run(
                "finish_delivery",
                leased.shard,
                now_ms,
                leased.lease,
                state,
                next_ms,
                packed,
                self._life,
            )
        )

    def reclaim(self, shard: int, *, holder: str = "", now_ms: int) -> int:
        """Make due again what expired on lease, or what a dead deliverer held."""
        return int(self._run("reclaim_deliveries", shard, now_ms, holder))

    def next_due(self) -> int | None:
        """Return when the next delivery is due or the next lease ends, Unix ms; None for never."""
        pipeline = self._redis.pipeline(transaction=False)
        for shard in self._comments.shards:
            pipeline.zrange(keys.DUE_ENDPOINTS(shard), 0, 0, withscores=True)
            pipeline.zrange(keys.DELIVERY_LEASES(shard), 0, 0, withscores=True)
        return min((int(at) for first in pipeline.execute() for _, at in first), default=None)

    def listen(self, *, seconds: float) -> bool:
        """Wait until there is something new to deliver, or *seconds*; tell whether there may be.

        For one thread. It may have missed what came before its first call and while its connection
        was broken: then the answer is yes. :meth:`hush` ends the wait.
        """
        try:
            with storage():
                if self._subscription is None:
                    self._subscription = self._redis.pubsub()
                    self._subscription.subscribe(DELIVERIES_CHANNEL)
                # A subscription is confirmed by a message, a renewed one too.
                return self._subscription.get_message(timeout=seconds) is not None
        except StorageUnavailable:
            self._subscription = None
            raise

    def hush(self) -> None:
        """End a :meth:`listen` that is under way; for another thread or a signal handler."""
        connection = self._subscription and self._subscription.connection
        wire = connection and connection._sock  # noqa: SLF001 - redis-py has no word for it
        if wire:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def failing_since(self, site_id: str, endpoint_id: str) -> int | None:
        """Return since when every attempt at an endpoint has failed; None when the last did not."""
        shard = self._comments.shard_of_site(site_id)
        stored = self._redis.get(keys.FAILING(shard, ids.shorten(endpoint_id)))
        return int(stored) if stored else None

    def trim(self, site_id: str, endpoints: Sequence[Endpoint], *, now_ms: int) -> int:
        """Drop a site's events that are older than is kept, never past an unfinished delivery."""
        shard, site = self._comments.shard_of_site(site_id), ids.shorten(site_id)
        oldest = f"{max(0, now_ms - round(self._days * _DAY_MS))}-0"
        unfinished = [(self._redis.get(keys.FANNED_OUT(shard, site)) or b"").decode()]
        for endpoint in endpoints:
            name = ids.shorten(endpoint.id)
            waiting = self._redis.zrange(keys.DUE(shard, name), 0, -1)
            sending = self._redis.smembers(keys.IN_FLIGHT(shard, name))
            unfinished += [event.decode() for event in (*waiting, *sending)]
        until = min(
            [oldest, *filter(None, unfinished)], key=partial(values.stream_id, field="after")
        )
        last = self._redis.xrevrange(keys.EVENTS(shard, site), f"({until}", "-", count=1)
        if not last:
            return 0
        self._redis.set(keys.TRIMMED(shard, site), last[0][0])
        return int(self._redis.xtrim(keys.EVENTS(shard, site), minid=until, approximate=False))

    # -- the owner's side ------------------------------------------------------------------------

    def send_test(self, endpoint: Endpoint, *, now_ms: int) -> str:
        """Have a test event sent to an endpoint by the ordinary way; return the delivery's id."""
        return self.announce(endpoint.site_id, EventType.TEST, endpoint.id, now_ms=now_ms)

    def announce(self, site_id: str, event: EventType, subject_id: str, *, now_ms: int) -> str:
        """Put an event that is about no comment on a site's stream; return its cursor.

        Those about comments are written with the change of status that they tell of.
        """
        shard, subject = self._comments.shard_of_site(site_id), ids.shorten(subject_id)
        cursor = self._run("announce", shard, now_ms, ids.shorten(site_id), event, subject)
        return str(cursor.decode())

    def log(
        self,
        endpoint: Endpoint,
        *,
        state: DeliveryState | None = None,
        comment_id: str | None = None,
        limit: int = 50,
    ) -> list[Delivery]:
        """Return an endpoint's deliveries, the newest first; of one state or comment if asked."""
        shard, name = self._comments.shard_of_site(endpoint.site_id), ids.shorten(endpoint.id)
        found: list[Delivery] = []
        start = 0
        while len(found) < limit:
            events = self._redis.zrevrange(keys.DELIVERIES(shard, name), start, start + 199)
            if not events:
                break
            start += len(events)
            pipeline = self._redis.pipeline(transaction=False)
            for event in events:
                pipeline.hgetall(keys.DELIVERY(shard, name, event.decode()))
            read = [
                _delivery(endpoint, event.decode(), stored)
                for event, stored in zip(events, pipeline.execute(), strict=True)
                if stored
            ]
            found += [
                one
                for one in read
                if state in {None, one.state} and comment_id in {None, one.subject_id}
            ]
        return found[:limit]

    def of_event(self, endpoints: Sequence[Endpoint], cursor: str) -> list[Delivery]:
        """Return the result of one event at each of *endpoints* that was to hear it."""
        found = []
        for endpoint in endpoints:
            shard = self._comments.shard_of_site(endpoint.site_id)
            key = keys.DELIVERY(shard, ids.shorten(endpoint.id), cursor)
            if stored := self._redis.hgetall(key):
                found.append(_delivery(endpoint, cursor, stored))
        return found

    def redeliver(self, endpoint: Endpoint, event: str, *, now_ms: int) -> None:
        """Make a finished delivery due again. Raises NotFound."""
        shard = self._comments.shard_of_site(endpoint.site_id)
        done = self._run(
            "redeliver",
            shard,
            now_ms,
            ids.shorten(endpoint.site_id),
            ids.shorten(endpoint.id),
            event,
        )
        if not done:
            raise NotFound("there is no such finished delivery to this endpoint")

    def redeliver_failed(self, endpoint: Endpoint, *, since_ms: int, now_ms: int) -> int:
        """Make every failed delivery since then due again; return how many."""
        failed = self.log(endpoint, state=DeliveryState.FAILED, limit=LISTED)
        wanted = [one for one in failed if int(one.id.partition("-")[0]) >= since_ms]
        for one in wanted:
            self.redeliver(endpoint, one.id, now_ms=now_ms)
        return len(wanted)

    def due(self, endpoints: Sequence[Endpoint], *, now_ms: int) -> Due:
        """Return what waits for a deliverer now: deliveries due or given up by a dead one, and events.

        Of a site's events that were not yet fanned out, a hundred are counted at most.
        """
        waits: list[int] = []
        count = 0
        for shard in self._comments.shards:
            expired = self._redis.zrangebyscore(
                keys.DELIVERY_LEASES(shard), "-inf", now_ms, withscores=True
            )
            count += len(expired)
            waits += [int(at_ms) for _, at_ms in expired]
            listening = {one.site_id for one in endpoints if one.enabled}
            for site_id in listening.intersection(self.eventful_sites(shard)):
                events = self._unheard(shard, ids.shorten(site_id))
                count += len(events)
                waits += [values.stream_id(one.decode(), field="after")[0] for one, _ in events[:1]]
        pipeline = self._redis.pipeline(transaction=False)
        for endpoint in endpoints:
            shard = self._comments.shard_of_site(endpoint.site_id)
            key = keys.DUE(shard, ids.shorten(endpoint.id))
            pipeline.zcount(key, "-inf", now_ms)
            pipeline.zrange(key, 0, 0, withscores=True)
        answers = pipeline.execute() if endpoints else []
        for number, first in zip(answers[::2], answers[1::2], strict=True):
            count += number
            waits += [int(at_ms) for _, at_ms in first if number]
        return Due(count, max(0, now_ms - min(waits, default=now_ms)))

    def _unheard(self, shard: int, site: str) -> list[tuple[bytes, Any]]:
        """Return a site's events that were not fanned out yet, the oldest hundred."""
        cursor = (self._redis.get(keys.FANNED_OUT(shard, site)) or b"0").decode()
        return self._redis.xrange(keys.EVENTS(shard, site), f"({cursor}", count=100)  # type: ignore[no-any-return]

    def waiting(self, endpoint: Endpoint) -> int:
        """Return how many deliveries to an endpoint are due or will be."""
        shard = self._comments.shard_of_site(endpoint.site_id)
        return int(self._redis.zcard(keys.DUE(shard, ids.shorten(endpoint.id))))

    # ------------------------------------------------------------------------------------------

    def _informed(self, shard: int, events: Sequence[Event]) -> dict[str, str]:
        """Return for each comment the endpoints that got its approval, joined."""
        wanted = list(dict.fromkeys(event.subject_id for event in events))
        pipeline = self._redis.pipeline(transaction=False)
        for comment_id in wanted:
            pipeline.hget(keys.COMMENT(shard, ids.shorten(comment_id)), "td")
        return {
            comment_id: (names or b"").decode()
            for comment_id, names in zip(wanted, pipeline.execute(), strict=True)
        }


def _concerns(event: Event, endpoint: Endpoint) -> bool:
    """Tell whether an endpoint asked for an event; a test is for the endpoint it names."""
    if event.type is EventType.TEST:
        return event.subject_id == endpoint.id
    return event.type in endpoint.events


def _delivery(endpoint: Endpoint, event: str, stored: dict[bytes, bytes]) -> Delivery:
    following = stored.get(b"next", b"")
    attempts = [stored.get(b"a%d" % n) for n in range(1, int(stored.get(b"n", 0)) + 1)]
    return Delivery(
        id=event,
        endpoint_id=endpoint.id,
        site_id=endpoint.site_id,
        subject_id=ids.lengthen(stored[b"c"].decode()),
        type=EventType(stored[b"y"].decode()),
        state=DeliveryState(stored[b"st"].decode()),
        next_attempt_at=int(following) if following else None,
        attempts=tuple(json.loads(one) for one in attempts if one),
    )
