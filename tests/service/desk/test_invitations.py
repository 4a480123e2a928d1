"""Invitations: a link by which somebody new chooses a password, once."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA
from tests.support.world import World

PASSWORD = "a password of my own"


def invite(world: World, client: FlaskClient, **more: str) -> str:
    """Return the path of the link that an administrator gets for somebody new."""
    form = {"csrf_token": token(client.get("/desk/moderators").text), "name": "bob", **more}
    page = client.post("/desk/moderators", data={"role": "moderator", "sites": "*"} | form).text
    link = re.search(r'id="invitation"[^>]*>([^<]+)<', page)[1]
    assert link not in client.get("/desk/moderators").text, "it is shown once"
    return link.removeprefix(world.adapters.settings.url)


def choose(client: FlaskClient, path: str, password: str = PASSWORD):
    form = {"csrf_token": token(client.get(path).text), "new": password, "again": password}
    return client.post(path, data=form)


def test_who_was_invited_chooses_a_password_and_is_signed_in(world: World):
    world.add_moderator("ada", admin=True)
    path = invite(world, sign_in(world, "ada"))
    bob = world.client()
    for _ in range(2):
        assert "Welcome, bob" in bob.get(path).text, "opening the link uses nothing up"
    answer = choose(bob, path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/queue")
    assert bob.get("/desk/queue").status_code == 200
    assert bob.get(path).status_code == 404, "it works once"
    assert sign_in(world, "bob", PASSWORD).get("/desk/queue").status_code == 200


def test_an_invitation_ends_with_the_next_password_and_with_the_account(world: World):
    world.add_moderator("ada", admin=True)
    path = invite(world, sign_in(world, "ada"))
    world.adapters.accounts.set_password("bob", "another good password", by=ADA, now_ms=1)
    assert world.client().get(path).status_code == 404


def test_a_short_password_or_two_unlike_ones_use_up_no_invitation(world: World):
    world.add_moderator("ada", admin=True)
    path, bob = invite(world, sign_in(world, "ada")), world.client()
    assert choose(bob, path, "short").status_code == 200
    assert choose(bob, path).status_code == 302


def test_a_made_up_invitation_is_no_page(world: World):
    assert world.client().get("/desk/invitation/nonsense").status_code == 404


def test_a_moderator_of_all_sites_sees_those_to_come(world: World):
    world.add_moderator("ada", admin=True)
    path, bob = invite(world, sign_in(world, "ada")), world.client()
    choose(bob, path)
    later = world.adapters.accounts.add_site("later", now_ms=9)
    assert "later" in bob.get(f"/desk/queue?site={later.id}").text
    assert bob.get("/desk/moderators").status_code == 403
