"""What a site has learned, over the API: read with its key, changed with an administrator's token."""

from __future__ import annotations

import pytest
from jsonschema_rs import validator_for

from moderation.comment import Decision
from tests.support.world import World


@pytest.fixture
def path(world: World) -> str:
    for n in range(3):
        world.decide(f"toxicity=0.6 {n}", Decision.REJECT)
    world.learn()
    return f"/v1/sites/{world.site.id}/learning"


def test_a_site_reads_what_it_has_learned(world: World, path: str):
    answer = world.ask("GET", path).json
    assert (answer["current"], answer["versions"][0]["decisions"]) == ("s1", 3)
    assert answer["versions"][0]["agreement_after"] == 0.75
    other = world.adapters.accounts.add_site("other", now_ms=1)
    assert world.ask("GET", f"/v1/sites/{other.id}/learning").status_code == 404


def test_taking_it_back_needs_an_administrator_and_shows_in_the_next_verdict(
    world: World, path: str
):
    assert world.ask("POST", f"{path}/rollback", {}).status_code == 403
    answer = world.ask("POST", f"{path}/rollback", {}, key=world.token).json
    assert (answer["current"], answer["pinned"]) == (None, True)
    world.adapters.houses._known.clear()
    assert world.comment("toxicity=0.4").scores.model == "plain"
    again = world.ask("POST", f"{path}/rollback", {"version": 0}, key=world.token)
    assert again.status_code == 409
    assert world.ask("POST", f"{path}/rollback", {"version": 9}, key=world.token).status_code == 404
    assert not world.ask("POST", f"{path}/resume", key=world.token).json["pinned"]


def test_a_person_is_left_out_and_taken_in_again(world: World, path: str):
    answer = world.ask("POST", f"{path}/people", {"person": "moderator:ada"}, key=world.token)
    assert (answer.json["left_out"], answer.json["current"]) == (["moderator:ada"], None)
    back = {"person": "moderator:ada", "out": False}
    assert world.ask("POST", f"{path}/people", back, key=world.token).json["left_out"] == []
    unknown = world.ask("POST", f"{path}/people", {"person": "eve"}, key=world.token)
    assert unknown.status_code == 404


def test_what_is_answered_has_the_types_of_the_document(world: World, path: str):
    document = world.client().get("/openapi.json").json
    schema = {"$ref": "#/components/schemas/LearningOut", "components": document["components"]}
    assert [
        str(one) for one in validator_for(schema).iter_errors(world.ask("GET", path).json)
    ] == []
