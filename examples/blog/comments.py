"""The blog's own comments, in SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists comments (
    id text primary key, author text not null, content text not null, status text not null,
    sequence integer not null default 0, written_by text not null, written_at text not null,
    winnow_id text not null default ''
)
"""


class Comments:
    """Every comment of the blog, with the last status from Winnow."""

    def __init__(self, path: Path) -> None:
        """Open the database at *path*, making it if need be."""
        self._path = path
        self._change(_SCHEMA)

    def add(self, comment_id: str, author: str, content: str, reader: str, at: str) -> None:
        """Keep a new comment as pending."""
        self._change(
            "insert into comments (id, author, content, status, written_by, written_at) "
            "values (?, ?, ?, 'pending', ?, ?)",
            comment_id, author, content, reader, at,
        )  # fmt: skip

    def submitted(self, comment_id: str, winnow_id: str) -> None:
        """Note by which id Winnow knows a comment."""
        self._change("update comments set winnow_id = ? where id = ?", winnow_id, comment_id)

    def settle(self, comment_id: str, winnow_id: str, status: str, sequence: int) -> None:
        """Store what Winnow answered; events may come twice or late, and the sequence says so.

        Of an erased comment Winnow knows no more than its own id.
        """
        self._change(
            "update comments set status = ?, sequence = ? "
            "where (id = ? or winnow_id = ?) and sequence < ?",
            status, sequence, comment_id, winnow_id, sequence,
        )  # fmt: skip

    def visible_to(self, reader: str) -> list[sqlite3.Row]:
        """Return the approved comments, and those of *reader* that still wait."""
        with closing(self._connect()) as db:
            return db.execute(
                "select * from comments where status = 'approved' "
                "or (status in ('pending', 'flagged') and written_by = ?) order by written_at",
                (reader,),
            ).fetchall()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path)
        connection.row_factory = sqlite3.Row
        return connection

    def _change(self, statement: str, *values: Any) -> None:
        with closing(self._connect()) as db, db:
            db.execute(statement, values)
