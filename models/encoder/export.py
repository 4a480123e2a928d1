"""Turns the encoder's weights into ONNX; needs the package `onnx`, which running it does not.

Matrices stay int8 with a scale a row, as they are stored. What is multiplied with them is made
8-bit with a scale a token. One scale a tensor, as ONNX Runtime's own dynamic quantisation has it,
is three times as far from the float network, since the first token of a text has values twelve
times as large as others; and it lets a score depend on a neighbour in the batch, by up to 0.9 of a
logit. Windows of a batch are equally long, so that there is no padding to be told apart.

Operators are those that ONNX Runtime is quick at on a CPU: its fused layer normalisation and its
fused attention with a mask cost a third of the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.encoder.runtime import MANIFEST, NETWORK, TOKENIZER
from models.encoder.windows import TOKENS

Weights = Mapping[str, NDArray[Any]]

HEADS = 12
EPSILON = 1e-12
#: The lowest value of GELU.
LEAST_GELU = -0.17
_CONTRIB = "com.microsoft"


def export(weights: Weights, tokenizer: bytes, directory: Path, **about: Any) -> dict[str, Any]:
    """Write the network, its tokenizer and a manifest below *directory*; return the manifest.

    *weights* are named as in ``encoder.npz``: a matrix is `NAME|q` (int8 rows) with `NAME|s` (a
    scale a row), everything else float32. What *about* says is put into the manifest.
    """
    network = graph(weights)
    onnx.checker.check_model(network)
    files = {NETWORK: network.SerializeToString(deterministic=True), TOKENIZER: tokenizer}
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
        (directory / name).write_bytes(raw)
    # Last, so that half a write is refused by its digests.
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of an .npz, by name."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def layers(weights: Weights) -> int:
    """Return how many layers there are."""
    return len({name.split(".")[1] for name in weights if name.startswith("layer.")})


def full(weights: Weights, name: str) -> NDArray[np.float32]:
    """Return a matrix or a vector as float32."""
    if name in weights:
        return np.asarray(weights[name], np.float32)
    return np.asarray(weights[f"{name}|q"].astype(np.float32) * weights[f"{name}|s"])


def graph(weights: Weights) -> onnx.ModelProto:
    """Return the network: `ids` (windows, tokens) to `features` and `logits`."""
    net = _Graph()
    ids = "ids"
    states, hidden = _embedded(net, weights, ids), len(weights["embeddings.LayerNorm.bias"])
    for layer in range(layers(weights)):
        states = _layer(net, weights, f"layer.{layer}.", states)
    mean = net.add("ReduceMean", states, net.axes(1), keepdims=0)
    most = net.add("ReduceMax", states, net.axes(1), keepdims=0)
    net.add("Concat", mean, most, output="features", axis=-1)
    heads = (full(weights, "heads.weight"), full(weights, "heads.bias"))
    net.add("Gemm", "features", *map(net.constant, heads), output="logits", transB=1)
    shapes = {"features": 2 * hidden, "logits": len(heads[1])}
    return net.model(
        [helper.make_tensor_value_info(ids, TensorProto.INT64, ["windows", "tokens"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["windows", size])
            for name, size in shapes.items()
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


def _layer(net: _Graph, weights: Weights, layer: str, states: str) -> str:
    three = [f"{layer}attention.self.{name}" for name in ("query", "key", "value")]
    looks = net.split(_linear(net, weights, three, states), len(three))
    context = net.add("MultiHeadAttention", *looks, domain=_CONTRIB, num_heads=HEADS)
    told = _linear(net, weights, [f"{layer}attention.output.dense"], context)
    states = net.add("Add", states, told)
    states = _normal(net, weights, f"{layer}attention.output.LayerNorm", states)
    bent = net.add(
        "Gelu", _linear(net, weights, [f"{layer}intermediate.dense"], states), domain=_CONTRIB
    )
    narrow = _linear(net, weights, [f"{layer}output.dense"], bent, least=LEAST_GELU)
    return _normal(net, weights, f"{layer}output.LayerNorm", net.add("Add", states, narrow))


def _normal(net: _Graph, weights: Weights, name: str, states: str) -> str:
    learned = [net.constant(full(weights, f"{name}.{part}")) for part in ("weight", "bias")]
    return net.add("LayerNormalization", states, *learned, axis=-1, epsilon=EPSILON)


def _linear(
    net: _Graph, weights: Weights, names: Sequence[str], states: str, least: float | None = None
) -> str:
    """Multiply with the matrices of *names* side by side, each token scaled by its own maximum.

    Where no number is below *least*, the largest one alone says how large any is.
    """
    rows = np.concatenate([weights[f"{name}.weight|q"] for name in names])
    scales = np.concatenate([weights[f"{name}.weight|s"] for name in names])[:, 0]
    bias = np.concatenate([weights[f"{name}.bias"] for name in names])
    sizes = states if least is not None else net.add("Abs", states)
    largest = net.add("ReduceMax", sizes, net.axes(-1), keepdims=1)
    # No token is all zeros but in a broken network, which must not divide by it.
    largest = net.add("Max", largest, net.number(1e-9 if least is None else -least))
    unit = net.add("Mul", states, net.add("Div", net.number(127), largest))
    middle = net.constant(np.uint8(128))
    whole = net.add("QuantizeLinear", unit, net.number(1), middle)
    product = net.add(
        "MatMulIntegerToFloat",
        *(whole, net.constant(rows.T), net.number(1), net.constant(scales / np.float32(127))),
        *(middle, net.constant(np.zeros(len(scales), np.int8))),
        domain=_CONTRIB,
    )
    return net.add("Add", net.add("Mul", product, largest), net.constant(bias))


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
        """Return what was added, as a model."""
        made = helper.make_graph(
            self.nodes, "encoder", inputs, outputs, list(self.constants.values())
        )
        return helper.make_model(
            made,
            producer_name="winnow",
            ir_version=10,
            opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(_CONTRIB, 1)],
        )
