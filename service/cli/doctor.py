"""``winnow doctor``: checks this installation and prints findings with remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from moderation import wiring
from moderation.errors import WinnowError
from moderation.installation import is_served
from service.cli import checks
from service.cli.base import (
    as_called,
    as_json,
    dumped,
    installation,
    plain,
    storage,
)
from service.cli.checks import Check, Finding, Level

#: Exit statuses, as monitoring plugins have them.
EXIT = {Level.OK: 0, Level.WARNING: 1, Level.WRONG: 2}


@click.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Check this installation for problems; change nothing.

    Each line names a check, what was found, and after a dash what to do about it. Exit status: 0 all
    is well, 1 there are warnings, 2 something is wrong.

    Example: ./winnow doctor
    """
    worst = Level.OK
    for finding in examine():
        worst = max(worst, finding.level, key=lambda level: EXIT[level])
        if as_json:
            click.echo(
                dumped(
                    {
                        "check": finding.check,
                        "level": finding.level,
                        "text": finding.text,
                        "remedy": as_called(finding.remedy),
                    }
                )
            )
        else:
            remedy = f" - {finding.remedy}" if finding.remedy else ""
            line = plain(as_called(f"{finding.text}{remedy}"))
            click.echo(f"{finding.level:<8} {finding.check:<12} {line}")
    raise SystemExit(EXIT[worst])


def examine() -> Iterator[Finding]:
    """Yield the findings of all checks; a check that cannot be run is a finding, too."""
    try:
        here = installation()
    except WinnowError as problem:
        yield Finding(Check.SETTINGS, Level.WRONG, str(problem), "correct it, then run this again")
        return
    served = is_served(here.data)
    for check, look in checks.BEFORE_STORAGE:
        yield from _tried(check, look, here)
    try:
        here.require()
        with storage(here.settings) as adapters:
            yield Finding(
                Check.STORAGE,
                Level.OK,
                f"Redis answers; its data is of version {wiring.DATA_VERSION}",
                "",
            )
            for check, inspect in checks.IN_STORAGE:
                yield from _tried(check, inspect, adapters)
            yield from _tried(Check.WORKERS, checks.workers, adapters, served)
    except WinnowError as problem:
        yield Finding(Check.STORAGE, Level.WRONG, str(problem), "")
    yield from _tried(Check.WEB, checks.web, here, served)


def _tried(check: Check, look: Callable[..., Iterator[Finding]], *about: Any) -> Iterator[Finding]:
    try:
        yield from look(*about)
    except WinnowError as problem:
        yield Finding(check, Level.WRONG, str(problem), "")
    except OSError as problem:
        yield Finding(
            check,
            Level.WRONG,
            f"it cannot be looked at: {problem}",
            "see to that, then run this again",
        )
