"""An artifact of training on disk: three NumPy arrays and a JSON manifest, no pickle."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Directory of the model shipped with this release.
SHIPPED = Path(__file__).parent / "artifacts"
MANIFEST = "manifest.json"
#: Largest artifact on disk, in bytes.
LARGEST = 15_000_000


class BrokenArtifact(ValueError):
    """Raised when an artifact's files are missing, damaged or not made for this code."""


@dataclass(frozen=True)
class Artifact:
    """The learned numbers and their manifest.

    Attributes
    ----------
    weights : ndarray of shape (BUCKETS, n_labels + 1), int16
        The quantised weight of each n-gram for each label, times its inverse document frequency;
        the last column is the square of that frequency in 128ths.
    joined : ndarray of shape (768 + 7 + 7 + n_signals + 1, n_labels), float32
        The heads over encoder, n-grams and signals (``models.heads.Heads``).
    alone : ndarray of shape (7 + n_signals + 1, n_labels), float32
        The heads for where the encoder doesn't read.
    manifest : dict
        Labels, signals, scales, calibration, thresholds, metrics, versions, and hashes of the data.
    """

    weights: NDArray[np.int16]
    joined: NDArray[np.float32]
    alone: NDArray[np.float32]
    manifest: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The artifact's version: a digest of its arrays, scales, calibration and thresholds."""
        return str(self.manifest["version"])


_ARRAYS = ("weights", "joined", "alone")


def save(artifact: Artifact, directory: Path) -> Artifact:
    """Write *artifact* below *directory*, and return it with its digests and version.

    The manifest is put in place last and at once, so that a reader sees the old artifact or the
    new one, and never half of each.
    """
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {name: _bytes(getattr(artifact, name)) for name in _ARRAYS}
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in arrays.items()}
    ways = {
        name: [way["calibration"], way["thresholds"]]
        for name, way in artifact.manifest["ways"].items()
    }
    scaling = {key: artifact.manifest[key] for key in ("scales", "intercepts", "encoder")}
    named = json.dumps([digests, scaling, ways], sort_keys=True).encode()
    files = {name: f"{name}-{digest[:12]}.npy" for name, digest in digests.items()}
    manifest = {
        **artifact.manifest,
        "version": hashlib.sha256(named).hexdigest()[:12],
        "files": {files[name]: digest for name, digest in digests.items()},
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if sum(map(len, arrays.values())) + len(text.encode()) > LARGEST:
        raise BrokenArtifact(f"an artifact may have {LARGEST} bytes at most")
    for name, raw in arrays.items():
        put(directory / files[name], raw)
    put(directory / MANIFEST, text.encode())
    for old in directory.glob("*.npy"):
        if old.name not in manifest["files"]:
            old.unlink()
    return replace(artifact, manifest=manifest)


def load(directory: Path = SHIPPED) -> Artifact:
    """Return the artifact below *directory*, once its digests are found to be right.

    Raises
    ------
    BrokenArtifact
        If a file is missing or damaged.
    """
    manifest = read_manifest(directory)
    arrays = {}
    for name in manifest["files"]:
        path = checked(directory / name, manifest["files"], "the manifest")
        # Mapped: every process that takes up this version shares it.
        arrays[name.partition("-")[0]] = np.asarray(np.load(path, "r", allow_pickle=False))
    if arrays.keys() != set(_ARRAYS):
        raise BrokenArtifact(f"{MANIFEST} below {directory} doesn't name {', '.join(_ARRAYS)}")
    return Artifact(**arrays, manifest=manifest)


def read_manifest(directory: Path = SHIPPED) -> dict[str, Any]:
    """Return the manifest without loading the arrays."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise BrokenArtifact(f"there is no readable {MANIFEST} below {directory}") from error
    if not isinstance(manifest, dict) or "version" not in manifest:
        raise BrokenArtifact(f"{MANIFEST} below {directory} is not a manifest")
    return manifest


def _bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def put(path: Path, raw: bytes) -> None:
    """Write a file atomically: readers see the old content or the new, also after a crash."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def checked(path: Path, digests: Mapping[str, str], manifest: str) -> Path:
    """Return *path* if its content is what *digests* say, which were read from *manifest*.

    Raises BrokenArtifact if it can't be read, or is another file.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BrokenArtifact(f"{path.name} can't be read below {path.parent}") from error
    if digest != digests.get(path.name):
        raise BrokenArtifact(f"{path.name} isn't what {manifest} says")
    return path
