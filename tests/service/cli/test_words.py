"""What the command line says when something is not as expected: which, what there is, and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from moderation import wiring
from moderation.delivery import DeliveryState
from tests.support.service import ROOT, command, free_port


def test_without_a_site_the_verbs_say_how_to_make_one(run):
    advice = "`./winnow site add NAME` makes one"
    assert advice in run("site").stderr
    assert advice in run("queue", code=1).stderr
    assert advice in run("queue", "blog", code=1).stderr
    assert advice in run("key", "add", "blog", code=1).stderr


def test_the_only_site_need_not_be_named(run):
    run("site", "add", "blog")
    assert "Nothing waits at blog" in run("queue").stderr
    assert "blog" in run("site").stdout
    run("site", "add", "forum")
    assert "which site? Name one; there is blog, forum" in run("queue", code=1).stderr


@pytest.mark.parametrize(
    "verb",
    [
        ("queue", "blgo"), ("key", "list", "blgo"), ("site", "show", "blgo"),
        ("moderator", "add", "ada", "--site", "blgo"), ("demo", "seed", "--site", "blgo"),
        ("endpoint", "list", "blgo"), ("import", "jsonl", __file__, "--site", "blgo"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_misspelt_site_is_named_beside_those_that_exist(run, verb: tuple[str, ...]):
    run("site", "add", "blog")
    assert "there is no site blgo; there is blog" in run(*verb, code=1).stderr


def test_other_names_that_do_not_exist_say_where_to_find_them(run):
    run("moderator", "add", "ada")
    nobody = "019ab3f0-1c2d-7000-8000-3f1d2c4b5a69"
    assert "there is ada" in run("moderator", "reset", "adda", code=1).stderr
    assert "`./winnow token list`" in run("token", "revoke", nobody, code=1).stderr
    assert "`./winnow key list SITE`" in run("key", "revoke", nobody, code=1).stderr
    assert "`./winnow endpoint list SITE`" in run("endpoint", "test", nobody, code=1).stderr
    for verb in (
        ("show", nobody),
        ("decide", nobody, "spam"),
        ("undo", nobody),
        ("note", nobody, "x"),
    ):
        assert "`./winnow comments search SITE`" in run(*verb, code=1).stderr


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://localhost/x", "http://10.0.0.1/", "http://[::1]/"]
)
def test_a_private_address_names_the_option_that_allows_it(run, url: str):
    run("site", "add", "blog")
    assert "add --allow-private" in run("endpoint", "add", "blog", url, code=1).stderr
    run("endpoint", "add", "blog", url, "--allow-private")


def test_an_address_that_no_option_allows_names_none(run):
    run("site", "add", "blog")
    for url in ("ftp://blog.example/", "http://169.254.169.254/"):
        assert "--allow-private" not in run("endpoint", "add", "blog", url, code=1).stderr


def test_the_list_of_deliveries_shows_the_reason(run, ask, adapters: wiring.Adapters):
    site = ask("site", "add", "blog")
    made = ask("endpoint", "add", "blog", "https://blog.example/hook")
    run("endpoint", "test", made["id"])
    endpoint, deliveries = adapters.accounts.endpoint(made["id"]), adapters.deliveries
    now = adapters.clock.now_ms()
    deliveries.fan_out(site["id"], [endpoint], now_ms=now)
    (leased,) = deliveries.lease(0, "d", most=1, lease_ms=9000, now_ms=now)
    attempt = {"at": now, "status": None, "error": "the connection was refused"}
    deliveries.finish(leased, DeliveryState.DUE, next_ms=now + 5000, attempt=attempt, now_ms=now)
    shown = run("delivery", "list", made["id"]).stdout
    assert "the connection was refused" in shown
    assert ask("delivery", "list", made["id"])["last_answer"] == "the connection was refused"


def test_a_path_that_does_not_exist_is_named(run, environ, tmp_path: Path):
    missing = tmp_path / "none" / "b.tar.gz"
    assert str(missing) in run("restore", str(missing), code=2).stderr
    run("site", "add", "blog")
    assert str(missing) in run("site", "import-list", "blog", str(missing), code=2).stderr
    rejects = run("import", "jsonl", __file__, "--site", "blog", "--rejects", str(missing), code=1)
    assert rejects.stderr.endswith(f"Error: {missing}: No such file or directory\n")


def test_a_taken_port_says_when_a_winnow_has_it(tmp_path: Path):
    def ready(environ, start_response):
        start_response("200 OK", [])
        return [b"{}"]

    server = make_server("127.0.0.1", 0, ready)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        for program in (command("up"), [sys.executable, "-m", "examples.blog"]):
            done = subprocess.run(
                program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
                env={
                    "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT),
                    "WINNOW_DATA_DIR": str(tmp_path / "data"), "WINNOW_PORT": str(server.port),
                    "BLOG_PORT": str(free_port()),
                },
            )  # fmt: skip
            assert done.returncode == 1
            assert "already" in done.stderr, done.stderr
            assert str(server.port) in done.stderr
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not (tmp_path / "data" / "blog").exists()


def test_a_verb_has_all_the_verbs_below_it_that_any_module_gives_it():
    """Modules are loaded as they are asked for: `endpoint rotate`, `test` and `enable` stand in another than `add`."""
    asked = subprocess.run(
        [sys.executable, "-m", "service.cli", "endpoint", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert all(f"  {verb} " in asked.stdout for verb in ("add", "rotate", "test", "enable"))
