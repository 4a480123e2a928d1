"""Artifacts by version in one directory, and the file that names the current one.

::

    models/
      current             versions, the one in use first, the ones before it below
      3f2a9c1b77de/       an artifact, with an ``encoder/`` beside it if it was promoted with one
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models import artifacts, house
from models.artifacts import BrokenArtifact
from models.scorer import Item, Scorer

MARK = "current"
#: Name in ``current`` of the artifact shipped with this release.
SHIPPED = "shipped"
#: Versions that ``current`` remembers; bounds the number of roll-backs.
_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class Known:
    """One version that can be promoted."""

    name: str
    version: str
    current: bool


class Versions:
    """The artifacts below a directory; the shipped one stands in while none is promoted.

    Parameters
    ----------
    directory : Path or None
        The directory, made by the first promotion; None knows the shipped artifact alone. A
        directory that is an artifact itself is always current.
    load : callable
        Returns the scorer of an artifact's directory, which must judge a comment before the
        artifact is promoted.
    """

    def __init__(
        self, directory: Path | None, load: Callable[[Path], Scorer] = Scorer.load
    ) -> None:
        self._directory = directory
        self._load = load

    def current(self) -> Path:
        """Return the directory of the artifact in use; reads one small file."""
        if self._directory is None:
            return artifacts.SHIPPED
        if self._is_artifact():
            return self._directory
        return self._path(self._history()[0])

    def known(self) -> list[Known]:
        """Return what can be promoted, the shipped artifact first."""
        if self._directory and self._is_artifact():
            version = artifacts.read_manifest(self._directory)["version"]
            return [Known(str(self._directory), version, current=True)]
        below = self._directory.glob(f"*/{artifacts.MANIFEST}") if self._directory else ()
        names = sorted(path.parent.name for path in below if path.parent.name[0] != ".")
        current = self._history()[0]
        return [
            Known(name, artifacts.read_manifest(self._path(name))["version"], name == current)
            for name in (SHIPPED, *names)
        ]

    def promote(self, wanted: str | Path) -> str:
        """Promote an artifact, and return its name.

        *wanted* is a version of this directory, ``shipped``, or a directory whose artifact is
        copied here first. Raises BrokenArtifact, and changes nothing, if it can't be loaded.
        """
        home = self._home()
        name = str(wanted)
        if name in (known.name for known in self.known()):
            self._try(self._path(name))
        elif not Path(wanted).is_dir():
            raise BrokenArtifact(
                f"there is no version {name}, nor a directory of that name; `./winnow model list` lists the versions"
            )
        else:
            name = self._copied(Path(wanted), home)
        history = self._history()
        if name != history[0]:
            self._write([name, *history][:_REMEMBERED])
        return name

    def roll_back(self) -> str:
        """Roll back to the version in use before, and return its name.

        Raises BrokenArtifact, and changes nothing, if there is none or it can't be loaded.
        """
        self._home()
        _, *before = self._history()
        if not before:
            raise BrokenArtifact("there is no earlier version to go back to")
        self._try(self._path(before[0]))
        self._write(before)
        return before[0]

    def _home(self) -> Path:
        if self._directory is None or self._is_artifact():
            raise BrokenArtifact(
                f"{self._directory or artifacts.SHIPPED} is one artifact, not a directory of them"
            )
        return self._directory

    def _is_artifact(self) -> bool:
        return self._directory is not None and (self._directory / artifacts.MANIFEST).exists()

    def _path(self, name: str) -> Path:
        if self._directory is None or name == SHIPPED:
            return artifacts.SHIPPED
        return self._directory / name

    def _history(self) -> list[str]:
        """Return the versions that were in use, the current one first and the shipped one last."""
        if self._directory is None:
            return [SHIPPED]
        try:
            names = (self._directory / MARK).read_text(encoding="utf-8", errors="replace").split()
        except FileNotFoundError:
            names = []
        return names or [SHIPPED]

    def _write(self, history: list[str]) -> None:
        home = self._home()
        home.mkdir(parents=True, exist_ok=True)
        artifacts.put(home / MARK, "".join(f"{name}\n" for name in history).encode())

    def _copied(self, source: Path, home: Path) -> str:
        """Copy the artifact of *source* below *home*, whole or not at all; return its version."""
        artifact = artifacts.load(source)
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".promoting-", dir=home) as temporary:
            whole = Path(temporary) / "artifact"
            version = artifacts.save(artifact, whole).version
            if (source / house.FILE).exists():
                shutil.copy2(source / house.FILE, whole / house.FILE)
            if (source / "encoder").is_dir():
                shutil.copytree(source / "encoder", whole / "encoder")
            self._try(whole)
            place = home / version
            if place.exists():
                try:
                    self._try(place)
                except BrokenArtifact:
                    shutil.rmtree(place)
            if not place.exists():
                whole.rename(place)
        return version

    def _try(self, path: Path) -> None:
        """Raise BrokenArtifact unless the artifact below *path* scores a comment."""
        try:
            self._load(path).score([Item("A comment to try the model with.")])
        except BrokenArtifact:
            raise
        except Exception as problem:
            raise BrokenArtifact(f"the model below {path} can't judge: {problem!r}") from problem
