"""What the commands share: settings, storage, the actor, and output."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moderation import wiring
from moderation.actor import OPERATOR, Actor, ActorKind
from moderation.errors import AlreadyRunning, NotFound, StorageUnavailable
from moderation.installation import DATA_VARIABLE, Installation, find
from moderation.ports import Model
from moderation.settings import Settings
from moderation.site import Site
from moderation.store.embedded import EmbeddedValkey, socket_path

if TYPE_CHECKING:
    from models.current import Current

#: Name by which this program was called: the launcher's path, or `winnow` for an installed package.
PROGRAM = os.environ.get("_WINNOW_CALLED", "./winnow")

NO_SITE = "there is no site yet; `./winnow site add NAME` makes one"

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object, or one a line, for programs."
)


def installation(*, starts: bool = False) -> Installation:
    """Return the installation of this environment, which need not have data yet.

    *starts*: the command starts an installation, so that one which already runs is not taken.
    """
    return find(os.environ, starts=starts)


def read_settings() -> Settings:
    """Return this installation's settings."""
    return installation().settings


@contextmanager
def storage(settings: Settings | None = None, *, fresh: bool = False) -> Iterator[wiring.Adapters]:
    """Yield this installation's storage: the running service's, or a server for this command alone.

    Where the embedded Valkey is used and does not run, it is started until the command ends; its
    locks stop a service that starts in between from opening the same files. Raises
    NoInstallation where there is no data, unless the installation may be a *fresh* one, and
    StorageUnavailable with what to do.
    """
    if settings is None:
        settings = existing_installation().settings
    with _served(settings):
        adapters = _prepared(settings, fresh=fresh)
        try:
            yield adapters
        except NotFound as problem:
            raise NotFound(f"{problem}{_what_exists(adapters, problem.kind)}") from problem


@contextmanager
def _served(settings: Settings) -> Iterator[None]:
    """Start the embedded server for the block, unless it runs already or is not used."""
    if settings.redis_url:
        yield
        return
    server = embedded(settings)
    try:
        server.start()
    except AlreadyRunning:
        if not socket_path(settings.data_dir).exists():
            raise StorageUnavailable(
                f"Winnow is just starting or stopping in {settings.data_dir}; try again in a moment"
            ) from None
        yield
        return
    try:
        yield
    finally:
        server.stop()


#: Most names that an error message lists.
_SHOWN_NAMES = 10


def _what_exists(adapters: wiring.Adapters, kind: str) -> str:
    """Return the end of an error message that suggests names similar to the one given; "" for none."""
    accounts = adapters.accounts
    match kind:
        case "site":
            names = [site.name for site in accounts.sites()]
            return f"; there is {_some(names)}" if names else f"; {NO_SITE}"
        case "moderator":
            return f"; there is {_some([one.name for one in accounts.moderators()])}"
        case "token":
            return "; `./winnow token list` lists them"
        case "endpoint" | "key":
            return f"; `./winnow {kind} list SITE` lists a site's"
        case "comment":
            return "; `./winnow comments search SITE` lists a site's with their ids"
        case _:
            return ""


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(plain, names[:_SHOWN_NAMES]))
    return f"{shown or 'none'}{' and more' if len(names) > _SHOWN_NAMES else ''}"


def site_or_only(adapters: wiring.Adapters, name: str | None) -> Site:
    """Return the site of that name, or the only one where none was named. Raises NotFound."""
    if name is not None:
        return adapters.accounts.site(name)
    sites = adapters.accounts.sites()
    if len(sites) == 1:
        return sites[0]
    if not sites:
        raise NotFound(NO_SITE)
    raise NotFound("which site? Name one", kind="site")


def existing_installation() -> Installation:
    """Return this environment's installation, and print its directory at a terminal. Raises NoInstallation."""
    here = installation()
    here.require()
    if here.named_by != DATA_VARIABLE and sys.stderr.isatty():
        click.secho(f"Winnow in {here.data} (named by {here.named_by})", err=True, dim=True)
    return here


@contextmanager
def holding(data: Path) -> Iterator[None]:
    """Hold a data directory's lock, as the embedded server does. Raises AlreadyRunning."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "winnow.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read(32).strip() or "unknown"
            raise AlreadyRunning(
                f"Winnow is already running in {data} (pid {pid}); stop it first"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def embedded(settings: Settings) -> EmbeddedValkey:
    """Return the embedded server of *settings*, not started."""
    fsync: Any = settings.fsync
    return EmbeddedValkey(settings.data_dir, fsync, settings.maxmemory or None)


def _prepared(settings: Settings, *, fresh: bool) -> wiring.Adapters:
    adapters = wiring.connect(settings, fresh=fresh)
    if not fresh:
        wiring.require(adapters)
    wiring.prepare(adapters)
    return adapters


def operator() -> Actor:
    """Return the actor of this command, for histories and the audit trail."""
    try:
        return Actor(ActorKind.OPERATOR, getpass.getuser())
    except (KeyError, OSError):  # a container's user need not have a name
        return OPERATOR


def current_model(settings: Settings) -> Current:
    """Return the model in use, the same as the web server's and the workers'."""
    from models.current import Current  # noqa: PLC0415 - takes a second that no other verb should

    return Current(settings.models, encoder=settings.encoder)


def loaded_model(settings: Settings) -> Model:
    """Return the scorer of the model in use. Raises BrokenArtifact if none can be loaded."""
    return current_model(settings)()


def answer(record: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Print one record, as JSON or as *text*."""
    click.echo(dumped(record) if as_json else text)


def answer_all(
    records: Sequence[Mapping[str, Any]],
    *,
    as_json: bool,
    columns: Mapping[str, Callable[[Any], str]],
    nothing: str,
) -> None:
    """Print records, one JSON object a line, or as a table of *columns*; *nothing*: if none."""
    if as_json:
        for record in records:
            click.echo(dumped(record))
        return
    if not records:
        click.echo(as_called(nothing), err=True)
        return
    rows = [list(columns), *([shown(r[name]) for name, shown in columns.items()] for r in records)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(columns))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def text_of(value: object) -> str:
    """Return a value in the notation of environment variables."""
    match value:
        case bool():
            return str(int(value))
        case tuple():
            return ",".join(map(text_of, value))
        case float() if value.is_integer():
            return str(int(value))
        case Path():
            return value.as_posix()
        case _:
            return str(value)


def dumped(record: Any) -> str:
    """Return *record* as one line of JSON that any terminal can show."""
    return json.dumps(record, ensure_ascii=True)


def as_called(text: str) -> str:
    """Return *text* with `./winnow` replaced by the name of this program, so that commands can be copied."""
    return text.replace("./winnow", PROGRAM)


def plain(text: object) -> str:
    """Return *text* with the control characters of terminals escaped.

    Comments are printed at a moderator's terminal, which must not execute escape sequences in them.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in str(text))


def listed(values: Sequence[object]) -> str:
    """Return *values* joined for one cell of a table."""
    return ", ".join(map(plain, values)) or "-"


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation on standard error unless *yes*; abort the command if it is refused."""
    if not yes:
        click.confirm(question, abort=True, err=True)


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
