"""Between the comment form of a static site and Winnow; the key stays here, never in a page.

A form posts here. Winnow is asked, and tells by webhook what may be shown; then a JSON file lies in
COMMENTS_DIR/<post>/<id>.json, and BUILD_COMMAND is run. It needs `pip install flask` and, beside it,
examples/blog/winnow.py.
"""

import json
import os
import re
import shlex
import subprocess
import threading
from pathlib import Path

from flask import Flask, abort, redirect, request
from winnow import is_genuine, submit

POST = re.compile(r"/(?:[\w-]+(?:\.[\w-]+)*/?)*", re.ASCII)
LONGEST = {"name": 100, "email": 200, "comment": 10_000, "website": 200}


def create_app(settings=os.environ):
    """Return the handler; *settings* has the names that the guide lists."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

    @app.post("/comments")
    def comment():
        fields = {name: request.form.get(name, "").strip()[:most] for name, most in LONGEST.items()}
        post = request.form.get("post", "")
        if not fields["comment"] or not POST.fullmatch(post):
            abort(400)
        draft = {
            "content": fields["comment"],
            "author": {"name": fields["name"], "email": fields["email"], "ip": request.remote_addr},
            "post": {"url": settings["SITE_URL"] + post},
            "honeypot": fields["website"],  # people do not see that field; robots fill it in
        }
        try:
            submit(settings["WINNOW_URL"], settings["WINNOW_KEY"], draft)
        except OSError:  # away, or it would not take it
            abort(503, "Your comment could not be taken just now. Go back and try again.")
        return redirect(settings["SITE_URL"] + post + "#comments", 303)

    @app.post("/winnow")
    def decided():
        if not is_genuine(settings["WINNOW_SECRET"], request.headers, request.get_data()):
            abort(401)
        keep(Path(settings["COMMENTS_DIR"]), settings["SITE_URL"], request.get_json()["data"])
        if command := settings.get("BUILD_COMMAND"):
            threading.Thread(target=subprocess.run, args=[shlex.split(command)]).start()
        return "", 204

    return app


def slug(post):
    """Return a post's path as Jekyll's `slugify` writes it: /2026/Beans.html is 2026-beans-html."""
    return re.sub(r"[^a-z0-9]+", "-", post.lower()).strip("-") or "index"


def keep(folder, site, data):
    """Write or remove a comment's file as an event says, unless something later was heard."""
    seen, turn = folder / ".seen" / data.get("id", ""), data.get("sequence", 0)
    if not turn or (seen.exists() and int(seen.read_text()) >= turn):
        return
    seen.parent.mkdir(parents=True, exist_ok=True)
    seen.write_text(str(turn))
    for file in folder.glob(f"*/{data['id']}.json"):
        file.unlink()
    comment = data.get("comment")
    if data["status"] == "approved" and comment:
        post = comment["post"]["url"].removeprefix(site)
        if POST.fullmatch(post):
            file = folder / slug(post) / f"{data['id']}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(comment), encoding="utf-8")
