"""docs/inputs.md, over the API: reactions, edits, deleted parents and answers that come first."""

from __future__ import annotations

from tests.support.world import World


def submitted(world: World, content: str = "hello", **fields: object):
    return world.ask("POST", "/v1/comments", {"content": content, **fields})


def test_an_answer_is_taken_before_and_without_what_it_answers(world: World):
    answer = submitted(world, external_id="2", parent="1")
    assert answer.status_code == 202
    assert submitted(world, external_id="1").status_code == 202
    assert world.ask("GET", f"/v1/comments/{answer.json['id']}").json["parent"] == "1"


def test_an_answer_outlives_what_it_answers(world: World):
    first = submitted(world, external_id="1").json["id"]
    answer = submitted(world, external_id="2", parent="1").json["id"]
    assert world.ask("DELETE", f"/v1/comments/{first}").status_code in {200, 204}
    kept = world.ask("GET", f"/v1/comments/{answer}").json
    assert (kept["content"], kept["parent"]) == ("hello", "1")


def test_a_reaction_has_no_field_and_an_emoji_is_a_comment(world: World):
    refused = submitted(world, reactions={"+1": 3})
    assert (refused.status_code, "reactions" in refused.text) == (422, True)
    assert submitted(world, "👍").status_code == 202


def test_an_edit_makes_a_new_revision_that_is_screened_anew(world: World):
    own_id = submitted(world, external_id="1").json["id"]
    world.ask("PUT", f"/v1/comments/{own_id}", {"content": "hello again", "external_id": "1"})
    edited = world.ask("GET", f"/v1/comments/{own_id}").json
    assert (edited["revision"], edited["status"], edited["content"]) == (
        2,
        "pending",
        "hello again",
    )


def test_a_refused_text_is_said_to_be_too_long_in_characters(world: World):
    answer = world.ask("POST", "/v1/comments", {"content": "a\0", "author": {"name": "n" * 201}})
    assert answer.status_code == 422
    assert [one["detail"] for one in answer.json["errors"]] == [
        "must not contain NUL characters",
        "should have at most 200 characters, not 201",
    ]


def test_a_field_that_is_missing_or_unknown_is_said_in_plain_words(world: World):
    answer = world.ask("POST", "/v1/comments", {"text": "hello"})
    assert answer.status_code == 422
    assert answer.json["detail"] == "content: is required; text: there is no such field"
