"""What operators read: bounded in size whatever clients send, and theirs alone."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from moderation.comment import Decision
from moderation.dispatch import Jobs
from moderation.store.client import connect
from moderation.store.liveness import Liveness
from service import ops
from service.front import Bounds
from service.front.crowd import Crowd
from tests.support.world import World

TOKEN = "a-token-for-prometheus"


def test_no_text_of_a_client_is_a_label(world: World):
    client = world.client()
    client.get("/healthz")
    for n in range(50):
        client.open(f"/nothing-{n}", method="GET", headers={"Host": f"h{n}.example"})
    before = client.get("/metrics").text
    for n in range(50):
        client.open("/healthz", method=f"INVENTED{n}")
        client.open(f"/no-{n}", method=f"X{n}", headers={"User-Agent": f"a{n}"})
        client.post("/desk/sign-in", data={"name": f"n{n}"}, headers={"Cookie": f"c{n}=1"})
    after = client.get("/metrics").text
    for text in ("INVENTED", "nothing-", "h1.example", "X1", "n1"):
        assert f'"{text}' not in after
    assert len(after.splitlines()) - len(before.splitlines()) < 100
    assert 'method="other"' in after


def test_metrics_are_for_this_machine_unless_a_token_is_set(world: World):
    client = world.client()
    assert client.get("/metrics").status_code == 200
    for address in ("192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "nonsense"):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 403
    for address in ("127.0.0.9", "::1", "::ffff:127.0.0.1"):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
def test_metrics_are_not_for_whom_a_proxy_of_this_machine_speaks_for(world: World, header: str):
    assert world.client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    "public_url, proxies, status",
    [
        ("https://winnow.example", (), 403),
        ("https://winnow.example", ("127.0.0.1",), 200),
        ("http://localhost:8025", (), 200),
        ("http://127.0.0.1:8025", (), 200),
    ],
)
def test_metrics_need_a_token_where_an_unnamed_proxy_must_be(
    world_of: Callable[..., World], public_url: str, proxies: tuple[str, ...], status: int
):
    world = world_of(public_url=public_url, trusted_proxies=proxies)
    assert world.client().get("/metrics").status_code == status


def test_with_a_token_metrics_are_for_whoever_has_it(world_of: Callable[..., World]):
    client = world_of(metrics_token=TOKEN).client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer é"}).status_code == 401
    there = {"REMOTE_ADDR": "192.0.2.1"}
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=good, environ_base=there).status_code == 200


def test_connections_are_told_of_by_reasons_of_ours(world: World):
    crowd = Crowd(Bounds())
    ops.watch(world.app, crowd)
    crowd.refused["late"] += 2
    exposition = world.client().get("/metrics").text
    assert 'winnow_refused_total{reason="late"} 2.0' in exposition
    assert "winnow_connections 0.0" in exposition


def test_what_learning_was_refused_for_is_counted(world: World):
    world.decide("toxicity=0.6 a", Decision.REJECT)
    world.learn()
    for n in range(2):
        world.decide(f"toxicity=0.6 b{n}", Decision.REJECT)
    world.learn()
    exposition = world.client().get("/metrics").text
    assert 'winnow_learning_attempts_total{outcome="too_few"} 1.0' in exposition
    assert 'winnow_learning_attempts_total{outcome="better"} 1.0' in exposition


def test_a_store_that_hangs_is_asked_once_by_the_check_of_readiness(world: World):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        away = connect(f"redis://127.0.0.1:{hanging.getsockname()[1]}", timeout=0.2)
        world.adapters = replace(
            world.adapters, redis=away, liveness=Liveness(away), jobs=Jobs(away)
        )
        answer = world.client().get("/readyz")
        hanging.setblocking(False)
        connections = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                hanging.accept()[0].close()
                connections += 1
    assert (answer.status_code, connections) == (503, 1)
    assert set(answer.json["failing"]) >= {"storage", "jobs", "workers", "deliverer", "watchdog"}


def test_a_store_that_takes_no_comment_is_not_ready(world: World):
    redis = world.adapters.redis

    def storage() -> str:
        return world.client().get("/readyz").json["failing"].get("storage", "")

    assert storage() == ""
    redis.config_set("maxmemory", 1)
    full = storage()
    redis.config_set("maxmemory", 0)
    assert "is full" in full
