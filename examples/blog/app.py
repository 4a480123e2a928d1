"""One post, its comments, and a "Leave a Reply" form that asks Winnow first."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError

from flask import Flask, Request, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from examples.blog.comments import Comments
from examples.blog.winnow import is_genuine, submit

TITLE = "“The Lamplighters” is going into production"
WHEN = "21 November 2026"
BODY = """
Four years after it was first announced, the adaptation of the Lamplighters novels has a start date:
cameras roll in Galway in February, with eight episodes planned.

The producers say that the first season follows the second book, which would bring the smuggler Orla
Quince on screen from the start. Casting for the smaller parts is open.
"""
#: Longest body that is read, of a form or a webhook: one sent in chunks names no length.
MAX_BODY_BYTES = 65_536
#: What the first reader writes, so that a new blog has a comment.
FIRST_COMMENT = {
    "author": "Mira",
    "content": """I bet Orla Quince comes back in episode one, smelling of lamp oil and up to no \
good! I cannot wait to see who plays the Gaslight Widow. And do they still need extras for the \
harbour scenes? I can look gloomy on command, haha""",
}


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return the blog; *config* has DATABASE, WINNOW_URL, WINNOW_KEY and WEBHOOK_SECRET."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config.update(config)
    comments = Comments(Path(app.config["DATABASE"]))

    @app.get("/")
    def post() -> str:
        return render_template(
            "post.html",
            title=TITLE,
            when=WHEN,
            body=BODY.strip().split("\n\n"),
            comments=comments.visible_to(request.cookies.get("reader", "")),
            now=int(time.time()),
        )

    @app.post("/comments")
    def reply() -> Response:
        author = request.form.get("author", "").strip()[:100] or "A reader"
        content = request.form.get("content", "").strip()[:10_000]
        reader = request.cookies.get("reader") or secrets.token_hex(16)
        if content:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            comment_id = secrets.token_hex(8)
            comments.add(comment_id, author, content, reader, now)
            comment = described(request) | {"external_id": comment_id, "submitted_at": now}
            comment |= {"content": content}
            comment["author"]["name"] = author
            try:
                answered = submit(app.config["WINNOW_URL"], app.config["WINNOW_KEY"], comment)
                comments.submitted(comment_id, answered["id"])
            except URLError as problem:  # it stays pending; a real blog would try again later
                app.logger.warning("Winnow did not take %s: %s", comment_id, problem.reason)
        answer = redirect(url_for("post") + "#comments", HTTPStatus.SEE_OTHER)
        answer.set_cookie("reader", reader, httponly=True, samesite="Lax")
        return answer

    @app.post("/webhooks/winnow")
    def webhook() -> tuple[str, int]:
        secret = app.config["WEBHOOK_SECRET"]
        if not is_genuine(secret, dict(request.headers), request.get_data()):
            return "", HTTPStatus.UNAUTHORIZED
        data = request.get_json()["data"]
        comments.settle(data.get("external_id", ""), data["id"], data["status"], data["sequence"])
        return "", HTTPStatus.NO_CONTENT

    return app


def described(form: Request) -> dict[str, Any]:
    """Return what Winnow may know of a submitted *form* beside the words."""
    known: dict[str, Any] = {
        "author": {"ip": form.remote_addr or "", "user_agent": form.user_agent.string[:500]},
        "post": {"url": url_for("post", _external=True), "title": TITLE},
        "honeypot": form.form.get("website", "")[:500],
    }
    served = form.form.get("served_at", "")
    if served.isdigit() and len(served) < 12:
        known["form_served_at"] = datetime.fromtimestamp(int(served), UTC).isoformat()
    return known
