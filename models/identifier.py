"""Identifies languages of one script by byte n-grams: py3langid's answers with a fifth of its memory."""

from __future__ import annotations

import json
import math
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models import artifacts
from models.artifacts import BrokenArtifact

#: Directory of the identifier shipped with this release.
SHIPPED = artifacts.SHIPPED / "languages"
MANIFEST = "languages.json"
#: Four numbers a state: where its edges lie, the feature that ends there or -1, the state that
#: reads on, and the one that reads what that one has no edge for.
STATES = "states.npy"
#: Two numbers a place: the state whose edge lies there or -1, and where that edge leads.
EDGES = "edges.npy"


@dataclass(frozen=True, slots=True)
class Automaton:
    """Finds the byte n-grams of a text that are features of the language model.

    An edge of a state lies at its base plus the byte. A state has edges for those bytes alone that
    lead on in a longer n-gram; for the rest it asks the state of its longest ending that has edges.
    State 0 has all 256. Arrays, since a list's numbers are objects that a fork would copy.

    Attributes
    ----------
    bases, features, readers, endings : array of int, one a state
    owners, targets : array of int, one a place
    """

    bases: array[int]
    features: array[int]
    readers: array[int]
    endings: array[int]
    owners: array[int]
    targets: array[int]

    @classmethod
    def of(cls, states: NDArray[np.int32], edges: NDArray[np.int32]) -> Self:
        """Return the automaton of *states* and *edges*, as ``models.automaton.packed`` makes them.

        *states* is int32 of shape (4, n_states), *edges* int32 of shape (2, n_places).
        """
        return cls(*(array("i", row.tobytes()) for row in (*states, *edges)))

    def found(self, text: bytes) -> list[int]:
        """Return the index of each feature in *text*, repeated for each occurrence."""
        bases, features, readers = self.bases, self.features, self.readers
        endings, owners, targets = self.endings, self.owners, self.targets
        state, found = 0, []
        for byte in text:
            place = bases[state] + byte
            while owners[place] != state:
                state = endings[state]
                place = bases[state] + byte
            reached = targets[place]
            feature = features[reached]
            if feature >= 0:
                found.append(feature)
            state = readers[reached]
        return found


@dataclass(frozen=True, slots=True)
class Script:
    """The language model of one script.

    Attributes
    ----------
    languages : list of str
        One a column; a language that is written in several ways has several.
    priors : ndarray of shape (n_columns,), float32
    worths : ndarray of shape (n_features, n_columns), float16
        Mapped from its file, so that all processes share it and unread pages cost nothing.
    """

    languages: list[str]
    priors: NDArray[np.float32]
    worths: NDArray[np.float16]


class Identifier:
    """Naive Bayes over the features of an automaton, a table a script.

    After Lui and Baldwin, *langid.py: An Off-the-shelf Language Identification Tool* (2012).
    """

    def __init__(self, automaton: Automaton, scripts: Mapping[str, Script]) -> None:
        self._automaton = automaton
        self._scripts = scripts

    @classmethod
    def load(cls, directory: Path = SHIPPED) -> Self:
        """Return the identifier below *directory*, once its digests are found to be right.

        Raises BrokenArtifact if a file is missing, or is not what ``languages.json`` says.
        """
        try:
            manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise BrokenArtifact(f"there is no readable {MANIFEST} below {directory}") from error

        def mapped(name: str) -> NDArray[Any]:
            path = artifacts.checked(directory / name, manifest["files"], MANIFEST)
            return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]

        automaton = Automaton.of(mapped(STATES), mapped(EDGES))
        scripts = {
            name: Script(
                known["languages"], np.array(known["priors"], np.float32), mapped(worths_of(name))
            )
            for name, known in manifest["scripts"].items()
        }
        return cls(automaton, scripts)

    def classify(self, text: str, script: str) -> tuple[str, float]:
        """Return the likeliest language of *text* among those of *script*, and how likely it is."""
        composed = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
        raw = composed.encode("utf-8", "surrogatepass")
        known = self._scripts[script]
        counts = Counter(self._automaton.found(raw))
        if counts:
            rows = np.fromiter(counts.keys(), np.intp, len(counts))
            often = np.fromiter(counts.values(), np.float32, len(counts))
            scores = np.log1p(often) @ known.worths[rows] + known.priors
        else:
            scores = np.zeros(len(known.languages), np.float32)
        # Divided by the root of the length, likelihoods mean the same whatever the length.
        scores *= 1.0 / math.sqrt(len(raw) or 1)
        scores = np.exp(scores - scores.max())
        scores /= scores.sum()
        likelihoods: dict[str, float] = {}
        for language, score in zip(known.languages, scores.tolist(), strict=True):
            likelihoods[language] = likelihoods.get(language, 0.0) + score
        likeliest = max(likelihoods, key=likelihoods.__getitem__)
        return likeliest, likelihoods[likeliest]


def worths_of(script: str) -> str:
    """Return the name of the file with the table of *script*."""
    return f"{script}.npy"
