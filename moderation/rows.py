"""Doing the same for each of several rows, of which a bad one stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from moderation.errors import StorageUnavailable

log = logging.getLogger(__name__)

Row = TypeVar("Row")


def each(rows: Mapping[str, Row], act: Callable[[Row], int], *, job: str) -> int:
    """Return the sum of what *act* returns for each of *rows*, which are named for the log.

    A row for which it raises is logged by its name and passed over. Raises StorageUnavailable, since
    without storage no row can be served.
    """
    total = 0
    for name, row in rows.items():
        try:
            total += act(row)
        except StorageUnavailable:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever is wrong with it, the others are served
            log.error("%s passed over %s: %s", job, name, type(problem).__name__)  # noqa: TRY400 - a traceback may quote a comment
    return total
