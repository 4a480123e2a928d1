"""The checks of ``winnow doctor``: each yields findings with a remedy."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import smtplib
import socket
import ssl
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from moderation.addresses import Target, check_url, refusal_reason
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.installation import Installation, has_data, newest_backup
from moderation.settings import VARIABLES
from moderation.site import Site
from moderation.store.liveness import ALIVE_MS, Part
from moderation.vault import Vault, secret_path
from moderation.wiring import Adapters
from service.cli.base import current_model
from service.cli.up import is_ready, reached_at

_LONGEST_ERASURE_MINUTES = 60
_LATE_MS = 60_000
_SKEW_MS = 5_000
_FREE_BYTES = 200_000_000
_MEMORY_SHARE = 0.8
_BACKUP_DAYS = 7
_CERTIFICATE_DAYS = 14
_CONNECT_SECONDS = 3.0
_PORTS = {"smtp": 587, "smtps": 465}


class Level(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Check(StrEnum):
    """Names of the checks, in their order; monitoring may rely on them."""

    SETTINGS = "settings"
    ADDRESS = "address"
    DATA = "data"
    DISK = "disk"
    SECRET = "secret"  # noqa: S105 - the name of a check
    BACKUP = "backup"
    MODEL = "model"
    MAIL = "mail"
    STORAGE = "storage"
    MEMORY = "memory"
    CLOCK = "clock"
    MODERATORS = "moderators"
    ENDPOINTS = "endpoints"
    CERTIFICATES = "certificates"
    BACKLOG = "backlog"
    DELIVERIES = "deliveries"
    WORKERS = "workers"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check; the remedy is empty where nothing has to be done."""

    check: Check
    level: Level
    text: str
    remedy: str


def _ok(check: Check, text: str) -> Finding:
    return Finding(check, Level.OK, text, "")


def _warning(check: Check, text: str, remedy: str) -> Finding:
    return Finding(check, Level.WARNING, text, remedy)


def _wrong(check: Check, text: str, remedy: str) -> Finding:
    return Finding(check, Level.WRONG, text, remedy)


# -- what can be looked at without storage -----------------------------------------------------------


def settings(here: Installation) -> Iterator[Finding]:
    """Check the settings, and the permissions of their file."""
    python = ".".join(map(str, sys.version_info[:3]))
    where = str(here.file) if here.file else "the environment alone"
    yield _ok(Check.SETTINGS, f"they are read from {where}; Python {python}")
    secrets = {variable.name for variable in VARIABLES if variable.secret} & here.from_file
    if here.file and secrets and here.file.stat().st_mode & 0o007:
        yield _wrong(
            Check.SETTINGS,
            f"{here.file} holds {', '.join(sorted(secrets))} and can be read by everybody",
            f"run `chmod o-rwx {here.file}`",
        )


def address(here: Installation) -> Iterator[Finding]:
    """Check that WINNOW_PUBLIC_URL is set, and uses https, where other machines can reach the desk."""
    settings = here.settings
    try:
        exposed = not ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        exposed = settings.host != "localhost"
    if exposed and not settings.public_url:
        yield _wrong(
            Check.ADDRESS,
            f"WINNOW_HOST={settings.host} can be reached from outside, but WINNOW_PUBLIC_URL is not "
            "set, so links cannot be right",
            "set WINNOW_PUBLIC_URL to the address that browsers use",
        )
    elif exposed and not settings.public_url.startswith("https://"):
        yield _warning(
            Check.ADDRESS,
            f"{settings.public_url} is not https: passwords and keys cross the network in clear",
            "let a proxy speak TLS, and set WINNOW_PUBLIC_URL to its https address",
        )
    else:
        yield _ok(Check.ADDRESS, f"the desk is at {settings.url}")


def data(here: Installation) -> Iterator[Finding]:
    """Check that the data directory exists, is private and writable, and that its disk has room."""
    directory = here.data
    if not directory.exists():
        if here.settings.redis_url:
            return
        yield _wrong(
            Check.DATA,
            f"{directory} (named by {here.named_by}) does not exist",
            "set WINNOW_DATA_DIR to the directory of your installation, or make one: `./winnow up`",
        )
        return
    probe = directory / ".doctor"
    probe.touch(mode=0o600)
    probe.unlink()
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & 0o077:
        yield _wrong(
            Check.DATA, f"{directory} can be entered by others", f"run `chmod 700 {directory}`"
        )
    else:
        yield _ok(
            Check.DATA, f"{directory} (named by {here.named_by}) can be written to, by nobody else"
        )
    free = shutil.disk_usage(directory).free
    if free < _FREE_BYTES:
        yield _wrong(
            Check.DISK,
            f"only {free // 1_000_000} MB are free where {directory} lies",
            "free some space; Winnow refuses comments when the disk is full",
        )
    else:
        yield _ok(Check.DISK, f"{free // 1_000_000:,} MB are free where {directory} lies")


def secret(here: Installation) -> Iterator[Finding]:
    """Check that the secret key exists, is long enough and private."""
    path = secret_path(here.settings)
    if not here.settings.secret_key and not path.exists():
        if has_data(here.data):
            yield _wrong(
                Check.SECRET,
                f"{path} is missing, and the data cannot be read without it",
                "bring it back from a backup",
            )
        return
    Vault.open(here.settings, fresh=False)
    where = "WINNOW_SECRET_KEY" if here.settings.secret_key else str(path)
    yield _ok(Check.SECRET, f"the secret key is in {where}, and private")


def backup(here: Installation) -> Iterator[Finding]:
    """Check the age of the newest backup."""
    if here.settings.redis_url or not has_data(here.data):
        return
    newest = newest_backup(here.data)
    remedy = "run `./winnow backup FILE --verify`, by cron once a day"
    if newest is None:
        yield _warning(Check.BACKUP, "no backup was ever taken", remedy)
        return
    age, file = newest
    days = age / 86_400
    if days > _BACKUP_DAYS:
        yield _warning(Check.BACKUP, f"the newest backup is {days:.0f} days old ({file})", remedy)
    else:
        yield _ok(Check.BACKUP, f"the newest backup is {days:.1f} days old ({file})")


def model(here: Installation) -> Iterator[Finding]:
    """Check that the model in use can be loaded."""
    try:
        current = current_model(here.settings)
    except Exception as problem:  # noqa: BLE001 - whatever it is, the person asks why
        yield _wrong(
            Check.MODEL,
            f"the model cannot be loaded: {problem}",
            "correct WINNOW_MODEL, or install Winnow again if its own model is damaged",
        )
        return
    if current.problem:
        yield _wrong(
            Check.MODEL,
            f"the promoted model cannot be loaded: {current.problem}",
            "promote another one: `./winnow model list`, then `./winnow model promote VERSION`",
        )
    yield _ok(Check.MODEL, f"{current().version} judges")


def mail(here: Installation) -> Iterator[Finding]:
    """Check that the mail server answers; nothing is sent."""
    if not here.settings.smtp_url:
        return
    url = urlsplit(here.settings.smtp_url)
    host, port = url.hostname or "localhost", url.port or _PORTS[url.scheme]
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=_CONNECT_SECONDS)
            if url.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=_CONNECT_SECONDS)
        ) as server:
            server.ehlo()
            if url.scheme == "smtp" and url.username and not server.has_extn("starttls"):
                yield _wrong(
                    Check.MAIL,
                    f"{host}:{port} offers no encryption, so that no password is sent to it",
                    "use smtps:// in WINNOW_SMTP_URL, or a server with STARTTLS",
                )
                return
    except OSError as problem:  # which smtplib's are, too
        yield _wrong(
            Check.MAIL,
            f"the mail server {host}:{port} does not answer ({type(problem).__name__}), so that no "
            "reminders are sent",
            "correct WINNOW_SMTP_URL, or let this machine reach the server",
        )
        return
    yield _ok(Check.MAIL, f"the mail server {host}:{port} answers")


# -- what needs storage ------------------------------------------------------------------------------


def redis(adapters: Adapters) -> Iterator[Finding]:
    """Check that Redis writes its append-only file and has room."""
    client: Any = adapters.redis
    persistence, memory = client.info("persistence"), client.info("memory")
    if not persistence.get("aof_enabled"):
        yield _wrong(
            Check.STORAGE,
            "Redis keeps no append-only file, so a restart loses comments",
            "set `appendonly yes` in its configuration",
        )
    elif persistence.get("aof_last_write_status") != "ok":
        yield _wrong(
            Check.STORAGE,
            "Redis cannot write its append-only file",
            "look at its disk, its permissions and its log",
        )
    else:
        yield _ok(Check.STORAGE, "Redis writes each change to its append-only file")
    policy = memory.get("maxmemory_policy")
    if policy not in {None, "noeviction"}:
        yield _wrong(
            Check.MEMORY,
            f"Redis may drop comments to make room: its maxmemory-policy is {policy}",
            "set `maxmemory-policy noeviction`",
        )
    used, limit = memory["used_memory"], memory.get("maxmemory", 0)
    advice = (
        "raise WINNOW_MAXMEMORY (or Redis's own maxmemory), or shorten the sites' retention; "
        "`./winnow stats` says what takes how much"
    )
    if limit and used > limit:
        yield _wrong(
            Check.MEMORY,
            "Redis is full: its memory is at its limit, and comments are refused",
            advice,
        )
    elif limit and used > limit * _MEMORY_SHARE:
        yield _warning(
            Check.MEMORY,
            f"Redis uses {used / limit:.0%} of the memory that it may use; when it is full, comments "
            "are refused",
            advice,
        )
    else:
        yield _ok(Check.MEMORY, f"Redis uses {used / 1e6:,.0f} MB")


def clock(adapters: Adapters) -> Iterator[Finding]:
    """Check that the clocks of this machine and of Redis agree."""
    skew = adapters.clock.now_ms() - round(time.time() * 1000)
    if abs(skew) > _SKEW_MS:
        yield _warning(
            Check.CLOCK,
            f"the clock of Redis's machine is {skew / 1000:+.0f} s off this one's",
            "run NTP on both",
        )
    else:
        yield _ok(Check.CLOCK, "this machine and Redis agree on the time")


def moderators(adapters: Adapters) -> Iterator[Finding]:
    """Check that there is a moderator who can sign in, for every site."""
    sites, people = adapters.accounts.sites(), adapters.accounts.moderators()
    if not people:
        yield _wrong(
            Check.MODERATORS,
            "nobody can moderate",
            "run `./winnow moderator add NAME --role admin`",
        )
    else:
        yield _ok(
            Check.MODERATORS,
            f"{_number(len(people), 'moderator')}, {_number(len(sites), 'site')}",
        )
    for person in people:
        if adapters.notices.has_trouble(person.name):
            yield _warning(
                Check.MODERATORS,
                f"a channel by which {person.name} hears of waiting comments fails",
                "the page Notices of their desk says why",
            )
    if not sites:
        yield _warning(Check.MODERATORS, "there is no site", "run `./winnow site add NAME`")


def _number(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"


def endpoints(adapters: Adapters) -> Iterator[Finding]:
    """Check that endpoints receive their webhooks; report the last answer of those that do not."""
    for site, endpoint in _endpoints(adapters):
        where = f"{site.name}: {endpoint.url}"
        if not endpoint.enabled:
            why = endpoint.disabled_reason or "it was switched off"
            yield _warning(
                Check.ENDPOINTS,
                f"no webhooks are sent to {where}: {why}",
                f"when it is repaired, run `./winnow endpoint enable {endpoint.id}`",
            )
        elif since := adapters.deliveries.failing_since(site.id, endpoint.id):
            minutes = max(0, adapters.clock.now_ms() - since) // 60_000
            yield _wrong(
                Check.ENDPOINTS,
                f"webhooks to {where} fail, for {minutes:,} minutes now: "
                f"{_last_error(adapters, endpoint)}",
                f"repair the receiver, then `./winnow endpoint test {endpoint.id}`; what failed is "
                f"sent again by `./winnow delivery redeliver {endpoint.id} --failed-since DAY`",
            )
        else:
            yield _ok(Check.ENDPOINTS, f"webhooks to {where} are not failing")


def certificates(adapters: Adapters) -> Iterator[Finding]:
    """Check the certificates of endpoints: refused, or expiring soon; connects to each host once."""
    seen: set[tuple[str, int]] = set()
    for site, endpoint in _endpoints(adapters):
        target = check_url(endpoint.url, allow_private=endpoint.allow_private)
        if not endpoint.enabled or target.scheme != "https" or (target.host, target.port) in seen:
            continue
        seen.add((target.host, target.port))
        where = f"{site.name}: the certificate of {target.host}"
        try:
            days = _days_left(target, allow_private=endpoint.allow_private)
        except ssl.SSLCertVerificationError as problem:
            yield _wrong(
                Check.CERTIFICATES,
                f"{where} is not valid: {problem.verify_message}",
                "renew it there; webhooks wait until then",
            )
        except OSError as problem:
            yield _warning(
                Check.CERTIFICATES,
                f"{where} cannot be read ({type(problem).__name__})",
                "let this machine reach the host, if webhooks to it fail, too",
            )
        else:
            if days < _CERTIFICATE_DAYS:
                yield _warning(
                    Check.CERTIFICATES, f"{where} ends in {days:.0f} days", "renew it there"
                )
            else:
                yield _ok(Check.CERTIFICATES, f"{where} holds for {days:.0f} days")


def backlog(adapters: Adapters) -> Iterator[Finding]:
    """Check how many comments wait for a worker, and for how long."""
    waiting = adapters.comments.counts().get("pending", 0)
    oldest = adapters.comments.oldest_pending_ms()
    late_ms = adapters.clock.now_ms() - oldest if oldest is not None else 0
    if late_ms > _LATE_MS:
        yield _wrong(
            Check.BACKLOG,
            f"{waiting:,} comments wait for a worker, the oldest for {late_ms // 60_000} minutes",
            "see the check `workers`; if all are alive and busy, raise WINNOW_WORKERS",
        )
    else:
        yield _ok(Check.BACKLOG, f"{waiting:,} comments wait for a worker")
    for erasure_id in adapters.accounts.unerased():
        minutes = (
            adapters.clock.now_ms() - adapters.accounts.erasure(erasure_id).begun_at
        ) // 60_000
        if minutes > _LONGEST_ERASURE_MINUTES:
            yield _wrong(
                Check.BACKLOG,
                f"the erasure {erasure_id} of a person, begun {minutes} minutes ago, is not done",
                "see the check `workers`: the upkeep worker goes on with it every ten minutes",
            )


def deliveries(adapters: Adapters) -> Iterator[Finding]:
    """Check how many webhooks are due, and for how long."""
    found = [endpoint for _, endpoint in _endpoints(adapters)]
    due = adapters.deliveries.due(found, now_ms=adapters.clock.now_ms())
    if due.oldest_ms > _LATE_MS:
        yield _wrong(
            Check.DELIVERIES,
            f"{due.count:,} webhooks are due, the oldest for {due.oldest_ms // 60_000} minutes: "
            f"{_why_due(adapters)}",
            "`./winnow up` runs a deliverer, `./winnow deliver` one by itself; if one is alive, its "
            "endpoints answer slowly: `./winnow delivery list ENDPOINT`",
        )
    else:
        yield _ok(Check.DELIVERIES, f"{due.count:,} webhooks are due")


def workers(adapters: Adapters, served: bool) -> Iterator[Finding]:  # noqa: FBT001 - called by name of the check
    """Check which processes are missing, where Winnow is expected to run."""
    since = adapters.clock.now_ms() - ALIVE_MS
    alive = {part: len(adapters.liveness.alive(part, since_ms=since)) for part in Part}
    screeners = alive[Part.SCREENER]
    if screeners:
        count = f"{screeners} screening worker{'' if screeners == 1 else 's'}"
        yield _ok(Check.WORKERS, count)
    if not (served or adapters.settings.redis_url):
        return
    start = (
        "`./winnow worker` runs some" if adapters.settings.redis_url else "restart `./winnow up`"
    )
    if not screeners:
        yield _wrong(
            Check.WORKERS, "no screening worker is alive, so that comments stay pending", start
        )
    elif served and screeners < adapters.settings.workers:
        yield _warning(
            Check.WORKERS,
            f"{screeners} of {adapters.settings.workers} screening workers are alive (WINNOW_WORKERS)",
            "wait a minute: a frozen one is killed and replaced; then look at the log",
        )
    if not alive[Part.DELIVERER]:
        yield _wrong(
            Check.WORKERS,
            "no deliverer is alive, so that no webhooks are sent",
            start.replace("worker` runs some", "deliver` runs one"),
        )
    if not alive[Part.WATCHDOG]:
        yield _wrong(
            Check.WORKERS, "no supervisor is alive, so that nobody hears of decisions", start
        )


def web(here: Installation, served: bool) -> Iterator[Finding]:  # noqa: FBT001 - as above
    """Check that a comment sent now would be screened."""
    where = reached_at(here.settings)
    if is_ready(here.settings):
        yield _ok(Check.WEB, f"the web server at {where} is ready")
    elif served:
        yield _wrong(
            Check.WEB,
            f"the web server at {where} is not ready",
            f"`curl {where}/readyz` names the part that is missing",
        )
    else:
        yield _wrong(Check.WEB, f"Winnow does not run at {where}", "`./winnow up` starts it")


#: In the order in which they are shown.
BEFORE_STORAGE: tuple[tuple[Check, Callable[[Installation], Iterator[Finding]]], ...] = (
    (Check.SETTINGS, settings),
    (Check.ADDRESS, address),
    (Check.DATA, data),
    (Check.SECRET, secret),
    (Check.BACKUP, backup),
    (Check.MODEL, model),
    (Check.MAIL, mail),
)
IN_STORAGE: tuple[tuple[Check, Callable[[Adapters], Iterator[Finding]]], ...] = (
    (Check.STORAGE, redis),
    (Check.CLOCK, clock),
    (Check.MODERATORS, moderators),
    (Check.ENDPOINTS, endpoints),
    (Check.CERTIFICATES, certificates),
    (Check.BACKLOG, backlog),
    (Check.DELIVERIES, deliveries),
)


def _endpoints(adapters: Adapters) -> list[tuple[Site, Endpoint]]:
    accounts = adapters.accounts
    return [(site, one) for site in accounts.sites() for one in accounts.endpoints(site.id)]


def _last_error(adapters: Adapters, endpoint: Endpoint) -> str:
    """Return the error of the newest failed attempt."""
    for state in (DeliveryState.DUE, DeliveryState.FAILED):
        for delivery in adapters.deliveries.log(endpoint, state=state, limit=20):
            for made in reversed(delivery.attempts):
                if error := made.get("error"):
                    return str(error)
    return "no answer is on record any more"


def _why_due(adapters: Adapters) -> str:
    since = adapters.clock.now_ms() - ALIVE_MS
    if not adapters.liveness.alive(Part.DELIVERER, since_ms=since):
        return "no deliverer is alive"
    return "a deliverer is alive, but does not keep up"


def _days_left(target: Target, *, allow_private: bool) -> float:
    """Return the days until the certificate of *target* expires. Raises OSError."""
    context = ssl.create_default_context()
    for found in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
        address = str(found[4][0])
        if refusal_reason(address, allow_private=allow_private):
            raise OSError("its address is refused")
        with (
            contextlib.closing(
                socket.create_connection((address, target.port), timeout=_CONNECT_SECONDS)
            ) as connection,
            context.wrap_socket(connection, server_hostname=target.host) as secured,
        ):
            ends = (secured.getpeercert() or {}).get("notAfter")
            return (ssl.cert_time_to_seconds(str(ends)) - time.time()) / 86_400
    raise OSError("its name has no address")
