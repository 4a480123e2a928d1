"""Training on a tiny network: what learns, what stays, and what is left behind."""

import json

import numpy as np
import pytest

from models.datasets import LABELS, Corpus, Example
from models.encoder.lessons import Teacher, lessons
from models.encoder.windows import UNKNOWN
from tests.support.encoder import some_windows, tiny

pytest.importorskip("onnx", reason="onnx is in requirements-train.txt alone")
torch = pytest.importorskip("torch", reason="torch is in requirements-train.txt alone")

from models.encoder import export, train  # noqa: E402
from models.encoder.network import Network, quantised  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


IDS = {f"w{number}": number + UNKNOWN + 1 for number in range(100)}


def cut(text):
    """Return an id for each word."""
    return [IDS.get(word, UNKNOWN) for word in text.split()]


def comments(count, seed):
    """Return comments of which those with w7 are toxic, and those with w8 spam."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        words = [f"w{number}" for number in draw.integers(10, 100, draw.integers(3, 20))]
        toxic, spam = draw.random(2) < 0.5
        words += ["w7"] * bool(toxic) + ["w8"] * bool(spam)
        labels = {"toxicity": float(toxic), "spam": float(spam)}
        made.append(Example(" ".join(draw.permutation(words)), "source", labels))
    return Corpus(tuple(made))


PLAN = train.Plan(layers=1, epochs=4, batch=16, rate=3e-2, measured=3, minutes=5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    reported = []
    found = train.train(
        lessons(comments(600, 0), Teacher.load(None)),
        comments(200, 1),
        tiny(),
        cut,
        directory,
        PLAN,
        reported.append,
    )
    return directory, found, reported


def test_it_learns_what_the_labels_say(run):
    _, found, reported = run
    assert reported[0]["score"] < 0.7
    assert found["best"]["score"] > 0.9


def test_the_layers_below_stay_and_those_above_change(run):
    directory, _, _ = run
    before, after = tiny(), export.read(directory / train.WEIGHTS)
    assert after.keys() == before.keys()
    for name, value in before.items():
        learns = name.startswith(("layer.1.", "heads."))
        assert np.array_equal(after[name], value) != learns or name.endswith("key.bias"), name


def test_the_log_has_numbers_and_no_texts(run):
    directory, _, reported = run
    lines = (directory / train.LOG).read_text().splitlines()
    assert [json.loads(line) for line in lines] == reported
    assert "w7" not in "".join(lines)


def test_what_was_learned_is_exported(run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    directory, _, _ = run
    weights = export.read(directory / train.WEIGHTS)
    export.export(weights, b"{}", tmp_path, some_windows())
    session = onnxruntime.InferenceSession(str(tmp_path / "encoder.onnx"))
    window = [0, 20, 30, 40, 50, 2]
    quiet, rude = (
        session.run(["logits"], {"ids": np.array([[*window[:-1], word, 2]])})[0][0]
        for word in (60, 4 + 7)
    )
    toxicity = LABELS.index("toxicity")
    assert quiet[toxicity] < 0 < rude[toxicity]


def test_torch_with_padding_and_onnx_without_compute_the_same():
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = tiny()
    windows = [[0, 5, 6, 7, 2], [0, 9, 10, 11, 12, 13, 2]]
    session = onnxruntime.InferenceSession(
        export.graph(weights, export.ranges(weights, some_windows())).SerializeToString()
    )
    network = Network(weights, 1)
    ids = torch.tensor([[*windows[0], 1, 1], windows[1]])
    with torch.no_grad():
        ours = network.upper(network.lower(ids), ids != 1)
    for row, window in enumerate(windows):
        theirs = session.run(["features", "logits"], {"ids": np.array([window])})
        for mine, other in zip(ours, theirs, strict=True):
            assert np.abs(mine[row].numpy() - other[0]).max() < 0.05


def test_time_that_is_up_ends_it_with_the_weights_it_began_with(tmp_path):
    found = train.train(
        lessons(comments(50, 0), Teacher.load(None)),
        comments(50, 1),
        tiny(),
        cut,
        tmp_path,
        train.Plan(layers=1, minutes=1e-9),
    )
    assert found["best"]["step"] == 0
    kept = export.read(tmp_path / train.WEIGHTS)
    assert np.array_equal(kept["heads.weight"], tiny()["heads.weight"])


@pytest.mark.parametrize("upper", [0, 3])
def test_no_more_layers_learn_than_there_are(upper):
    with pytest.raises(ValueError, match="1 to 2 layers"):
        Network(tiny(), upper)


def test_a_row_is_quantised_within_half_a_step():
    matrix = np.random.default_rng(0).normal(0, 1, (5, 9)).astype(np.float32)
    rows, scales = quantised(matrix)
    assert np.abs(rows * scales - matrix).max() <= scales.max() / 2 + 1e-6
    assert np.abs(rows).max() == 127
