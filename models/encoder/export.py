"""Turns the encoder's weights into ONNX; needs the package `onnx`, which running it does not.

Matrices are int8 with a scale a row. Their inputs are quantised to 8 bits, too, in one of two
ways, and neither lets a score depend on a neighbour in the batch:

* What comes from a normalisation or from attention has fixed steps, one a channel, by the largest
  values that our own sentences give it. A channel's step goes into the weights (as SmoothQuant has
  it), so that the product costs no more than the multiplication.
* What comes from GELU is scaled token by token: the first token of a text has values up to ten
  times as large as others, and fixed steps would lose them or the rest.

One scale a tensor and call, as ONNX Runtime's own dynamic quantisation has it, is three times as
far from the float network, and moves a score by up to 0.9 of a logit with its neighbours.

Operators are those that ONNX Runtime is quick at on a CPU: its fused layer normalisation and its
fused attention with a mask cost a third of the time, and steps a channel in QuantizeLinear most of
it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import sentences
from models.artifacts import put
from models.encoder import windows as cutting
from models.encoder.runtime import MANIFEST, NETWORK, TOKENIZER, WEIGHTS
from models.encoder.windows import TOKENS

Weights = Mapping[str, NDArray[Any]]
#: The largest magnitude of each number that a layer's matrices are multiplied with, by their name.
Ranges = Mapping[str, NDArray[np.float64]]
Windows = Sequence[Sequence[int]]
#: Multiplies states with the matrices of some names side by side; returns the product.
Linear = Callable[..., str]

HEADS = 12
EPSILON = 1e-12
#: The lowest value of GELU.
LEAST_GELU = -0.17
#: How much of a channel's range goes into the weights: all would be 1.0. Measured: 0.65 to 0.85 are as
#: far from the float network as scales a token are, 0.5 a quarter farther.
SMOOTHING = 0.8
#: A channel counts as no narrower than this share of the widest.
NARROWEST = 1e-3
#: Our own windows by which ranges are measured, of each language: full ones, sentences, and as many
#: words of them alone.
FULL_WINDOWS, SENTENCES = 8, 40
#: Name of the network's input.
IDS = "ids"
_CONTRIB = "com.microsoft"
_MIDDLE = np.uint8(128)


def export(
    weights: Weights, tokenizer: bytes, directory: Path, windows: Windows, **about: Any
) -> dict[str, Any]:
    """Write the network, its tokenizer and a manifest below *directory*; return the manifest.

    *weights* are named as in ``encoder.npz``: a matrix is `NAME|q`, int8 of shape (n_rows,
    n_columns), with `NAME|s`, float32 of shape (n_rows, 1), its scales; everything else is float32,
    vectors of shape (n_rows,) and `heads.weight` of shape (n_labels, 2 * hidden). *windows* are what
    ranges are measured on, as a rule ``own_windows``. What *about* says is put into the manifest.
    Another kind of CPU may round a range differently, and so give another file that says nearly the
    same. Raises onnx.checker.ValidationError if the network is not valid.
    """
    network = graph(weights, ranges(weights, windows))
    onnx.checker.check_model(network)
    files = {**_written(network), TOKENIZER: tokenizer}
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()}
    version = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:12]
    labels, features = weights["heads.weight"].shape
    manifest = {
        **about,
        "version": version,
        "files": digests,
        "tokens": TOKENS,
        "hidden": features // 2,
        "labels": labels,
        "layers": layers(weights),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        put(directory / name, raw)
    # Last, so that half a write is refused by its digests.
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    put(directory / MANIFEST, text.encode())
    return manifest


def _written(network: onnx.ModelProto) -> dict[str, bytes]:
    """Return the files of *network*: its graph, and its large arrays beside it."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / NETWORK
        onnx.save_model(
            network, path, save_as_external_data=True, location=WEIGHTS, size_threshold=4096
        )
        return {name: (path.parent / name).read_bytes() for name in (NETWORK, WEIGHTS)}


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of an .npz by name, with their shapes and dtypes (int8, float32) as they are.

    Raises OSError if it cannot be read, and ValueError if it is another kind of file.
    """
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def layers(weights: Weights) -> int:
    """Return the number of layers in *weights*, by name: of any shape, int8 or float32."""
    return len({name.split(".")[1] for name in weights if name.startswith("layer.")})


def full(weights: Weights, name: str) -> NDArray[np.float32]:
    """Return one of *weights* as float32: a matrix (n_rows, n_columns), or a vector (n_rows,).

    Raises KeyError if there is none of that *name*, quantised or not.
    """
    if name in weights:
        return np.asarray(weights[name], np.float32)
    return np.asarray(weights[f"{name}|q"].astype(np.float32) * weights[f"{name}|s"])


def own_windows(cut: cutting.Cut) -> list[list[int]]:
    """Return windows of our own sentences: of each language full ones, sentences, and words."""
    draw = Random(0)  # noqa: S311 - drawn to be repeated
    found = []
    own = sentences.generated(1).examples
    for language in sentences.languages():
        texts = [one.text for one in own if one.language == language]
        draw.shuffle(texts)
        short = texts[:SENTENCES]
        short += [text.split()[0] for text in short]
        found += [cutting.windows(text, cut)[0] for text in short]
        for _ in range(FULL_WINDOWS):
            draw.shuffle(texts)
            found.append(cutting.windows(" ".join(texts[:TOKENS]), cut)[0])
    return found


def ranges(weights: Weights, windows: Windows) -> Ranges:
    """Return the largest magnitude of each input of a layer's matrices in the float network.

    Float64 of shape (n_columns,) by the name of the first matrix that is multiplied with it: the
    maximum over all tokens of all *windows*, to three digits. *weights* as in ``export``.
    """
    net = _Graph()
    inputs: dict[str, str] = {}

    def linear(names: Sequence[str], states: str, **_how: Any) -> str:
        inputs[names[0]] = states
        matrix = np.concatenate([full(weights, f"{name}.weight") for name in names])
        bias = np.concatenate([weights[f"{name}.bias"] for name in names])
        return net.add("Add", net.add("MatMul", states, net.constant(matrix.T)), net.constant(bias))

    network = _network(net, weights, linear, inputs)
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: dict[str, NDArray[np.float64]] = {}
    for window in windows:
        values = session.run(list(inputs.values()), {IDS: np.array([window])})
        for name, value in zip(inputs, values, strict=True):
            largest = np.abs(value).max((0, 1))
            found[name] = np.maximum(found.get(name, 0.0), largest)
    # Three digits, so that CPUs that add in another order mostly agree.
    return {
        name: np.array([float(f"{one:.3g}") for one in largest]) for name, largest in found.items()
    }


def graph(weights: Weights, ranges: Ranges) -> onnx.ModelProto:
    """Return the network, quantised by *ranges*; *weights* as in ``export``, *ranges* as in ``ranges``.

    From `ids`, int64 of shape (n_windows, n_tokens), to `features`, float32 of shape
    (n_windows, 2 * hidden), and `logits`, float32 of shape (n_windows, n_labels). Steps of channels
    are those of SmoothQuant (Xiao et al., 2023).
    """
    net = _Graph()
    return _network(net, weights, _Quantised(net, weights, ranges))


def _network(
    net: _Graph, weights: Weights, linear: Linear, shown: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    states, hidden = _embedded(net, weights, IDS), len(weights["embeddings.LayerNorm.bias"])
    for layer in range(layers(weights)):
        states = _layer(net, weights, f"layer.{layer}.", states, linear)
    mean = net.add("ReduceMean", states, net.axes(1), keepdims=0)
    most = net.add("ReduceMax", states, net.axes(1), keepdims=0)
    net.add("Concat", mean, most, output="features", axis=-1)
    heads = (full(weights, "heads.weight"), full(weights, "heads.bias"))
    net.add("Gemm", "features", *map(net.constant, heads), output="logits", transB=1)
    outputs: dict[str, list[Any]] = {
        "features": ["windows", 2 * hidden],
        "logits": ["windows", len(heads[1])],
    }
    outputs |= {value: ["windows", "tokens", None] for value in (shown or {}).values()}
    return net.model(
        [helper.make_tensor_value_info(IDS, TensorProto.INT64, ["windows", "tokens"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
    )


def _embedded(net: _Graph, weights: Weights, ids: str) -> str:
    rows = net.add("Gather", net.constant(weights["embeddings.word|q"]), ids)
    scales = net.add("Gather", net.constant(weights["embeddings.word|s"]), ids)
    words = net.add("Mul", net.cast(rows, TensorProto.FLOAT), scales)
    # Positions count from 0, and every token is of the first type.
    places = full(weights, "embeddings.position") + full(weights, "embeddings.type")[0]
    tokens = net.add("Shape", ids, start=1)
    begin = net.axes(0)
    here = net.add("Slice", net.constant(places[:TOKENS]), begin, tokens, begin)
    return _normal(net, weights, "embeddings.LayerNorm", net.add("Add", words, here))


def _layer(net: _Graph, weights: Weights, layer: str, states: str, linear: Linear) -> str:
    three = [f"{layer}attention.self.{name}" for name in ("query", "key", "value")]
    after = f"{layer}attention.output.dense"
    looks = net.split(linear(three, states, then=after), len(three))
    context = net.add("MultiHeadAttention", *looks, domain=_CONTRIB, num_heads=HEADS)
    output = linear([after], context, stepped=True)
    states = net.add("Add", states, output)
    states = _normal(net, weights, f"{layer}attention.output.LayerNorm", states)
    bent = net.add("Gelu", linear([f"{layer}intermediate.dense"], states), domain=_CONTRIB)
    narrow = linear([f"{layer}output.dense"], bent, least=LEAST_GELU)
    return _normal(net, weights, f"{layer}output.LayerNorm", net.add("Add", states, narrow))


def _normal(net: _Graph, weights: Weights, name: str, states: str) -> str:
    learned = [net.constant(full(weights, f"{name}.{part}")) for part in ("weight", "bias")]
    return net.add("LayerNormalization", states, *learned, axis=-1, epsilon=EPSILON)


class _Quantised:
    """Multiplies in 8 bits, by fixed steps or token by token."""

    def __init__(self, net: _Graph, weights: Weights, ranges: Ranges) -> None:
        self._net, self._weights, self._ranges = net, weights, ranges
        hidden = len(weights["embeddings.LayerNorm.bias"])
        self._shape = net.add("Concat", net.add("Shape", IDS), net.axes(hidden), axis=0)
        tokens = net.add("Reshape", IDS, net.axes(-1))
        self._middles = net.add("Expand", net.constant(_MIDDLE), net.add("Shape", tokens))

    def __call__(
        self,
        names: Sequence[str],
        states: str,
        *,
        then: str = "",
        stepped: bool = False,
        least: float | None = None,
    ) -> str:
        """Multiply *states* with the matrices of *names* side by side.

        The last of them is counted in steps of the matrix *then*, whose input attention averages
        of it; *stepped* says that *states* are counted so already. Where no number is below
        *least*, states are scaled token by token: the largest alone says how large any is.
        """
        rows = [full(self._weights, f"{name}.weight").astype(np.float64) for name in names]
        biases = [self._weights[f"{name}.bias"].astype(np.float64) for name in names]
        if least is not None:
            return self._by_token(rows[0], biases[0], states, least)
        matrix, steps = np.concatenate(rows), self._steps(names)
        of_output = np.ones(len(matrix))
        if then:
            of_output[-len(rows[-1]) :] = self._steps([then])
        net = self._net
        if not stepped:
            states = net.add("Mul", states, net.constant((1 / steps).astype(np.float32)))
        whole = net.add("QuantizeLinear", states, net.number(1), net.constant(_MIDDLE))
        bias = (np.concatenate(biases) / of_output).astype(np.float32)
        return self._product(whole, matrix * steps / of_output[:, None], net.constant(bias))

    def _steps(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return the step of each channel that is multiplied with the matrices of *names*."""
        matrix = np.concatenate([full(self._weights, f"{name}.weight") for name in names])
        widths, weights = self._ranges[names[0]], np.abs(matrix).max(0).astype(np.float64)
        widths = np.maximum(widths, NARROWEST * widths.max())
        weights = np.maximum(weights, NARROWEST * weights.max())
        shares = widths**SMOOTHING / weights ** (1 - SMOOTHING)
        steps: NDArray[np.float64] = shares * (widths / shares).max() / 127
        return steps

    def _by_token(
        self, matrix: NDArray[np.float64], bias: NDArray[np.float64], states: str, least: float
    ) -> str:
        net = self._net
        flat = net.add("Reshape", states, net.axes(-1, matrix.shape[1]))
        largest = net.add("ReduceMax", flat, net.axes(-1), keepdims=1)
        # No token is all zeros but in a broken network, which must not divide by it.
        largest = net.add("Max", largest, net.number(-least))
        steps = net.add("Mul", largest, net.number(1 / 127))
        each = net.add("Reshape", steps, net.axes(-1))
        whole = net.add("QuantizeLinear", flat, each, self._middles, axis=0)
        product = net.add("Mul", self._product(whole, matrix), steps)
        product = net.add("Add", product, net.constant(bias.astype(np.float32)))
        return net.add("Reshape", product, self._shape)

    def _product(self, whole: str, matrix: NDArray[np.float64], *bias: str) -> str:
        net = self._net
        scales = np.abs(matrix).max(1) / 127
        rows = np.rint(matrix / scales[:, None]).astype(np.int8)
        return net.add(
            "MatMulIntegerToFloat",
            *(whole, net.constant(rows.T)),
            *(net.number(1), net.constant(scales.astype(np.float32))),
            *(net.constant(_MIDDLE), net.constant(np.zeros(len(scales), np.int8))),
            *bias,
            domain=_CONTRIB,
        )


class _Graph:
    """Nodes and constants in the making, numbered as they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[bytes, onnx.TensorProto] = {}

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        """Return the name of a constant; equal ones are kept once."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = f"{array.dtype}{array.shape}".encode() + array.tobytes()
        digest = hashlib.sha256(key).digest()
        if digest not in self.constants:
            name = f"constant_{len(self.constants)}"
            self.constants[digest] = numpy_helper.from_array(array, name)
        return str(self.constants[digest].name)

    def number(self, value: float) -> str:
        """Return the name of a float32."""
        return self.constant(np.float32(value))

    def axes(self, *values: int) -> str:
        """Return the name of a vector of int64."""
        return self.constant(np.array(values, np.int64))

    def cast(self, value: str, kind: int) -> str:
        """Return *value* as another type."""
        return self.add("Cast", value, to=kind)

    def split(self, value: str, parts: int) -> list[str]:
        """Return equal parts along the last axis."""
        names = [f"{value}_{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], names, axis=-1, num_outputs=parts))
        return names

    def add(
        self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any
    ) -> str:
        """Add a node and return the name of its output."""
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name

    def model(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """Return the added nodes as a model."""
        made = helper.make_graph(
            self.nodes, "encoder", inputs, outputs, list(self.constants.values())
        )
        return helper.make_model(
            made,
            producer_name="winnow",
            ir_version=10,
            opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(_CONTRIB, 1)],
        )
