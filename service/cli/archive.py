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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Self

import click

from moderation.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from moderation.installation import AOF, Installation, note_backup
from moderation.settings import Settings
from moderation.vault import secret_path
from moderation.wiring import Adapters
from service.cli.base import (
    answer,
    as_json,
    confirm,
    existing_installation,
    holding,
    installation,
    storage,
    yes_option,
)

_REWRITE_SECONDS = 600
_LARGEST_BYTES = 1 << 40


@dataclass(frozen=True, slots=True)
class Contents:
    """Numbers of records in a data directory or a backup."""

    comments: int
    sites: int

    @classmethod
    def of(cls, adapters: Adapters) -> Self:
        """Count the records in the storage of *adapters*."""
        return cls(sum(adapters.comments.counts().values()), len(adapters.accounts.sites()))

    def __str__(self) -> str:
        return (
            f"{self.comments:,} comment{'' if self.comments == 1 else 's'} "
            f"of {self.sites:,} site{'' if self.sites == 1 else 's'}"
        )


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--verify", is_flag=True, help="Load the backup once and compare it with the data.")
@as_json
def backup(file: Path, *, verify: bool, as_json: bool) -> None:
    """Write everything that Winnow keeps to FILE, while it runs or not.

    FILE has every comment as of one moment, and secret.key with it: guard it like a password. A
    Redis of your own (WINNOW_REDIS_URL) is backed up with its own tools. The settings file is not in
    it. With --verify, a backup that cannot be loaded or lacks something is deleted, and exit status 1.

    Example: ./winnow backup /backups/winnow-$(date +%F).tar.gz --verify
    """
    settings = _own_storage(existing_installation())
    if file.exists():
        raise Conflict(f"{file} is there already; name a file that is not")
    if not file.absolute().parent.is_dir():
        raise NotFound(f"there is no directory {file.absolute().parent}; make it first")
    with storage(settings) as adapters, _unwritten(file) as fresh:
        redis: Any = adapters.redis
        contents = Contents.of(adapters)
        with _no_rewrite(redis), tarfile.open(fresh, "w:gz", compresslevel=1) as archive:
            for path in _parts(settings.data_dir):
                _add(archive, path, settings.data_dir)
        if verify:
            loaded = _loaded(fresh, settings)
            if loaded.comments < contents.comments or loaded.sites < contents.sites:
                raise StorageUnavailable(
                    f"the backup holds {loaded}, the data {contents}: nothing was kept; try again"
                )
            contents = loaded
    size = file.stat().st_size
    note_backup(settings.data_dir, file)
    if settings.secret_key:
        click.echo("WINNOW_SECRET_KEY is not in the backup; keep a copy of it elsewhere.", err=True)
    answer(
        {
            "file": str(file),
            "data": str(settings.data_dir),
            "comments": contents.comments,
            "sites": contents.sites,
            "bytes": size,
            "verified": verify,
        },
        as_json=as_json,
        text=f"{contents}, {_size(size)}, from {settings.data_dir} to {file}"
        + (", loaded once and sound" if verify else ""),
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Put aside what the data directory has now.")
@click.option(
    "--dry-run", is_flag=True, help="Load the backup elsewhere, say what it has, change nothing."
)
@yes_option
def restore(file: Path, *, force: bool, dry_run: bool, yes: bool) -> None:
    """Fill the data directory from a backup, while Winnow does not run.

    With --force the existing data is replaced, and a copy of it is kept beside the restored data.

    Example: ./winnow restore /backups/winnow-2026-11-23.tar.gz --dry-run
    """
    settings = _own_storage(installation())
    data = settings.data_dir
    if dry_run:
        contents = _loaded(file, settings)
        present = " It holds data already, which --force puts aside." if _present(settings) else ""
        click.echo(f"{file} is sound and holds {contents}. It would go to {data}.{present}")
        return
    with holding(data):
        present_parts = _present(settings)
        if present_parts and not force:
            raise Conflict(
                f"{data} holds data already; say --force to put it aside, "
                "or set WINNOW_DATA_DIR to a new directory"
            )
        if present_parts:
            confirm(f"Put aside what {data} holds and restore {file}?", yes=yes)
        with tempfile.TemporaryDirectory(dir=data, prefix="restore.") as unpacked:
            _unpack(file, Path(unpacked))
            _put_aside(present_parts, data)
            for path in Path(unpacked).iterdir():
                path.rename(data / path.name)
    with storage(settings) as adapters:
        contents = Contents.of(adapters)
    click.echo(f"restored {contents} to {data}", err=True)


# -- reading and writing -----------------------------------------------------------------------------


def _own_storage(here: Installation) -> Settings:
    if here.settings.redis_url:
        raise InvalidInput(
            "WINNOW_REDIS_URL names a Redis of your own: back it up and restore it with its own "
            "tools, and keep a copy of the secret key"
        )
    return here.settings


def _present(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / AOF, secret_path(settings)) if path.exists()]


def _loaded(file: Path, settings: Settings) -> Contents:
    """Return the contents of a backup, by loading it into a separate server beside the file.

    Raises InvalidInput for any other file, StorageUnavailable or BadSettings for one that cannot
    be used. Needs as much space in the file's directory as the unpacked data.
    """
    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".winnow-verify.") as place:
        _unpack(file, Path(place))
        alone = replace(settings, data_dir=Path(place), maxmemory="")
        with storage(alone) as adapters:
            return Contents.of(adapters)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


@contextmanager
def _unwritten(file: Path) -> Iterator[Path]:
    """Yield a private temporary path, renamed to *file* if the block succeeds and deleted if not."""
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
    """Stop Valkey from rewriting its append-only files during the block, as its documentation advises."""
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
    """Return the files of a backup; the last ones are those that Valkey still appends to."""
    files = sorted((data / AOF).iterdir(), key=lambda path: ".incr." in path.name)
    secret = data / "secret.key"
    return [*([secret] if secret.exists() else []), *files]


def _add(archive: tarfile.TarFile, path: Path, data: Path) -> None:
    """Add *path* up to its present length; bytes appended while it is read are left out."""
    with path.open("rb") as file:
        info = archive.gettarinfo(arcname=path.relative_to(data).as_posix(), fileobj=file)
        archive.addfile(info, file)


def _unpack(file: Path, into: Path) -> None:
    """Unpack a backup. Raises InvalidInput if the file is no backup."""
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
    """Write one file of a backup with mode 0600, whatever mode the archive has."""
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
