"""The model in use: one object for web and workers, which takes up a promoted artifact by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from models import artifacts
from models.scorer import Item, Scorer
from models.versions import Versions

log = logging.getLogger(__name__)

#: Seconds between two looks for a newer version.
CHECK_SECONDS = 3.0


class Current:
    """Returns the scorer of the version in use when called; looks for a new one every few seconds.

    Parameters
    ----------
    directory : Path or None
        The directory of versions (``models.versions.Versions``); None for the shipped artifact alone.
    encoder : bool
        Whether sentences are read; without it n-grams and signals decide alone.
    clock : callable
        A monotonic clock, in seconds.

    Attributes
    ----------
    problem : str
        Why the version in use can't be loaded, or "". The last one that could goes on judging; at
        the start that is the shipped one.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        encoder: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._versions = Versions(directory)
        self._encoder = encoder
        self._clock = clock
        self.problem = ""
        self._scorer = self._first()
        self._looked = clock()
        self._loading = threading.Lock()

    def __call__(self) -> Scorer:
        """Return the newest scorer that can be loaded."""
        if self._clock() - self._looked > CHECK_SECONDS and self._loading.acquire(blocking=False):
            try:
                self.look()
                self._looked = self._clock()
            finally:
                self._loading.release()
        return self._scorer

    def _first(self) -> Scorer:
        path = self._versions.current()
        if path != artifacts.SHIPPED:
            try:
                return _warm(Scorer.load(path, encoder=self._encoder))
            except Exception as problem:  # noqa: BLE001 - a bad model must not stop screening
                self._refuse(problem)
        return _warm(Scorer.load(encoder=self._encoder))

    def look(self) -> None:
        """Load the version in use if it changed; keep the old one if that fails."""
        try:
            path = self._versions.current()
            version = artifacts.read_manifest(path)["version"]
            if version != self._scorer.version:
                self._scorer = _warm(self._scorer.renewed(path))
                log.info("model changed to %s", version)
            self.problem = ""
        except Exception as problem:  # noqa: BLE001 - a bad model must not stop screening
            self._refuse(problem)

    def _refuse(self, problem: Exception) -> None:
        """Log once why a version cannot be loaded."""
        known, self.problem = self.problem, str(problem) or repr(problem)
        if self.problem != known:
            log.error("the model in use can't be loaded: %s", self.problem)


def _warm(scorer: Scorer) -> Scorer:
    """Return *scorer* with everything loaded that its first use loads, so that forks share it."""
    scorer.score(
        [
            Item("A first comment, to wake the model: http://example.org/"),
            Item("Ein zweiter Kommentar, damit auch die Sprache erkannt werden kann, bitte sehr."),
        ]
    )
    return scorer
