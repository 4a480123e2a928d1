"""The files of docs/integrate/ do what their pages say, beside a running Winnow."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook
from werkzeug.serving import make_server

from tests.integration.guides import LINE
from tests.support.service import ROOT, Running, running
from tests.support.waiting import wait_until

PAGES = ROOT / "docs" / "integrate"
HAM = "My sister's children loved the soup; thank you for writing the recipe down!"
SPAM = (
    "CHEAP VIAGRA online!!! Best casino bonus, click here: http://pills.example/buy $$$ 100% FREE"
)

pytestmark = pytest.mark.xdist_group("docs")


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("winnow") / "data"
    with running(data, WINNOW_UNDO_SECONDS="0.2") as one:
        yield one


def loaded(page: str) -> ModuleType:
    """Import a page's file as someone would who copied it, and winnow.py beside it."""
    sys.path.insert(0, str(ROOT / "examples" / "blog"))
    try:
        spec = importlib.util.spec_from_file_location(Path(page).stem, PAGES / page)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


# -- every page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted(PAGES.glob("[a-z]*.md")), ids=lambda page: page.stem)
def test_each_guide_begins_with_what_it_was_tried_with(page: Path):
    """Or that it was not run. Runs write the line: tests/integration/guides.py."""
    title, line, *rest = page.read_text(encoding="utf-8").split("\n\n")
    assert title.startswith("# ")
    assert LINE.fullmatch(line), line
    assert rest
    assert f"]({page.name})" in (PAGES / "README.md").read_text(encoding="utf-8")


# -- static sites ----------------------------------------------------------------------------------

FORM = {"post": "/beans/", "name": "Grace", "email": "grace@mail.example", "comment": HAM}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "WINNOW_URL": "http://127.0.0.1:9",  # nobody
        "WINNOW_KEY": "wk_none",
        "WINNOW_SECRET": SECRET,
        "SITE_URL": "https://garden.example",
        "COMMENTS_DIR": str(tmp_path / "comments"),
        "BUILD_COMMAND": f"touch {tmp_path}/built",
    }


@pytest.fixture
def handler(settings: dict[str, str]) -> FlaskClient:
    return loaded("static/handler.py").create_app(settings).test_client()


def test_a_form_on_a_static_page_becomes_a_file_that_the_site_is_built_with(
    winnow: Running, settings: dict[str, str], tmp_path: Path
):
    settings |= {"WINNOW_URL": winnow.url, "WINNOW_KEY": winnow.key}
    app = loaded("static/handler.py").create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.port}/winnow"
    events = ["--event", "comment.approved", "--event", "comment.spam"]
    made = winnow.cli("endpoint", "add", "demo", url, "--allow-private", *events)
    settings["WINNOW_SECRET"] = made["secret"]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        reader = app.test_client()
        answer = reader.post("/comments", data=FORM)
        assert (answer.status_code, answer.location) == (
            303, "https://garden.example/beans/#comments",
        )  # fmt: skip
        assert reader.post("/comments", data=FORM | {"comment": SPAM}).status_code == 303
        folder = tmp_path / "comments" / "beans"
        (file,) = wait_until(  # whole: it is there before its words are
            lambda: [one for one in folder.glob("*.json") if one.read_text().endswith("}")],
            message="the comment's file",
        )
        kept = json.loads(file.read_text())
        assert (kept["content"], kept["author"]["name"]) == (HAM, "Grace")
        assert "grace@mail.example" not in file.read_text()
        wait_until((tmp_path / "built").exists, message="the build")
        winnow.cli("decide", file.stem, "spam")
        wait_until(lambda: not file.exists(), message="the withdrawal")
    finally:
        winnow.run("endpoint", "remove", made["id"], "--yes")
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "post, folder",
    [("/beans/", "beans"), ("/2026/Big_Beans.html", "2026-big-beans-html"), ("/", "index")],
)
def test_a_posts_folder_is_named_as_jekyll_would(post: str, folder: str):
    assert loaded("static/handler.py").slug(post) == folder


@pytest.mark.parametrize(
    "change", [{"post": "/../secrets"}, {"post": "//evil.example"}, {"post": ""}, {"comment": " "}]
)
def test_a_form_that_names_no_post_of_the_site_is_refused(handler: FlaskClient, change):
    assert handler.post("/comments", data=FORM | change).status_code == 400


def test_a_reader_is_told_when_winnow_is_away(handler: FlaskClient):
    answer = handler.post("/comments", data=FORM)
    assert answer.status_code == 503
    assert "try again" in answer.text


def hook(handler: FlaskClient, event: dict[str, Any], *, secret: str = SECRET):
    body, now = json.dumps(event), datetime.now(UTC)
    signature = Webhook(secret).sign("evt_1", now, body)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        "Content-Type": "application/json",
    }
    return handler.post("/winnow", data=body, headers=headers).status_code


def test_a_static_site_believes_only_what_is_signed_and_not_what_is_late(
    handler: FlaskClient, tmp_path: Path
):
    comment = {"content": "hi", "post": {"url": "https://garden.example/beans/"}}
    data = {"id": "01a2", "status": "approved", "sequence": 3, "comment": comment}
    other = "whsec_" + "A" * 32
    file = tmp_path / "comments" / "beans" / "01a2.json"
    assert hook(handler, {"data": data}, secret=other) == 401
    assert not file.exists()
    assert hook(handler, {"data": data | {"sequence": 4, "status": "spam"}}) == 204
    assert hook(handler, {"data": data}) == 204
    assert not file.exists(), "what was approved before it was spam came late"
    assert hook(handler, {"data": data | {"sequence": 5}}) == 204
    assert file.exists()
    assert hook(handler, {"data": {"endpoint_id": "x", "message": "this is a test"}}) == 204


# -- Isso ------------------------------------------------------------------------------------------


@pytest.fixture
def isso(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a database with the columns of Isso's that are read or written."""
    database = sqlite3.connect(tmp_path / "comments.db")
    database.executescript("""
        CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR(256) UNIQUE, title VARCHAR(256));
        CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY, parent INTEGER,
            created FLOAT NOT NULL, modified FLOAT, mode INTEGER, remote_addr VARCHAR,
            text VARCHAR NOT NULL, author VARCHAR, email VARCHAR, website VARCHAR);
        INSERT INTO threads VALUES (1, '/beans/', 'Beans');
    """)
    yield database
    database.close()


def write(isso: sqlite3.Connection, text: str) -> int:
    row = isso.execute(
        "INSERT INTO comments (tid, created, mode, remote_addr, text, author)"
        " VALUES (1, 1700000000.25, 2, '203.0.113.0', ?, 'Grace')",
        (text,),
    )
    isso.commit()
    return int(row.lastrowid)


def modes(isso: sqlite3.Connection) -> dict[int, int]:
    return dict(isso.execute("SELECT id, mode FROM comments"))


def test_winnow_decides_what_leaves_issos_queue(winnow: Running, isso: sqlite3.Connection):
    moderate = loaded("isso/moderate.py")
    state: dict[str, Any] = {"after": "0", "sent": []}
    settings = {"url": winnow.url, "key": winnow.key}
    good, bad = write(isso, HAM + " (Isso)"), write(isso, SPAM)

    def settled(*expected: int) -> bool:
        moderate.receive(isso, state, **settings, wait=1)
        return modes(isso) == dict(zip((good, bad), expected, strict=True))

    for _ in range(2):  # nothing is sent twice
        moderate.send(isso, state, "https://garden.example", **settings)
    assert len(state["sent"]) == 2
    wait_until(lambda: settled(1, 2), message="the verdicts")

    isso.execute("UPDATE comments SET text = ?, modified = 1700000100.5 WHERE id = ?", (SPAM, good))
    isso.commit()
    moderate.send(isso, state, "https://garden.example", **settings)
    assert modes(isso)[good] == 2, "an edited comment is hidden until it was looked at"
    first = winnow.ask("GET", f"/v1/comments?external_id={state['sent'][0]}")[1]
    winnow.cli("decide", first.get("id") or first["items"][0]["id"], "spam")
    wait_until(lambda: settled(2, 2), message="the verdict on the edited one")


# -- Rails -----------------------------------------------------------------------------------------

RUBY = """
require ARGV[0]
sent = JSON.parse($stdin.read)
puts Winnow.submit(sent["comment"])["status"]
puts sent["signed"].map { |one| Winnow.genuine?(*one) }.inspect
"""


@pytest.mark.skipif(shutil.which("ruby") is None, reason="Ruby is not installed")
def test_rubys_file_submits_and_tells_our_webhooks_from_others(winnow: Running):
    now, old, body = datetime.now(UTC), datetime.now(UTC) - timedelta(hours=1), '{"data":{}}'

    def signed(at: datetime, sent: str = body, secret: str = SECRET) -> list[str]:
        signature = Webhook(secret).sign("evt_1", at, body)
        return ["evt_1", str(int(at.timestamp())), f"v1,bm8= {signature}", sent]

    content = {
        "comment": {"content": HAM + " (Ruby)", "external_id": "ruby-1"},
        "signed": [
            signed(now), signed(old), signed(now, body + " "), signed(now, secret="whsec_" + "A" * 32),
        ],
    }  # fmt: skip
    environ = {"WINNOW_URL": winnow.url, "WINNOW_KEY": winnow.key, "WINNOW_SECRET": SECRET}
    done = subprocess.run(
        ["ruby", "-e", RUBY, str(PAGES / "rails" / "winnow.rb")],
        input=json.dumps(content), env={**os.environ, **environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["pending", "[true, false, false, false]"]
