"""The command line on a server that holds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from moderation import wiring
from moderation.settings import Settings
from service.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def environ(tmp_path: Path, redis_url: str) -> dict[str, str]:
    """The settings of an installation with a Redis of its own, which has started once."""
    data = tmp_path / "data"
    wiring.prepare(wiring.connect(Settings(data_dir=data, redis_url=redis_url)))
    return {"WINNOW_DATA_DIR": str(data), "WINNOW_REDIS_URL": redis_url}


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Run a verb as a person would; `code` is the exit status that it must have."""

    def run(*verb: str, code: int = 0, **more: Any) -> Result:
        result = CliRunner(env=environ).invoke(cli, verb, prog_name="winnow", **more)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """Return what a verb answers as JSON: the object, or all of them if *many*."""

    def ask(*verb: str, many: bool = False) -> Any:
        lines = [json.loads(line) for line in run(*verb, "--json").stdout.splitlines()]
        if many:
            return lines
        (line,) = lines
        return line

    return ask


@pytest.fixture
def adapters(environ: dict[str, str]) -> wiring.Adapters:
    """The storage that the verbs work on."""
    settings = Settings(
        data_dir=Path(environ["WINNOW_DATA_DIR"]), redis_url=environ["WINNOW_REDIS_URL"]
    )
    return wiring.connect(settings)
