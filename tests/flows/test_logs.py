"""The logs show a comment's way: from the request's id by the comment's to the webhook."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.receiver import Receiver
from tests.support.service import Running, running
from tests.support.waiting import wait_until

HAM = "My sister's children loved the soup; thank you for writing the recipe down!"


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("logs") / "data"
    with running(data, WINNOW_LOG_LEVEL="DEBUG", WINNOW_UNDO_SECONDS="0.2") as one:
        yield one


def lines(winnow: Running) -> list[dict[str, Any]]:
    whole = [one for one in winnow.log.read_text().splitlines(keepends=True) if one[-1:] == "\n"]
    return [json.loads(one) for one in whole if one[:1] == "{"]


def answered(winnow: Running, request_id: str) -> str:
    """Return the id that an answer names its request by."""
    request = urllib.request.Request(
        f"{winnow.url}/healthz", headers={"X-Request-Id": request_id} if request_id else {}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["X-Request-Id"]


def test_a_request_keeps_the_id_that_it_came_with_if_it_is_one(winnow: Running):
    assert answered(winnow, "proxy-1.a_B") == "proxy-1.a_B"
    for odd in ("", "a b", "x" * 65, "a\tb", "é"):
        made = answered(winnow, odd.encode("utf-8").decode("latin-1"))
        assert made != odd
        assert len(made) == 16


def test_a_comments_way_can_be_followed_from_its_request_to_its_webhook(winnow: Running):
    with Receiver() as receiver:
        winnow.cli("endpoint", "add", "demo", receiver.url(), "--allow-private")
        made = winnow.ask("POST", "/v1/comments", {"content": HAM}, X_Request_Id="ask-42")[1]
        receiver.wait_for(1)

    def logged(event: str) -> list[dict[str, Any]]:
        return [line for line in lines(winnow) if line["event"].startswith(event)]

    # A line is written after what it tells of: the webhook may be here before it.
    (accepted,) = wait_until(lambda: logged(f"accepted {made['id']}"), message="the web's line")
    assert accepted["request"] == "ask-42"
    wait_until(lambda: logged(f"judged {made['id']}: allow"), message="the worker's line")
    wait_until(lambda: logged("webhook attempted"), message="the deliverer's line")
    assert logged("webhook attempted")[0]["subject"] == made["id"]
    assert "sister" not in Path(winnow.log).read_text()
