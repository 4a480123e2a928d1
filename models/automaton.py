"""Makes the identifier's files from py3langid's model; needs py3langid, which identifying does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_DIR, MODEL_FILE
from py3langid.modelio import load_model

from models.identifier import EDGES, MANIFEST, STATES, worths_of

Numbers = NDArray[np.int64]
_BYTES = 256
#: Places that are looked at together.
_WINDOW = 1 << 12


def export(scripts: Mapping[str, Sequence[str]], directory: Path) -> dict[str, Any]:
    """Write the identifier for the languages of *scripts* below *directory*; return its manifest."""
    worths, priors, languages, *tables, features = load_model(MODEL_DIR / MODEL_FILE)
    rows, row_of = (np.array(table, np.int64) for table in tables)
    states, edges = packed(rows.reshape(-1, _BYTES)[row_of], np.array(features, np.int64))
    arrays: dict[str, NDArray[Any]] = {STATES: states, EDGES: edges}
    about = {}
    for script, wanted in scripts.items():
        columns = [n for n, language in enumerate(languages) if language in wanted]
        arrays[worths_of(script)] = np.ascontiguousarray(worths[:, columns])
        about[script] = {
            "languages": [languages[n] for n in columns],
            "priors": priors[columns].tolist(),
        }
    directory.mkdir(parents=True, exist_ok=True)
    theirs = distribution("py3langid")
    (directory / "LICENSE").write_text(theirs.read_text("licenses/LICENSE") or "")
    files = {}
    for name, values in arrays.items():
        np.save(directory / name, values, allow_pickle=False)
        files[name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    manifest = {
        "files": files,
        "licence": "BSD-3-Clause, in LICENSE",
        "made": f"of the model of py3langid {theirs.version}",
        "scripts": about,
    }
    # Last, so that half a write is refused by its digests.
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def packed(moves: Numbers, features: Numbers) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the arrays of states and edges of ``models.identifier.Automaton``.

    Int32 of shape (4, n_states): base, feature, reader and ending of each; and int32 of shape
    (2, n_places): owner and target of each. The automaton is that of Aho and Corasick, *Efficient
    String Matching* (1975); edges are laid into one another as Tarjan and Yao lay rows in *Storing a
    Sparse Table* (1979).

    Parameters
    ----------
    moves : ndarray of shape (n_states, 256), int64
        Where each byte leads, as Aho and Corasick have it: to a state one deeper, or to where it
        leads the state's longest ending.
    features : ndarray of shape (n_states,), int64
        What ends at each state, or -1.
    """
    depths = _depths(moves)
    sources, letters = np.nonzero(depths[moves] == depths[:, None] + 1)
    targets = moves[sources, letters]
    order = np.argsort(depths[targets], kind="stable")
    sources, letters, targets = sources[order], letters[order], targets[order]
    endings = np.zeros(len(moves), np.int64)
    for depth in range(2, depths.max() + 1):
        here = depths[targets] == depth
        endings[targets[here]] = moves[endings[sources[here]], letters[here]]
    forks = np.zeros(len(moves), np.bool_)
    forks[sources] = True
    readers = np.arange(len(moves))
    for state in np.argsort(depths, kind="stable")[1:]:
        if not forks[state]:
            readers[state] = readers[endings[state]]
    bases, edges = _placed(moves[0], sources, letters, targets)
    states = np.stack([bases, features, readers, readers[endings]]).astype(np.int32)
    return states, edges


def _depths(moves: Numbers) -> Numbers:
    """Return the depth of each state: the length in bytes of its shortest path."""
    depths = np.full(len(moves), -1)
    depths[0] = 0
    reached = np.zeros(1, np.int64)
    while len(reached):
        after = np.unique(moves[reached])
        after = after[depths[after] < 0]
        depths[after] = depths[reached[0]] + 1
        reached = after
    return depths


def _placed(
    of_root: Numbers, sources: Numbers, letters: Numbers, targets: Numbers
) -> tuple[Numbers, NDArray[np.int32]]:
    """Lay the edges of all states into one another, those with most edges first."""
    states = int(targets.max()) + 1
    room = 2 * len(targets) + 2 * _BYTES
    free = np.ones(room, np.bool_)
    edges = np.full((2, room), [[-1], [0]], np.int32)
    bases = np.zeros(states, np.int64)
    free[:_BYTES] = False
    edges[:, :_BYTES] = np.zeros(_BYTES), of_root
    order = np.argsort(sources, kind="stable")
    counts = np.bincount(sources, minlength=states)
    ends = np.cumsum(counts)
    first = _BYTES
    for state in np.argsort(-counts, kind="stable"):
        own = order[ends[state] - counts[state] : ends[state]]
        if not len(own) or state == 0:
            continue
        while not free[first]:
            first += 1
        bases[state] = base = _fitting(free, letters[own], first)
        free[base + letters[own]] = False
        edges[:, base + letters[own]] = np.full(len(own), state), targets[own]
    used = int(np.flatnonzero(~free)[-1]) + 1
    # A look-up may go 255 places past the last edge; those places must exist and be empty.
    return bases, edges[:, : used + _BYTES]


def _fitting(free: NDArray[np.bool_], letters: Numbers, first: int) -> int:
    """Return the lowest base at which there is a free place for each of *letters*."""
    for begin in range(first, len(free), _WINDOW):
        places = np.flatnonzero(free[begin : begin + _WINDOW]) + begin - letters[0]
        fits = places >= 0
        for letter in letters:
            fits &= free[np.minimum(places + letter, len(free) - 1)]
        if fits.any():
            return int(places[fits.argmax()])
    raise AssertionError("there is room for each edge by itself")
