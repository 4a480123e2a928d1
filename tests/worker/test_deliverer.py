"""Deliveries: from an approval to a signed webhook, each endpoint at its own pace."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from standardwebhooks import Webhook

from moderation import ids
from moderation.actor import moderator
from moderation.comment import Decision
from moderation.credentials import KeyKind
from moderation.delivery import DeliveryState, Due
from moderation.endpoint import Endpoint, EndpointKind, Secret
from moderation.events import EventType
from moderation.signing import new_secret
from moderation.store import keys
from moderation.store.library import DELIVERIES_CHANNEL
from tests.support.actors import ADA, BLOG
from tests.support.receiver import Receiver, answer
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from tests.support.world import World
from worker.attempt import Attempt
from worker.deliverer import Deliverer, Following, following

DEFAULT = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


def add(world: World, url: str, **fields: object) -> Endpoint:
    endpoint = Endpoint(id="", site_id=world.site.id, url=url, allow_private=True, **fields)
    return world.adapters.accounts.add_endpoint(endpoint, by=moderator("test"), now_ms=1)


def deliver(world: World, **options: object) -> Deliverer:
    """Run the deliverer until nothing is due now or under way."""
    deliverer = Deliverer(world.adapters, jitter=lambda: 0.0, **options)
    wait_until(
        lambda: all(one.done() for one in deliverer._running) and not deliverer.step(),
        message="the deliveries",
    )
    return deliverer


@contextmanager
def waiting(world: World) -> Iterator[Deliverer]:
    """Run a deliverer that has nothing to do and listens."""
    deliverer = Deliverer(world.adapters, jitter=lambda: 0.0)
    thread = threading.Thread(target=deliverer.run)
    thread.start()
    try:
        wait_until(
            lambda: dict(world.adapters.redis.pubsub_numsub(DELIVERIES_CHANNEL)).get(
                DELIVERIES_CHANNEL.encode()
            ),
        )
        yield deliverer
    finally:
        deliverer.stop()
        thread.join(PATIENCE_SECONDS)


def decide(world: World, comment_id: str, decision: Decision) -> None:
    adapters = world.adapters
    adapters.review(comment_id, decision, by=ADA, hold_seconds=0)  # fmt: skip
    adapters.comments.release(0, now_ms=adapters.clock.now_ms() + 1)


def delivered(receiver: Receiver) -> list[str]:
    return [json.loads(one.body)["type"] for one in receiver.requests]


def test_an_approval_reaches_its_endpoint_signed_and_once(world: World, receiver: Receiver):
    endpoint = add(world, receiver.url())
    comment = world.comment("hello")
    deliver(world)
    deliver(world)
    (got,) = receiver.requests
    event = Webhook(endpoint.secrets[0].value).verify(got.body, got.headers)
    assert event["type"] == "comment.approved"
    assert event["data"]["id"] == comment.id
    (logged,) = world.adapters.deliveries.log(endpoint)
    assert (logged.state, logged.attempts[0]["status"]) == (DeliveryState.DELIVERED, 200)


def test_an_endpoint_hears_only_what_it_asked_for(world: World, receiver: Receiver):
    add(world, receiver.url(), events=(EventType.FLAGGED,))
    world.comment("hello")
    world.comment("toxicity=0.6")
    deliver(world)
    assert delivered(receiver) == ["comment.flagged"]


def test_whoever_was_told_of_an_approval_is_told_of_its_withdrawal(
    world: World, receiver: Receiver
):
    """An endpoint that subscribed to approvals alone gets rejection, edit and erasure, too."""
    add(world, receiver.url())
    comment = world.comment("hello")
    never_approved = world.comment("toxicity=0.6")
    deliver(world)
    decide(world, comment.id, Decision.REJECT)
    decide(world, never_approved.id, Decision.SPAM)
    deliver(world)
    assert delivered(receiver) == ["comment.approved", "comment.rejected"]
    adapters = world.adapters
    adapters.erase(comment.id, by=BLOG)
    deliver(world)
    assert delivered(receiver)[-1] == "comment.erased"
    assert b"hello" not in receiver.requests[-1].body


def test_a_payload_holds_nothing_that_was_erased_meanwhile(world: World, receiver: Receiver):
    """It is rendered at each attempt, from the comment as it is then."""
    add(world, receiver.url())
    comment = world.comment("hello secret")
    adapters = world.adapters
    adapters.erase(comment.id, by=BLOG)
    deliver(world)
    # What is sent at once may come in any order.
    assert sorted(delivered(receiver)) == ["comment.approved", "comment.erased"]
    assert not any(b"secret" in one.body for one in receiver.requests)


def test_a_failed_delivery_is_tried_again_under_the_same_id(world: World, receiver: Receiver):
    world.adapters = replace(
        world.adapters, settings=replace(world.adapters.settings, webhook_schedule=(0.01,) * 3)
    )
    receiver.then(answer(500), answer(503))
    endpoint = add(world, receiver.url())
    world.comment("hello")
    deliverer = Deliverer(world.adapters, jitter=lambda: 0.0)

    def third_attempt() -> bool:
        deliverer.step()
        return len(receiver.requests) == 3

    wait_until(third_attempt, message="the third attempt")
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 1
    wait_until(
        lambda: world.adapters.deliveries.log(endpoint)[0].state is DeliveryState.DELIVERED,
        message="success",
    )


def test_a_delivery_that_raises_is_a_failed_attempt_and_stops_no_other(world: World):
    """It is tried again by the schedule and given up at its end; four of them stop no endpoint."""
    patient = replace(world.adapters.settings, webhook_schedule=(600.0,) * 3)
    world.adapters = replace(world.adapters, settings=patient)
    endpoint = add(world, "http://10.0.0.1/")
    world.submit(*[f"comment {n}" for n in range(6)])
    world.screen()

    def breaks(*_: object, **__: object) -> Attempt:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")

    deliver(world, send=breaks)
    log = world.adapters.deliveries.log(endpoint)
    assert [one.state for one in log] == [DeliveryState.DUE] * 6
    assert {len(one.attempts) for one in log} == {1}
    assert log[0].next_attempt_at > world.adapters.clock.now_ms() + 1000
    assert "UnicodeEncodeError" in log[0].attempts[0]["error"]


def test_a_delivery_that_always_raises_is_given_up(world: World):
    hasty = replace(world.adapters.settings, webhook_schedule=(0.0, 0.0))
    world.adapters = replace(world.adapters, settings=hasty)
    endpoint = add(world, "http://10.0.0.1/")
    world.comment("hello")

    def breaks(*_: object, **__: object) -> Attempt:
        raise RuntimeError

    deliver(world, send=breaks)
    (logged,) = world.adapters.deliveries.log(endpoint)
    assert (logged.state, len(logged.attempts)) == (DeliveryState.FAILED, 3)


def test_events_that_cannot_be_read_stop_their_own_site_alone(world: World, receiver: Receiver):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    add(world, receiver.url())
    short = ids.shorten(other.id)
    redis = world.adapters.redis
    redis.xadd(keys.EVENTS(0, short), {"nonsense": "x"})
    redis.sadd(keys.EVENTFUL(0), short)
    world.adapters.accounts.add_endpoint(
        Endpoint("", other.id, "https://a.example"), by=moderator("test"), now_ms=1
    )
    world.comment("hello")
    deliver(world)
    assert delivered(receiver) == ["comment.approved"]


def test_a_lone_surrogate_kept_by_an_older_winnow_is_delivered_mended(
    world: World, receiver: Receiver
):
    add(world, receiver.url())
    world.comment("half \ud83d a pair")
    deliver(world)
    (got,) = receiver.requests
    assert "\ud83d" not in json.loads(got.body)["data"]["comment"]["content"]


def test_an_old_and_a_new_secret_both_sign_until_the_old_one_expires(
    world: World, receiver: Receiver
):
    now = world.adapters.clock.now_ms()
    old, new, dead = (
        Secret(new_secret(), now + 60_000),
        Secret(new_secret()),
        Secret(new_secret(), 1),
    )
    add(world, receiver.url(), secrets=(dead, old, new))
    world.comment("hello")
    deliver(world)
    (got,) = receiver.requests
    for secret in (old, new):
        Webhook(secret.value).verify(got.body, got.headers)
    with pytest.raises(Exception, match="signature"):
        Webhook(dead.value).verify(got.body, got.headers)


def test_410_disables_the_endpoint_and_says_why(world: World, receiver: Receiver):
    receiver.then(answer(410))
    endpoint = add(world, receiver.url())
    world.comment("hello")
    deliver(world)
    kept = world.adapters.accounts.endpoint(endpoint.id)
    assert (kept.enabled, "410" in kept.disabled_reason) == (False, True)


def test_410_of_what_was_is_not_held_against_what_is(world: World):
    """An administrator's edit while the attempt ran stands; no old copy is written over it."""
    accounts = world.adapters.accounts
    endpoint = add(world, "http://10.0.0.1/")
    moved = replace(endpoint, url="https://blog.example/", allow_private=False)
    world.comment("hello")

    def gone(*_: object, **__: object) -> Attempt:
        accounts.save_endpoint(moved, was=endpoint, by=ADA, now_ms=1)
        return Attempt(status=410, error="answered 410 Gone", permanent=True, disable=True)

    deliver(world, send=gone)
    assert accounts.endpoint(endpoint.id) == moved


def test_a_failed_delivery_can_be_redelivered(world: World, receiver: Receiver):
    receiver.then(answer(410))
    endpoint = add(world, receiver.url())
    world.comment("hello")
    deliver(world)
    adapters = world.adapters
    assert adapters.deliveries.log(endpoint)[0].state is DeliveryState.FAILED
    disabled = adapters.accounts.endpoint(endpoint.id)
    enabled = replace(disabled, enabled=True)
    adapters.accounts.save_endpoint(enabled, was=disabled, by=ADA, now_ms=1)
    assert adapters.deliveries.redeliver_failed(endpoint, since_ms=0, now_ms=1) == 1
    deliver(world)
    assert adapters.deliveries.log(endpoint)[0].state is DeliveryState.DELIVERED


def test_a_test_event_reaches_its_endpoint_and_no_other(world: World, receiver: Receiver):
    endpoint = add(world, receiver.url("/one"))
    add(world, receiver.url("/two"))
    world.adapters.deliveries.send_test(endpoint, now_ms=world.adapters.clock.now_ms())
    deliver(world)
    (got,) = receiver.requests
    assert got.path == "/one"
    assert Webhook(endpoint.secrets[0].value).verify(got.body, got.headers)["type"] == "winnow.test"
    assert world.ask("GET", "/v1/events").json["items"] == []


def test_a_rotated_secret_signs_beside_the_old_one(world: World, receiver: Receiver):
    endpoint = add(world, receiver.url())
    fresh = world.ask("POST", f"/v1/endpoints/{endpoint.id}/rotate").json["secret"]
    world.comment("hello")
    deliver(world)
    (got,) = receiver.requests
    for secret in (endpoint.secrets[0].value, fresh):
        Webhook(secret).verify(got.body, got.headers)


def test_the_log_is_read_and_a_delivery_sent_again_through_the_api(
    world: World, receiver: Receiver
):
    endpoint = add(world, receiver.url())
    comment = world.comment("hello")
    deliver(world)
    path = f"/v1/endpoints/{endpoint.id}"
    (logged,) = world.ask("GET", f"{path}/deliveries?state=delivered&comment={comment.id}").json[
        "items"
    ]
    assert world.ask("GET", f"{path}/deliveries?state=failed").json["items"] == []
    again = world.ask("POST", f"{path}/redeliver", {"delivery": logged["id"]})
    assert again.json == {"redelivered": 1}
    deliver(world)
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 1
    assert len(receiver.requests) == 2


def test_a_flood_to_one_endpoint_is_spread_over_seconds(world: World, receiver: Receiver):
    """No more than fifty attempts at one endpoint begin within a second."""
    add(world, receiver.url())
    world.submit(*[f"comment {n}" for n in range(80)])
    world.screen()
    adapters = world.adapters
    endpoints = adapters.accounts.endpoints(world.site.id)
    now = 1_800_000_000_000
    while adapters.deliveries.fan_out(world.site.id, endpoints, now_ms=now):
        pass
    sent = 0
    while leased := adapters.deliveries.lease(0, "a:1", most=32, lease_ms=60_000, now_ms=now):
        for one in leased:
            adapters.deliveries.finish(one, DeliveryState.DELIVERED, now_ms=now)
        sent += len(leased)
    assert sent == 50
    assert adapters.deliveries.lease(0, "a:1", most=32, lease_ms=60_000, now_ms=now + 1000)


def test_what_a_dead_deliverer_held_is_due_again(world: World, receiver: Receiver):
    add(world, receiver.url())
    world.comment("hello")
    adapters = world.adapters
    endpoints = adapters.accounts.endpoints(world.site.id)
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, endpoints, now_ms=now)
    lease = {"most": 5, "lease_ms": 60_000, "now_ms": now}
    assert len(adapters.deliveries.lease(0, "dead:1", **lease)) == 1
    assert adapters.deliveries.lease(0, "other:1", **lease) == []
    assert adapters.deliveries.reclaim(0, holder="dead:1", now_ms=now) == 1
    assert len(adapters.deliveries.lease(0, "other:1", **lease)) == 1


def test_what_is_due_and_for_how_long_is_counted(world: World, receiver: Receiver):
    """Whether it was fanned out, leased by a deliverer that died, or neither."""
    deliveries, endpoint = world.adapters.deliveries, add(world, receiver.url())
    assert deliveries.due([endpoint], now_ms=1) == Due(0, 0)
    world.comment("hello")
    world.comment("another")
    now = world.adapters.clock.now_ms()
    waiting = deliveries.due([endpoint], now_ms=now + 5000)
    assert (waiting.count, 4000 < waiting.oldest_ms < 60_000) == (2, True)
    deliveries.fan_out(world.site.id, [endpoint], now_ms=now)
    assert deliveries.due([endpoint], now_ms=now + 5000) == Due(2, 5000)
    deliveries.lease(0, "dead:1", most=1, lease_ms=1000, now_ms=now)
    assert deliveries.due([endpoint], now_ms=now + 500).count == 1
    assert deliveries.due([endpoint], now_ms=now + 5000).count == 2
    deliveries.reclaim(0, now_ms=now + 5000)
    deliver(world)
    assert deliveries.due([endpoint], now_ms=world.adapters.clock.now_ms()) == Due(0, 0)


def test_a_deliverer_whose_places_are_all_stuck_beats_no_more(world: World):
    """Nothing is delivered, however often its loop goes round."""
    beats = []
    deliverer = Deliverer(world.adapters, pulse=SimpleNamespace(beat=lambda: beats.append(1)))
    deliverer._beat()
    deliverer._running = {Future() for _ in range(32)}
    deliverer._beat()
    assert len(beats) == 2
    deliverer._free_at -= 60
    deliverer._beat()
    assert len(beats) == 2
    deliverer._running.clear()
    deliverer._beat()
    assert len(beats) == 3


def test_a_late_deliverer_writes_nothing(world: World, receiver: Receiver):
    add(world, receiver.url())
    world.comment("hello")
    adapters = world.adapters
    endpoints = adapters.accounts.endpoints(world.site.id)
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, endpoints, now_ms=now)
    (late,) = adapters.deliveries.lease(0, "slow:1", most=5, lease_ms=10, now_ms=now)
    adapters.deliveries.reclaim(0, now_ms=now + 11)
    assert not adapters.deliveries.finish(late, DeliveryState.DELIVERED, now_ms=now + 12)
    assert adapters.deliveries.log(endpoints[0])[0].state is DeliveryState.DUE


def test_four_deliveries_at_most_are_under_way_to_one_endpoint(world: World, receiver: Receiver):
    add(world, receiver.url())
    add(world, receiver.url("/other"))
    world.submit(*[f"comment {n}" for n in range(20)])
    world.screen()
    adapters = world.adapters
    endpoints = adapters.accounts.endpoints(world.site.id)
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, endpoints, now_ms=now)
    leased = adapters.deliveries.lease(0, "a:1", most=32, lease_ms=60_000, now_ms=now)
    counts = {one.id: sum(lease.endpoint_id == one.id for lease in leased) for one in endpoints}
    assert set(counts.values()) == {4}


def test_wordpress_is_told_in_the_words_of_its_akismet_plugin(world: World, receiver: Receiver):
    _, door = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)
    add(world, receiver.url(), kind=EndpointKind.AKISMET, events=tuple(EventType))
    comment = world.comment("hello")
    world.comment("toxicity=0.6 held, of which WordPress must hear nothing")
    deliver(world)
    (got,) = receiver.requests
    assert got.headers["x-akismet-webhook"] == "1"
    assert json.loads(got.body) == {
        "key": door,
        "endpoint": "comment-check",
        "comments": [{"guid": comment.id.replace("-", ""), "result": "false"}],
    }


def test_the_default_schedule_is_the_documented_one():
    """5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; then the delivery has failed."""
    failed = Attempt(status=500, error="answered 500")
    steps = [following(failed, n, DEFAULT, lambda: 0.0) for n in range(1, 11)]
    assert [step.delay_seconds for step in steps[:9]] == list(DEFAULT)
    assert steps[9] == Following(DeliveryState.FAILED)


@pytest.mark.parametrize("asked, delay", [(1, 300), (400, 400), (99_999, 600)])
def test_retry_after_is_obeyed_between_the_plan_and_twice_the_plan(asked: float, delay: float):
    made = Attempt(status=429, error="slow down", slow_down=True, retry_after=asked)
    assert following(made, 2, DEFAULT, lambda: 0.0).delay_seconds == delay


def test_old_events_are_trimmed_but_never_past_an_unfinished_delivery(
    world: World, receiver: Receiver
):
    endpoint = add(world, receiver.url())
    world.comment("hello")
    adapters = world.adapters
    later = adapters.clock.now_ms() + 8 * 86_400_000
    adapters.deliveries.fan_out(world.site.id, [endpoint], now_ms=adapters.clock.now_ms())
    assert adapters.deliveries.trim(world.site.id, [endpoint], now_ms=later) == 0
    deliver(world)
    world.comment("another")
    deliver(world)
    assert adapters.deliveries.trim(world.site.id, [endpoint], now_ms=later) >= 1


def test_a_stop_ends_a_wait(world: World):
    """It listens for ten seconds at a time, and has two less than that to stop in."""
    deliverer = Deliverer(world.adapters)
    thread = threading.Thread(target=deliverer.run)
    thread.start()
    wait_until(
        lambda: world.adapters.redis.pubsub_numsub(DELIVERIES_CHANNEL)[0][1], message="it to listen"
    )
    deliverer.stop()
    thread.join(6)
    assert not thread.is_alive()


def test_a_deliverer_that_waits_hears_of_an_event_at_once(world: World, receiver: Receiver):
    endpoint = add(world, receiver.url())
    with waiting(world):
        world.comment("hello")
        wait_until(lambda: delivered(receiver) == ["comment.approved"], message="the first event")
        wait_until(lambda: world.adapters.deliveries.next_due() is None, message="its end")
        world.adapters.deliveries.send_test(endpoint, now_ms=world.adapters.clock.now_ms())
        wait_until(lambda: len(receiver.requests) == 2, message="the test")


def test_a_deliverer_that_waits_attempts_again_when_it_is_time(world: World, receiver: Receiver):
    settings = replace(world.adapters.settings, webhook_schedule=(0.3,) * 3)
    world.adapters = replace(world.adapters, settings=settings)
    receiver.then(answer(500), answer(503))
    add(world, receiver.url())
    with waiting(world):
        world.comment("hello")
        wait_until(lambda: len(receiver.requests) == 3, message="the third attempt")


def test_a_delivery_asked_for_again_wakes_a_deliverer_that_waits(world: World, receiver: Receiver):
    endpoint = add(world, receiver.url())
    comment = world.comment("hello")
    deliver(world)
    with waiting(world):
        adapters = world.adapters
        (done,) = adapters.deliveries.log(endpoint)
        adapters.deliveries.redeliver(endpoint, done.id, now_ms=adapters.clock.now_ms())
        wait_until(lambda: len(receiver.requests) == 2, message=f"{comment.id} again")


def test_one_sites_slow_receivers_leave_places_for_all_other_sites(world: World):
    """Eight of them, four deliveries at a time each, took all places of a deliverer."""
    adapters, deliveries = world.adapters, world.adapters.deliveries
    now = adapters.clock.now_ms()
    sites = [world.site, *(adapters.accounts.add_site(f"other {n}", now_ms=now) for n in range(2))]
    for site in sites:
        for n in range(8):
            endpoint = Endpoint("", site.id, f"https://slow-{n}.example/")
            adapters.accounts.add_endpoint(endpoint, by=ADA, now_ms=now)
        world.submit(*[f"hello number {n}" for n in range(5)], site=site)
    while adapters.comments.has_work(0):
        world.screen()
    held: Counter[str] = Counter()
    for site in sites:  # one after the other has something to deliver, and nothing ends meanwhile
        endpoints = adapters.accounts.endpoints(site.id)
        deliveries.fan_out(site.id, endpoints, now_ms=now)
        free = 32 - held.total()
        leased = deliveries.lease(0, "a:1", most=free, lease_ms=20_000, now_ms=now)
        held.update(one.site_id for one in leased)
    assert [held[site.id] for site in sites] == [16, 8, 4]
    assert deliveries.lease(0, "b:2", most=32, lease_ms=20_000, now_ms=now)  # has places of its own
