"""The verbs of `./winnow model` answer with exit codes and figures."""

import json
import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from click.testing import CliRunner

from models import artifacts
from models.cli import model
from moderation.installation import find
from tests.support.service import ROOT, command


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Return where this test's promoted models lie."""
    directory = tmp_path / "data" / "models"
    monkeypatch.setenv("WINNOW_MODEL", str(directory))
    return directory


@pytest.fixture
def candidate(shipped, tmp_path):
    artifacts.save(shipped, tmp_path / "candidate")
    return tmp_path / "candidate"


def run(*words):
    return CliRunner().invoke(model, [str(word) for word in words])


def test_evaluate_prints_figures_as_json(data, candidate):
    result = run("evaluate", data, "--model", candidate)
    assert result.exit_code == 0
    assert "auc toxicity" in json.loads(result.stdout)["summary"]


def test_an_equal_candidate_is_promoted(data, candidate, tmp_path, home):
    place = tmp_path / "place"
    shutil.copytree(candidate, place)
    result = run("compare", candidate, data, "--model", place, "--promote")
    assert result.exit_code == 0
    assert in_use() == artifacts.read_manifest(candidate)["version"]
    assert artifacts.load(home / in_use())


def test_a_worse_candidate_is_refused(data, candidate, tmp_path, shipped, home):
    place = tmp_path / "place"
    shutil.copytree(candidate, place)
    artifacts.save(replace(shipped, joined=-shipped.joined), candidate)
    result = run("compare", candidate, data, "--model", place, "--promote")
    assert result.exit_code == 1
    assert "worse" in result.stderr
    assert in_use() == "shipped"
    assert not home.exists()


def in_use():
    """Return the name of the version that `list` has a star at."""
    known = map(json.loads, run("list", "--json").stdout.splitlines())
    return next(one["name"] for one in known if one["current"])


def test_versions_are_promoted_listed_and_rolled_back(candidate, home):
    version = artifacts.read_manifest(candidate)["version"]
    assert run("promote", candidate).stdout == f"{version} is in use\n"
    assert f"* {version}\n" in run("list").stdout
    assert run("promote", "shipped").exit_code == 0
    assert run("promote", version).exit_code == 0
    assert [run("rollback").exit_code for _ in range(4)] == [0, 0, 0, 1]
    assert in_use() == "shipped"
    assert (home / version).is_dir()


@pytest.mark.parametrize("wanted", ["no-such-version", "/nowhere"])
def test_promoting_nothing_is_one_sentence(wanted, home):
    result = run("promote", wanted)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "`./winnow model list`" in result.stderr
    assert not home.exists()


@pytest.mark.parametrize("named", [False, True])
def test_promoted_models_lie_where_web_and_workers_look(tmp_path, candidate, named):
    """`./winnow model` tells the command line of models, which knows nothing of settings."""
    environ = {"WINNOW_DATA_DIR": str(tmp_path / "data"), "PATH": os.environ["PATH"]}
    if named:
        (tmp_path / "models").mkdir()
        environ["WINNOW_MODEL"] = str(tmp_path / "models")
    done = subprocess.run(
        command("model", "promote", str(candidate)),
        env=environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.returncode == 0
    assert (find(environ).settings.models / "current").exists()


def test_card_writes_beside_the_artifact(candidate):
    assert run("card", "--model", candidate).exit_code == 0
    assert (candidate / "MODEL_CARD.md").exists()


def test_what_is_missing_is_said(tmp_path):
    result = run("card", "--model", tmp_path)
    assert result.exit_code == 1
    assert "manifest.json" in result.stderr


@pytest.mark.parametrize(
    "verb", ["train", "evaluate", "card", "compare", "list", "promote", "rollback"]
)
def test_help_has_an_example(verb):
    assert "Example: ./winnow model" in run(verb, "--help").stdout
