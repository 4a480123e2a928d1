"""When storage fails, clients get an error, no acknowledged comment is lost, and service resumes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
import redis

from moderation.workflow.retention import purge
from tests.service.desk.test_rights import sign_in
from tests.support.disk import fill, mounted, needs_root
from tests.support.everything import fill as fill_all
from tests.support.everything import pages
from tests.support.service import Running, command, running
from tests.support.valkey import serving
from tests.support.waiting import wait_until
from tests.support.world import make_world

PENDING = "pending"


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    now: int

    def now_ms(self) -> int:
        return self.now


def sent(winnow: Running, number: int) -> tuple[int, dict]:
    """Return the status and the answer to one more comment; (0, {}) when nobody answers."""
    try:
        return winnow.ask("POST", "/v1/comments", {"content": f"The harbour scene again, {number}"})
    except (URLError, OSError):
        return 0, {}


@needs_root
@pytest.mark.skipif(sys.platform != "linux", reason="the small disk is Linux's tmpfs")
def test_a_full_disk_is_told_and_what_was_acknowledged_is_there_when_it_has_room(tmp_path: Path):
    with (
        mounted(tmp_path / "disk", "size=32m") as disk,
        running(disk / "data", WINNOW_FSYNC="always") as winnow,
    ):
        ballast = fill(disk, leave=128 * 1024)
        acknowledged, status, answer = [], 202, {}
        for number in range(3000):
            status, answer = sent(winnow, number)
            if status != 202:
                break
            acknowledged.append(answer["id"])
        assert status in {0, 503}, answer
        assert acknowledged
        ballast.unlink()
        wait_until(lambda: sent(winnow, 5000)[0] == 202, message="storage to be back")
        wait_until(lambda: PENDING not in map(winnow.status_of, acknowledged), message="verdicts")


def test_a_wrong_password_is_said_by_every_start(tmp_path: Path):
    with serving() as server:
        with redis.Redis.from_url(server.url) as admin:
            admin.config_set("requirepass", "right")
        environ = Running(tmp_path, {"WINNOW_REDIS_URL": f"{server.url}?password=wrong"}).environ
        for verb, failed in (("up", 1), ("doctor", 2)):
            done = subprocess.run(
                command(verb), env=environ, capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == failed
            assert "Redis refuses the user or password of its URL" in done.stdout + done.stderr
            assert "Traceback" not in done.stderr


#: Needs a write: it counts how often its link was opened.
BY_LETTER = {"desk.act"}


def test_while_memory_is_full_all_can_be_read_and_what_frees_some_is_done(tmp_path: Path):
    with serving() as server, make_world(server.url, tmp_path) as world:
        world.add_moderator("ada", admin=True)
        world.add_moderator("eve", admin=True)
        have = fill_all(world, many=3, sites=2, moderators=2)
        desk, adapters, comment_id = sign_in(world, "ada"), world.adapters, have.fill["comment_id"]
        asked = [path for name, path in pages(world, have) if name not in BY_LETTER]
        assert world.ask("GET", "/v1/comments?q=tomatoes").json["items"]
        world.submit("a late text, of which the index has nothing yet: marmalade")
        with redis.Redis.from_url(server.url) as admin:
            admin.config_set("maxmemory", 1_000_000)
        assert world.ask("POST", "/v1/comments", {"content": "x"}).status_code == 503
        refused = [path for path in asked if desk.get(path).status_code not in {200, 302}]
        assert refused == []
        found = world.ask("GET", "/v1/comments?q=tomatoes").json
        assert found["items"]
        assert found["unsearched"] >= 1
        assert world.ask("DELETE", f"/v1/comments/{comment_id}").status_code < 300
        assert adapters.comments.get(comment_id).status == "erased"
        later = FixedClock(adapters.clock.now_ms() + 500 * 86_400_000)
        assert purge(accounts=adapters.accounts, comments=adapters.comments, clock=later) > 10


def test_a_password_that_changes_is_told_as_an_outage_and_stores_nothing(tmp_path: Path):
    with serving() as server:
        world = make_world(server.url, tmp_path)
        assert world.ask("POST", "/v1/comments", {"content": "before"}).status_code == 202
        with redis.Redis.from_url(server.url) as admin:
            admin.config_set("requirepass", "another")
            admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            answer = world.ask("POST", "/v1/comments", {"content": "meanwhile"})
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert "Traceback" not in answer.text
            admin.config_set("requirepass", "")
        counts = world.adapters.comments.counts()
        assert counts["pending"] == 1
        assert world.ask("POST", "/v1/comments", {"content": "after"}).status_code == 202
