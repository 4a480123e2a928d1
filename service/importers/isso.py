"""Isso's database (SQLite), and the JSON that its own `isso import -t generic` takes."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO

from moderation.errors import InvalidInput
from service.importers import Found, Unusable, characters_lost, checked, moment, text_of
from service.importers.charsets import cleaned
from service.importers.json_items import items

_SQLITE = b"SQLite format 3\0"
_STATUSES = {1: "approved", 2: "pending"}
_DELETED = 4
#: Bytes of a text in the database, and steps of its machine for one comment.
_MAX_TEXT, _MAX_STEPS = 4_000_000, 1_000_000
_COMMENT = """
    SELECT comments.id, parent, created, mode, remote_addr, text, author, email, website,
           threads.uri, threads.title
      FROM comments LEFT JOIN threads ON threads.id = comments.tid WHERE comments.id = ?
"""


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield each comment of a database or of a generic JSON file."""
    start = file.tell()
    head = file.read(len(_SQLITE))
    file.seek(start)
    return _database(file) if head == _SQLITE else _generic(file)


def _database(file: BinaryIO) -> Iterator[Found]:
    """Yield the comments of a database; a damaged page costs those that stand on it."""
    with tempfile.NamedTemporaryFile(prefix="winnow-isso-") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        place = f"file:{copy.name}?mode=ro&immutable=1"
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as database:
            database.text_factory = bytes
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_TEXT)
            database.set_progress_handler(lambda: 1, _MAX_STEPS)
            try:
                _refuse_others(database)
            except sqlite3.Error:
                raise InvalidInput("this is no Isso database, or it is damaged") from None
            yield from _rows(database)


def _refuse_others(database: sqlite3.Connection) -> None:
    """Refuse a database with views for tables: the work of a view has no bound."""
    database.execute("PRAGMA trusted_schema = OFF")
    tables = database.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    plain = {
        name for name, kind, sql in tables
        if kind == b"table" and (sql or b"").upper().split()[:2] == [b"CREATE", b"TABLE"]
    }  # fmt: skip
    if not {b"comments", b"threads"} <= plain:
        raise InvalidInput("this is no Isso database: it has no comments and threads")
    database.execute(_COMMENT, (0,))


def _rows(database: sqlite3.Connection) -> Iterator[Found]:
    # Sizes of pages, not of comments: the query for ids alone may take any number of steps.
    ids = database.cursor()
    last: Any = None
    try:
        (nameless,) = ids.execute("SELECT count(*) FROM comments WHERE id IS NULL").fetchone()
    except sqlite3.Error:
        nameless = 0
    if nameless:
        yield Unusable("comments without an id", f"{nameless} of them; no Isso writes any")
    while True:
        try:
            # A made file may have comments without an id, behind which nothing would ever come.
            ids.execute(
                "SELECT id FROM comments WHERE id IS NOT NULL AND (?1 IS NULL OR id > ?1) ORDER BY id LIMIT 1",
                (last,),
            )
            row = ids.fetchone()
        except sqlite3.Error:
            yield Unusable(f"comments after {last or 0}", "the database is damaged there")
            return
        if row is None:
            return
        last = row[0]
        try:
            found = database.execute(_COMMENT, row).fetchone()
        except sqlite3.Error:
            found = None
        if found is None:
            yield Unusable(f"comment {last}", "the database is damaged there, or it is too long")
        else:
            yield _row(found)


def _row(row: tuple[Any, ...]) -> Found:
    (own_id, parent, created, mode, *record) = row
    where = f"comment {own_id}"
    if mode == _DELETED:
        return Unusable(where, "deleted; it stood for its answers", by_rule=True)
    texts, lost = [], 0
    for value in record:
        raw = value if isinstance(value, bytes) else str(value or "").encode()
        text, less = cleaned(raw.decode("utf-8", "winnow.lost"))
        texts.append(text)
        lost += less
    ip, content, name, email, website, uri, title = texts
    return checked(
        where,
        {
            "external_id": text_of(own_id),
            "content": content,
            "author": {"name": name, "email": email, "url": website, "ip": ip},
            "post": {"url": uri, "title": title},
            "parent": text_of(parent),
            "created_at": moment(created),
            "status": _STATUSES.get(mode, "pending"),
        },
        lost=characters_lost(lost),
    )


def _generic(file: BinaryIO) -> Iterator[Found]:
    for number, thread in enumerate(items(file, {("*",)}, kind="Isso database or generic JSON"), 1):
        where = f"thread number {number} of the file"
        if isinstance(thread, Unusable):
            yield Unusable(thread.where or where, thread.reason, thread.line)
        elif not isinstance(thread.value, dict) or not isinstance(
            thread.value.get("comments"), list
        ):
            yield Unusable(where, "no thread with comments", thread.line)
        else:
            for comment in thread.value["comments"]:
                yield _of_thread(thread.value, comment, thread.line, thread.lost)


def _of_thread(thread: Mapping[str, Any], record: object, line: int, lost: int) -> Found:
    uri = text_of(thread.get("id"))
    if not isinstance(record, Mapping):
        return Unusable(f"a comment on {uri[:100]}", "no object", line)
    # Ids count from 0 in each thread.
    own_id = f"{uri}#{text_of(record.get('id'))}"[:200]
    return checked(
        f"comment {own_id[:100]}",
        {
            "external_id": own_id,
            "content": text_of(record.get("text")),
            "author": {
                "name": text_of(record.get("author")),
                "email": text_of(record.get("email")),
                "url": text_of(record.get("website")),
                "ip": text_of(record.get("remote_addr")),
            },
            "post": {"url": uri, "title": text_of(thread.get("title"))},
            "created_at": f"{text_of(record.get('created')).replace(' ', 'T')}Z",
            "status": "approved",
        },
        line=line,
        lost=characters_lost(lost),
    )
