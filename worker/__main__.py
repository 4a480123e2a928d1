"""``python -m worker [screening|delivery]``: the supervisor with its workers, its deliverer, or both."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import structlog

from models.current import Current
from moderation import installation, logs, wiring
from moderation.errors import StorageUnavailable, WinnowError
from moderation.ports import Model
from moderation.settings import Settings
from moderation.store.liveness import Part
from worker.supervisor import Supervisor

log = structlog.get_logger(__name__)


#: What each word runs; without a word everything.
PARTS = {
    "screening": frozenset({Part.SCREENER, Part.UPKEEP}),
    "delivery": frozenset({Part.DELIVERER}),
}


def main(
    wrap: Callable[[Model], Model] = lambda model: model,
    parts: frozenset[Part] = frozenset(Part),
    current: Current | None = None,
    settings: Settings | None = None,
) -> int:
    """Run *parts* until a signal to stop; return the exit status.

    Tests *wrap* the model. *current* and *settings* are those of a parent that has loaded the model and writes
    its logs as they say.
    """
    try:
        settings = settings or _found()
        _await_storage(settings)
        Supervisor(settings, _model(settings, wrap, parts, current), parts).run()
    except WinnowError as problem:
        print(f"winnow worker: {problem}", file=sys.stderr)  # noqa: T201 - the log may not be set up
        return 1
    return 0


def _found() -> Settings:
    """Return the settings of the installation that is meant, by which this process writes its logs from now on."""
    here = installation.find(os.environ, starts=True)
    here.require()
    logs.configure(here.settings)
    return here.settings


def _model(
    settings: Settings,
    wrap: Callable[[Model], Model],
    parts: frozenset[Part],
    current: Current | None,
) -> Callable[[], Model]:
    if current is not None:
        current.look()  # it was loaded before this start, maybe long ago
    elif Part.SCREENER in parts:
        current = Current(settings.models, encoder=settings.encoder)

    def model() -> Model:
        assert current is not None  # who screens has one
        return wrap(current())

    return model


def _await_storage(settings: Settings) -> None:
    """Wait until Redis answers, and hold its data against this Winnow."""
    adapters = wiring.connect(settings)
    while True:
        try:
            wiring.prepare(adapters)
        except StorageUnavailable as problem:
            log.warning("worker waits for Redis", problem=str(problem))
            time.sleep(1)
        else:
            return


if __name__ == "__main__":
    sys.exit(
        main(parts=frozenset().union(*(PARTS[word] for word in sys.argv[1:])) or frozenset(Part))
    )
