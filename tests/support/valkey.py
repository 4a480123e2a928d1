"""Real Valkey servers for tests, as a test asks for them; the one per process is in fixtures.py."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from moderation.store.embedded import EmbeddedValkey


@contextmanager
def serving(
    fsync: Literal["everysec", "always"] = "everysec", data_dir: Path | None = None
) -> Iterator[EmbeddedValkey]:
    """Run a server of its own, in *data_dir* or a fresh directory that is removed afterwards."""
    directory = data_dir or Path(tempfile.mkdtemp(prefix="winnow-test-"))
    server = EmbeddedValkey(directory, fsync, None)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if data_dir is None:
            shutil.rmtree(directory, ignore_errors=True)
