"""A network of two layers and 24 numbers a token, with weights of chance."""

import numpy as np

HIDDEN, WIDE, PIECES, LAYERS = 24, 48, 200, 2


def tiny(seed=0):
    draw = np.random.default_rng(seed)

    def rows(*shape):
        return {
            "q": draw.integers(-127, 128, shape, np.int8),
            "s": np.full((shape[0], 1), 0.002, np.float32),
        }

    def vector(size, around=0.0):
        return (around + draw.normal(0, 0.05, size)).astype(np.float32)

    matrices = {"embeddings.word": (PIECES, HIDDEN), "embeddings.position": (512, HIDDEN)}
    vectors = {"embeddings.LayerNorm": HIDDEN}
    for layer in range(LAYERS):
        name = f"layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value"):
            matrices[f"{name}{part}"] = (HIDDEN, HIDDEN)
        matrices[f"{name}attention.output.dense"] = (HIDDEN, HIDDEN)
        matrices[f"{name}intermediate.dense"] = (WIDE, HIDDEN)
        matrices[f"{name}output.dense"] = (HIDDEN, WIDE)
        vectors |= {f"{name}attention.output.LayerNorm": HIDDEN, f"{name}output.LayerNorm": HIDDEN}
    weights = {
        "embeddings.type": draw.normal(0, 0.1, (2, HIDDEN)).astype(np.float32),
        "heads.weight": draw.normal(0, 0.3, (7, 2 * HIDDEN)).astype(np.float32),
        "heads.bias": vector(7),
    }
    for name, shape in matrices.items():
        layered = name.startswith("layer.")
        whole = f"{name}.weight" if layered else name
        weights |= {f"{whole}|{kind}": value for kind, value in rows(*shape).items()}
        if layered:
            weights[f"{name}.bias"] = vector(shape[0])
    for name, size in vectors.items():
        weights |= {f"{name}.weight": vector(size, 1.0), f"{name}.bias": vector(size)}
    return weights


def some_windows():
    """Return windows of chance and of many lengths, that ranges can be measured on."""
    draw = np.random.default_rng(3)
    return [[0, *draw.integers(3, PIECES, length).tolist(), 2] for length in range(1, 41)]
