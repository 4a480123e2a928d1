"""The first minutes of an installation: no site, a new site, its first comment."""

from __future__ import annotations

import re

import pytest

from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA
from tests.support.world import World

PAGES = ("/desk/queue", "/desk/comments", "/desk/overview", "/desk/model")


@pytest.fixture
def bare(world: World) -> World:
    """A Winnow without a site."""
    world.adapters.accounts.remove_site(world.site.id, by=ADA, now_ms=2)
    return world


@pytest.mark.parametrize("path", PAGES[:3])
def test_without_a_site_an_administrator_is_shown_how_to_make_one(bare: World, path: str):
    bare.add_moderator("ada", admin=True)
    answer = sign_in(bare, "ada").get(path)
    assert (answer.status_code, "Your first site" in answer.text) == (200, True)


@pytest.mark.parametrize("path", PAGES[:3])
def test_a_moderator_without_a_site_is_told_whom_to_ask(world: World, path: str):
    world.add_moderator("bob")
    answer = sign_in(world, "bob").get(path)
    assert (answer.status_code, "Settings, Moderators" in answer.text) == (200, True)
    assert "Your first site" not in answer.text


def test_a_new_site_comes_with_a_key_and_the_command_that_sends_its_first_comment(bare: World):
    bare.add_moderator("ada", admin=True)
    client = sign_in(bare, "ada")
    form = {"name": "Garden notes", "url": "", "csrf_token": token(client.get("/desk/queue").text)}
    page = client.post("/desk/new-site", data=form).text
    key = re.search(r'id="key"[^>]*>(wk_[\w-]+)<', page)[1]
    assert f"Authorization: Bearer {key}" in page.replace("&#39;", "'")
    (site,) = bare.adapters.accounts.sites()
    asked = f"/desk/sites/{site.id}/first"
    assert client.get(asked).json == {"comment": None, "screened": False}
    assert bare.ask("POST", "/v1/comments", {"content": "hello"}, key=key).status_code == 202
    assert client.get(asked).json["screened"] is False
    bare.screen()
    answer = client.get(asked).json
    assert answer["screened"]
    assert client.get(answer["comment"]).status_code == 200
    assert key not in client.get(f"/desk/sites/{site.id}/start").text, "it is shown once"


def test_a_name_that_is_taken_makes_no_second_site(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    form = {"name": "demo", "csrf_token": token(client.get("/desk/new-site").text)}
    answer = client.post("/desk/new-site", data=form)
    assert (answer.status_code, "named demo already" in answer.text) == (422, True)
    assert len(world.adapters.accounts.sites()) == 1


def test_only_an_administrator_makes_a_site(world: World):
    world.add_moderator("bob", sites=[world.site.id])
    client = sign_in(world, "bob")
    form = {"name": "mine", "csrf_token": token(client.get("/desk/queue").text)}
    assert client.post("/desk/new-site", data=form).status_code == 403
    assert client.get(f"/desk/sites/{world.site.id}/start").status_code == 403
