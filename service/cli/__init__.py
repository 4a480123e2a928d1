"""The command line: ``./winnow VERB``. Standard output has the answer and nothing else."""

from __future__ import annotations

import os
from typing import Any

import click

from moderation import __version__
from moderation.errors import WinnowError
from moderation.wiring import DATA_VERSION
from service.cli import (
    archive,
    comments,
    demo,
    doctor,
    endpoint,
    importing,
    init,
    key,
    learning,
    model,
    moderator,
    person,
    score,
    settings,
    site,
    stats,
    token,
    up,
    webhooks,
)
from service.cli.base import PROGRAM, as_called


class Verbs(click.Group):
    """A group whose failures are one sentence on standard error and exit status 1."""

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


class _Formatter(click.HelpFormatter):
    """A click context whose help names the program as it was called."""

    def getvalue(self) -> str:
        """Return the help."""
        return as_called(super().getvalue())


class _Context(click.Context):
    formatter_class = _Formatter


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    prog_name="winnow",
    message=f"%(prog)s %(version)s (data version {DATA_VERSION}, API v1)",
)
def cli() -> None:
    """Winnow moderates the comments of your blog on your own machine.

    Begin with `./winnow up`. `./winnow settings` lists every setting, and where it is set.
    """


for command in (
    init.init,
    up.up,
    up.web,
    up.worker,
    up.deliver,
    site.site,
    key.key,
    moderator.moderator,
    token.token,
    endpoint.endpoint,
    webhooks.delivery,
    comments.queue,
    comments.comments,
    comments.show,
    comments.decide,
    comments.undo,
    comments.revise,
    comments.note,
    comments.reply,
    comments.retry,
    comments.erase,
    person.person,
    learning.learning,
    score.score,
    model.model,
    importing.import_,
    demo.demo,
    archive.backup,
    archive.restore,
    doctor.doctor,
    stats.stats,
    settings.settings,
):
    cli.add_command(command)


def _named_as_called(command: click.Command) -> None:
    """Have a command and its subcommands name the program in their help as it was called."""
    command.context_class = _Context
    for below in getattr(command, "commands", {}).values():
        _named_as_called(below)


_named_as_called(cli)


def run() -> None:
    """Run the command line; its name in the shell's completion is `winnow`, however it was called."""
    # Read when numpy is loaded, which no verb has done yet. Matrices of a site's head are small: with two threads
    # they took five times the processor time of one, most of it spent waiting for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cli(prog_name=PROGRAM, complete_var="_WINNOW_COMPLETE")
