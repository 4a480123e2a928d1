"""POST /v1/history: comments from before Winnow, each on its own, as often as one likes."""

from __future__ import annotations

import json

import pytest

from moderation.actor import IMPORT
from moderation.comment import Status
from service.api import history
from tests.support.world import World


def past(number: int, **fields: object) -> dict[str, object]:
    usual = {
        "external_id": str(number),
        "content": f"Comment number {number}.",
        "created_at": "2021-05-01T10:30:00Z",
        "status": "approved",
    }
    return usual | fields


def bring(world: World, *history: object):
    answer = world.ask("POST", "/v1/history", {"comments": list(history)})
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def test_history_is_kept_under_its_own_time_with_the_blogs_decision_and_todays_scores(world: World):
    (item,) = bring(world, past(1, status="spam", content="spam=0.7"))
    assert (item["outcome"], item["status"]) == ("new", "spam")
    comment = world.adapters.comments.get(item["id"])
    assert (comment.created_at.year, comment.history[-1].by) == (2021, IMPORT)
    assert comment.scores.labels["spam"] == 0.7
    assert [one.decision for one in world.adapters.comments.decisions(world.site.id)] == ["spam"]


def test_nobody_is_told_of_history_and_no_worker_is_woken(world: World):
    bring(world, *(past(n, status=s) for n, s in enumerate(("approved", "rejected", "pending"))))
    assert world.adapters.comments.events(world.site.id) == []
    assert not world.adapters.comments.has_work(0)
    assert [
        one.draft.external_id for one in world.adapters.comments.queue(world.site.id).items
    ] == ["2"]


def test_the_same_history_again_adds_nothing_and_is_not_scored_again(world: World):
    first = bring(world, past(1), past(2))
    scored: list[int] = []
    honest = world.model.score
    world.model.score = lambda items, **more: scored.append(len(items)) or honest(items, **more)
    again = bring(world, past(1), past(2), past(3))
    assert [one["outcome"] for one in again] == ["same", "same", "new"]
    assert [one["id"] for one in again[:2]] == [one["id"] for one in first]
    assert sum(scored) == 1


def test_what_another_text_has_the_id_of_is_a_conflict_and_stays(world: World):
    (first,) = bring(world, past(1))
    (second,) = bring(world, past(1, content="Something else."))
    assert (second["outcome"], second["id"]) == ("conflict", first["id"])
    assert world.adapters.comments.get(first["id"]).content == "Comment number 1."


def test_an_erased_comment_does_not_come_back_with_its_history(world: World):
    (first,) = bring(world, past(1))
    world.ask("DELETE", f"/v1/comments/{first['id']}")
    (again,) = bring(world, past(1))
    assert (again["outcome"], again["status"]) == ("same", Status.ERASED)
    assert world.adapters.comments.get(first["id"]).content == ""


def test_what_cannot_be_taken_costs_itself_and_nothing_else(world: World):
    items = bring(
        world,
        past(1),
        past(2, content=""),
        past(3, created_at="yesterday"),
        past(4, status="trash"),
        past(5, bogus=1),
        "no object",
        past(7, author={"name": "n" * 300}),
    )
    assert [one["outcome"] for one in items] == ["new", *["refused"] * 5, "new"]
    assert items[1]["external_id"] == "2"
    assert "content" in items[1]["reason"]
    assert "created_at" in items[2]["reason"]
    assert "status" in items[3]["reason"]
    assert "bogus" in items[4]["reason"]
    assert items[5]["external_id"] is None
    assert items[6]["lost"] == ["author.name is too long: cut"]


def test_history_comes_as_lines_or_as_a_bare_array_too(world: World):
    lines = "\n".join(json.dumps(past(n)) for n in range(3)) + "\n"
    answer = world.ask("POST", "/v1/history", data=lines, content_type="application/x-ndjson")
    assert [one["outcome"] for one in answer.json["items"]] == ["new"] * 3
    answer = world.ask("POST", "/v1/history", [past(n) for n in range(4)])
    assert [one["outcome"] for one in answer.json["items"]] == ["same"] * 3 + ["new"]


@pytest.mark.parametrize(
    "body, kind, status",
    [
        (b"[]", "application/json", 422),
        (b'{"comments": []}', "application/json", 422),
        (b'{"comments": 1}', "application/json", 422),
        (b"{}", "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
        (b"{", "application/json", 400),
        (b"\n\n", "application/x-ndjson", 422),
        (b"nonsense\n", "application/x-ndjson", 400),
        (b"[]", "text/plain", 415),
        (b"[" + b"{}," * 500 + b"{}]", "application/json", 422),
    ],
)
def test_a_body_that_is_no_history_is_refused_whole(
    world: World, body: bytes, kind: str, status: int
):
    answer = world.ask("POST", "/v1/history", data=body, content_type=kind)
    assert answer.status_code == status, answer.text
    assert world.adapters.comments.recent(world.site.id).items == ()


def test_history_needs_a_key_and_a_token_names_the_site(world: World):
    assert world.ask("POST", "/v1/history", [past(1)], key="wk_unknown").status_code == 401
    answer = world.ask("POST", "/v1/history?site=demo", [past(1)], key=world.token)
    assert answer.status_code == 200


def test_a_request_that_takes_too_long_ends_and_the_same_again_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(history, "_LONGEST_SECONDS", 0.0)
    body = {"comments": [past(n) for n in range(150)]}
    answers = [world.ask("POST", "/v1/history", body) for _ in range(3)]
    assert [one.status_code for one in answers] == [503, 503, 200]
    assert [one.json["detail"].split()[0] for one in answers[:2]] == ["64", "128"]
    outcomes = [one["outcome"] for one in answers[2].json["items"]]
    assert (outcomes.count("same"), outcomes.count("new")) == (128, 22)
    assert answers[0].headers["Retry-After"] == "1"


def test_only_two_requests_are_scored_at_once(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "_PATIENCE_SECONDS", 0.01)
    with history._turn(), history._turn():
        answer = world.ask("POST", "/v1/history", {"comments": [past(1)]})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
    assert bring(world, past(1))[0]["outcome"] == "new"


@pytest.mark.parametrize("depth", [100, 300, 480, 900])
def test_a_comment_that_is_nested_deeply_is_refused_and_the_others_are_taken(
    world: World, depth: int
):
    """Python reads some depths of JSON that it cannot walk through: they were a 500."""
    deep = '{"name":' * depth + "1" + "}" * depth
    body = f'[{{"content": "x", "author": {deep}}}, {json.dumps(past(1))}]'
    answer = world.client().post(
        "/v1/history", data=body, content_type="application/json",
        headers={"Authorization": f"Bearer {world.key}"},
    )  # fmt: skip
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert [one["outcome"] for one in answer.json["items"]] == ["refused", "new"]
