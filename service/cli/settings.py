"""``winnow settings``: every setting of the process, with its value and where it is set."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from moderation.installation import Installation
from moderation.settings import VARIABLES, Settings, Variable
from service.cli.base import answer_all, as_json, installation, plain, text_of

HEADING = """# Settings

The settings of an installation stand in one file, `winnow.env`, with a line `NAME=value` for each. The
web server, the workers, every verb of the command line, systemd and cron read the same file. It is the
first of these that exists, and no other is read:

1. the file that `WINNOW_SETTINGS` names;
2. `winnow.env` in the data directory that `WINNOW_DATA_DIR` names;
3. where neither variable is set: `winnow.env` in the default data directory, then
   `/etc/winnow/winnow.env`.

The default data directory is `data` in a checkout, `~/.local/share/winnow` where Winnow was installed as
a package. Paths in the file are relative to the file. A variable of the environment wins over the line
in the file. A secret may be given by a file of its own, named by the variable with `_FILE` behind it, as
Docker's and systemd's secrets are. A `WINNOW_` variable that is not in this table is refused, since it is
most likely misspelt.

A shell that names no installation means the Winnow that this user runs, if exactly one runs, and finds it where it
listens, also where only the shell of `up` named the port. Every verb
but `up` and `init` refuses a directory without data, so that a forgotten variable makes no second,
empty Winnow. `./winnow init` makes an installation and its file.

`./winnow settings` shows this table with what is set on your machine, and where; `./winnow settings
--markdown` wrote this page.

| Variable | Default | What it is for |
| --- | --- | --- |
"""


@click.command()
@as_json
@click.option("--markdown", is_flag=True, help="Print docs/settings.md.")
def settings(*, as_json: bool, markdown: bool) -> None:
    """List every setting, its value here and what it is for.

    Example: WINNOW_PORT=9000 ./winnow settings
    """
    if markdown:
        click.echo(page(), nl=False)
        return
    here = installation()
    records = [
        {
            "name": variable.name,
            "value": _value(variable, here.settings),
            "set_by": _set_by(variable, here),
            "default": text_of(variable.default),
            "help": variable.help,
        }
        for variable in VARIABLES
    ]
    answer_all(
        records,
        as_json=as_json,
        columns={
            "name": str,
            "value": lambda value: plain(value) or "-",
            "set_by": lambda by: plain(by) or "-",
            "help": str,
        },
        nothing="",
    )
    if not as_json:
        click.echo(
            f"data directory  {plain(here.data)} (named by {plain(here.named_by)})", err=True
        )
        click.echo(f"settings file   {plain(here.file or 'none')}", err=True)


def page() -> str:
    """Return docs/settings.md."""
    rows = [
        f"| `{variable.name}`{' (or `_FILE`)' if variable.secret else ''} "
        f"| {_code(text_of(variable.default))} | {variable.help} |\n"
        for variable in VARIABLES
    ]
    return HEADING + "".join(rows)


def _value(variable: Variable, here: Settings) -> str:
    value = asdict(here)[variable.field]
    return "(set)" if variable.secret and value else text_of(value)


def _set_by(variable: Variable, here: Installation) -> str:
    """Return the source of a variable's value: the environment, the file, the Winnow that runs, or the default."""
    names = {variable.name, f"{variable.name}_FILE"}
    if names & here.from_file:
        return str(here.file)
    if names & here.as_served:
        return "the Winnow that runs"
    return "environment" if names & set(os.environ) else ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
