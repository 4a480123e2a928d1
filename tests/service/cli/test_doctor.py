"""doctor: says what is wrong, and nothing is wrong where nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from moderation import ids, wiring
from moderation.actor import moderator
from moderation.channels import Channel
from moderation.comment import Draft
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.moderators import Role
from moderation.reminders import Subscription, failed
from moderation.store import keys
from moderation.store.liveness import Part
from moderation.treatment import Subject
from tests.support.service import free_port
from tests.support.waiting import wait_until


def findings(run, code: int) -> dict[str, str]:
    """Return what doctor says, text and remedy -> level."""
    lines = run("doctor", "--json", code=code).stdout.splitlines()
    answer = list(map(json.loads, lines))
    for one in answer:
        assert (one["level"] == "ok") == (one["remedy"] == "") or any(
            sign in one["text"]
            for sign in (";", ":")  # an error's own advice
        ), one
    return {f"{one['text']} {one['remedy']}".strip(): one["level"] for one in answer}


def wrong(run) -> str:
    return "\n".join(text for text, level in findings(run, 2).items() if level == "wrong")


def test_an_empty_installation_is_told_how_to_start(run):
    problems = wrong(run)
    assert "`./winnow up` starts it" in problems
    assert "nobody can moderate" in problems
    assert "no screening worker is alive" in problems


def test_a_worker_that_lives_is_seen(run, adapters: wiring.Adapters):
    adapters.redis.zadd(keys.WORKERS(keys.GLOBAL), {"w1": adapters.clock.now_ms()})
    assert findings(run, 2)["1 screening worker"] == "ok"


def test_how_many_moderate_how_many_sites_is_counted(run, adapters: wiring.Adapters):
    adapters.accounts.add_site("blog", now_ms=1)
    adapters.accounts.add_moderator("ada", "a long password", role=Role.ADMIN, sites=(), now_ms=1)
    assert findings(run, 2)["1 moderator, 1 site"] == "ok"


def test_without_a_deliverer_or_a_watchdog_something_is_wrong(run, adapters: wiring.Adapters):
    adapters.liveness.beat(Part.SCREENER, "w1")
    adapters.liveness.beat(Part.DELIVERER, "d1", ago_ms=20_000)
    problems = wrong(run)
    assert "no deliverer is alive" in problems
    assert "no supervisor is alive" in problems
    assert "no screening worker" not in problems
    adapters.liveness.beat(Part.DELIVERER, "d1")
    adapters.liveness.beat(Part.WATCHDOG, "x")
    assert "alive" not in wrong(run)


def test_webhooks_that_nobody_delivers_are_seen(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    made = adapters.accounts.add_endpoint(
        Endpoint("", site.id, "https://blog.example/"), by=moderator("test"), now_ms=1
    )
    long_ago = adapters.clock.now_ms() - 120_000
    adapters.redis.zadd(keys.DUE(0, ids.shorten(made.id)), {f"{long_ago}-0": long_ago})
    assert "1 webhooks are due, the oldest for 2 minutes: no deliverer is alive" in wrong(run)


def test_a_stale_backlog_is_seen(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    long_ago = adapters.clock.now_ms() - 120_000
    adapters.comments.accept(site.id, [Draft("late")], backlog=9, now_ms=long_ago)
    assert "1 comments wait for a worker, the oldest for 2 minutes" in wrong(run)


def test_an_erasure_that_is_not_done_and_a_channel_that_fails_are_seen(
    run, adapters: wiring.Adapters
):
    site = adapters.accounts.add_site("blog", now_ms=1)
    whom = Subject.read("email", "lisa@mail.example")
    one = adapters.erase_person([site.id], whom, by=moderator("test"), seconds=0)
    adapters.accounts.save_erasure(replace(one, begun_at=1))
    adapters.accounts.add_moderator(
        "ada", "correct horse battery", role=Role.ADMIN, sites=[], now_ms=1
    )
    wish = Subscription(channel=Channel.MAIL, address="ada@mail.example")
    kept = adapters.notices.subscribe("ada", wish, now_ms=1)
    adapters.notices.failed("ada", failed(kept, OSError("answered 404"), now_ms=1))
    found = findings(run, 2)
    assert any(f"the erasure {one.id} of a person" in text for text in found)
    assert any("a channel by which ada hears of waiting comments fails" in text for text in found)
    assert "lisa" not in str(found)


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
    levels = findings(run, 2)
    failing, disabled = sorted(
        (text for text in levels if "https://blog.example/" in text),
        key=lambda text: "no web" in text,
    )
    assert (levels[failing], levels[disabled]) == ("wrong", "warning")
    assert "webhooks to blog: https://blog.example/0 fail" in failing
    assert "./winnow endpoint test" in failing
    assert "no webhooks are sent to blog: https://blog.example/1: it answered 410" in disabled


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
    secret = Path(environ["WINNOW_DATA_DIR"]) / "secret.key"
    secret.write_text("another secret of thirty-two characters")
    assert "another secret key" in wrong(run)


def test_a_missing_secret_key_is_not_made_anew(run, environ):
    run("moderator", "add", "ada")
    secret = Path(environ["WINNOW_DATA_DIR"]) / "secret.key"
    secret.unlink()
    assert f"{secret} is not there" in wrong(run)
    assert not secret.exists()


def test_where_nothing_is_doctor_makes_nothing(run, environ, tmp_path):
    del environ["WINNOW_REDIS_URL"]
    environ["WINNOW_DATA_DIR"] = str(tmp_path / "typo")
    assert f"there is no Winnow in {tmp_path / 'typo'}" in wrong(run)
    assert not (tmp_path / "typo").exists()


def test_webhooks_that_fail_are_explained_by_their_last_answer(run, adapters: wiring.Adapters):
    site = adapters.accounts.add_site("blog", now_ms=1)
    made = adapters.accounts.add_endpoint(
        Endpoint("", site.id, "https://blog.example/"), by=moderator("test"), now_ms=1
    )
    adapters.deliveries.send_test(made, now_ms=adapters.clock.now_ms())
    adapters.deliveries.fan_out(site.id, [made], now_ms=adapters.clock.now_ms())
    now = adapters.clock.now_ms()
    (leased,) = adapters.deliveries.lease(0, "d", most=1, lease_ms=9000, now_ms=now)
    attempt = {"at": now, "status": 500, "error": "answered 500 Internal Server Error"}
    adapters.deliveries.finish(
        leased, DeliveryState.DUE, next_ms=now + 60_000, attempt=attempt, now_ms=now
    )
    assert "answered 500 Internal Server Error" in wrong(run)


def test_a_mail_server_that_does_not_answer_is_named(run, environ):
    environ["WINNOW_SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    assert "does not answer (ConnectionRefusedError)" in wrong(run)


def test_a_settings_file_that_others_can_read_must_hold_no_secret(run, environ, tmp_path):
    file = tmp_path / "winnow.env"
    file.write_text("WINNOW_METRICS_TOKEN=0123456789abcdef\n")
    file.chmod(0o644)
    environ["WINNOW_SETTINGS"] = str(file)
    assert f"chmod o-rwx {file}" in wrong(run)
    file.chmod(0o640)  # root's, for the service's group
    assert "chmod o-rwx" not in wrong(run)


def test_a_redis_that_forgets_is_wrong(run, adapters: wiring.Adapters):
    adapters.redis.config_set("maxmemory-policy", "allkeys-lru")
    adapters.redis.config_set("appendonly", "no")
    try:
        problems = wrong(run)
    finally:
        adapters.redis.config_set("maxmemory-policy", "noeviction")
        adapters.redis.config_set("appendonly", "yes")
        # The server does not stop before the file has been rewritten.
        wait_until(lambda: not adapters.redis.info("persistence")["aof_rewrite_in_progress"])
    assert "noeviction" in problems
    assert "appendonly yes" in problems


def test_a_redis_that_is_full_is_diagnosed_and_its_keys_are_measured(
    run, adapters: wiring.Adapters
):
    adapters.redis.config_set("maxmemory", 1)
    try:
        assert "Redis is full" in (problems := wrong(run))
        assert "raise WINNOW_MAXMEMORY" in problems
        assert run("stats").exit_code == 0
    finally:
        adapters.redis.config_set("maxmemory", 0)


def test_a_promoted_model_that_cannot_judge_is_named(run, environ):
    models = Path(environ["WINNOW_DATA_DIR"]) / "models"
    models.mkdir(parents=True, mode=0o700)
    (models / "current").write_text("3f2a9c1b77de\n")
    assert "3f2a9c1b77de" in wrong(run)
