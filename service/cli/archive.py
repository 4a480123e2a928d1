"""``winnow backup`` and ``winnow restore``: the data directory as one file."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import click

from moderation.errors import Conflict, InvalidInput, StorageUnavailable
from moderation.settings import Settings
from moderation.vault import secret_path
from service.cli.context import confirm, holding, read_settings, storage, yes_option

#: Where Valkey keeps what it was told: a base, what came since, and a list of both.
AOF = "appendonlydir"
_REWRITE_SECONDS = 600
_LARGEST_BYTES = 1 << 40


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write everything that Winnow keeps to FILE, while it runs or not.

    FILE has every comment as of one moment, and secret.key with it: guard it like a password.
    A Redis of your own (WINNOW_REDIS_URL) is backed up with its own tools.

    Example: ./winnow backup /backups/winnow-$(date +%F).tar.gz
    """
    settings = _own_storage()
    if file.exists():
        raise Conflict(f"{file} is there already; name a file that is not")
    with storage(settings) as adapters, _unwritten(file) as fresh:
        redis: Any = adapters.redis
        with _no_rewrite(redis), tarfile.open(fresh, "w:gz", compresslevel=1) as archive:
            for path in _parts(settings.data_dir):
                _add(archive, path, settings.data_dir)
    if settings.secret_key:
        click.echo("WINNOW_SECRET_KEY is not in the backup; keep a copy of it elsewhere.", err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Put aside what the data directory has now.")
@yes_option
def restore(file: Path, *, force: bool, yes: bool) -> None:
    """Fill the data directory from a backup, while Winnow does not run.

    With --force, what was there is not lost: it is kept beside the restored data.

    Example: ./winnow restore /backups/winnow-2026-11-23.tar.gz
    """
    settings = _own_storage()
    data = settings.data_dir
    with holding(data):
        present = [path for path in (data / AOF, secret_path(settings)) if path.exists()]
        if present and not force:
            raise Conflict(
                f"{data} holds data already; say --force to put it aside, "
                "or set WINNOW_DATA_DIR to a new directory"
            )
        if present:
            confirm(f"Put aside what {data} holds and restore {file}?", yes=yes)
        with tempfile.TemporaryDirectory(dir=data, prefix="restore.") as unpacked:
            _unpack(file, Path(unpacked))
            _put_aside(present, data)
            for path in Path(unpacked).iterdir():
                path.rename(data / path.name)
    with storage(settings) as adapters:
        counts = adapters.comments.counts()
        sites = len(adapters.accounts.sites())
    click.echo(f"restored {sum(counts.values())} comments of {sites} sites", err=True)


def _own_storage() -> Settings:
    settings = read_settings()
    if settings.redis_url:
        raise InvalidInput(
            "WINNOW_REDIS_URL names a Redis of your own: back it up and restore it with its own "
            "tools, and keep a copy of the secret key"
        )
    return settings


@contextmanager
def _unwritten(file: Path) -> Iterator[Path]:
    """Give a private path to write to; it becomes *file* only if all went well."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    os.close(descriptor)
    fresh = Path(name)
    try:
        yield fresh
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.rename(file)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _no_rewrite(redis: Any) -> Iterator[None]:
    """Keep Valkey from replacing its files meanwhile, as its documentation advises."""
    name = "auto-aof-rewrite-percentage"
    before = redis.config_get(name)[name]
    redis.config_set(name, 0)
    try:
        deadline = time.monotonic() + _REWRITE_SECONDS
        while redis.info("persistence")["aof_rewrite_in_progress"]:
            if time.monotonic() > deadline:
                raise StorageUnavailable("Valkey is still rewriting its files; try again later")
            time.sleep(0.1)
        yield
    finally:
        redis.config_set(name, before)


def _parts(data: Path) -> list[Path]:
    """Return the files of a backup, those that are still being written to last."""
    files = sorted((data / AOF).iterdir(), key=lambda path: ".incr." in path.name)
    secret = data / "secret.key"
    return [*([secret] if secret.exists() else []), *files]


def _add(archive: tarfile.TarFile, path: Path, data: Path) -> None:
    """Add as much of *path* as it has now: what comes while it is read belongs to no backup."""
    with path.open("rb") as file:
        told = archive.gettarinfo(arcname=path.relative_to(data).as_posix(), fileobj=file)
        archive.addfile(told, file)


def _unpack(file: Path, into: Path) -> None:
    """Unpack a backup. Raises InvalidInput for anything that is none."""
    problem = InvalidInput(f"{file} is no backup of Winnow's, or it is damaged")
    try:
        with tarfile.open(file, "r:gz") as archive:
            members = archive.getmembers()
            if not members or not all(map(_expected, members)):
                raise problem
            (into / AOF).mkdir(mode=0o700)
            for member in members:
                _write(archive, member, into)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError):
        raise problem from None


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Write one file of a backup, private whatever the archive says."""
    source = archive.extractfile(member)
    assert source is not None  # only regular files get here
    descriptor = os.open(into / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source, os.fdopen(descriptor, "wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())


def _expected(member: tarfile.TarInfo) -> bool:
    parts = PurePosixPath(member.name).parts
    known = parts == ("secret.key",) or (len(parts) == 2 and parts[0] == AOF and parts[1] != "..")
    return member.isreg() and known and member.size < _LARGEST_BYTES


def _put_aside(present: list[Path], data: Path) -> None:
    if present:
        aside = data / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        aside.mkdir(mode=0o700)
        for path in present:
            shutil.move(path, aside / path.name)
        click.echo(f"what was there before is in {aside}", err=True)
