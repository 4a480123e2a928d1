"""What a page costs: a handful of round trips and less than 100 KB, however much waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from moderation.comment import Author
from tests.service.desk.test_desk import sign_in
from tests.support.world import World

#: 15, and three of what is known for a second: on a slow machine every request comes later than that.
ROUND_TRIPS, BYTES = 18, 100_000


@contextmanager
def round_trips(world: World) -> Iterator[list[int]]:
    """Count how often Redis was asked something; a pipeline is one question."""
    redis: Any = world.adapters.redis
    counted = [0]
    before = redis.info("stats")["total_reads_processed"]
    yield counted
    counted[0] = redis.info("stats")["total_reads_processed"] - before - 1


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "path", ["/desk/queue", "/desk/comments", "/desk/comments/{id}", "/desk/overview", "/desk/poll"]
)
def test_a_page_costs_the_same_for_few_comments_and_for_many(
    world: World, path: str, language: str
):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    client.get(path.format(id="x"))  # what is looked up once and then known
    for more in (40, 200):
        ids = [
            world.submit(f"toxicity=0.6 {more} {n}", author=Author("A", f"{n}@mail.example"))[0].id
            for n in range(more)
        ]
        world.screen()
        costs = []
        for _ in range(3):  # the least: now and then the server reads a request in two pieces
            with round_trips(world) as counted:
                answer = client.get(f"{path.format(id=ids[0])}?site={world.site.id}")
            assert answer.status_code == 200
            assert len(answer.data) < BYTES
            costs += counted
        assert min(costs) <= ROUND_TRIPS, costs


def test_the_page_of_moderators_is_light_with_thirty_of_them_and_forty_sites(world: World):
    """Each form has a box a site; above that number there is one form at a time, for the person named."""
    world.add_moderator("ada", admin=True)
    sites = [world.adapters.accounts.add_site(f"blog {n}", now_ms=1).id for n in range(39)]
    for n in range(29):
        world.add_moderator(f"moderator {n}", sites=sites[n : n + 3])
    client = sign_in(world, "ada")
    page = client.get("/desk/moderators").text
    assert len(page) < BYTES
    assert 'href="/desk/moderators?change=moderator+7#change"' in page
    page = client.get("/desk/moderators?change=moderator+7").text
    assert len(page) < BYTES
    assert page.count('action="/desk/moderators/save"') == 1
    assert 'name="name" value="moderator 7"' in page
