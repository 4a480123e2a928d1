"""The whole product: a comment comes in, is screened and decided, and its webhook is delivered."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from standardwebhooks import Webhook

from tests.support.receiver import Received, Receiver
from tests.support.service import Running, running
from tests.support.waiting import PATIENCE_SECONDS, wait_until

FAN = (
    "I bet Orla Quince is back by episode two, half mad on lamp oil! And I would love to see the "
    "Gaslight Widow. Do they still need extras? I can scowl on command haha"
)
SPAM = (
    "CHEAP VIAGRA and CIALIS online!!! Best casino bonus 500% >>> http://cheap-pills.example/buy "
    "http://casino-win.example/bonus Earn $5000 a day from home, click here now!!!"
)
INSULT = "You are a worthless stupid idiot, shut up and die, you disgusting piece of shit."


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("flow") / "data", WINNOW_UNDO_SECONDS="2") as started:
        yield started


@pytest.fixture(scope="module")
def blog(winnow: Running) -> Iterator[tuple[Receiver, Webhook]]:
    """The blog's end: a real HTTP server, and PyPI's standardwebhooks to check signatures."""
    with Receiver() as receiver:
        endpoint = winnow.cli("endpoint", "add", "demo", receiver.url(), "--allow-private")
        yield receiver, Webhook(endpoint["secret"])


def told_of(receiver: Receiver, comment_id: str) -> list[Received]:
    return [one for one in receiver.requests if comment_id.encode() in one.body]


def wait_told(receiver: Receiver, comment_id: str) -> Received:
    return wait_until(lambda: told_of(receiver, comment_id), message="the webhook")[0]


def test_a_good_comment_is_approved_and_its_blog_is_told(winnow: Running, blog):
    """Comment in, screened, approved, and a webhook that the specification's own package accepts."""
    receiver, webhook = blog
    comment = winnow.judged(FAN, external_id="c-1", author={"name": "Mira"})
    assert (comment["status"], comment["verdict"]) == ("approved", "allow")
    got = wait_told(receiver, comment["id"])
    event = webhook.verify(got.body, got.headers)
    assert event["type"] == "comment.approved"
    assert event["data"]["external_id"] == "c-1"


@pytest.mark.parametrize("content", [SPAM, INSULT])
def test_a_bad_comment_is_held_or_rejected_with_reasons(winnow: Running, content: str):
    comment = winnow.judged(content)
    assert comment["status"] in {"flagged", "rejected", "spam"}
    assert all(reason["code"] and reason["text"] for reason in comment["reasons"])
    assert comment["reasons"]


def flagged(winnow: Running) -> dict:
    """Return a comment that waits for a moderator: this site holds one word of its own."""
    site = winnow.cli("site", "show", "demo")
    token = winnow.cli("token", "add", "flow")["token"]
    status, answer = winnow.ask(
        "PATCH",
        f"/v1/sites/{site['id']}",
        {"policy": site["policy"] | {"blocked_words": ["lighthouse"]}},
        key=token,
    )
    assert status == 200, answer
    comment = winnow.judged("The lighthouse scene was filmed near our village.")
    assert comment["status"] == "flagged"
    return comment


def test_a_moderators_approval_through_the_api_is_told_once(winnow: Running, blog):
    receiver, webhook = blog
    comment = flagged(winnow)
    _, queue = winnow.ask("GET", "/v1/queue")
    assert comment["id"] in [item["id"] for item in queue["items"]]
    status, decided = winnow.ask(
        "POST",
        f"/v1/comments/{comment['id']}/decision",
        {"decision": "approve", "version": comment["version"]},
    )
    assert status == 200, decided
    got = wait_told(receiver, comment["id"])
    assert webhook.verify(got.body, got.headers)["type"] == "comment.approved"
    assert_told_once(winnow, receiver, comment["id"])


def test_a_moderators_approval_from_the_command_line_is_told_once(winnow: Running, blog):
    receiver, _ = blog
    comment = flagged(winnow)
    assert comment["id"] in winnow.run("queue", "demo")
    decided = winnow.cli("decide", comment["id"], "approve", "--note", "local knowledge")
    assert decided["status"] == "approved"
    wait_told(receiver, comment["id"])
    assert_told_once(winnow, receiver, comment["id"])


def test_a_moderators_approval_on_the_page_is_told_once(winnow: Running, blog):
    """Sign in with the printed password, press Approve, as a browser without JavaScript would."""
    receiver, _ = blog
    comment = flagged(winnow)
    browser = build_opener(HTTPCookieProcessor())

    def post(page: str, to: str, **fields: str) -> str:
        with browser.open(f"{winnow.url}{page}", timeout=PATIENCE_SECONDS) as answer:
            fields["csrf_token"] = re.search(
                r'csrf_token"[^>]*value="([^"]+)', answer.read().decode()
            )[1]
        with browser.open(
            f"{winnow.url}{to}", urlencode(fields).encode(), timeout=PATIENCE_SECONDS
        ) as answer:
            return answer.read().decode()

    page = post("/desk/sign-in", "/desk/sign-in", name="admin", password=winnow.password)
    assert "The lighthouse scene" in page
    page = post("/desk/queue", "/desk/decide", id=f"{comment['id']}:1", decision="approve")
    assert "Approved: 1 comment" in page
    wait_told(receiver, comment["id"])
    assert_told_once(winnow, receiver, comment["id"])


def test_what_is_undone_in_time_is_never_told(winnow: Running, blog):
    receiver, _ = blog
    comment = flagged(winnow)
    path = f"/v1/comments/{comment['id']}"
    assert winnow.ask("POST", f"{path}/decision", {"decision": "approve"})[0] == 200
    status, undone = winnow.ask("POST", f"{path}/undo", {})
    assert (status, undone["status"]) == (200, "flagged")
    later = winnow.judged(FAN + " Again!")
    wait_told(receiver, later["id"])
    assert told_of(receiver, comment["id"]) == []


def assert_told_once(winnow: Running, receiver: Receiver, comment_id: str) -> None:
    """A second webhook would have come by the time that a later comment's has."""
    later = winnow.judged(FAN + " Once more!")
    wait_told(receiver, later["id"])
    ids = [
        one.headers["webhook-id"]
        for one in told_of(receiver, comment_id)
        if json.loads(one.body)["data"]["id"] == comment_id
    ]
    assert len(ids) == 1, ids


def test_the_same_comment_sent_again_is_the_same_comment(winnow: Running):
    first = winnow.judged("Twice is once.", external_id="twice")
    again = winnow.judged("Twice is once.", external_id="twice")
    assert again["id"] == first["id"]
    status, _ = winnow.ask("POST", "/v1/comments", {"content": "Other.", "external_id": "twice"})
    assert status == 409


def test_everything_is_still_there_after_a_restart(tmp_path: Path):
    """Ctrl-C, start again in the same directory, and the comment is where it was."""
    data = tmp_path / "data"
    with running(data) as winnow:
        comment, key = winnow.judged(FAN), winnow.key
        assert winnow.stop() == 0
    with running(data) as winnow:
        assert winnow.key == ""
        assert winnow.ask("GET", f"/v1/comments/{comment['id']}", key=key)[1]["content"] == FAN


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [int(os.environ.get("WINNOW_TEST_MANY", "2000"))])
def test_comments_in_batches_all_get_a_verdict(tmp_path: Path, count: int):
    """WINNOW_TEST_MANY=10000 takes it to the size that was promised."""
    with running(tmp_path / "data") as winnow:
        ids = []
        for start in range(0, count, 1000):
            batch = [
                {"content": f"{FAN} Take {start + n}."} for n in range(min(1000, count - start))
            ]
            status, answer = winnow.ask("POST", "/v1/comments/batch", batch)
            assert status == 202, answer
            ids += [item["id"] for item in answer["items"]]
        assert len(set(ids)) == count

        def judged() -> bool:
            counts = winnow.cli("stats", "--measure", "1")["comments"]
            return counts.get("pending", 0) == 0 and sum(counts.values()) == count

        wait_until(judged, 600, "every verdict")
