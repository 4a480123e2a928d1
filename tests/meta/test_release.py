"""A release is made of a clean checkout whose changelog names it; the package says one version."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation import __version__
from moderation.wiring import DATA_VERSION
from service.cli import cli

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("release", ROOT / "deploy" / "release.py")
release = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(release)

GOOD = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-26\n\n### Added\n\n- Much.\n"


def test_a_changelog_that_names_the_release_is_ready():
    assert release.changelog_problems(GOOD, "1.2.3") == []


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("# Changelog\n\n## [Unreleased]\n", "no section: write `## [1.2.3] - 2026-11-26`"),
        (GOOD.replace(" - 2026-11-26", ""), "has no date, such as 2026-11-26"),
        (GOOD.replace("- Much.", ""), "has no entries"),
        (GOOD.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"), "move them to 1.2.3"),
    ],
)
def test_what_the_changelog_lacks_is_said(text: str, sentence: str):
    (problem,) = release.changelog_problems(text, "1.2.3", today=date(2026, 11, 26))
    assert sentence in problem


def test_there_is_one_version():
    assert release.read_version(ROOT) == __version__
    said = CliRunner().invoke(cli, ["--version"]).stdout
    assert said == f"winnow {__version__} (data version {DATA_VERSION}, API v1)\n"


def test_the_package_runs_on_what_the_checkout_runs_on():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.in"]}
    program, _, function = project["project"]["scripts"]["winnow"].partition(":")
    assert callable(getattr(importlib.import_module(program), function))
