"""The command line: ``./winnow VERB``. Standard output has the answer and nothing else."""

from __future__ import annotations

import os
from collections import UserDict
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from moderation import __version__
from moderation.errors import WinnowError
from moderation.wiring import DATA_VERSION
from service.cli.base import PROGRAM, as_called

#: The verbs, in the order of the guides, and the module of each, in which a function has the verb's name.
_MODULES = {
    "init": "init",
    "up": "up",
    "web": "up",
    "worker": "up",
    "deliver": "up",
    "site": "site",
    "key": "key",
    "moderator": "moderator",
    "token": "token",
    "endpoint": "webhooks",  # which adds verbs to it
    "delivery": "webhooks",
    "queue": "comments",
    "comments": "comments",
    "show": "comments",
    "decide": "comments",
    "undo": "comments",
    "revise": "comments",
    "note": "comments",
    "reply": "comments",
    "retry": "comments",
    "erase": "comments",
    "person": "person",
    "learning": "learning",
    "score": "score",
    "model": "model",
    "import": "importing",
    "demo": "demo",
    "backup": "archive",
    "restore": "archive",
    "doctor": "doctor",
    "stats": "stats",
    "settings": "settings",
}


class _Commands(UserDict[str, Any]):
    """The commands by their verbs. A module is loaded when one of its verbs is asked for.

    So each verb starts with its own modules alone, and `up` hands no importer, archive or mail to its forks.
    """

    def __getitem__(self, verb: str) -> click.Command:
        """Return the command of *verb*. Raises KeyError if there is none."""
        found = super().__getitem__(verb)
        if isinstance(found, click.Command):
            return found
        module = import_module(f"service.cli.{found}")
        command: click.Command = getattr(module, f"{verb}_" if iskeyword(verb) else verb)
        _named_as_called(command)
        self[verb] = command
        return command


class _Formatter(click.HelpFormatter):
    """A click context whose help names the program as it was called."""

    def getvalue(self) -> str:
        """Return the help."""
        return as_called(super().getvalue())


class _Context(click.Context):
    formatter_class = _Formatter


class Verbs(click.Group):
    """A group whose failures are one sentence on standard error and exit status 1."""

    context_class = _Context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except (WinnowError, OSError) as problem:
            if isinstance(problem, BrokenPipeError):  # a closed pipe (`| head`): click handles it
                raise
            raise click.ClickException(as_called(_in_words(problem))) from problem


def _in_words(problem: Exception) -> str:
    """Return an error as a sentence; for an OSError, the file and the reason."""
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{problem.filename}: {problem.strerror}"
    return str(problem)


def _named_as_called(command: click.Command) -> None:
    """Have a command and its subcommands name the program in their help as it was called."""
    command.context_class = _Context
    for below in getattr(command, "commands", {}).values():
        _named_as_called(below)


@click.group(
    cls=Verbs,
    commands=_Commands(_MODULES),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    __version__,
    prog_name="winnow",
    message=f"%(prog)s %(version)s (data version {DATA_VERSION}, API v1)",
)
def cli() -> None:
    """Winnow moderates the comments of your blog on your own machine.

    Begin with `./winnow up`. `./winnow settings` lists every setting, and where it is set.
    """


def run() -> None:
    """Run the command line; its name in the shell's completion is `winnow`, however it was called."""
    # Read when numpy is loaded, which no verb has done yet. Matrices of a site's head are small: with two threads
    # they took five times the processor time of one, most of it spent waiting for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cli(prog_name=PROGRAM, complete_var="_WINNOW_COMPLETE")
