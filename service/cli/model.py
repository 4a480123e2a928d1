"""``winnow model``: runs the command line of models with this installation's directory."""

from __future__ import annotations

import os

import click

from service.cli import forks
from service.cli.base import PROGRAM, read_settings


@click.command(
    context_settings={"ignore_unknown_options": True}, add_help_option=False, name="model"
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def model(words: tuple[str, ...]) -> None:
    """Train, measure, describe and promote the model; `model --help` lists the verbs.

    Example: ./winnow model list
    """
    # A separate process, so that the service does not load the libraries of training.
    directory = str(read_settings().models)
    environ = forks.environment(WINNOW_MODEL=directory, _WINNOW_CALLED=PROGRAM)
    command = forks.python("-m", "models.cli", *words)
    # In place of this process, so that a signal to this process reaches the training.
    os.execve(command[0], command, environ)  # noqa: S606 - our own program
