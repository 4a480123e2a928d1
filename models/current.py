"""The model in use: one object for web and workers, which takes up a promoted artifact by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from models import artifacts
from models.scorer import Item, Scorer

log = logging.getLogger(__name__)

#: Seconds between two looks for a newer version.
CHECK_SECONDS = 3.0


class Current:
    """Gives the newest scorer; calling it costs a look at the clock.

    Parameters
    ----------
    directory : Path or None
        Where the artifact lies; the shipped one if None.
    encoder : bool
        Whether sentences are read; without it n-grams and signals decide alone.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        encoder: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._encoder = encoder
        self._clock = clock
        self._scorer = _warm(Scorer.load(directory, encoder=encoder))
        self._looked = clock()
        self._loading = threading.Lock()

    def __call__(self) -> Scorer:
        """Return the newest scorer that can be loaded."""
        if self._clock() - self._looked > CHECK_SECONDS and self._loading.acquire(blocking=False):
            try:
                self._look()
                self._looked = self._clock()
            finally:
                self._loading.release()
        return self._scorer

    def _look(self) -> None:
        """Load a newer version, if there is one; one that can't be loaded stops nothing."""
        try:
            version = artifacts.read_manifest(self._directory or artifacts.SHIPPED)["version"]
            if version != self._scorer.version:
                self._scorer = _warm(self._scorer.renewed(self._directory))
                log.info("model changed to %s", version)
        except (artifacts.BrokenArtifact, OSError) as problem:
            log.error("the new model can't be loaded: %s", problem)  # noqa: TRY400 - one sentence


def _warm(scorer: Scorer) -> Scorer:
    """Return *scorer* with everything loaded that its first use loads, so that forks share it."""
    scorer.score(
        [
            Item("A first comment, to wake the model: http://example.org/"),
            Item("Ein zweiter Kommentar, damit auch die Sprache erkannt werden kann, bitte sehr."),
        ]
    )
    return scorer
