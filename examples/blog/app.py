"""One post, its comments, and a "Leave a Reply" form that asks Winnow first."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError

from flask import Flask, Response, redirect, render_template, request, url_for

from examples.blog.winnow import is_genuine, submit

POST = {
    "title": "“The Lamplighters” is going into production",
    "when": "21 November 2026",
    "body": (
        "Four years after it was first announced, the adaptation of the Lamplighters novels has a "
        "start date: cameras roll in Galway in February, with eight episodes planned.",
        "The producers say that the first season follows the second book, which would bring the "
        "smuggler Orla Quince on screen from the start. Casting for the smaller parts is open.",
    ),
}

_SCHEMA = """
create table if not exists comments (
    id text primary key, author text not null, content text not null, status text not null,
    sequence integer not null default 0, written_by text not null, written_at text not null
)
"""
#: The first reader's comment, as it stands under a new blog.
_FIRST = (
    "Mira",
    "I bet Orla Quince comes back in episode one, half mad on lamp oil and twice as dangerous! "
    "Dying to see who plays the Gaslight Widow. And if they still need dock thugs, I can scowl on "
    "command, haha.",
)


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return the blog; *config* has DATABASE, WINNOW_URL, WINNOW_KEY and WEBHOOK_SECRET."""
    app = Flask(__name__)
    app.config.update(config)
    database = Path(app.config["DATABASE"])

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(database)
        connection.row_factory = sqlite3.Row
        return connection

    def save(author: str, content: str, reader: str, form: Mapping[str, str]) -> None:
        """Keep the comment as pending, then ask Winnow; if it is away, it stays pending."""
        comment_id = secrets.token_hex(8)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with closing(connect()) as db, db:
            db.execute(
                "insert into comments (id, author, content, status, written_by, written_at) "
                "values (?, ?, ?, 'pending', ?, ?)",
                (comment_id, author, content, reader, now),
            )
        told: dict[str, Any] = {
            "external_id": comment_id,
            "content": content,
            "author": {
                "name": author,
                "ip": request.remote_addr or "",
                "user_agent": request.user_agent.string[:500],
            },
            "post": {"url": url_for("post", _external=True), "title": POST["title"]},
            "honeypot": form.get("website", "")[:500],
            "submitted_at": now,
        }
        if form.get("served_at", "").isdigit():
            served = datetime.fromtimestamp(int(form["served_at"][:11]), UTC)
            told["form_served_at"] = served.isoformat(timespec="seconds")
        try:
            submit(app.config["WINNOW_URL"], app.config["WINNOW_KEY"], told)
        except URLError as problem:
            app.logger.warning("Winnow did not take comment %s: %s", comment_id, problem.reason)

    with closing(connect()) as db, db:
        db.execute(_SCHEMA)
        fresh = db.execute("select count(*) from comments").fetchone()[0] == 0

    @app.get("/")
    def post() -> str:
        reader = request.cookies.get("reader", "")
        with closing(connect()) as db:
            comments = db.execute(
                "select * from comments where status = 'approved' "
                "or (status in ('pending', 'flagged') and written_by = ?) order by written_at",
                (reader,),
            ).fetchall()
        return render_template("post.html", post=POST, comments=comments, now=int(time.time()))

    @app.post("/comments")
    def reply() -> Response:
        author = request.form.get("author", "").strip()[:100] or "A reader"
        content = request.form.get("content", "").strip()[:10_000]
        reader = request.cookies.get("reader") or secrets.token_hex(16)
        if content:
            save(author, content, reader, request.form)
        answer = redirect(url_for("post") + "#comments", HTTPStatus.SEE_OTHER)
        answer.set_cookie("reader", reader, httponly=True, samesite="Lax")
        return answer  # type: ignore[return-value] - werkzeug's response is Flask's base

    @app.post("/webhooks/winnow")
    def webhook() -> tuple[str, int]:
        if not is_genuine(app.config["WEBHOOK_SECRET"], request.headers, request.get_data()):
            return "", HTTPStatus.UNAUTHORIZED
        data = request.get_json()["data"]
        with closing(connect()) as db, db:
            # Events may come twice or late: the sequence says which is the newest.
            db.execute(
                "update comments set status = ?, sequence = ? where id = ? and sequence < ?",
                (data["status"], data["sequence"], data.get("external_id"), data["sequence"]),
            )
        return "", HTTPStatus.NO_CONTENT

    if fresh:
        app.config["FIRST_COMMENT"] = lambda: save(*_FIRST, reader="mira", form={})
    return app
