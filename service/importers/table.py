"""A table on disk, for what a reader must remember of a file of any size."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Self


class Table:
    """Records by id, and records that wait for one; in a temporary file once they outgrow the cache."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;
            CREATE TABLE known (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID;
            CREATE TABLE waiting (number INTEGER PRIMARY KEY, record TEXT);
            BEGIN;
            """
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def know(self, key: str, record: Any) -> None:
        """Keep the *record* of an id, as JSON; a later one replaces it."""
        self._database.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?)", (key, json.dumps(record))
        )

    def known(self, key: str) -> Any:
        """Return the record of an id; None if there is none."""
        found = self._database.execute("SELECT record FROM known WHERE id = ?", (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def wait(self, record: Any) -> None:
        """Keep a record, as JSON, whose other half has not come yet."""
        self._database.execute("INSERT INTO waiting (record) VALUES (?)", (json.dumps(record),))

    def waiting(self) -> Iterator[Any]:
        """Yield the records that wait, in their order."""
        for (record,) in self._database.execute("SELECT record FROM waiting ORDER BY number"):
            yield json.loads(record)
