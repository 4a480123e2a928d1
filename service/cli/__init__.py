"""The command line: ``./winnow VERB``. Standard output has the answer and nothing else."""

from __future__ import annotations

from typing import Any

import click

from moderation.errors import WinnowError
from service.cli import (
    archive,
    comments,
    demo,
    doctor,
    endpoint,
    importing,
    key,
    moderator,
    score,
    settings,
    site,
    stats,
    token,
    up,
    webhooks,
)


class Verbs(click.Group):
    """A group whose failures are one sentence on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except (WinnowError, OSError) as problem:
            if isinstance(problem, BrokenPipeError):  # `| head` has seen enough: click knows
                raise
            raise click.ClickException(str(problem)) from problem


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Winnow moderates the comments of your blog on your own machine.

    Begin with `./winnow up`. Every setting is an environment variable: `./winnow settings` lists
    them. `./winnow model --help` has the verbs for training models.
    """


for command in (
    up.up,
    up.web,
    site.site,
    key.key,
    moderator.moderator,
    token.token,
    endpoint.endpoint,
    webhooks.delivery,
    comments.queue,
    comments.show,
    comments.decide,
    comments.undo,
    comments.retry,
    comments.erase,
    score.score,
    importing.import_,
    demo.demo,
    archive.backup,
    archive.restore,
    doctor.doctor,
    stats.stats,
    settings.settings,
):
    cli.add_command(command)
