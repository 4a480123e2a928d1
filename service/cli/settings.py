"""``winnow settings``: every variable, and what it is set to here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from moderation.settings import VARIABLES, Settings, Variable
from service.cli.context import answer_all, as_json, plain, read_settings

HEADING = """# Settings

Every setting is an environment variable. A secret may be given by a file instead, named by the
variable with `_FILE` behind it, as Docker's and systemd's secrets are. A `WINNOW_` variable that is
not in this table is refused, since it is most likely misspelt.

`./winnow settings` shows this table with what is set on your machine; `./winnow settings
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
    here = read_settings()
    records = [
        {
            "name": variable.name,
            "value": _value(variable, here),
            "default": _text(variable.default),
            "help": variable.help,
        }
        for variable in VARIABLES
    ]
    answer_all(
        records,
        as_json=as_json,
        columns={"name": str, "value": lambda value: plain(value) or "-", "help": str},
        nothing="",
    )


def page() -> str:
    """Return docs/settings.md."""
    rows = [
        f"| `{variable.name}`{' (or `_FILE`)' if variable.secret else ''} "
        f"| {_code(_text(variable.default))} | {variable.help} |\n"
        for variable in VARIABLES
    ]
    return HEADING + "".join(rows)


def _value(variable: Variable, here: Settings) -> str:
    value = asdict(here)[variable.field]
    return "(set)" if variable.secret and value else _text(value)


def _text(value: object) -> str:
    """Return a value as it would be written in the environment."""
    match value:
        case bool():
            return str(int(value))
        case tuple():
            return ",".join(map(_text, value))
        case float() if value.is_integer():
            return str(int(value))
        case Path():
            return value.as_posix()
        case _:
            return str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
