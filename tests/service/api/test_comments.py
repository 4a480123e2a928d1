"""Comments through the API: what is promised to a blog."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest

from moderation.comment import Author
from moderation.credentials import KeyKind
from tests.support.world import World


def submitted(world: World, content: str = "hello", **fields: object):
    return world.ask("POST", "/v1/comments", {"content": content, **fields})


def test_a_submitted_comment_is_pending_and_says_where_it_is_found(world: World):
    """202 with id, status and links; the links come from the public URL, not from Host."""
    answer = world.ask("POST", "/v1/comments", {"content": "hi"}, headers={"Host": "elsewhere"})
    assert answer.status_code == 202
    assert answer.json["status"] == "pending"
    assert answer.json["links"]["self"].startswith("http://127.0.0.1:8025/v1/comments/")
    assert world.ask("GET", f"/v1/comments/{answer.json['id']}").json["content"] == "hi"


def test_a_repeat_with_the_same_external_id_and_content_is_the_same_comment(world: World):
    first = submitted(world, external_id="7").json
    second = submitted(world, external_id="7")
    assert second.json["id"] == first["id"]
    assert second.json["outcome"] == "same"
    assert world.ask("GET", "/v1/comments").json["items"][0]["id"] == first["id"]
    assert len(world.ask("GET", "/v1/comments").json["items"]) == 1


def test_the_same_external_id_with_other_content_is_a_conflict_that_names_the_comment(world: World):
    first = submitted(world, external_id="7").json
    answer = submitted(world, "something else", external_id="7")
    assert answer.status_code == 409
    assert answer.json["comment_id"] == first["id"]


@pytest.mark.parametrize(
    "body, status, word",
    [
        ({"content": "x", "bogus": 1}, 422, "bogus"),
        ({"content": ""}, 422, "content"),
        ({"content": "   "}, 422, "content"),
        ({"content": 5}, 422, "content"),
        ({"content": "é" * 40_000}, 422, "65536"),
        ({"content": "a\x00b"}, 422, "NUL"),
        ({"content": "x", "author": {"nom": "Ada"}}, 422, "author.nom"),
        ({"content": "x", "submitted_at": "yesterday"}, 422, "submitted_at"),
        ({"content": "x", "submitted_at": "2026-11-22T10:00:00"}, 422, "submitted_at"),
        ({}, 422, "content"),
        ([], 422, "body"),
    ],
)
def test_bad_input_is_refused_by_name(world: World, body: object, status: int, word: str):
    answer = world.ask("POST", "/v1/comments", body)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert word in answer.json["detail"]
    assert world.adapters.comments.counts()["pending"] == 0


@pytest.mark.parametrize(
    "body, kind, status", [(b"{", "application/json", 400), (b"{}", "text/plain", 415)]
)
def test_a_body_that_is_no_json_is_refused(world: World, body: bytes, kind: str, status: int):
    answer = world.ask("POST", "/v1/comments", data=body, content_type=kind)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_prefer_wait_answers_with_the_verdict_once_it_is_there(world: World):
    """A comment that is settled already is answered at once, with scores and reasons."""
    submitted(world, "spam=0.95", external_id="7")
    world.screen()
    answer = world.ask(
        "POST",
        "/v1/comments",
        {"content": "spam=0.95", "external_id": "7"},
        headers={"Prefer": "wait=2"},
    )
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=2"
    assert (answer.json["status"], answer.json["verdict"]) == ("spam", "reject")
    assert answer.json["reasons"][0]["code"] == "spam"


def test_prefer_wait_without_a_worker_is_an_ordinary_202(world: World):
    answer = world.ask("POST", "/v1/comments", {"content": "x"}, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202


@pytest.mark.parametrize("shape", ["object", "array", "ndjson"])
def test_a_batch_is_taken_in_any_of_three_shapes(world: World, shape: str):
    comments = [{"content": f"number {n}", "external_id": str(n)} for n in range(3)]
    if shape == "ndjson":
        lines = "\n".join(map(json.dumps, comments))
        more = {"data": lines, "content_type": "application/x-ndjson"}
    else:
        more = {"json": {"comments": comments} if shape == "object" else comments}
    answer = world.ask("POST", "/v1/comments/batch", **more)
    assert answer.status_code == 202
    assert [one["external_id"] for one in answer.json["items"]] == ["0", "1", "2"]
    assert world.screen() == 3


def test_a_conflict_in_a_batch_is_told_by_its_line_also_when_it_is_the_only_one(world: World):
    first = submitted(world, external_id="7").json
    comments = [{"content": "something else", "external_id": "7"}, {"content": "new"}]
    for lines, outcomes in (comments, ["conflict", "new"]), (comments[:1], ["conflict"]):
        answer = world.ask("POST", "/v1/comments/batch", lines)
        assert answer.status_code == 202
        assert [one["outcome"] for one in answer.json["items"]] == outcomes
        assert answer.json["items"][0]["id"] == first["id"]


def test_a_batch_with_one_bad_line_stores_nothing_and_names_the_line(world: World):
    lines = b'{"content": "fine"}\n{"content": 5}\n'
    answer = world.ask(
        "POST", "/v1/comments/batch", data=lines, content_type="application/x-ndjson"
    )
    assert answer.status_code == 422
    assert "line 2" in answer.json["detail"]
    assert world.adapters.comments.counts()["pending"] == 0


def test_an_edit_is_the_next_revision_and_is_screened_anew(world: World):
    comment = world.comment("nice")
    answer = world.ask("PUT", f"/v1/comments/{comment.id}", {"content": "spam=0.99"})
    assert (answer.status_code, answer.json["revision"]) == (200, 2)
    assert answer.json["status"] == "pending"
    world.screen()
    assert world.adapters.comments.get(comment.id).status == "spam"


def test_a_moderators_text_is_put_in_the_place_of_a_comments_where_the_site_has_it(world: World):
    comment = world.comment("toxicity=0.6 with a number 555-0100")
    path, body = f"/v1/comments/{comment.id}/revision", {"content": "toxicity=0.6", "revision": 1}
    refused = world.ask("POST", path, body)
    assert (refused.status_code, "edits" in refused.json["detail"]) == (409, True)
    site = f"/v1/sites/{world.site.id}"
    assert world.ask("PATCH", site, {"edits": True}, key=world.token).status_code == 200
    revised = world.ask("POST", path, body | {"moderator": "mia"}).json
    assert (revised["content"], revised["revision"]) == ("toxicity=0.6", 2)
    assert revised["revised"]["original"] == "toxicity=0.6 with a number 555-0100"
    assert revised["revised"]["by"]["name"] == "mia"
    assert revised["history"][-1]["reason"] == "revised"
    assert world.ask("POST", path, body).status_code == 409
    for wrong in ({"content": "x"}, {"content": "", "revision": 2}, body | {"note": "x"}):
        assert world.ask("POST", path, wrong).status_code == 422
    (_held, event) = world.ask("GET", "/v1/events").json["items"]
    assert (event["type"], event["data"]["status"]) == ("comment.revised", "flagged")
    assert event["data"]["comment"]["revised"] is True


def test_an_erased_comment_leaves_a_tombstone_without_words(world: World):
    comment = world.comment("secret words", email="ada@mail.example")
    assert world.ask("DELETE", f"/v1/comments/{comment.id}").status_code == 204
    answer = world.ask("GET", f"/v1/comments/{comment.id}").json
    assert (answer["status"], answer["content"], answer["author"]["email"]) == ("erased", "", "")


def test_the_queue_is_read_to_its_end_by_cursor(world: World):
    for n in range(7):
        world.submit(f"toxicity=0.6 number {n}")
    world.screen()
    seen, cursor = [], None
    while True:
        path = "/v1/queue?limit=3" + (f"&cursor={cursor}" if cursor else "")
        page = world.ask("GET", path).json
        seen += [one["content"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7


def test_a_decision_on_a_version_that_has_passed_says_where_the_comment_stands(world: World):
    comment = world.comment("toxicity=0.6")
    path = f"/v1/comments/{comment.id}/decision"
    stale = world.ask("POST", path, {"decision": "approve", "version": 0})
    assert (stale.status_code, stale.json["version"]) == (409, 1)
    done = world.ask("POST", path, {"decision": "approve", "version": 1, "moderator": "ada"})
    assert (done.status_code, done.json["status"]) == (200, "approved")
    assert done.json["history"][-1]["by"] == {
        "kind": "blog", "name": "ada", "via": world.adapters.accounts.keys(world.site.id)[0].id,
    }  # fmt: skip


def test_a_decision_is_undone_within_its_window_and_nobody_hears_of_it(world: World):
    comment = world.comment("toxicity=0.6")
    world.ask("POST", f"/v1/comments/{comment.id}/decision", {"decision": "approve"})
    assert world.ask("POST", f"/v1/comments/{comment.id}/undo").json["status"] == "flagged"
    assert world.ask("POST", f"/v1/comments/{comment.id}/undo").status_code == 409
    answer = [one["type"] for one in world.ask("GET", "/v1/events").json["items"]]
    assert answer == ["comment.flagged"]


def test_a_bulk_decision_says_what_it_did_and_what_not(world: World):
    one, two = world.comment("toxicity=0.6 a"), world.comment("toxicity=0.6 b")
    body = {"ids": [one.id, two.id, "nonsense"], "decision": "spam"}
    answer = world.ask("POST", "/v1/decisions", body).json
    assert answer["decided"] == [one.id, two.id]
    assert list(answer["refused"]) == ["nonsense"]


def test_the_feed_tells_events_in_order_and_goes_on_from_its_cursor(world: World):
    world.comment("one")
    first = world.ask("GET", "/v1/events").json
    assert [one["type"] for one in first["items"]] == ["comment.approved"]
    world.comment("spam=0.95")
    then = world.ask("GET", f"/v1/events?after={first['next']}").json
    assert [one["type"] for one in then["items"]] == ["comment.spam"]


def test_an_export_of_an_author_goes_on_until_all_is_told(world: World):
    """Nothing of a busy author is left out silently."""
    for part in range(13):
        world.submit(*[f"{part}.{n}" for n in range(90)], author=Author(email="ada@mail.example"))
    path, ids = "/v1/authors/comments?email=ada@mail.example", []
    answer = world.ask("GET", path).json
    while True:
        ids += [one["id"] for one in answer["items"]]
        if answer["next"] is None:
            break
        answer = world.ask("GET", f"{path}&cursor={answer['next']}").json
    assert len(ids) == len(set(ids)) == 13 * 90
    times = [one[:13] for one in ids]  # within a millisecond, the latest that came is the first
    assert times == sorted(times, reverse=True)
    assert world.ask("GET", f"{path}&cursor=nonsense").status_code == 422


def test_an_author_is_exported_and_erased_by_e_mail(world: World):
    world.comment("mine", email="Ada@mail.example")
    world.comment("not mine", email="eve@mail.example")
    found = world.ask("GET", "/v1/authors/comments?email=ada@mail.example").json["items"]
    assert [one["content"] for one in found] == ["mine"]
    erased = world.ask("POST", "/v1/authors/erase", {"email": "ada@mail.example"})
    assert erased.json["erased"] == 1
    (receipt,) = erased.json["receipts"]
    assert (receipt["comments"], receipt["by_status"]["approved"]) == (1, 1)
    assert "ada" not in str(receipt)
    assert (erased.status_code, erased.json["done"], receipt["done"]) == (200, True, True)
    assert world.ask("GET", f"/v1/erasures/{receipt['id']}").json == receipt
    other = world.adapters.accounts.add_site("other", now_ms=1)
    _, theirs = world.adapters.accounts.add_key(other.id, KeyKind.API, now_ms=1)
    path = f"/v1/erasures/{receipt['id']}"
    assert world.ask("GET", path, key=theirs).status_code == 404
    assert world.ask("GET", "/v1/erasures/nonsense").status_code == 404
    assert world.ask("GET", "/v1/authors/comments?email=ada@mail.example").json["items"] == []


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/decision"), ("POST", "/undo"),
        ("POST", "/retry"),
    ],
)  # fmt: skip
def test_another_sites_comment_does_not_exist(world: World, method: str, path: str):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    comment = world.comment("toxicity=0.6", site=other)
    body = {"content": "x"} if method == "PUT" else {"decision": "approve"}
    answer = world.ask(method, f"/v1/comments/{comment.id}{path}", body)
    assert answer.status_code == 404
    assert world.adapters.comments.get(comment.id) == comment


def test_every_route_refuses_who_has_no_key_a_wrong_one_or_a_door_key(world: World):
    """Walks the app's own map, so that no new route can be forgotten."""
    _, door = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)
    for rule in world.app.url_map.iter_rules():
        if not rule.rule.startswith("/v1/") or not rule.endpoint.startswith("api."):
            continue
        path = rule.rule.replace("<", "").replace(">", "")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert world.client().open(path, method=method).status_code == 401, rule
            assert world.ask(method, path, key="wk_nonsense").status_code == 401, rule
            assert world.ask(method, path, key=door).status_code in {401, 403}, rule


def test_too_fast_is_a_429_that_says_how_long_to_wait(world: World):
    limiter = world.app.extensions["winnow_limiter"]
    world.app.extensions["winnow_limiter"] = type(limiter).of("2/minute", world.adapters.redis)
    assert [submitted(world).status_code for _ in range(2)] == [202, 202]
    answer = submitted(world)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_too_much_is_refused_whole_and_nothing_is_stored(world_of: Callable[..., World]):
    world = world_of(backlog=4)
    body = {"comments": [{"content": str(n)} for n in range(5)]}
    answer = world.ask("POST", "/v1/comments/batch", body)
    assert answer.status_code in {429, 503}
    assert "Retry-After" in answer.headers
    assert world.adapters.comments.counts()["pending"] == 0


def many(count: int) -> dict:
    return {"content": "x", **{f"field{n}": 1 for n in range(count)}}


@pytest.mark.parametrize(
    "path, body",
    [
        ("/v1/comments", json.dumps(many(30_000))),
        ("/v1/comments", json.dumps({"content": "x", "author": many(30_000)})),
        ("/v1/comments/batch", json.dumps({"comments": [many(1000)] * 1000})),
        ("/v1/comments/batch", json.dumps([many(60)] * 1000)),
        ("/v1/comments/batch", json.dumps([{"content": ""}] * 1000)),
        ("/v1/comments/batch", "\n".join([json.dumps(many(1000))] * 1000)),
    ],
)
def test_unknown_fields_by_the_million_are_not_made_into_errors(world: World, path: str, body: str):
    """An error for each would take half a kilobyte, and a second for every 300,000 of them."""
    kind = "application/x-ndjson" if "\n" in body else "application/json"
    tracemalloc.start()
    try:
        answer = world.ask("POST", path, data=body, content_type=kind)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 422
    assert len(answer.json["errors"]) <= 20
    assert peak < 16 * len(body) + 5_000_000


def test_the_name_of_an_unknown_field_is_not_repeated_at_length(world: World):
    answer = world.ask("POST", "/v1/comments", {"content": "x", "y" * 500_000: 1})
    assert answer.status_code == 422
    assert len(answer.data) < 1000


def test_a_retry_with_other_metadata_is_the_same_comment_and_the_first_stands(world: World):
    first = submitted(world, external_id="7", post={"title": "One"}).json
    again = submitted(world, external_id="7", post={"title": "Two"}, author={"name": "Ada"})
    assert (again.status_code, again.json["outcome"]) == (202, "same")
    assert again.json["id"] == first["id"]
    kept = world.ask("GET", f"/v1/comments/{first['id']}").json
    assert (kept["post"]["title"], kept["author"]["name"]) == ("One", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"author": None, "post": None, "parent": None, "submitted_at": None, "honeypot": None},
        {"author": {"email": None, "ip": None}, "post": {"title": None}, "external_id": None},
    ],
)
def test_null_is_absent_where_a_field_may_be_left_out(world: World, fields: dict):
    assert submitted(world, **fields).status_code == 202
    batch = world.ask("POST", "/v1/comments/batch", {"comments": [{"content": "x", **fields}]})
    assert batch.status_code == 202


def test_null_is_no_content(world: World):
    assert submitted(world, None).status_code == 422


def test_numbers_are_taken_as_ids(world: World):
    first = submitted(world, external_id=42, parent=7).json
    assert first["external_id"] == "42"
    assert submitted(world, external_id="42", parent="7").json["outcome"] == "same"
    assert submitted(world, external_id=True).status_code == 422


def test_half_a_surrogate_pair_is_replaced_and_counted(world: World):
    headers = {"Authorization": f"Bearer {world.key}", "Content-Type": "application/json"}
    body = '{"content": "cut \\ud83d here", "author": {"name": "\\udc00"}}'
    answer = world.client().post("/v1/comments", data=body, headers=headers)
    assert answer.status_code == 202
    assert answer.json["warnings"] == ["2 halves of surrogate pairs were replaced by U+FFFD"]
    kept = world.ask("GET", f"/v1/comments/{answer.json['id']}").json
    assert kept["content"] == "cut \ufffd here"
    assert "warnings" not in submitted(world, "whole \U0001f600").json


def test_an_author_is_one_person_however_address_and_e_mail_are_spelled(world: World):
    submitted(world, "one", author={"email": "Ada@BÜCHER.example", "ip": "::ffff:203.0.113.9"})
    submitted(world, "two", author={"email": "ada@xn--bcher-kva.example", "ip": "203.0.113.9:80"})
    for asked in ("email=ada@bücher.example", "ip=203.0.113.9", "ip=::FFFF:203.0.113.9"):
        assert len(world.ask("GET", f"/v1/authors/comments?{asked}").json["items"]) == 2
    erased = world.ask("POST", "/v1/authors/erase", {"email": "ADA@bücher.example"})
    assert erased.json["erased"] == 2
