"""``winnow up`` and ``winnow web``: the service itself."""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import shlex
import signal
import socket
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import click
import structlog

from moderation import logs, wiring
from moderation.credentials import KeyKind
from moderation.errors import BadSettings, Conflict, StorageUnavailable
from moderation.installation import Installation, announced
from moderation.moderators import Role
from moderation.processes import Alarm
from moderation.settings import Settings
from moderation.store.embedded import EmbeddedValkey
from moderation.vault import new_password
from service.cli import forks
from service.cli.base import as_called, current_model, embedded, holding, installation
from service.cli.forks import Process
from service.first_comment import command as first_comment_command

log = structlog.get_logger(__name__)

DEMO_SITE = "demo"
FIRST_MODERATOR = "admin"
_READY_SECONDS = 30.0
_NOT_READY = "  It is NOT READY yet: comments are not screened. The messages above say why.\n"
#: Between two looks while a start is to get ready or storage does not start again; else only the end of a
#: process wakes `up`.
_TICK_SECONDS = 0.05
_STORE_PAUSE_SECONDS = 2.0
#: Niceness of the web process: workers get processor time first, so that accepted comments are
#: screened while new ones come in.
_WEB_NICE = 5


@click.command()
def up() -> None:
    """Start Winnow here: its Valkey, the web server, the workers. Ctrl-C stops it.

    The first start makes a demo site and a moderator and shows their key and password, this once.

    Example: WINNOW_PORT=9000 ./winnow up
    """
    start()


def start(worker: str = "worker.__main__:main") -> None:
    """Run ``up``; *worker* is the dotted name of the worker's function, which tests replace."""
    here = installation(starts=True)
    settings = here.settings
    logs.configure(settings)
    stopping = Event()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: stopping.set())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it ends a wait; who ended is asked then
    alarm = Alarm()
    with _store(settings) as server, announced(here):
        adapters = wiring.connect(settings)
        wiring.prepare(adapters)
        forks.stop_orphans(_remembered(settings))
        _check_port(settings)
        welcome = _welcome(adapters, settings)
        try:
            _run(here, server, stopping, alarm, welcome, worker)
        finally:
            _remembered(settings).unlink(missing_ok=True)


@click.command()
def web() -> None:
    """Run the web server alone, for installations whose parts are run by something else.

    Example: WINNOW_REDIS_URL=redis://valkey:6379/0 ./winnow web
    """
    here = installation(starts=True)
    here.require()
    settings = here.settings
    logs.configure(settings)
    if settings.redis_url:
        _let_somebody_in(settings)
    from service.web import serve  # noqa: PLC0415 - loads the model, which no other verb should

    serve(settings)


@click.command()
def worker() -> None:
    """Run the screening workers and the watchdog alone.

    The watchdog restarts what dies, releases decisions and purges; any number of hosts may run it.

    Example: WINNOW_WORKERS=4 ./winnow worker
    """
    _become("screening")


@click.command()
def deliver() -> None:
    """Run the deliverer of webhooks alone.

    Example: ./winnow deliver
    """
    _become("delivery")


def _become(part: str) -> None:
    """Replace this process by the worker's program; service may not import worker."""
    here = installation(starts=True)
    here.require()
    command = forks.python("-m", "worker", part)
    os.execve(command[0], command, forks.environment(**here.environment()))  # noqa: S606 - our own program


def _run(
    here: Installation,
    server: EmbeddedValkey | None,
    stopping: Event,
    alarm: Alarm,
    welcome: str,
    worker: str,
) -> None:
    """Keep all processes running until a stop signal; then stop them, the web first, storage last."""
    settings = here.settings
    os.environ.update(here.environment())
    parts = _parts(settings, worker)
    ready_by = time.monotonic() + _READY_SECONDS
    try:
        while not stopping.is_set():
            if [part for part in parts if part.tend()]:
                forks.remember(_remembered(settings), parts)
            if welcome and ((ready := is_ready(settings)) or time.monotonic() > ready_by):
                click.echo(welcome if ready else f"{welcome}\n{_NOT_READY}")
                welcome = ""
            if server is not None and not server.alive():
                _revive(server, stopping)
            # A server that did not start again has no process whose end would wake `up`.
            restless = bool(welcome) or (server is not None and not server.alive())
            alarm.wait(_left(parts, restless=restless))
    finally:
        for part in reversed(parts):
            part.stop()


def _left(parts: Sequence[Process], *, restless: bool) -> float | None:
    """Return in how many seconds to look again unless a process ends before; None for never.

    While *restless*, an event is awaited that is not the end of a process.
    """
    due = [at for part in parts if (at := part.due()) is not None]
    left = min(due) - time.monotonic() if due else None
    return min(_TICK_SECONDS, left or _TICK_SECONDS) if restless else left


def _parts(settings: Settings, worker: str) -> list[Process]:
    """Load the modules and the model that all processes share, and the web's application; return the processes to fork.

    The worker is loaded by its dotted name: service may not import worker.
    """
    from service.app import create_app  # noqa: PLC0415 - what no other verb should load
    from service.web import serve  # noqa: PLC0415 - as above

    current = current_model(settings)
    app = create_app(settings, model=current)
    module, _, function = worker.partition(":")
    work = getattr(importlib.import_module(module), function)

    def web() -> int:
        current.look()  # this may be a later start
        serve(settings, app=app)
        return 0

    return [
        Process("worker", lambda: int(work(current=current, settings=settings)), stop_seconds=12),
        Process("web", web, nice=_WEB_NICE),
    ]


def _revive(server: EmbeddedValkey, stopping: Event) -> None:
    log.error("valkey ended and is restarted", problem=server.why_stopped())
    try:
        server.start()
    except StorageUnavailable as problem:
        log.error("valkey does not start", problem=str(problem))  # noqa: TRY400 - the sentence says it all
        stopping.wait(_STORE_PAUSE_SECONDS)


@contextmanager
def _store(settings: Settings) -> Iterator[EmbeddedValkey | None]:
    """Hold the lock of the data directory, and run the embedded server if it is used."""
    if settings.redis_url:
        with holding(settings.data_dir):
            yield None
        return
    server = embedded(settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _check_port(settings: Settings) -> None:
    """Raise BadSettings unless the address can be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        who = "; a Winnow answers there already" if is_ready(settings) else ""
        raise BadSettings(
            f"cannot listen on {settings.host} port {settings.port}: {problem.strerror}{who}; "
            "set WINNOW_HOST and WINNOW_PORT to a free address of this machine"
        ) from None


def _remembered(settings: Settings) -> Path:
    return settings.data_dir / "processes.json"


# -- what the person at the terminal sees --------------------------------------------------------


def is_ready(settings: Settings) -> bool:
    """Tell whether a comment sent now would be screened."""
    try:
        with urllib.request.urlopen(f"{reached_at(settings)}/readyz", timeout=1) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (OSError, ValueError):  # which a refusal of urllib's is, too
        return False


def reached_at(settings: Settings) -> str:
    """Return the URL by which this machine reaches the web server."""
    host = settings.host
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _first_moderator(adapters: wiring.Adapters, *, logged: bool = False) -> str:
    """Make the first moderator; return the password if it was made up.

    One that is kept elsewhere, by WINNOW_FIRST_PASSWORD or in a log, is changed at the first sign-in.
    """
    given = adapters.settings.first_password
    password = given or new_password()
    adapters.accounts.add_moderator(
        FIRST_MODERATOR,
        password,
        role=Role.ADMIN,
        sites=(),
        must_change=logged or bool(given),
        now_ms=adapters.clock.now_ms(),
    )
    return "" if given else password


def _let_somebody_in(settings: Settings) -> None:
    """Make the first moderator of an installation whose parts run apart, and print the password.

    Several web servers may start at once: one of them does it. Without storage none does.
    """
    adapters = wiring.connect(settings)
    try:
        wiring.prepare(adapters)
        if adapters.accounts.moderators():
            return
        password = _first_moderator(adapters, logged=True)
    except Conflict:
        return
    except StorageUnavailable as problem:
        log.warning("no first moderator was looked for", problem=str(problem))
        return
    if password:
        click.echo(
            f"Sign in at {settings.url}/desk/ as {FIRST_MODERATOR} with the password {password}\n"
            "It is shown this once, and changed there at the first sign-in."
        )


def _welcome(adapters: wiring.Adapters, settings: Settings) -> str:
    """Create the site and the moderator of a first start; return the text to print once ready."""
    accounts, now = adapters.accounts, adapters.clock.now_ms()
    lines = ["", f"  Winnow is at {settings.url}   (Ctrl-C stops it)", ""]
    moderators, sites = accounts.moderators(), accounts.sites()
    if not moderators:
        password = _first_moderator(adapters)
        shown = password or "as WINNOW_FIRST_PASSWORD says"
        lines += [f"  Sign in     {FIRST_MODERATOR}", f"  Password    {shown}"]
    if not sites:
        site = accounts.add_site(DEMO_SITE, now_ms=now)
        _, key = accounts.add_key(site.id, KeyKind.API, now_ms=now)
        lines += [f"  Site        {site.name}", f"  Site key    {key}", ""]
        lines += [
            "  Send a comment from another terminal:",
            "",
            textwrap.indent(first_comment_command(settings.url, key), "    "),
        ]
    if moderators and sites:
        lines += [
            f"  A new password   ./winnow moderator reset {shlex.quote(moderators[0].name)}",
            f"  A new site key   ./winnow key add {shlex.quote(sites[0].name)}",
        ]
    else:
        lines += ["", "  The password and the key are shown this once: write them down."]
    lines.append(f"  Everything is kept in {settings.data_dir}")
    return as_called("\n".join([*lines, ""]))
