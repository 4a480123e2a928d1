"""The verbs of `./winnow model` answer with exit codes and figures."""

import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from models import artifacts
from models.cli import model


@pytest.fixture
def candidate(small, tmp_path):
    artifacts.save(small, tmp_path / "candidate")
    return tmp_path / "candidate"


def run(*words):
    return CliRunner().invoke(model, [str(word) for word in words])


def test_evaluate_prints_figures_as_json(data, candidate):
    result = run("evaluate", data, "--model", candidate)
    assert result.exit_code == 0
    assert "auc toxicity" in json.loads(result.stdout)["summary"]


def test_an_equal_candidate_is_promoted(data, candidate, tmp_path):
    place = tmp_path / "place"
    shutil.copytree(candidate, place)
    result = run("compare", candidate, data, "--model", place, "--promote")
    assert result.exit_code == 0
    assert "promoted" in result.stdout


def test_a_worse_candidate_is_refused(data, candidate, tmp_path, small):
    place = tmp_path / "place"
    shutil.copytree(candidate, place)
    artifacts.save(replace(small, joined=-small.joined), candidate)
    result = run("compare", candidate, data, "--model", place, "--promote")
    assert result.exit_code == 1
    assert "worse" in result.stderr
    assert (
        artifacts.read_manifest(place)["version"] != artifacts.read_manifest(candidate)["version"]
    )


def test_card_writes_beside_the_artifact(candidate):
    assert run("card", "--model", candidate).exit_code == 0
    assert (candidate / "MODEL_CARD.md").exists()


def test_what_is_missing_is_said(tmp_path):
    result = run("card", "--model", tmp_path)
    assert result.exit_code == 1
    assert "manifest.json" in result.stderr


@pytest.mark.parametrize("verb", ["train", "evaluate", "card", "compare"])
def test_help_has_an_example(verb):
    assert "Example: ./winnow model" in run(verb, "--help").stdout
