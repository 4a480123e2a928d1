"""Runs the encoder by ONNX Runtime: one thread, loaded before the fork, shared after it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.artifacts import SHIPPED as ARTIFACTS
from models.artifacts import BrokenArtifact, checked
from models.encoder.pieces import Pieces
from models.encoder.windows import TOKENS, windows

#: Directory of the encoder shipped with this release.
SHIPPED = ARTIFACTS / "encoder"
MANIFEST = "encoder.json"
NETWORK = "encoder.onnx"
#: The network's large arrays: mapped, so that all processes share them and unread rows cost nothing.
WEIGHTS = "encoder.weights"
TOKENIZER = "tokenizer.json"
#: The most windows that are read at once, and the most tokens of them: short ones gain by company,
#: and more of either fills the cache of a core.
BATCH = 8
BATCH_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder's output for the windows of some texts.

    Attributes
    ----------
    features : ndarray of shape (n_windows, 768), float32
        The mean over the tokens of a window beside the maximum over them.
    logits : ndarray of shape (n_windows, 7), float32
        One of each label in the order of ``LABELS``, not calibrated.
    owners : ndarray of shape (n_windows,), intp
        The index of the text that each window is part of, ascending; every text has a window.
    """

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    owners: NDArray[np.intp]


class Encoder:
    """Reads texts in windows of at most 160 tokens.

    Load it once and before a fork: the children share its memory. What else is in a batch
    changes no number of it by more than 1e-4: each token is quantised by itself, and nothing is
    padded.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        pieces: Pieces,
        manifest: dict[str, Any],
    ) -> None:
        self._session = session
        self._pieces = pieces
        self.manifest = manifest

    @classmethod
    def load(cls, directory: Path = SHIPPED) -> Encoder:
        """Return the encoder below *directory*, once its digests are found to be right.

        Raises BrokenArtifact if a file is missing, or is not what ``encoder.json`` says.
        """
        manifest = read_manifest(directory)
        files = manifest["files"]
        network, tokenizer = (
            str(checked(directory / name, files, MANIFEST)) for name in (NETWORK, TOKENIZER)
        )
        if WEIGHTS in files:  # earlier encoders have them in the network's own file
            checked(directory / WEIGHTS, files, MANIFEST)
        options = onnxruntime.SessionOptions()
        # More threads would not outlive a fork, and each core has its own process.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Beyond this it would join operators, which makes them slower here.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # A plan of memory for each length of text would take 4 MB in each process, and saves no time.
        options.enable_mem_pattern = False
        # By name, which is where its weights are looked for, too.
        session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        return cls(session, Pieces.load(Path(tokenizer)), manifest)

    @property
    def version(self) -> str:
        """The name of this network and its tokenizer: a digest of both files."""
        return str(self.manifest["version"])

    def read(self, texts: Sequence[str]) -> Encoded:
        """Return features and logits of every window of *texts*, in their order.

        A window of 160 tokens takes some 15 ms on one core, a text has at most three. Equal ones
        are read once, however many texts they stand in.
        """
        read = [windows(text, self._pieces) for text in texts]
        rows = [tuple(window) for own in read for window in own]
        places = {row: place for place, row in enumerate(dict.fromkeys(rows))}
        distinct = list(places)
        features = np.empty((len(distinct), 2 * int(self.manifest["hidden"])), np.float32)
        logits = np.empty((len(distinct), int(self.manifest["labels"])), np.float32)
        for batch in batches([len(row) for row in distinct]):
            ids = np.array([distinct[index] for index in batch], np.int64)
            features[batch], logits[batch] = self._session.run(["features", "logits"], {"ids": ids})
        found = np.array([places[row] for row in rows], np.intp)
        owners = np.repeat(np.arange(len(read)), [len(own) for own in read])
        return Encoded(features[found], logits[found], owners.astype(np.intp))


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indices of *lengths* in batches of equal ones."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        if batch and (
            lengths[batch[0]] != length
            or len(batch) == BATCH
            or length * (len(batch) + 1) > BATCH_TOKENS
        ):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def read_manifest(directory: Path = SHIPPED) -> dict[str, Any]:
    """Return the manifest of the encoder below *directory*, without loading the encoder."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise BrokenArtifact(f"there is no readable {MANIFEST} below {directory}") from error
    wanted = {"version", "files", "tokens", "hidden", "labels"}
    if not isinstance(manifest, dict) or not wanted <= manifest.keys():
        raise BrokenArtifact(f"{MANIFEST} below {directory} is not an encoder's manifest")
    if manifest["tokens"] != TOKENS:
        raise BrokenArtifact(f"this code reads {TOKENS} tokens, the encoder {manifest['tokens']}")
    return manifest
