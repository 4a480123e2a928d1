"""OpenAI's clients: thirteen categories, arrays and parts, errors with all four keys."""

from __future__ import annotations

import pytest

from moderation.credentials import KeyKind
from service.doors.openai import CATEGORIES
from service.limits import Limiter
from tests.support.world import World


@pytest.fixture
def key(world: World) -> str:
    return world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]


def moderate(world: World, key: str, given: object, **more: object):
    return world.ask("POST", "/v1/moderations", {"input": given, **more}, key=key)


def test_one_text_has_one_result_with_all_thirteen_categories(world: World, key: str):
    answer = moderate(world, key, "insult=0.7").json
    (result,) = answer["results"]
    assert answer["model"] == "omni-moderation-latest"
    for part in ("categories", "category_scores", "category_applied_input_types"):
        assert set(result[part]) == set(CATEGORIES)
        assert len(result[part]) == 13
    assert result["flagged"]
    assert result["categories"]["harassment"]
    assert result["category_scores"]["harassment"] == 0.7


def test_spam_is_flagged_beside_the_categories(world: World, key: str):
    (result,) = moderate(world, key, "spam=0.95").json["results"]
    assert (result["flagged"], result["x_spam"]) == (True, 0.95)
    assert not any(result["categories"].values())


def test_several_texts_have_a_result_each_and_parts_have_one(world: World, key: str):
    answer = moderate(world, key, ["fine", "insult=0.7"]).json["results"]
    assert [one["flagged"] for one in answer] == [False, True]
    parts = [{"type": "text", "text": "fine"}, {"type": "text", "text": "insult=0.7"}]
    assert [one["flagged"] for one in moderate(world, key, parts).json["results"]] == [True]


@pytest.mark.parametrize(
    "given", [None, [], 5, [5], {}, [{"type": "image_url", "image_url": {"url": "https://x"}}]]
)
def test_what_cannot_be_scored_is_a_400_that_says_why(world: World, key: str, given: object):
    answer = moderate(world, key, given)
    assert answer.status_code == 400
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", ["[" * 100_000, "[1]", "{", b"\xff", ""])
def test_what_is_no_json_object_is_a_400_that_nobody_retries(world: World, key: str, body):
    headers = {"Authorization": f"Bearer {key}"}
    answer = world.client().post("/v1/moderations", data=body, headers=headers)
    assert (answer.status_code, answer.json["error"]["type"]) == (400, "invalid_request_error")


def test_an_image_among_texts_is_refused_by_name(world: World, key: str):
    image = {"type": "image_url", "image_url": {"url": "https://blog.example/a.png"}}
    answer = moderate(world, key, [{"type": "text", "text": "fine"}, image])
    assert answer.status_code == 400
    assert answer.json["error"] == {
        "message": "Images are not supported: Winnow reads text only.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_a_bad_key_is_a_401_with_its_code(world: World):
    answer = moderate(world, "nonsense", "hello")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "invalid_api_key")
    assert moderate(world, world.key, "hello").status_code == 401


def test_nothing_is_kept_unless_the_site_asked_for_it(world: World, key: str):
    moderate(world, key, "insult=0.7")
    assert sum(world.adapters.comments.counts().values()) == 0


def test_when_the_scorer_fails_nobody_can_take_it_for_a_pass(world: World, key: str):
    answer = moderate(world, key, "this breaks the model")
    assert answer.status_code == 503
    assert "results" not in answer.json


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_not_flagged(world: World, key: str, text: str):
    (result,) = moderate(world, key, text).json["results"]
    assert not result["flagged"]


def test_null_is_absent_and_half_a_pair_is_counted(world: World, key: str):
    body = '{"input": "cut \\ud83d", "model": null}'
    headers = {"Authorization": f"Bearer {key}"}
    answer = world.client().post("/v1/moderations", data=body, headers=headers).json
    assert answer["model"] == "omni-moderation-latest"
    assert len(answer["warnings"]) == 1


def test_each_text_of_a_request_counts_against_the_rate_of_the_site(world: World, key: str):
    """One key could have 256 texts of 64 KB judged as often as another has one."""
    assert moderate(world, key, "fine").status_code == 200  # the limiter is there
    world.app.extensions["winnow_door_limiter"] = Limiter.of("4/minute", world.adapters.redis)
    assert moderate(world, key, ["fine", "good", "well"]).status_code == 200
    assert moderate(world, key, ["fine", "good"]).status_code == 429
