"""All comments at the desk: tabs, searches, and what is said when a search stops."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from moderation.comment import Author
from tests.service.desk.test_desk import sign_in
from tests.support.world import World


@pytest.fixture
def admin(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return sign_in(world, "ada")


def shown(client: FlaskClient, **asked: str) -> list[str]:
    page = client.get("/desk/comments", query_string=asked)
    assert page.status_code == 200
    return re.findall(r'class="text[^"]*"[^>]*>([^<]*)<', page.text)


def test_tabs_show_how_many_comments_stand_in_each_status(world: World, admin: FlaskClient):
    world.submit("jam", "more jam", "spam=0.95", "toxicity=0.6")
    world.screen()
    page = " ".join(admin.get("/desk/comments").text.split())
    tabs = dict(re.findall(r">([\w ]+) <span>(\d+)</span></a>", page))
    assert tabs == {
        "All": "4", "flagged": "1", "approved": "2", "rejected": "0", "spam": "1", "pending": "0",
    }  # fmt: skip
    assert shown(admin, status="spam") == ["spam=0.95"]


def test_a_search_finds_words_authors_and_domains_within_a_tab(world: World, admin: FlaskClient):
    lisa = Author("Lisa", "lisa@mail.example", ip="203.0.113.7")
    world.submit("jam from https://jams.example.org", author=lisa)
    world.submit("jam spam=0.95", author=lisa)
    world.submit("honey", author=Author("Bob"))
    world.screen()
    assert shown(admin, q="jam", status="approved") == ["jam from https://jams.example.org"]
    assert len(shown(admin, q="lisa@mail.example")) == 2
    assert len(shown(admin, author="Lisa")) == 2
    assert len(shown(admin, q="jams.example.org")) == 1
    assert shown(admin, q="nothing-like-it") == []


def test_what_cannot_be_sought_is_said_on_the_page(admin: FlaskClient):
    page = admin.get("/desk/comments", query_string={"author": "10.0.0.0/8"})
    assert page.status_code == 200
    assert "/24" in page.text


def test_a_search_shows_nothing_of_another_site(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.submit("jam", site=other)
    world.add_moderator("mia", sites=[world.site.id])
    client = sign_in(world, "mia")
    assert shown(client, q="jam") == []
    assert client.get("/desk/comments", query_string={"site": other.id}).status_code == 404


def test_the_numbers_of_the_tabs_are_of_the_search(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    world.submit("jam", "jam spam=0.95", "honey", "toxicity=0.6 honey")
    world.screen()

    def tabs(query: str) -> list[str]:
        page = client.get(f"/desk/comments?{query}").text
        nav = page.split('<nav class="tabs"')[1].split("</nav>")[0]
        return re.findall(r"<span>([^<]*)</span>", nav)

    assert tabs("") == ["4", "1", "2", "0", "1", "0"]
    assert tabs("status=spam") == ["4", "1", "2", "0", "1", "0"]
    assert tabs("q=jam") == ["≈2", "≈0", "≈1", "≈0", "≈1", "≈0"]
    assert tabs("q=nothing") == ["≈0"] * 6
    assert tabs("before=2001-01-01") == []
