"""The encoder as a network of torch, to be trained; running it needs none of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.encoder.export import EPSILON, HEADS, full, layers
from models.encoder.windows import PADDING

Weights = Mapping[str, NDArray[Any]]

_PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)


class Layer(nn.Module):
    """One layer, as ``export`` writes it."""

    def __init__(self, hidden: int, wide: int) -> None:
        super().__init__()
        query, key, value, projected, first, widened, narrowed, second = _PARTS
        self.parts = nn.ModuleDict(
            {
                **{
                    _key(name): nn.Linear(hidden, hidden) for name in (query, key, value, projected)
                },
                _key(widened): nn.Linear(hidden, wide),
                _key(narrowed): nn.Linear(wide, hidden),
                **{_key(name): nn.LayerNorm(hidden, EPSILON) for name in (first, second)},
            }
        )

    def forward(self, states: Tensor, far: Tensor) -> Tensor:
        """Return new states, of the shape of *states*; float32, or autocast's dtype.

        *states* has the shape (n_windows, n_tokens, hidden). *far*, float32 of shape
        (n_windows, 1, 1, n_tokens), is added to the attention on each token: 0, or -1e9 for padding.
        """
        query, key, value, projected, first, widened, narrowed, second = (
            self.parts[_key(name)] for name in _PARTS
        )
        size = (*states.shape[:2], HEADS, -1)
        q, k, v = (part(states).view(size).transpose(1, 2) for part in (query, key, value))
        # By hand: on a CPU torch's own attention takes longer backwards than all else together.
        looks = (q @ k.transpose(2, 3)) * q.shape[-1] ** -0.5 + far
        context = (looks.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(states.shape)
        states = first(states + projected(context))
        bent = nn.functional.gelu(widened(states))
        return second(states + narrowed(bent))


class Network(nn.Module):
    """All layers, of which the upper ones learn."""

    def __init__(self, weights: Weights, upper: int, *, bfloat16: bool = False) -> None:
        """Take *weights* over and let the *upper* layers and the heads learn.

        With *bfloat16* matrices are multiplied in it, and kept as float32. *weights* as in
        ``export.export``. Raises ValueError if *upper* is 0 or above their number.
        """
        super().__init__()
        self.bfloat16 = bfloat16
        count = layers(weights)
        if not 1 <= upper <= count:
            raise ValueError(f"1 to {count} layers can be trained, not {upper}")
        self.lower_count = count - upper
        words = full(weights, "embeddings.word")
        places = full(weights, "embeddings.position") + full(weights, "embeddings.type")[0]
        self.words = nn.Embedding.from_pretrained(torch.from_numpy(words))
        self.places = nn.Embedding.from_pretrained(torch.from_numpy(places))
        self.norm = _taken(nn.LayerNorm(words.shape[1], EPSILON), weights, "embeddings.LayerNorm")
        wide = len(full(weights, "layer.0.intermediate.dense.bias"))
        self.layers = nn.ModuleList([Layer(words.shape[1], wide) for _ in range(count)])
        for number, layer in enumerate(self.layers):
            for name in _PARTS:
                _taken(layer.parts[_key(name)], weights, f"layer.{number}.{name}")
        labels, features = weights["heads.weight"].shape
        self.heads = _taken(nn.Linear(features, labels), weights, "heads")
        for part in (self.words, self.places, self.norm, *self.layers[: self.lower_count]):
            part.requires_grad_(requires_grad=False)

    def lower(self, ids: Tensor) -> Tensor:
        """Return the states of the last layer that does not learn.

        From *ids*, int64 of shape (n_windows, n_tokens), to float32 of shape
        (n_windows, n_tokens, hidden).
        """
        states = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        return self._through(self.layers[: self.lower_count], states, ids != PADDING)

    def upper(self, states: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (n_windows, 2 * hidden) and logits (n_windows, 7), both float32.

        *states* is float32 of shape (n_windows, n_tokens, hidden); *known*, bool of shape
        (n_windows, n_tokens), says which tokens are no padding.
        """
        states = self._through(self.layers[self.lower_count :], states, known)
        held = known.unsqueeze(-1)
        mean = (states * held).sum(1) / held.sum(1)
        most = states.masked_fill(~held, -torch.inf).amax(1)
        features = torch.cat([mean, most], 1)
        return features, self.heads(features)

    def _through(self, layers: nn.ModuleList, states: Tensor, known: Tensor) -> Tensor:
        far = torch.zeros(known.shape).masked_fill(~known, -1e9)[:, None, None, :]
        # Entered again for each batch: inside, weights are converted once, and learn nothing.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            for layer in layers:
                states = layer(states, far)
        return states.float()

    def changed(self, weights: Weights) -> dict[str, NDArray[Any]]:
        """Return *weights* with the learned layers put in.

        Shapes and dtypes as in ``export.export``: the matrices of layers int8 again, the rest float32.
        """
        now = dict(weights)
        for number, layer in enumerate(self.layers):
            if number < self.lower_count:
                continue
            for name in _PARTS:
                part, whole = layer.parts[_key(name)], f"layer.{number}.{name}"
                matrix = part.weight.detach().numpy()
                if matrix.ndim == 2:
                    now[f"{whole}.weight|q"], now[f"{whole}.weight|s"] = quantised(matrix)
                else:
                    now[f"{whole}.weight"] = matrix.copy()
                now[f"{whole}.bias"] = part.bias.detach().numpy().copy()
        now["heads.weight"] = self.heads.weight.detach().numpy().copy()
        now["heads.bias"] = self.heads.bias.detach().numpy().copy()
        return now


def quantised(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return *matrix*, float32 of shape (n_rows, n_columns), as int8 and a scale for each row.

    The first has the matrix's shape; the scales are float32 of shape (n_rows, 1), 1e-12 at least.
    """
    scales = np.maximum(np.abs(matrix).max(1, keepdims=True) / 127, 1e-12).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


def _key(name: str) -> str:
    # A ModuleDict takes no dots.
    return name.replace(".", "_")


def _taken(part: nn.Module, weights: Weights, name: str) -> nn.Module:
    with torch.no_grad():
        for kind in ("weight", "bias"):
            getattr(part, kind).copy_(torch.from_numpy(full(weights, f"{name}.{kind}")))
    return part
