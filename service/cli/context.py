"""What every verb needs: the settings, the storage, who is asking, and how to answer."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moderation import wiring
from moderation.actor import OPERATOR, Actor, ActorKind
from moderation.errors import AlreadyRunning, StorageUnavailable
from moderation.ports import Model
from moderation.settings import Settings, from_env
from moderation.store.embedded import EmbeddedValkey, socket_path

if TYPE_CHECKING:
    from models.current import Current

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object, or one a line, for programs."
)


#: Where Winnow was cloned to.
ROOT = Path(__file__).parents[2]


def read_settings() -> Settings:
    """Return this installation's settings.

    The data directory that nobody named lies beside the code, so that `winnow` means the same
    installation wherever it is called from.
    """
    settings = from_env(os.environ)
    named = "WINNOW_DATA_DIR" in os.environ
    data = settings.data_dir if named else ROOT / settings.data_dir
    return replace(settings, data_dir=data.resolve())


@contextmanager
def storage(settings: Settings | None = None) -> Iterator[wiring.Adapters]:
    """Open this installation's storage: the running service's, or its own for the moment.

    Where the embedded Valkey is used and does not run, it is started for as long as the verb
    takes; its locks keep a service that starts meanwhile from touching the same files. Raises
    StorageUnavailable with what to do.
    """
    settings = settings or read_settings()
    if settings.redis_url:
        yield _prepared(settings)
        return
    server = embedded(settings)
    try:
        server.start()
    except AlreadyRunning:
        if not socket_path(settings.data_dir).exists():
            raise StorageUnavailable(
                f"Winnow is just starting or stopping in {settings.data_dir}; try again in a moment"
            ) from None
        yield _prepared(settings)
        return
    try:
        yield _prepared(settings)
    finally:
        server.stop()


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


def _prepared(settings: Settings) -> wiring.Adapters:
    adapters = wiring.connect(settings)
    wiring.prepare(adapters)
    return adapters


def operator() -> Actor:
    """Return who asks, for histories and the audit trail."""
    try:
        return Actor(ActorKind.OPERATOR, getpass.getuser())
    except (KeyError, OSError):  # a container's user need not have a name
        return OPERATOR


def current_model(settings: Settings) -> Current:
    """Return the model in use, as web and workers have it."""
    from models.current import Current  # noqa: PLC0415 - takes a second that no other verb should

    return Current(settings.models, encoder=settings.encoder)


def loaded_model(settings: Settings) -> Model:
    """Return what judges now. Raises BrokenArtifact if nothing can be loaded."""
    return current_model(settings)()


def answer(told: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Print one record, as JSON or as *text*."""
    click.echo(dumped(told) if as_json else text)


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
        click.echo(nothing, err=True)
        return
    rows = [list(columns), *([shown(r[name]) for name, shown in columns.items()] for r in records)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(columns))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def dumped(told: Any) -> str:
    """Return *told* as one line of JSON that any terminal can show."""
    return json.dumps(told, ensure_ascii=True)


def plain(text: object) -> str:
    """Return *text* without what could move a terminal's cursor or change its colours.

    What readers wrote is shown to moderators here; an escape sequence must not come alive.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in str(text))


def listed(values: Sequence[object]) -> str:
    """Return *values* in a cell of a table."""
    return ", ".join(map(plain, values)) or "-"


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if *yes* or the person says so; asked on standard error."""
    if not yes:
        click.confirm(question, abort=True, err=True)


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
