"""Beside an Isso with `[moderation] enabled = true`: Winnow decides what leaves its queue.

Reads Isso's database, sends what is pending to Winnow, and writes back what happened to it, from
Winnow's feed of events. It needs nothing but Python and, beside it, examples/blog/winnow.py.

    WINNOW_URL=... WINNOW_KEY=... python moderate.py /var/lib/isso/comments.db https://blog.example
"""

import json
import os
import sqlite3
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from winnow import submit

SHOWN, PENDING = 1, 2  # Isso's modes of a comment
WAITING = """
    SELECT c.mode, c.id, c.created, c.modified, c.text, c.author, c.email, c.website, c.remote_addr, t.uri, t.title
    FROM comments c JOIN threads t ON t.id = c.tid WHERE c.mode = ? OR (c.mode = ? AND c.modified IS NOT NULL) ORDER BY c.id
"""


def send(database, state, blog, url, key):
    """Submit each pending comment once. One that its author edited is hidden, and a new one to us."""
    for row in database.execute(WAITING, (PENDING, SHOWN)).fetchall():
        mode, number, created, modified, text, author, email, website, address, uri, title = row
        name = f"{number}-{created}-{modified or 0}"  # Isso gives numbers of deleted ones again
        if name in state["sent"]:
            continue
        if mode == SHOWN:
            database.execute("UPDATE comments SET mode = ? WHERE id = ?", (PENDING, number))
            database.commit()
        document = {
            "external_id": name,
            "content": text,
            "author": {"name": author, "email": email, "url": website, "ip": address},
            "post": {"url": blog + uri, "title": title},
        }
        document["author"] = {field: said for field, said in document["author"].items() if said}
        try:
            submit(url, key, document)
        except HTTPError as problem:
            if problem.code in {429, 503}:
                raise  # later
            print(f"{name} stays pending: Winnow answered {problem.code}", file=sys.stderr)
        state["sent"].append(name)


def receive(database, state, url, key, wait=10):
    """Apply a decision: show, or hide again. A rejected comment stays pending, and is purged."""
    query = urllib.parse.urlencode({"after": state["after"], "wait": wait})
    request = urllib.request.Request(
        f"{url}/v1/events?{query}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=wait + 5) as answer:
        page = json.load(answer)
    for event in page["items"]:
        name = event["data"].get("external_id", "")
        if name not in state["sent"]:
            continue
        number, created, modified = name.split("-")
        mode = SHOWN if event["type"] == "comment.approved" else PENDING
        database.execute(
            "UPDATE comments SET mode = ? WHERE id = ? AND created = ? AND mode IN (?, ?)"
            " AND IFNULL(modified, 0) = ?",
            (mode, int(number), float(created), SHOWN, PENDING, float(modified)),
        )
    database.commit()
    state["after"] = page["next"] or state["after"]


def main(path, blog):
    """Run until stopped; the cursor is kept beside the database."""
    url, key = os.environ["WINNOW_URL"], os.environ["WINNOW_KEY"]
    database, kept = sqlite3.connect(path, timeout=10), Path(f"{path}.winnow.json")
    state = json.loads(kept.read_text()) if kept.exists() else {"after": "0", "sent": []}
    while True:
        try:
            send(database, state, blog, url, key)
            receive(database, state, url, key)
        except OSError as problem:
            print(f"Winnow did not answer ({problem}); trying again", file=sys.stderr)
            time.sleep(5)
        kept.write_text(json.dumps(state))


if __name__ == "__main__":
    main(*sys.argv[1:])
