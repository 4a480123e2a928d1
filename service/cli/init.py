"""``winnow init``: a new installation, without starting it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from moderation.errors import Conflict, NoInstallation
from moderation.installation import DATA_VARIABLE, FILE_NAME, SETTINGS_VARIABLE, has_data
from moderation.settings import VARIABLES
from service.cli.base import as_called, installation, storage, text_of

_HEADING = """\
# The settings of this Winnow, read by every process and verb. docs/settings.md explains them.
# One NAME=value a line; a variable of the environment wins over the line here.
"""


@click.command()
@click.option(
    "--settings",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the settings file: /etc/winnow/winnow.env, or winnow.env in the data directory.",
)
def init(file: Path | None) -> None:
    """Create a new installation: data directory, secret key and settings file.

    The directory is WINNOW_DATA_DIR's, or the default one. What is there already is refused.

    Example: WINNOW_DATA_DIR=/var/lib/winnow ./winnow init --settings /etc/winnow/winnow.env
    """
    here = installation(starts=True)
    if not here.settings.redis_url and has_data(here.data):
        raise Conflict(f"there is a Winnow in {here.data} already; `./winnow up` starts it")
    file = (file or here.file or here.data / FILE_NAME).absolute()
    with storage(here.settings, fresh=True):
        pass
    if not file.exists():
        _write(file, here.data)
    click.echo(f"data      {here.data}\nsettings  {file}")
    if not _is_found(file, here.data):
        click.echo(
            f"Set {SETTINGS_VARIABLE}={file} wherever Winnow is called: nothing else names this file.",
            err=True,
        )
    click.echo(
        as_called("Next: `./winnow up` starts it; `./winnow site add NAME` adds a site."), err=True
    )


def _write(file: Path, data: Path) -> None:
    """Write the settings file, private: with the data directory, and every other line a comment."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    lines = [f"{DATA_VARIABLE}={data}" if file.parent != data else f"#{DATA_VARIABLE}={data}"]
    lines += [
        f"# {variable.help}\n#{variable.name}={text_of(variable.default)}"
        for variable in VARIABLES
        if variable.name != DATA_VARIABLE
    ]
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write("\n".join([_HEADING, *lines, ""]))


def _is_found(file: Path, data: Path) -> bool:
    """Tell whether a shell with the same environment finds this installation again."""
    try:
        here = installation(starts=True)
    except NoInstallation:
        return False
    return (here.file, here.data) == (file, data)
