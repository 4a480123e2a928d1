"""The network as ONNX: the same numbers as the recipe, whatever it is padded with."""

import numpy as np
import pytest

from tests.support.encoder import HIDDEN, PIECES, some_windows, tiny

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx", reason="onnx is in requirements-train.txt alone")

from models import sentences  # noqa: E402
from models.encoder import export  # noqa: E402
from models.encoder.pieces import Pieces  # noqa: E402
from models.encoder.runtime import NETWORK, SHIPPED, TOKENIZER, WEIGHTS, read_manifest  # noqa: E402
from models.encoder.windows import TOKENS  # noqa: E402


def layer_norm(states, weights, name):
    centred = states - states.mean(-1, keepdims=True)
    unit = centred / np.sqrt(centred.var(-1, keepdims=True) + export.EPSILON)
    return unit * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(values):
    erf = np.vectorize(__import__("math").erf)
    return values * 0.5 * (1 + erf(values / np.sqrt(2)))


def expected(weights, ids):
    """Return features and logits of one window, step by step in float32."""

    def linear(states, name):
        return states @ export.full(weights, f"{name}.weight").T + weights[f"{name}.bias"]

    states = export.full(weights, "embeddings.word")[ids]
    states = states + export.full(weights, "embeddings.position")[: len(ids)]
    states = layer_norm(states + weights["embeddings.type"][0], weights, "embeddings.LayerNorm")
    for layer in range(export.layers(weights)):
        name = f"layer.{layer}."
        query, key, value = (
            linear(states, f"{name}attention.self.{part}")
            .reshape(len(ids), export.HEADS, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        looks = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        looks = np.exp(looks - looks.max(-1, keepdims=True))
        looks /= looks.sum(-1, keepdims=True)
        context = (looks @ value).transpose(1, 0, 2).reshape(states.shape)
        attended = linear(context, f"{name}attention.output.dense")
        states = layer_norm(states + attended, weights, f"{name}attention.output.LayerNorm")
        bent = gelu(linear(states, f"{name}intermediate.dense"))
        narrow = linear(bent, f"{name}output.dense")
        states = layer_norm(states + narrow, weights, f"{name}output.LayerNorm")
    features = np.concatenate([states.mean(0), states.max(0)])
    return features, weights["heads.weight"] @ features + weights["heads.bias"]


@pytest.fixture(scope="module")
def session():
    raw = export.graph(tiny(), export.ranges(tiny(), some_windows())).SerializeToString()
    return onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])


def read(session, *windows):
    return session.run(["features", "logits"], {"ids": np.array(windows)})


def test_the_graph_computes_what_the_recipe_says(session):
    window = np.array([0, *range(10, 40), 2])
    features, logits = read(session, window)
    wanted_features, wanted_logits = expected(tiny(), window)
    # Eight bits of each token are the whole difference.
    assert np.abs(features[0] - wanted_features).max() < 0.05
    assert np.abs(logits[0] - wanted_logits).max() < 0.05


@pytest.mark.parametrize("length", [2, 5, 30, 160])
def test_neighbours_in_a_batch_change_no_number(session, length):
    windows = np.random.default_rng(length).integers(3, PIECES, (8, length))
    together = read(session, *windows)
    for index, window in enumerate(windows):
        for among, alone in zip(together, read(session, window), strict=True):
            assert np.abs(among[index] - alone[0]).max() < 1e-5


def test_an_export_has_digests_a_version_and_its_size(tmp_path):
    windows = some_windows()
    written = export.export(tiny(), b"{}", tmp_path, windows, made="by chance")
    assert read_manifest(tmp_path) == written
    assert set(written["files"]) == {NETWORK, TOKENIZER, WEIGHTS}
    assert (written["hidden"], written["layers"], written["labels"]) == (HIDDEN, 2, 7)
    assert written["made"] == "by chance"
    again = export.export(tiny(), b"{}", tmp_path, windows, made="again")
    assert again["version"] == written["version"]
    assert export.export(tiny(1), b"{}", tmp_path, windows)["version"] != written["version"]


def test_ranges_are_measured_on_full_windows_sentences_and_words_of_every_language():
    pieces = Pieces.load(SHIPPED / TOKENIZER)
    windows = export.own_windows(pieces)
    each = export.FULL_WINDOWS + 2 * export.SENTENCES
    assert len(windows) == each * len(sentences.languages())
    assert sum(len(window) == TOKENS for window in windows) >= export.FULL_WINDOWS * 20
    assert export.own_windows(pieces) == windows


def test_what_is_larger_than_every_range_counts_as_the_largest(session):
    """A window unlike all that ranges were measured on is read less exactly, and no worse."""
    ranges = {name: one / 4 for name, one in export.ranges(tiny(), some_windows()).items()}
    raw = export.graph(tiny(), ranges).SerializeToString()
    narrow = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    window = np.array([0, *range(10, 40), 2])
    for one, other in zip(read(narrow, window), read(session, window), strict=True):
        assert np.isfinite(one).all()
        assert np.abs(one - other).max() < 2
