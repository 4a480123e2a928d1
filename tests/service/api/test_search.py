"""Searching over the API."""

from __future__ import annotations

from moderation.comment import Author
from tests.support.world import World


def contents(world: World, query: str) -> list[str]:
    answer = world.ask("GET", f"/v1/comments?{query}")
    assert answer.status_code == 200, answer.text
    return [item["content"] for item in answer.json["items"]]


def test_comments_are_sought_by_status_words_author_and_time(world: World):
    world.submit("jam", "jam spam=0.95", author=Author("Lisa", "lisa@mail.example", id="42"))
    world.submit("honey")
    world.screen()
    assert contents(world, "q=jam") == ["jam spam=0.95", "jam"]
    assert contents(world, "status=spam,rejected") == ["jam spam=0.95"]
    assert contents(world, "author=lisa%40mail.example&status=approved") == ["jam"]
    assert contents(world, "author=id:42&limit=1") == ["jam spam=0.95"]
    assert contents(world, "q=jam&before=2001-01-01") == []


def test_the_cursor_of_a_search_goes_on(world: World):
    world.submit(*[f"jam {n}" for n in range(5)])
    world.screen()
    first = world.ask("GET", "/v1/comments?q=jam&limit=3").json
    rest = world.ask("GET", f"/v1/comments?q=jam&limit=3&cursor={first['next']}").json
    assert [one["content"] for one in first["items"] + rest["items"]] == [
        f"jam {n}" for n in (4, 3, 2, 1, 0)
    ]
    assert rest["next"] is None
    assert rest["unsearched"] == 0


def test_a_parameter_that_is_not_known_is_refused_by_name(world: World):
    for path in ("/v1/comments?stauts=spam", "/v1/queue?q=jam", "/v1/sites?limt=3"):
        answer = world.ask("GET", path, key=world.token if "sites" in path else None)
        assert answer.status_code == 422, path
        assert "unknown parameter" in answer.json["detail"]


def test_values_that_a_search_does_not_take_are_refused_by_field(world: World):
    for query, field in (
        ("status=open", "status"),
        ("before=yesterday", "before"),
        ("q=jam&cursor=x", "cursor"),
        ("author=10.0.0.0/8", "author"),
    ):
        answer = world.ask("GET", f"/v1/comments?{query}")
        assert answer.status_code == 422, query
        assert answer.json["errors"][0]["field"] == field


def test_a_users_own_id_comes_back_and_is_whom_an_export_names(world: World):
    world.ask("POST", "/v1/comments", {"content": "hello", "author": {"id": 42}})
    (one,) = world.ask("GET", "/v1/authors/comments?user_id=42").json["items"]
    assert one["author"]["id"] == "42"
