"""Endpoints for operators: /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
import ipaddress
import shutil
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from moderation import __version__
from moderation.comment import Status
from moderation.errors import StorageUnavailable
from moderation.installation import newest_backup
from moderation.store.liveness import ALIVE_MS, Part
from service.auth import refuse
from service.context import WebContext, winnow
from service.front.crowd import Crowd

log = structlog.get_logger(__name__)
bp = Blueprint("ops", __name__)

HEALTHY = {"ok": True}
#: Headers that proxies add to requests.
_FORWARDING = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
#: Methods that metrics have labels for; all others share one, since each label stays in memory.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REGISTRY, _REQUESTS = "winnow_registry", "winnow_requests"


@bp.get("/healthz")
def healthz() -> Response:
    """Answer 200: this process runs."""
    return jsonify(HEALTHY)


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Check each dependency; answer 200 only if a comment would be screened, else 503."""
    context, failing, away = winnow(), {}, False
    asks_storage = _ASK_STORAGE if context.settings.jobs_url else {*_ASK_STORAGE, "jobs"}
    for name, check in _CHECKS.items():
        if away and name in asks_storage:
            failing[name] = "is not known: storage is away"  # a server that hangs takes 5 s to ask
            continue
        try:
            trouble = check(context)
        except Exception as problem:  # noqa: BLE001 - whatever it is, we are not ready
            log.warning("not ready", dependency=name, problem=type(problem).__name__)
            is_storage = isinstance(problem, StorageUnavailable)
            away = away or is_storage
            trouble = str(problem) if is_storage else "does not answer"
        if trouble:
            failing[name] = trouble
    good = [name for name in _CHECKS if name not in failing]
    return jsonify({"ok": good, "failing": failing}), 503 if failing else 200


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics for Prometheus: with the metrics token, or without one to this machine only."""
    token = winnow().settings.metrics_token
    if token:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            refuse(401, "wrong-key", "send WINNOW_METRICS_TOKEN as `Authorization: Bearer <token>`")
    elif not _is_here(request.remote_addr or "") or _came_through_a_proxy():
        refuse(403, "forbidden", "set WINNOW_METRICS_TOKEN to read this from another machine")
    text = generate_latest(current_app.extensions[_REGISTRY])
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def observe(seconds: float, status: int) -> None:
    """Record the duration of a request, by its route's rule and never by its URL."""
    rule = request.url_rule.rule if request.url_rule else "none"
    histogram: Histogram = current_app.extensions[_REQUESTS]
    method = request.method if request.method in _METHODS else "other"
    histogram.labels(method, rule, str(status)).observe(seconds)


def observer(app: Flask, method: str, rule: str, status: str) -> Callable[[float], None]:
    """Return a function that records durations, in seconds, of a method, a route's rule and a status."""
    histogram: Histogram = app.extensions[_REQUESTS]
    return histogram.labels(method, rule, status).observe


def _is_here(address: str) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(known, "ipv4_mapped", None) or known).is_loopback


def _came_through_a_proxy() -> bool:
    """Tell whether a request from this machine's address may be forwarded for a remote client.

    That is so where a proxy says it, and where browsers reach Winnow by another address than it
    listens on while no proxy is named: then one passes on to us and need not say so.
    """
    settings = winnow().settings
    if any(request.headers.get(name) for name in _FORWARDING):
        return True
    if not settings.public_url or settings.trusted_proxies:
        return False
    host = urlsplit(settings.public_url).hostname or ""
    return _is_here(settings.host) and not (host == "localhost" or _is_here(host))


def init_app(app: Flask) -> None:
    """Give *app* its health and metrics."""
    app.register_blueprint(bp)


def serve(app: Flask, context: WebContext) -> None:
    """Count the requests to *app* from 0, and read the other metrics from *context*."""
    registry = CollectorRegistry()
    registry.register(_Counters(context))
    app.extensions[_REGISTRY] = registry
    app.extensions[_REQUESTS] = Histogram(
        "winnow_request_seconds",
        "Time to answer a request of this web process.",
        ["method", "route", "status"],
        registry=registry,
    )


def _storage(context: WebContext) -> str:
    context.redis.ping()
    state: Any = context.redis.info("persistence", "memory", "replication")
    if state.get("loading"):
        return "is loading"
    if state.get("aof_enabled") and state.get("aof_last_write_status") != "ok":
        return "cannot write to its disk"
    counted = state.get("used_memory", 0) - state.get("mem_not_counted_for_evict", 0)
    if 0 < state.get("maxmemory", 0) < counted:
        return "is full: its memory is at its limit, and comments are refused"
    if state.get("role") == "slave":
        return "is a replica: comments are refused"
    return ""


def _jobs(context: WebContext) -> str:
    context.jobs.ping()
    return ""


def _alive(context: WebContext, part: Part) -> int:
    return len(context.liveness.alive(part, since_ms=context.clock.now_ms() - ALIVE_MS))


def _workers(context: WebContext) -> str:
    return "" if _alive(context, Part.SCREENER) else "no screening worker is alive"


def _deliverer(context: WebContext) -> str:
    return "" if _alive(context, Part.DELIVERER) else "no deliverer of webhooks is alive"


def _watchdog(context: WebContext) -> str:
    return "" if _alive(context, Part.WATCHDOG) else "no supervisor's watchdog is alive"


def _model(context: WebContext) -> str:
    return "" if context.model is not None else "is not loaded"


_CHECKS: dict[str, Callable[[WebContext], str]] = {
    "storage": _storage,
    "jobs": _jobs,
    "workers": _workers,
    "deliverer": _deliverer,
    "watchdog": _watchdog,
    "model": _model,
}


#: Those that ask the server where comments are; so does "jobs", where it has none of its own.
_ASK_STORAGE = frozenset({"workers", "deliverer", "watchdog"})


def watch(app: Flask, crowd: Crowd) -> None:
    """Add metrics of the HTTP server's connections."""
    registry: CollectorRegistry = app.extensions[_REGISTRY]
    registry.register(_Connections(crowd))


class _Connections(Collector):
    """The connections of this web process."""

    def __init__(self, crowd: Crowd) -> None:
        """Read from *crowd*."""
        self._crowd = crowd

    def collect(self) -> Iterable[Metric]:
        """Yield the number of connections, and counts of refused or closed ones by cause."""
        yield GaugeMetricFamily(
            "winnow_connections", "Open connections of this web process.", value=len(self._crowd)
        )
        ended = CounterMetricFamily(
            "winnow_refused", "Requests refused and connections ended unserved.", labels=["reason"]
        )
        for reason, number in self._crowd.refused.copy().items():
            ended.add_metric([reason], number)
        yield ended


class _Counters(Collector):
    """Counters of all processes together, read from Redis at each scrape."""

    def __init__(self, context: WebContext) -> None:
        """Read from the adapters of *context*."""
        self._context = context

    def describe(self) -> Iterable[Metric]:
        """Describe nothing, so that registering needs no Redis."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield every counter; without Redis only the one that says so."""
        up = GaugeMetricFamily("winnow_storage_up", "Whether Redis answers.")
        try:
            found = list(self._read())
        except StorageUnavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found

    def _machine(self) -> Iterable[Metric]:
        """Yield the release, the memory and disk space of storage, and the age of the newest backup."""
        build = GaugeMetricFamily("winnow_build_info", "This release.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        redis: Any = self._context.redis
        if self._context.settings.cluster:
            return  # its nodes have their own exporters
        memory = redis.info("memory")
        yield GaugeMetricFamily(
            "winnow_storage_bytes", "Memory that Redis uses.", value=memory["used_memory"]
        )
        yield GaugeMetricFamily(
            "winnow_storage_limit_bytes",
            "Memory that Redis may use; 0 without a limit.",
            value=memory.get("maxmemory", 0),
        )
        settings = self._context.settings
        if settings.redis_url:
            return  # its disk and its backups are another machine's
        yield GaugeMetricFamily(
            "winnow_disk_free_bytes",
            "Free bytes where the data directory lies.",
            value=shutil.disk_usage(settings.data_dir).free,
        )
        if newest := newest_backup(settings.data_dir):
            yield GaugeMetricFamily(
                "winnow_backup_age_seconds", "Age of the newest backup.", value=newest[0]
            )

    def _read(self) -> Iterable[Metric]:
        comments, clock = self._context.comments, self._context.clock
        measured, counts = self._context.metrics.read(), comments.counts()
        yield from self._machine()
        yield CounterMetricFamily(
            "winnow_accepted", "Comments accepted.", value=comments.accepted()
        )
        screened = CounterMetricFamily(
            "winnow_screened", "Verdicts given.", labels=["verdict", "model"]
        )
        for (verdict, model), number in measured.verdicts.items():
            screened.add_metric([verdict, model], number)
        yield screened
        status = GaugeMetricFamily("winnow_comments", "Comments kept.", labels=["status"])
        for name, number in counts.items():
            status.add_metric([name], number)
        yield status
        yield GaugeMetricFamily(
            "winnow_backlog", "Comments waiting for a verdict.", value=counts[Status.PENDING]
        )
        oldest = comments.oldest_pending_ms()
        age = 0 if oldest is None else max(0, clock.now_ms() - oldest) / 1000
        yield GaugeMetricFamily(
            "winnow_oldest_pending_seconds", "Age of the oldest pending comment.", value=age
        )
        total, bounds = 0, []
        for bound, number in measured.batches.items():
            total += number
            bounds.append(("+Inf" if bound == float("inf") else str(bound), total))
        yield HistogramMetricFamily(
            "winnow_screening_seconds",
            "Time to score and judge one batch.",
            buckets=bounds,
            sum_value=measured.batch_seconds,
        )
        alive = GaugeMetricFamily(
            "winnow_processes_alive", "Processes that work, by their part.", labels=["part"]
        )
        for part in Part:
            alive.add_metric([part], _alive(self._context, part))
        yield alive
        accounts = self._context.accounts
        endpoints = [
            endpoint for site in accounts.sites() for endpoint in accounts.endpoints(site.id)
        ]
        broken = [endpoint for endpoint in endpoints if endpoint.disabled_reason]
        yield GaugeMetricFamily(
            "winnow_endpoints_disabled", "Endpoints given up on.", value=len(broken)
        )
        due = self._context.deliveries.due(endpoints, now_ms=clock.now_ms())
        yield GaugeMetricFamily(
            "winnow_deliveries_due", "Deliveries whose time has come.", value=due.count
        )
        yield GaugeMetricFamily(
            "winnow_oldest_due_delivery_seconds",
            "How long the oldest due delivery has waited for a deliverer.",
            value=due.oldest_ms / 1000,
        )
        attempts = CounterMetricFamily(
            "winnow_webhook_attempts", "Attempts at delivering a webhook.", labels=["result"]
        )
        for result, number in measured.attempts.items():
            attempts.add_metric([result], number)
        yield attempts
        learned = CounterMetricFamily(
            "winnow_learning_attempts",
            "Attempts at learning from a site's decisions, by outcome; all but better were refused.",
            labels=["outcome"],
        )
        for outcome, number in measured.learned.items():
            learned.add_metric([outcome], number)
        yield learned
