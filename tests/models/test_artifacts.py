"""An artifact is whole, small and repeatable, or it isn't loaded."""

import json
from dataclasses import replace

import pytest

from models import artifacts, card
from models.artifacts import BrokenArtifact
from models.scorer import Item, Scorer, newest_version


def test_what_was_saved_is_what_is_loaded(shipped, encoder, tmp_path):
    saved = artifacts.save(shipped, tmp_path)
    loaded = artifacts.load(tmp_path)
    assert loaded.version == saved.version == newest_version(tmp_path)
    assert (loaded.weights == shipped.weights).all()
    assert (loaded.joined == shipped.joined).all()
    hello = [Item("hello")]
    assert Scorer(loaded, encoder).score(hello) == Scorer(saved, encoder).score(hello)


def test_a_changed_byte_is_noticed(shipped, tmp_path):
    artifacts.save(shipped, tmp_path)
    (file,) = tmp_path.glob("weights-*.npy")
    raw = bytearray(file.read_bytes())
    raw[5_000] ^= 1
    file.write_bytes(raw)
    with pytest.raises(BrokenArtifact, match="isn't what the manifest says"):
        artifacts.load(tmp_path)


def test_a_missing_manifest_or_array_is_named(shipped, tmp_path):
    with pytest.raises(BrokenArtifact, match=r"manifest\.json"):
        artifacts.load(tmp_path)
    artifacts.save(shipped, tmp_path)
    next(tmp_path.glob("joined-*.npy")).unlink()
    with pytest.raises(BrokenArtifact, match="joined"):
        artifacts.load(tmp_path)


def test_nothing_is_pickled(shipped, tmp_path):
    artifacts.save(shipped, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}


def test_a_promotion_leaves_no_old_arrays(shipped, tmp_path):
    artifacts.save(shipped, tmp_path)
    changed = replace(shipped, weights=shipped.weights + 1)
    new = artifacts.save(changed, tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 3
    assert newest_version(tmp_path) == new.version


def test_the_shipped_manifest_says_what_it_was_made_of():
    manifest = artifacts.read_manifest()
    assert set(manifest) >= {"version", "files", "libraries", "data", "ways", "encoder", "labels"}


def test_the_shipped_card_is_generated_from_the_shipped_manifest():
    written = (artifacts.SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert written == card.rendered(artifacts.read_manifest())


def test_a_card_has_every_section(shipped, tmp_path):
    text = card.rendered(artifacts.save(shipped, tmp_path).manifest)
    for heading in (
        "Trained on",
        "Default thresholds",
        "left out",
        "Calibration",
        "Languages",
        "Bases, teacher, cost",
        "Evasion",
        "Limits",
    ):
        assert heading in text
    json.dumps(shipped.manifest)
