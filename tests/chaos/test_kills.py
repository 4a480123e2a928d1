"""kill -9 of a worker, of Valkey, of everything: accepted comments are kept, and judged once."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.error import URLError

import pytest

from tests.support.receiver import Receiver
from tests.support.service import Running, alive, descendants, kill, running
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SETTLED = {"approved", "flagged", "rejected", "spam"}
MANY = 1500
#: What a dead deliverer had in flight is attempted again after this and a few seconds.
PROMPT = {"WINNOW_FSYNC": "always", "WINNOW_WEBHOOK_TIMEOUT": "1"}


def submit_many(winnow: Running, count: int, label: str) -> list[str]:
    """Return the ids of *count* comments that were accepted in batches."""
    accepted = []
    for start in range(0, count, 500):
        batch = [
            {
                "content": f"{label} {n}: the lamp room looked splendid",
                "external_id": f"{label}-{n}",
            }
            for n in range(start, min(start + 500, count))
        ]
        status, answer = winnow.ask("POST", "/v1/comments/batch", batch)
        assert status in {200, 202, 207}, answer
        accepted += [item["id"] for item in answer["items"]]
    return accepted


def settled(winnow: Running, ids: list[str]) -> dict[str, dict]:
    """Return the comments once none of them is pending."""
    wait_until(lambda: winnow.cli("stats")["comments"].get("pending", 0) == 0, 300, "verdicts")
    return {one: winnow.ask("GET", f"/v1/comments/{one}")[1] for one in ids}


def assert_judged_once(comments: dict[str, dict]) -> None:
    """Neither lost nor stuck, and no verdict was given twice."""
    for comment in comments.values():
        assert comment["status"] in SETTLED, comment
        assert len(comment["history"]) == comment["version"] == 1, comment


def assert_told_once(receiver: Receiver, comments: dict[str, dict]) -> None:
    """Every approval was delivered, once or more, always under one id (by which the blog drops repeats)."""
    ids = [one for one, comment in comments.items() if comment["status"] == "approved"]
    assert len(ids) > len(comments) / 2

    def delivered() -> dict[str, set[str]]:
        seen: dict[str, set[str]] = defaultdict(set)
        for one in list(receiver.requests):
            if len(one.body) == int(one.headers["content-length"]):  # its sender lived long enough
                seen[json.loads(one.body)["data"]["id"]].add(one.headers["webhook-id"])
        return seen

    wait_until(lambda: set(ids) <= set(delivered()), message="every webhook")
    assert [ids for ids in delivered().values() if len(ids) > 1] == []


class Sender:
    """Submits comments one after another, and remembers those that were acknowledged."""

    def __init__(self, winnow: Running) -> None:
        self.winnow = winnow
        self.accepted: list[str] = []
        self._stop = Event()

    def run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                status, answer = self.winnow.ask(
                    "POST", "/v1/comments", {"content": f"The tide scene, take {number}"}
                )
            except (URLError, OSError, ValueError):
                self._stop.wait(0.02)  # be kind to what is starting again
                continue
            if status == 202:
                self.accepted.append(answer["id"])

    def during(self, action: Callable[[], None]) -> list[str]:
        """Submit while *action* runs; return what was acknowledged."""
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self.run)
            try:
                wait_until(lambda: len(self.accepted) > 30, message="the first acknowledgements")
                action()
            finally:
                self._stop.set()
            sending.result()
        return self.accepted


def test_killed_workers_lose_no_comment_and_judge_none_twice(tmp_path: Path):
    """Their batches are taken back at once, and given to those that replace them."""
    with running(tmp_path / "data", WINNOW_LEASE_SECONDS="3") as winnow:
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(submit_many, winnow, MANY, "worker")
            killed = 0
            while not sending.done() or killed < 5:
                victims = wait_until(winnow.workers, message="a worker to kill")
                kill(random.choice(victims))
                killed += 1
            ids = sending.result()
        assert_judged_once(settled(winnow, ids))
        wait_until(lambda: len(winnow.workers()) == 4, message="the dead to be replaced")


def test_a_killed_valkey_loses_nothing_that_was_acknowledged(tmp_path: Path):
    """With WINNOW_FSYNC=always; `up` starts it again, and everybody waits for it."""
    with running(tmp_path / "data", **PROMPT) as winnow, Receiver() as receiver:
        winnow.cli("endpoint", "add", "demo", receiver.url(), "--allow-private")
        sender = Sender(winnow)

        def crash() -> None:
            for _ in range(2):
                before = len(sender.accepted)
                winnow.kill("valkey-server")
                wait_until(
                    lambda b=before: len(sender.accepted) > b + 30, message="Valkey's return"
                )

        ids = sender.during(crash)
        comments = settled(winnow, ids)
        assert_judged_once(comments)
        assert_told_once(receiver, comments)


def test_everything_can_be_killed_at_once(tmp_path: Path):
    """A start after it stops what was orphaned, and goes on where things stood."""
    data = tmp_path / "data"
    with Receiver() as receiver:
        with running(data, **PROMPT) as winnow:
            winnow.cli("endpoint", "add", "demo", receiver.url(), "--allow-private")
            key, everyone = winnow.key, descendants(winnow.pids("up")[0])
            sender = Sender(winnow)
            ids = sender.during(winnow.kill)
        wait_until(lambda: not any(map(alive, everyone)), message="everything to be gone")
        with running(data, **PROMPT) as winnow:
            winnow.key = key
            comments = settled(winnow, ids)
            assert_judged_once(comments)
            assert_told_once(receiver, comments)


def test_a_start_after_its_own_death_alone_goes_on(tmp_path: Path):
    """Only `up` is killed: its children end by themselves or are stopped, and two never run."""
    data = tmp_path / "data"
    with running(data) as winnow:
        key, ids = winnow.key, submit_many(winnow, 100, "orphan")
        everyone = descendants(winnow.pids(" up")[0])
        winnow.kill(" up")
        winnow.start()
        winnow.key = key
        assert not any(map(alive, everyone))
        assert_judged_once(settled(winnow, ids))


@pytest.mark.parametrize("marker", ["crash", "hang", "bloat"])
def test_a_comment_that_kills_workers_is_set_apart(tmp_path: Path, marker: str):
    """After three deaths alone it is a person's to look at; its neighbours never notice."""
    settings = {"WINNOW_BATCH_SECONDS": "1", "WINNOW_LEASE_SECONDS": "4"}
    with running(tmp_path / "data", poisonable=True, **settings) as winnow:
        before = submit_many(winnow, 20, "before")
        status, bad = winnow.ask("POST", "/v1/comments", {"content": f"winnow-poison-{marker}"})
        assert status == 202
        after = submit_many(winnow, 20, "after")
        comments = settled(winnow, [*before, *after])
        assert_judged_once(comments)
        assert {comment["status"] for comment in comments.values()} == {"approved"}
        quarantined = wait_until(
            lambda: (
                (c := winnow.ask("GET", f"/v1/comments/{bad['id']}")[1])["status"] == "flagged"
                and c
            ),
            message="the quarantine",
        )
        assert quarantined["history"][-1]["reason"] == "unscored"
        assert bad["id"] in winnow.run("queue", "demo")
