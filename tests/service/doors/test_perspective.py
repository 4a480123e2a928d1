"""Perspective's clients: attributes, spans, languages, and errors in Google's form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.credentials import KeyKind
from service.doors.perspective import ATTRIBUTES
from tests.support.actors import ADA
from tests.support.stored import stored_anywhere
from tests.support.world import World


@pytest.fixture
def key(world: World) -> str:
    return world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)[1]


def analyze(world: World, key: str, text: object = "toxicity=0.7", **more: object):
    body = {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **more}
    return world.client().post(f"/v1alpha1/comments:analyze?key={key}&alt=json", json=body)


def test_an_attribute_has_a_summary_and_spans(world: World, key: str):
    answer = analyze(world, key, clientToken="t", languages=["en"]).json
    assert answer["attributeScores"]["TOXICITY"] == {
        "spanScores": [{"begin": 0, "end": 12, "score": {"value": 0.7, "type": "PROBABILITY"}}],
        "summaryScore": {"value": 0.7, "type": "PROBABILITY"},
    }
    assert (answer["clientToken"], answer["languages"]) == ("t", ["en"])
    assert answer["detectedLanguages"] == ["en"]


def test_spans_cover_the_text_in_code_points(world: World, key: str):
    text = "A good start 👍. toxicity=0 Then worse! And an end"
    answer = analyze(world, key, text, spanAnnotations=True).json
    spans = [(s["begin"], s["end"]) for s in answer["attributeScores"]["TOXICITY"]["spanScores"]]
    assert "".join(text[a:b] for a, b in spans) == text
    assert len(spans) == 3


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_every_attribute_that_clients_ask_for_is_answered(world: World, key: str, name: str):
    answer = analyze(world, key, requestedAttributes={name: {"scoreType": "PROBABILITY"}}).json
    assert 0 <= answer["attributeScores"][name]["summaryScore"]["value"] <= 1


def test_a_score_under_its_threshold_is_left_out(world: World, key: str):
    wanted = {"TOXICITY": {"scoreThreshold": 0.9}}
    assert "attributeScores" not in analyze(world, key, requestedAttributes=wanted).json


def test_a_threshold_that_is_too_large_for_a_float_leaves_the_attribute_out(world: World, key: str):
    answer = analyze(world, key, requestedAttributes={"TOXICITY": {"scoreThreshold": 10**400}})
    assert answer.status_code == 200
    assert "attributeScores" not in answer.json


@pytest.mark.parametrize(
    "more, kind, message",
    [
        ({"comment": {"text": " "}}, "COMMENT_EMPTY", "Comment must be non-empty."),
        (
            {"comment": {"text": "é" * 10_241}},
            "COMMENT_TOO_LONG",
            "Comment text was too many bytes. Value (20482) exceeded limit (20480).",
        ),
        ({"requestedAttributes": {}}, "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes"),
        (
            {"languages": ["zu"]},
            "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            "Attribute TOXICITY does not support request languages: zu",
        ),
        (
            {"requestedAttributes": {"A": {}}},
            "INVALID_REQUEST",
            "Unknown requested attribute: A",
        ),
        (
            {"requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}},
            "INVALID_REQUEST",
            "Requested score type RAW is not supported by attribute TOXICITY",
        ),
        (
            {"comment": {"text": "x", "type": "HTML"}},
            "INVALID_REQUEST",
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
    ],
)
def test_errors_are_googles_word_for_word(world: World, key: str, more, kind, message):
    answer = analyze(world, key, **more)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["message"]) == (400, 400, message)
    assert (error["status"], error["details"][0]["errorType"]) == ("INVALID_ARGUMENT", kind)


def test_a_bad_key_is_a_400_that_names_its_reason(world: World):
    error = analyze(world, "nonsense").json["error"]
    assert (error["code"], error["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_an_empty_body_is_a_400_in_googles_form(world: World, key: str):
    answer = world.client().post(f"/v1alpha1/comments:analyze?key={key}")
    assert (answer.status_code, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"a":' * 3000 + "1" + "}" * 3000, "[1]", "{", b"\xff"]
)
def test_what_is_no_json_object_is_refused_in_googles_form(world: World, key: str, body):
    answer = world.client().post(f"/v1alpha1/comments:analyze?key={key}", data=body)
    assert (answer.status_code, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_half_an_emoji_where_a_client_cut_the_text_does_no_harm(world: World, key: str):
    """perspective-api-client cuts by UTF-16 code units."""
    body = (
        '{"comment": {"text": "toxicity=0.7 \\ud83d"}, "requestedAttributes": {"TOXICITY": {}}, '
        '"clientToken": "\\ud83d\\ude00"}'
    )
    answer = world.client().post(f"/v1alpha1/comments:analyze?key={key}", data=body).json
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] == 0.7
    assert answer["clientToken"] == "😀"


def test_what_must_not_be_stored_is_nowhere_in_redis(world: World, key: str):
    """Neither by default, nor with recording switched on and `doNotStore` asked for."""
    recording = replace(world.site, record_doors=True)
    analyze(world, key, "secretword toxicity=0.6")
    world.adapters.accounts.save_site(recording, was=world.site, by=ADA, now_ms=1)
    analyze(world, key, "secretword toxicity=0.6", doNotStore=True)
    assert sum(world.adapters.comments.counts().values()) == 0
    assert not stored_anywhere(world.adapters.redis, "secretword")


def suggest(world: World, key: str, text: str, value: object, **more: object):
    body = {
        "comment": {"text": text},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": value}}},
    }
    return world.client().post(f"/v1alpha1/comments:suggestscore?key={key}", json=body | more)


def test_a_suggestion_is_taken_and_echoed_and_nothing_is_kept_unasked(world: World, key: str):
    answer = suggest(world, key, "secretword", 1, clientToken="comment:1")
    assert (answer.status_code, answer.json["clientToken"]) == (200, "comment:1")
    assert not stored_anywhere(world.adapters.redis, "secretword")


@pytest.mark.parametrize("value, status", [(1, "rejected"), (0, "approved")])
@pytest.mark.parametrize("scored_before", [True, False])
def test_where_the_door_records_a_suggestion_is_a_decision(
    world: World, key: str, value: int, status: str, scored_before: bool
):
    """On the comment that was scored, or on one that is recorded for it."""
    recording = replace(world.site, record_doors=True)
    world.adapters.accounts.save_site(recording, was=world.site, by=ADA, now_ms=1)
    if scored_before:
        analyze(world, key, "toxicity=0.6 a comment")
    assert suggest(world, key, "toxicity=0.6 a comment", value).status_code == 200
    (kept,) = world.adapters.comments.recent(world.site.id).items
    assert kept.status == status
    (decision,) = world.adapters.comments.decisions(world.site.id)
    assert (decision.by.via, decision.decision.status) == ("perspective", status)
    (learned,) = world.adapters.comments.feedback(world.site.id)
    assert (learned.decision, learned.person) == (decision.decision, "blog:perspective")


@pytest.mark.parametrize("value", [None, "1", 2, -0.1])
def test_a_suggestion_without_a_score_is_refused(world: World, key: str, value: object):
    answer = suggest(world, key, "x", value)
    assert (answer.status_code, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_the_discovery_document_names_both_methods(world: World):
    answer = world.client().get("/$discovery/rest?version=v1alpha1").json
    assert set(answer["resources"]["comments"]["methods"]) == {"analyze", "suggestscore"}


def test_when_the_scorer_fails_no_score_is_given(world: World, key: str):
    answer = analyze(world, key, "this breaks the model")
    assert answer.status_code == 500
    assert "attributeScores" not in answer.json


def test_null_is_absent(world: World, key: str):
    answer = analyze(
        world, key, languages=None, requestedAttributes={"TOXICITY": None}, context=None,
        clientToken=None, comment={"text": "toxicity=0.7", "type": None},
    )  # fmt: skip
    assert answer.json["attributeScores"]["TOXICITY"]["summaryScore"]["value"] == 0.7


def test_emoji_alone_are_scored(world: World, key: str):
    assert "attributeScores" in analyze(world, key, "👍🏽").json
