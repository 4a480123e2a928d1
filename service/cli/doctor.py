"""``winnow doctor``: what is wrong with this installation, in plain words."""

from __future__ import annotations

import ipaddress
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import click

from moderation.errors import AlreadyRunning, WinnowError
from moderation.settings import Settings
from moderation.store.liveness import ALIVE_MS, Part
from moderation.vault import Vault, secret_path
from moderation.wiring import Adapters
from service.cli.context import (
    answer_all,
    as_json,
    current_model,
    holding,
    plain,
    read_settings,
    storage,
)
from service.cli.up import is_ready, reached_at

_LATE_MS = 60_000
_SKEW_MS = 5_000
_FREE_BYTES = 200_000_000
_MEMORY_SHARE = 0.8


#: What is wrong when nobody does a part.
_LACKING = {
    Part.DELIVERER: "no webhooks are delivered: no deliverer is alive; `python -m worker` runs one",
    Part.WATCHDOG: "no supervisor is alive, so decisions are told to nobody; restart `python -m worker`",
}


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it if it is not well."""

    level: Level
    text: str


def _ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def _warning(text: str) -> Finding:
    return Finding(Level.WARNING, text)


def _wrong(text: str) -> Finding:
    return Finding(Level.WRONG, text)


@click.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Look for what is wrong with this installation; exit status 1 when something is.

    Example: ./winnow doctor
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.echo(f"{finding.level:<8} {plain(finding.text)}")
    if as_json:
        answer_all(
            [{"level": finding.level, "text": finding.text} for finding in findings],
            as_json=True,
            columns={},
            nothing="",
        )
    if any(finding.level is Level.WRONG for finding in findings):
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Yield a finding for each thing looked at; what cannot be looked at is wrong."""
    try:
        settings = read_settings()
    except WinnowError as problem:
        yield _wrong(str(problem))
        return
    yield _ok("the settings can be read")
    for look in (_addresses, _data_directory, _secret, _model):
        yield from _tried(look, settings)
    running = _runs(settings)
    yield from _tried(_web, settings, running)
    try:
        with storage(settings) as adapters:
            yield _ok("Redis answers, and its data is of this version")
            for inspect in (_redis, _clock, _accounts, _backlog, _webhooks):
                yield from _tried(inspect, adapters)
            yield from _tried(_workers, adapters, running)
    except WinnowError as problem:
        yield _wrong(str(problem))


def _tried(look: Callable[..., Iterator[Finding]], *about: Any) -> Iterator[Finding]:
    try:
        yield from look(*about)
    except (WinnowError, OSError) as problem:
        yield _wrong(str(problem))


def _addresses(settings: Settings) -> Iterator[Finding]:
    try:
        exposed = not ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        exposed = settings.host != "localhost"
    if exposed and not settings.public_url:
        yield _wrong(
            f"WINNOW_HOST={settings.host} can be reached from outside, but WINNOW_PUBLIC_URL is not "
            "set, so links cannot be right; set it to the address that browsers use"
        )
    elif exposed and not settings.public_url.startswith("https://"):
        yield _warning(
            f"{settings.public_url} is not https: passwords and keys cross the network in clear"
        )
    else:
        yield _ok(f"the desk is at {settings.url}")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    data = settings.data_dir
    if not data.exists():
        yield _warning(f"{data} does not exist yet; `./winnow up` makes it")
        return
    probe = data / ".doctor"
    probe.touch(mode=0o600)
    probe.unlink()
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o077:
        yield _wrong(f"{data} can be entered by others; run `chmod 700 {data}`")
    else:
        yield _ok(f"{data} can be written to, by nobody else")
    free = shutil.disk_usage(data).free
    if free < _FREE_BYTES:
        yield _wrong(f"only {free // 1_000_000} MB are free where {data} lies")


def _secret(settings: Settings) -> Iterator[Finding]:
    if not settings.secret_key and not secret_path(settings).exists():
        yield _warning("there is no secret key yet; the first start makes one")
        return
    Vault.open(settings)
    yield _ok("the secret key is there, and private")


def _model(settings: Settings) -> Iterator[Finding]:
    try:
        current = current_model(settings)
    except Exception as problem:  # noqa: BLE001 - whatever it is, the person asks why
        yield _wrong(f"the model cannot be loaded: {problem}")
        return
    if current.problem:
        yield _wrong(f"the promoted model cannot be loaded: {current.problem}")
    yield _ok(f"the model is {current().version}")


def _runs(settings: Settings) -> bool:
    """Tell whether `winnow up` runs here."""
    if not settings.data_dir.exists():
        return False
    try:
        with holding(settings.data_dir):
            return False
    except AlreadyRunning:
        return True


def _web(settings: Settings, running: bool) -> Iterator[Finding]:  # noqa: FBT001 - called by name of the check
    if is_ready(settings):
        yield _ok(f"the web server at {reached_at(settings)} is ready")
    elif running:
        yield _wrong(
            f"the web server does not say that it is ready; `curl {reached_at(settings)}/readyz` tells why"
        )
    else:
        yield _wrong("Winnow does not run; `./winnow up` starts it")


def _redis(adapters: Adapters) -> Iterator[Finding]:
    redis: Any = adapters.redis
    persistence, memory = redis.info("persistence"), redis.info("memory")
    if not persistence.get("aof_enabled"):
        yield _wrong(
            "Redis keeps no append-only file, so a restart loses comments; set `appendonly yes`"
        )
    elif persistence.get("aof_last_write_status") != "ok":
        yield _wrong("Redis cannot write its append-only file; look at its disk and its log")
    else:
        yield _ok("Redis writes down what it is told")
    policy = memory.get("maxmemory_policy")
    if policy not in {None, "noeviction"}:
        yield _wrong(
            f"Redis may drop comments to make room: set `maxmemory-policy` to noeviction, not {policy}"
        )
    used, limit = memory["used_memory"], memory.get("maxmemory", 0)
    if limit and used > limit * _MEMORY_SHARE:
        yield _warning(f"Redis uses {used / limit:.0%} of the memory that it may use")


def _clock(adapters: Adapters) -> Iterator[Finding]:
    skew = adapters.clock.now_ms() - round(time.time() * 1000)
    if abs(skew) > _SKEW_MS:
        yield _warning(
            f"the clock of Redis's machine is {skew / 1000:+.0f} s off this one's; run NTP on both"
        )


def _accounts(adapters: Adapters) -> Iterator[Finding]:
    sites = adapters.accounts.sites()
    if not adapters.accounts.moderators():
        yield _wrong("nobody can moderate; `./winnow moderator add NAME --role admin` adds one")
    yield _ok(f"{len(sites)} site{'' if len(sites) == 1 else 's'}")
    for site in sites:
        for endpoint in adapters.accounts.endpoints(site.id):
            if not endpoint.enabled:
                why = endpoint.disabled_reason or "it was switched off"
                yield _warning(f"{site.name}: no webhooks are sent to {endpoint.url}: {why}")
            elif adapters.deliveries.failing_since(site.id, endpoint.id):
                yield _wrong(f"{site.name}: webhooks to {endpoint.url} fail")


def _backlog(adapters: Adapters) -> Iterator[Finding]:
    waiting = adapters.comments.counts().get("pending", 0)
    oldest = adapters.comments.oldest_pending_ms()
    if oldest is not None and adapters.clock.now_ms() - oldest > _LATE_MS:
        yield _wrong(f"{waiting} comments wait for a worker, the oldest for more than a minute")
    else:
        yield _ok(f"{waiting} comments wait for a worker")


def _workers(adapters: Adapters, running: bool) -> Iterator[Finding]:  # noqa: FBT001 - as above
    since = adapters.clock.now_ms() - ALIVE_MS
    alive = {part: len(adapters.liveness.alive(part, since_ms=since)) for part in Part}
    screeners = alive[Part.SCREENER]
    if screeners:
        yield _ok(f"{screeners} screening worker{'' if screeners == 1 else 's'}")
    if not (running or adapters.settings.redis_url):
        return
    if not screeners:
        yield _wrong("no screening worker is alive; `python -m worker` runs some")
    elif running and screeners < adapters.settings.workers:
        yield _warning(
            f"{adapters.settings.workers} screening workers are wanted (WINNOW_WORKERS); a frozen one "
            "is killed and replaced within a minute"
        )
    for part, lacking in _LACKING.items():
        if not alive[part]:
            yield _wrong(lacking)


def _webhooks(adapters: Adapters) -> Iterator[Finding]:
    accounts = adapters.accounts
    endpoints = [one for site in accounts.sites() for one in accounts.endpoints(site.id)]
    due = adapters.deliveries.due(endpoints, now_ms=adapters.clock.now_ms())
    if due.oldest_ms > _LATE_MS:
        yield _wrong(f"{due.count} webhooks are due, the oldest for more than a minute")
    else:
        yield _ok(f"{due.count} webhooks are due")
