"""The identifier gives the answers of py3langid from smaller tables."""

import json
import shutil

import numpy as np
import pytest
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
from py3langid.modelio import load_model

from models import automaton, sentences
from models.artifacts import BrokenArtifact
from models.identifier import EDGES, MANIFEST, SHIPPED, STATES, Identifier
from models.languages import SHARED


@pytest.fixture(scope="module")
def theirs():
    return load_model(MODEL_DIR / MODEL_FILE)


@pytest.fixture(scope="module")
def texts():
    """Sentences of every language, as identifying meets them, and what no sentence is."""
    own = [one.text.lower() for one in sentences.generated(2).examples]
    return [*own, "", "x", "\ud800", "АБВ", "e\u0301" * 90, "0123456789", "zażółć " * 40]


@pytest.mark.parametrize("script", SHARED)
def test_answers_are_py3langids(script, texts):
    """The same language of the same likelihood, whatever script the text is in."""
    identifier = Identifier.load()
    original = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    original.set_languages(SHARED[script][1])
    for text in texts:
        language, likelihood = identifier.classify(text, script)
        expected, likely = original.classify(text)
        assert language == expected
        assert likelihood == pytest.approx(likely, abs=1e-6)


def test_every_byte_leads_every_state_where_it_leads_py3langids(theirs):
    """Each of 27 million moves, so that no text of whatever bytes is read otherwise."""
    _, _, _, moves, row_of, features = theirs
    moves = np.array(moves).reshape(-1, 256)
    bases, own_features, readers, endings = np.load(SHIPPED / STATES)
    owners, targets = np.load(SHIPPED / EDGES)
    assert own_features.tolist() == features
    for states in np.array_split(np.arange(len(bases)), 16):
        asked = np.repeat(readers[states], 256)
        letters = np.tile(np.arange(256), len(states))
        while True:
            places = bases[asked] + letters
            missing = owners[places] != asked
            if not missing.any():
                break
            asked[missing] = endings[asked[missing]]
        assert np.array_equal(targets[places], moves[np.array(row_of)[states]].ravel())


def test_an_export_writes_the_shipped_files_again(tmp_path):
    scripts = {name: languages for name, (_, languages) in SHARED.items()}
    automaton.export(scripts, tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == (SHIPPED / MANIFEST).read_bytes()


@pytest.mark.parametrize("name", [STATES, "latin.npy"])
def test_a_file_that_is_not_what_the_manifest_says_is_refused(tmp_path, name):
    copy = tmp_path / "languages"
    shutil.copytree(SHIPPED, copy)
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BrokenArtifact, match=f"{name} isn't what"):
        Identifier.load(copy)


def test_the_manifest_names_whose_model_it_is():
    manifest = json.loads((SHIPPED / MANIFEST).read_text())
    assert "py3langid" in manifest["made"]
    assert "Marco Lui" in (SHIPPED / "LICENSE").read_text()
