"""Models are kept by version, one of them judges, and each can be gone back to."""

import json
from dataclasses import replace
from functools import partial

import pytest

from models import artifacts
from models.artifacts import BrokenArtifact
from models.current import CHECK_SECONDS, Current
from models.scorer import Item, Scorer
from models.versions import MARK, SHIPPED, Versions

TEXTS = [Item("Thank you, that helped me."), Item("you stupid idiot"), Item("buy cheap pills now")]


def another(directory, **more):
    """Save an artifact that differs from the shipped one in every score; return its version."""
    shipped = artifacts.load()
    shifted = {label: value + 0.25 for label, value in shipped.manifest["intercepts"].items()}
    manifest = {**shipped.manifest, "intercepts": shifted, **more}
    return artifacts.save(replace(shipped, manifest=manifest), directory).version


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    """Return a directory with an artifact that isn't the shipped one."""
    directory = tmp_path_factory.mktemp("made") / "candidate"
    another(directory)
    return directory


#: Loading the encoder takes a second, and most claims here are about files alone.
without_encoder = partial(Scorer.load, encoder=False)


@pytest.fixture
def versions(tmp_path):
    return Versions(tmp_path / "models", without_encoder)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now

    def past_the_next_look(self):
        self.now += CHECK_SECONDS + 0.1


def test_the_shipped_model_judges_until_one_is_promoted(versions):
    assert versions.current() == artifacts.SHIPPED
    assert [(known.name, known.current) for known in versions.known()] == [(SHIPPED, True)]


def test_what_was_promoted_is_listed_by_version_and_judges(versions, candidate):
    name = versions.promote(candidate)
    assert name == artifacts.read_manifest(candidate)["version"]
    assert artifacts.load(versions.current()).version == name
    assert {known.name: known.current for known in versions.known()} == {SHIPPED: False, name: True}


def test_rolling_back_goes_the_way_of_the_promotions_and_no_further(versions, candidate):
    name = versions.promote(candidate)
    versions.promote(SHIPPED)
    versions.promote(name)
    assert [versions.roll_back(), versions.roll_back(), versions.roll_back()] == [
        SHIPPED,
        name,
        SHIPPED,
    ]
    with pytest.raises(BrokenArtifact, match="no earlier version"):
        versions.roll_back()


def test_promoting_twice_is_promoting_once(versions, candidate):
    versions.promote(candidate)
    versions.promote(candidate)
    assert versions.roll_back() == SHIPPED


def test_other_thresholds_are_another_version(tmp_path):
    shipped = artifacts.load()
    ways = {
        name: {**way, "thresholds": {**way["thresholds"], "flag": dict.fromkeys(way["thresholds"]["flag"], 0.5)}}
        for name, way in shipped.manifest["ways"].items()
    }  # fmt: skip
    changed = replace(shipped, manifest={**shipped.manifest, "ways": ways})
    assert artifacts.save(changed, tmp_path).version != artifacts.save(shipped, tmp_path).version


@pytest.mark.parametrize(
    "more", [{"labels": ["spam"]}, {"signals": ["links"]}, {"encoder": "another"}, {"ways": {}}]
)
def test_an_artifact_that_cannot_judge_is_refused_and_changes_nothing(tmp_path, more):
    versions = Versions(tmp_path / "models")
    shipped = artifacts.load()
    directory = tmp_path / "candidate"
    artifacts.save(shipped, directory)
    manifest = artifacts.read_manifest(directory) | more
    (directory / artifacts.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BrokenArtifact):
        versions.promote(directory)
    assert versions.current() == artifacts.SHIPPED
    assert [known.name for known in versions.known()] == [SHIPPED]


@pytest.mark.parametrize("wanted", ["3f2a9c1b77de", "../..", ".", "", "/nowhere"])
def test_what_is_not_there_is_refused(versions, wanted):
    with pytest.raises(BrokenArtifact):
        versions.promote(wanted)


def test_a_directory_that_is_an_artifact_is_current_and_takes_no_promotion(candidate):
    assert Versions(candidate).current() == candidate
    with pytest.raises(BrokenArtifact, match="not a directory of them"):
        Versions(candidate).promote(SHIPPED)


def test_an_encoder_beside_the_heads_is_promoted_with_them(versions, candidate, tmp_path):
    whole = tmp_path / "with an encoder"
    another(whole)
    (whole / "encoder").symlink_to(artifacts.SHIPPED / "encoder")
    versions.promote(whole)
    assert (versions.current() / "encoder" / "encoder.json").exists()


def test_a_promoted_model_is_taken_up_and_a_rollback_gives_the_same_bits(tmp_path, candidate):
    clock = Clock()
    versions = Versions(tmp_path / "models")
    current = Current(tmp_path / "models", clock=clock)
    before = current().score(TEXTS)
    name = versions.promote(candidate)
    assert current().score(TEXTS) == before
    clock.past_the_next_look()
    assert {score.model for score in current().score(TEXTS)} == {name}
    assert current().score(TEXTS) != before
    versions.roll_back()
    clock.past_the_next_look()
    assert current().score(TEXTS) == before


def test_a_mark_at_what_cannot_judge_stops_nothing_and_is_said_once(tmp_path, candidate, caplog):
    clock = Clock()
    versions = Versions(tmp_path / "models", without_encoder)
    name = versions.promote(candidate)
    current = Current(tmp_path / "models", encoder=False, clock=clock)
    next(versions.current().glob("weights-*")).write_bytes(b"torn")
    (tmp_path / "models" / MARK).write_text("gone\n")
    for _ in range(3):
        clock.past_the_next_look()
        assert current().version == name
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "gone" in current.problem


def test_a_start_with_what_cannot_judge_falls_back_to_the_shipped_model(tmp_path, candidate):
    """After an upgrade, say, that reads other signals: comments go on being screened."""
    versions = Versions(tmp_path / "models", without_encoder)
    versions.promote(candidate)
    next(versions.current().glob("weights-*")).write_bytes(b"torn")
    current = Current(tmp_path / "models", encoder=False)
    assert current().version == artifacts.read_manifest()["version"]
    assert "isn't what the manifest says" in current.problem


def test_a_broken_copy_is_replaced_by_a_whole_one(versions, candidate):
    versions.promote(candidate)
    next(versions.current().glob("weights-*")).write_bytes(b"torn")
    versions.promote(candidate)
    assert artifacts.load(versions.current())
