"""The deliverer: fans events out, attempts due deliveries in a bounded pool, writes the results."""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import structlog

from moderation import signing, wiring
from moderation.actor import DELIVERER
from moderation.comment import Comment
from moderation.delivery import DeliveryState, Leased
from moderation.endpoint import Endpoint, EndpointKind
from moderation.errors import Conflict, NotFound, StorageUnavailable
from moderation.events import Event, EventType
from moderation.store.liveness import Part
from worker.attempt import Attempt, attempt
from worker.pulse import Pulse

log = structlog.get_logger(__name__)

_POOL = 32
#: Pause between looks while attempts are under way or an endpoint's pace holds some back.
_BUSY_SECONDS = 0.1
#: Longest wait without a look, for what a deliverer of another host leased and did not finish.
_IDLE_SECONDS = 30.0
#: Longest single wait on the channel, in seconds; bounds how late a heartbeat is.
_LISTEN_SECONDS = 10.0
_OUTAGE_SECONDS = 1.0
#: A delivery on lease for longer than its attempt may take belongs to somebody dead.
_LEASE_SLACK_SECONDS = 5.0
_RECLAIM_SECONDS = 5.0
#: Pause before the events of a site that could not be fanned out are tried again.
_REST_SECONDS = 60.0
#: Share of a retry's delay that is random, so that deliveries that failed together do not return together.
_JITTER = 0.1
_DISABLE_AFTER_MS = 5 * 86_400_000
#: A longer body is sent thin; receivers may refuse more (Standard Webhooks asks for under 20 KB).
LONGEST_BODY = 20_000
WORDPRESS_HEADER = "X-Akismet-Webhook"
#: What WordPress's plugin calls the events that it understands.
_WORDPRESS_RESULTS = {
    EventType.APPROVED: "false",
    EventType.REJECTED: "true",
    EventType.SPAM: "true",
}

Send = Callable[..., Attempt]


@dataclass(frozen=True, slots=True)
class Following:
    """What to do with a delivery after an attempt."""

    state: DeliveryState
    delay_seconds: float = 0.0


def following(
    made: Attempt, attempts: int, schedule: Sequence[float], jitter: Callable[[], float]
) -> Following:
    """Return what follows the attempt number *attempts* (from 1). Pure but for *jitter* (0..1).

    Retry-After is obeyed between the planned delay and twice that: an endpoint may ask for
    patience, not for silence.
    """
    if made.delivered:
        return Following(DeliveryState.DELIVERED)
    if made.permanent or made.disable or attempts > len(schedule):
        return Following(DeliveryState.FAILED)
    planned = schedule[attempts - 1]
    delay = planned * (1 + _JITTER * jitter())
    if made.retry_after is not None:
        delay = min(max(delay, made.retry_after), 2 * planned)
    elif made.slow_down:
        delay = min(delay * 1.5, 2 * planned)
    return Following(DeliveryState.DUE, delay)


class Deliverer:
    """One process's share of the deliveries."""

    def __init__(
        self,
        adapters: wiring.Adapters,
        *,
        send: Send = attempt,
        jitter: Callable[[], float] = random.random,
        pulse: Pulse | None = None,
    ) -> None:
        """Deliver through *send*; *pulse* beats for as long as attempts come to an end."""
        self._adapters = adapters
        self._send = send
        self._jitter = jitter
        self._pulse = pulse
        #: Time of the latest free place (monotonic seconds).
        self._free_at = time.monotonic()
        self._holder = f"{secrets.token_hex(4)}:{os.getpid()}"
        self._pool = ThreadPoolExecutor(_POOL, thread_name_prefix="delivery")
        self._running: set[Future[None]] = set()
        self._stopping = False
        self._next_reclaim = 0.0
        #: Sites whose events could not be fanned out, until when (monotonic seconds).
        self._resting: dict[str, float] = {}

    def run(self) -> None:
        """Deliver until stopped; then let the attempts under way finish, and give back the rest."""
        while not self._stopping:
            self._beat()
            try:
                busy = self.step()
                if self._running:
                    _, self._running = wait(
                        self._running, timeout=_BUSY_SECONDS, return_when=FIRST_COMPLETED
                    )
                elif not busy:
                    self._idle()
            except StorageUnavailable as problem:
                if not self._stopping:  # else it may be the connection that the stop closed
                    log.warning("deliverer waits for Redis", problem=str(problem))
                    time.sleep(_OUTAGE_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._running, timeout=5)
        with contextlib.suppress(StorageUnavailable):
            for shard in self._adapters.comments.shards:
                self._adapters.deliveries.reclaim(
                    shard, holder=self._holder, now_ms=self._adapters.clock.now_ms()
                )

    def _idle(self) -> None:
        """Wait until something new is to be delivered, or the next delivery is due, or it is time to look."""
        due = self._adapters.deliveries.next_due()
        left = _IDLE_SECONDS
        if due is not None:
            left = min(left, max(_BUSY_SECONDS, (due - self._adapters.clock.now_ms()) / 1000))
        ends = time.monotonic() + left
        while not self._stopping and (left := ends - time.monotonic()) > 0:
            if self._adapters.deliveries.listen(seconds=min(left, _LISTEN_SECONDS)):
                return
            self._beat()

    def _beat(self) -> None:
        """Beat, unless every place has been taken for longer than any attempt may take."""
        now = time.monotonic()
        if len(self._running) < _POOL:
            self._free_at = now
        longest = self._adapters.settings.webhook_timeout + 2 * _LEASE_SLACK_SECONDS
        if self._pulse is not None and now - self._free_at < longest:
            self._pulse.beat()

    def stop(self, *_: object) -> None:
        """Stop after the attempts under way; for another thread or a signal handler."""
        self._stopping = True
        self._adapters.deliveries.hush()

    def step(self) -> bool:
        """Fan out new events and start due deliveries; tell whether there were any."""
        adapters, busy = self._adapters, False
        now = adapters.clock.now_ms()
        if time.monotonic() >= self._next_reclaim:
            self._next_reclaim = time.monotonic() + _RECLAIM_SECONDS
            for shard in adapters.comments.shards:
                adapters.deliveries.reclaim(shard, now_ms=now)
        for shard in adapters.comments.shards:
            for site_id in adapters.deliveries.eventful_sites(shard):
                busy |= self._fan_out(site_id, now)
            free = _POOL - len(self._running)
            lease_ms = round((adapters.settings.webhook_timeout + _LEASE_SLACK_SECONDS) * 1000)
            if free > 0:
                for leased in adapters.deliveries.lease(
                    shard, self._holder, most=free, lease_ms=lease_ms, now_ms=now
                ):
                    busy = True
                    self._running.add(self._pool.submit(self._deliver, leased))
        return busy

    def _fan_out(self, site_id: str, now: int) -> bool:
        """Fan out a site's next events; tell whether there were any. One site stops no other."""
        adapters = self._adapters
        if self._resting.get(site_id, 0.0) > time.monotonic():
            return False
        try:
            endpoints = adapters.accounts.endpoints(site_id)
            return adapters.deliveries.fan_out(site_id, endpoints, now_ms=now) > 0
        except StorageUnavailable:
            raise
        except Exception as problem:  # noqa: BLE001 - an event or endpoint that cannot be read
            self._resting[site_id] = time.monotonic() + _REST_SECONDS
            log.error("events are not fanned out", site=site_id, problem=type(problem).__name__)  # noqa: TRY400
            return False

    def _deliver(self, leased: Leased) -> None:
        """Make one attempt and write its result; while Redis is away the lease expires.

        Whatever else is raised is a failed attempt: tried again by the schedule, and at its end
        given up, so that it neither loops nor holds one of the endpoint's places.
        """
        try:
            deliver(leased, self._adapters, send=self._send, jitter=self._jitter)
        except StorageUnavailable as problem:
            log.warning("delivery waits", endpoint=leased.endpoint_id, problem=str(problem))
        except Exception as problem:  # noqa: BLE001 - one delivery must not stop the others
            kind = type(problem).__name__
            log.error("delivery broke", endpoint=leased.endpoint_id, problem=kind)  # noqa: TRY400
            broken = Attempt(error=f"the delivery could not be made ({kind})")
            with contextlib.suppress(StorageUnavailable):
                _finish(leased, broken, self._adapters, self._jitter, self._adapters.clock.now_ms())


def deliver(
    leased: Leased, adapters: wiring.Adapters, *, send: Send, jitter: Callable[[], float]
) -> None:
    """Attempt a leased delivery once, from the comment as it is now, and write the result."""
    deliveries, clock, settings = adapters.deliveries, adapters.clock, adapters.settings
    endpoint, event = _endpoint(leased, adapters), deliveries.event(leased)
    if endpoint is None or event is None or not _means_anything(event, endpoint):
        deliveries.finish(leased, DeliveryState.DROPPED, now_ms=clock.now_ms())
        return
    if not endpoint.enabled:
        record = {"at": clock.now_ms(), "error": "the endpoint is disabled"}
        deliveries.finish(leased, DeliveryState.FAILED, attempt=record, now_ms=clock.now_ms())
        return
    headers, body = _message(event, endpoint, adapters)
    began = clock.now_ms()
    made = send(
        endpoint.url,
        headers,
        body,
        allow_private=endpoint.allow_private,
        timeout_seconds=settings.webhook_timeout,
        custom_headers=endpoint.headers,
    )
    state = _finish(leased, made, adapters, jitter, began)
    log.info(
        "webhook attempted",
        endpoint=endpoint.id,
        webhook=event.id,
        subject=event.subject_id,
        status=made.status,
        state=state,
    )
    _disable_if_dead(endpoint, made, adapters, clock.now_ms())


def _finish(
    leased: Leased,
    made: Attempt,
    adapters: wiring.Adapters,
    jitter: Callable[[], float],
    began_ms: int,
) -> DeliveryState:
    """Write the result of an attempt and when the next one is; return where the delivery stands."""
    then = following(made, leased.attempts + 1, adapters.settings.webhook_schedule, jitter)
    now = adapters.clock.now_ms()
    written = adapters.deliveries.finish(
        leased,
        then.state,
        next_ms=now + round(then.delay_seconds * 1000),
        attempt={
            "at": began_ms,
            "status": made.status,
            "error": made.error,
            "seconds": round(made.duration_seconds, 3),
            "answer": made.response_excerpt,
        },
        now_ms=now,
    )
    if written:
        adapters.metrics.attempted("delivered" if made.delivered else then.state)
    return then.state


def _means_anything(event: Event, endpoint: Endpoint) -> bool:
    """Tell whether an endpoint can be sent an event.

    WordPress's plugin knows spam and ham and nothing between: sent anything about a held comment, it
    would publish or bury it.
    """
    return endpoint.kind is not EndpointKind.AKISMET or event.type in _WORDPRESS_RESULTS


def _endpoint(leased: Leased, adapters: wiring.Adapters) -> Endpoint | None:
    try:
        return adapters.accounts.endpoint(leased.endpoint_id)
    except NotFound:
        return None


def _message(
    event: Event, endpoint: Endpoint, adapters: wiring.Adapters
) -> tuple[dict[str, str], bytes]:
    """Return headers and body: a Standard Webhook, or what WordPress's Akismet plugin takes."""
    try:
        known = event.type.is_of_comment
        comment: Comment | None = adapters.comments.get(event.subject_id) if known else None
    except NotFound:
        comment = None
    reply = adapters.comments.reply_of(event)
    now = adapters.clock.now_ms()
    if endpoint.kind is EndpointKind.AKISMET:
        body = wordpress_body(
            event, adapters.accounts.door_key_text(endpoint.site_id, now_ms=now) or ""
        )
        return {"Content-Type": "application/json", WORDPRESS_HEADER: "1"}, body
    body = _json(event.payload(comment, full=endpoint.full_payload, reply=reply))
    if len(body) > LONGEST_BODY:
        body = _json(event.payload(comment, full=False, reply=reply))
    secrets_ = [
        secret.value
        for secret in endpoint.secrets
        if secret.expires_at is None or secret.expires_at > now
    ]
    signed = signing.headers(secrets_, event.id, now // 1000, body)
    return {"Content-Type": "application/json", **signed}, body


def wordpress_body(event: Event, key: str) -> bytes:
    """Return what WordPress's Akismet plugin takes at ``/wp-json/akismet/v1/webhook``."""
    entry = {
        "guid": event.subject_id.replace("-", ""),
        "result": _WORDPRESS_RESULTS[event.type],
    }
    return _json({"key": key, "endpoint": "comment-check", "comments": [entry]})


def _disable_if_dead(
    endpoint: Endpoint, made: Attempt, adapters: wiring.Adapters, now_ms: int
) -> None:
    """Disable an endpoint that is gone (410) or has failed for days on end."""
    since = adapters.deliveries.failing_since(endpoint.site_id, endpoint.id)
    if made.disable:
        reason = "the receiver answered 410 Gone"
    elif not made.delivered and since is not None and now_ms - since > _DISABLE_AFTER_MS:
        reason = "every attempt of the last five days failed"
    else:
        return
    disabled = replace(endpoint, enabled=False, disabled_reason=reason, failing_since=since)
    try:
        adapters.accounts.save_endpoint(disabled, was=endpoint, by=DELIVERER, now_ms=now_ms)
    except (Conflict, NotFound):
        return  # changed or removed while the attempt ran: its present form did not fail
    log.warning("endpoint disabled", endpoint=endpoint.id, reason=reason)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def run(adapters: wiring.Adapters, *, part: Part, name: str) -> None:
    """Deliver until SIGTERM, with heartbeats under *name*."""
    pulse = Pulse(part, name, liveness=adapters.liveness)
    deliverer = Deliverer(adapters, pulse=pulse)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, deliverer.stop)
    deliverer.run()
