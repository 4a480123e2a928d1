"""Every verb explains itself, and the guides name no verb that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service.cli import cli

ROOT = Path(__file__).parents[3]


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if name == "model":  # hands its words to another program, tested with models
            continue
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("verb", list(commands()), ids=" ".join)
def test_each_verb_has_help_with_an_example_of_itself(run, verb: tuple[str, ...]):
    text = run(*verb, "--help").stdout
    assert "Example:" in text
    assert f"./winnow {' '.join(verb)}" in " ".join(text.split())


@pytest.mark.parametrize("guide", ["README.md", "docs/operate.md"])
def test_a_guide_names_verbs_that_exist(guide: str):
    known = {verb[: n + 1] for verb in commands() for n in range(len(verb))} | {("model",)}
    text = (ROOT / guide).read_text()
    named = re.findall(r"\./winnow ((?:[a-z]+ ?)+)", text)
    assert named
    for words in named:
        first = tuple(words.split()[:1])
        assert first in known, words
