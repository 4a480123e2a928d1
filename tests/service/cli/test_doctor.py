"""doctor: says what is wrong, and nothing is wrong where nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from moderation import ids, wiring
from moderation.actor import moderator
from moderation.comment import Draft
from moderation.site import Endpoint, Role
from moderation.store import keys
from moderation.store.liveness import Part
from tests.support.waiting import wait_until


def findings(run, code: int) -> dict[str, str]:
    """Return what doctor says, text -> level."""
    lines = run("doctor", "--json", code=code).stdout.splitlines()
    return {told["text"]: told["level"] for told in map(json.loads, lines)}


def wrong(run) -> str:
    return "\n".join(text for text, level in findings(run, 1).items() if level == "wrong")


def test_an_empty_installation_is_told_how_to_start(run):
    told = wrong(run)
    assert "`./winnow up` starts it" in told
    assert "nobody can moderate" in told
    assert "no screening worker is alive" in told


def test_a_worker_that_lives_is_seen(run, adapters: wiring.Adapters):
    adapters.redis.zadd(keys.WORKERS(keys.GLOBAL), {"w1": adapters.clock.now_ms()})
    assert findings(run, 1)["1 screening worker"] == "ok"


def test_without_a_deliverer_or_a_watchdog_something_is_wrong(run, adapters: wiring.Adapters):
    now = adapters.clock.now_ms()
    adapters.liveness.beat(Part.SCREENER, "w1", now_ms=now)
    adapters.liveness.beat(Part.DELIVERER, "d1", now_ms=now - 20_000)
    told = wrong(run)
    assert "no deliverer is alive" in told
    assert "no supervisor is alive" in told
    assert "no screening worker" not in told
    adapters.liveness.beat(Part.DELIVERER, "d1", now_ms=now)
    adapters.liveness.beat(Part.WATCHDOG, "x", now_ms=now)
    assert "alive" not in wrong(run)


def test_webhooks_that_nobody_delivers_are_seen(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    made = adapters.accounts.add_endpoint(
        Endpoint("", site.id, "https://blog.example/"), by=moderator("test"), now_ms=1
    )
    long_ago = adapters.clock.now_ms() - 120_000
    adapters.redis.zadd(keys.DUE(0, ids.shorten(made.id)), {f"{long_ago}-0": long_ago})
    assert "1 webhooks are due, the oldest for more than a minute" in wrong(run)


def test_a_stale_backlog_is_seen(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    long_ago = adapters.clock.now_ms() - 120_000
    adapters.comments.accept(site.id, [Draft("late")], backlog=9, now_ms=long_ago)
    assert "more than a minute" in wrong(run)


def test_webhooks_that_fail_are_named(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    for number, change in enumerate([{}, {"enabled": False, "disabled_reason": "it answered 410"}]):
        made = adapters.accounts.add_endpoint(
            Endpoint("", site.id, f"https://blog.example/{number}"), by=moderator("test"), now_ms=1
        )
        adapters.accounts.save_endpoint(
            replace(made, **change), was=made, by=moderator("test"), now_ms=1
        )
        adapters.redis.set(keys.FAILING(0, ids.shorten(made.id)), 1)
    told = findings(run, 1)
    assert told["blog: webhooks to https://blog.example/0 fail"] == "wrong"
    assert "blog: no webhooks are sent to https://blog.example/1: it answered 410" in told


@pytest.mark.parametrize(
    "variable, value, sentence",
    [
        ("WINNOW_PORT", "much", "WINNOW_PORT=much"),
        ("WINNOW_PROT", "1", "unknown setting WINNOW_PROT"),
        ("WINNOW_HOST", "0.0.0.0", "WINNOW_PUBLIC_URL is not set"),
        ("WINNOW_SECRET_KEY", "short", "shorter than 32"),
        ("WINNOW_MODEL", "/nowhere", "the model cannot be loaded"),
        ("WINNOW_REDIS_URL", "unix:///nowhere.sock", "Redis is away"),
        ("WINNOW_SHARDS", "3", "made with WINNOW_SHARDS=1"),
    ],
)
def test_a_wrong_setting_is_named(run, environ, adapters, variable, value, sentence):
    wiring.prepare(adapters)
    environ[variable] = value
    assert sentence in wrong(run)


def test_an_open_data_directory_is_wrong(run, environ):
    run("moderator", "add", "ada", "--role", Role.ADMIN.value)
    Path(environ["WINNOW_DATA_DIR"]).chmod(0o755)
    assert "chmod 700" in wrong(run)


def test_another_secret_key_is_wrong(run, environ):
    run("moderator", "add", "ada")
    (Path(environ["WINNOW_DATA_DIR"]) / "secret.key").unlink()
    assert "another secret key" in wrong(run)


def test_a_redis_that_forgets_is_wrong(run, adapters: wiring.Adapters):
    adapters.redis.config_set("maxmemory-policy", "allkeys-lru")
    adapters.redis.config_set("appendonly", "no")
    try:
        told = wrong(run)
    finally:
        adapters.redis.config_set("maxmemory-policy", "noeviction")
        adapters.redis.config_set("appendonly", "yes")
        # Until the file is written anew, the server would not stop.
        wait_until(lambda: not adapters.redis.info("persistence")["aof_rewrite_in_progress"])
    assert "noeviction" in told
    assert "appendonly yes" in told


def test_a_promoted_model_that_cannot_judge_is_named(run, environ):
    models = Path(environ["WINNOW_DATA_DIR"]) / "models"
    models.mkdir(parents=True, mode=0o700)
    (models / "current").write_text("3f2a9c1b77de\n")
    assert "3f2a9c1b77de" in wrong(run)
