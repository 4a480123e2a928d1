"""Who may do what at the desk, by walking the app's own map, so that no route can be forgotten."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from moderation.campaign import CleanUp, CleanUpState, Trait
from moderation.comment import Comment, Decision
from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint
from moderation.ids import new_id
from moderation.treatment import Subject
from tests.support.actors import ADA, EVE
from tests.support.world import PASSWORD, World

#: What anybody who is signed in may do for themselves, and signing in.
OWN = {
    "desk.sign_in",
    "desk.sign_out",
    "desk.password",
    "desk.static",
    "desk.lost_password",
    "desk.second",
}
#: Opened by the secret in its address, since a feed reader cannot sign in.
BY_ADDRESS = {"desk.feed", "desk.invitation", "desk.reset", "desk.address", "desk.act"}
#: What only administrators may do.
ADMINISTRATION = {
    "desk.settings_of",
    "desk.settings",
    "desk.site_settings",
    "desk.keys",
    "desk.revoke_key",
    "desk.webhooks",
    "desk.redeliver",
    "desk.redeliver_failed",
    "desk.test_endpoint",
    "desk.enable",
    "desk.add_endpoint",
    "desk.endpoint",
    "desk.rotate_secret",
    "desk.remove_endpoint",
    "desk.moderators",
    "desk.save_moderator",
    "desk.moderator_address",
    "desk.moderator_second_off",
    "desk.reset_password",
    "desk.audit",
    "desk.revert",
    "desk.new_site",
    "desk.start",
    "desk.first",
}
#: Administration whose answer is for a script, and no page.
NO_PAGE = {"desk.first"}


def token(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


def sign_in(world: World, name: str) -> FlaskClient:
    client = world.client()
    form = {"name": name, "password": PASSWORD}
    form["csrf_token"] = token(client.get("/desk/sign-in").text)
    client.post("/desk/sign-in", data=form)
    return client


@pytest.fixture
def world_with_all(world: World) -> World:
    """A site with one of everything that a route could name."""
    accounts = world.adapters.accounts
    world.add_moderator("ada", admin=True)
    world.add_moderator("bob", sites=[world.site.id])
    accounts.add_endpoint(Endpoint("", world.site.id, "https://a.example"), by=ADA, now_ms=1)
    accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)
    world.comment("toxicity=0.6 held")
    return world


def routes(world: World) -> list[tuple[Rule, str, str]]:
    """Return every route of the desk with a method and a path that leads to something real."""
    accounts = world.adapters.accounts
    (comment,) = world.adapters.comments.queue(world.site.id).items
    fill = {
        "site_id": world.site.id,
        "comment_id": comment.id,
        "endpoint_id": accounts.endpoints(world.site.id)[0].id,
        "line_id": accounts.audit(limit=1)[0].id,
        "filename": "desk.css",
        "token": "Ym9i.made-up",
        "clean_up_id": clean_up_of(world, comment),
        "erasure_id": erasure_of(world),
    }
    return [
        (rule, method, re.sub(r"<(?:\w+:)?(\w+)>", lambda name: fill[name[1]], rule.rule))
        for rule in world.app.url_map.iter_rules()
        if rule.endpoint.startswith("desk.")
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def erasure_of(world: World) -> str:
    """Return the id of an erasure that is done."""
    subject = Subject.read("email", "nobody@mail.example")
    return world.adapters.erase_person([world.site.id], subject, by=ADA).id


def clean_up_of(world: World, comment: Comment) -> str:
    """Return the id of a clean-up that is done."""
    one = CleanUp(
        new_id(1),
        world.site.id,
        comment.id,
        Trait("text"),
        Decision.SPAM,
        (),
        ADA,
        1,
        CleanUpState.DONE,
    )
    world.adapters.comments.save_clean_up(one)
    return one.id


def state(world: World) -> tuple[object, ...]:
    """Return all that a route of administration could change."""
    accounts = world.adapters.accounts
    site = world.site.id
    return (
        accounts.sites(), accounts.keys(site), accounts.endpoints(site), accounts.moderators(),
        accounts.session_epoch("ada"), accounts.session_epoch("bob"),
        world.adapters.comments.counts(site),
    )  # fmt: skip


def form_for_all(world: World, csrf: str = "") -> dict[str, str]:
    """Return a form that would do something wherever it is sent."""
    key = world.adapters.accounts.keys(world.site.id)[0]
    form = {
        "site": world.site.id, "key": key.id, "kind": "api", "role": "admin", "disabled": "y",
        "name": "bob", "act": "save", "mode": "shadow", "days": "1", "decision": "approve",
        "url": "",
    }  # fmt: skip
    return form | ({"csrf_token": csrf} if csrf else {})


def test_a_moderator_administers_nothing_not_even_their_own_site(world_with_all: World):
    world = world_with_all
    bob = sign_in(world, "bob")
    form = form_for_all(world, token(bob.get("/desk/queue").text))
    before, seen = state(world), set()
    for rule, method, path in routes(world):
        if rule.endpoint not in ADMINISTRATION:
            continue
        seen.add(rule.endpoint)
        answer = bob.open(path, method=method, data=form if method == "POST" else None)
        assert answer.status_code == 403, (method, path)
    assert seen == ADMINISTRATION
    assert state(world) == before


def test_every_route_with_settings_in_it_is_known_to_be_administration(world_with_all: World):
    """A new page of settings must be put into the list above, and so be tried."""
    admin = sign_in(world_with_all, "ada")
    for rule, method, path in routes(world_with_all):
        if method == "GET" and rule.endpoint not in OWN | BY_ADDRESS | NO_PAGE:
            page = admin.get(path, follow_redirects=True).text
            assert ('aria-label="Settings"' in page) == (rule.endpoint in ADMINISTRATION), path


def test_nobody_gets_anywhere_without_a_session(world_with_all: World):
    world = world_with_all
    before, form = state(world), form_for_all(world)
    for rule, method, path in routes(world):
        if rule.endpoint in OWN:
            continue
        answer = world.client().open(path, method=method, data=form if method == "POST" else None)
        if rule.endpoint in BY_ADDRESS:
            assert answer.status_code == (404 if method == "GET" else 400), (method, path)
            continue
        assert answer.status_code == 302, (method, path)
        assert answer.headers["Location"].startswith("/desk/sign-in"), (method, path)
    assert state(world) == before


@pytest.mark.parametrize("csrf", ["", "forged"])
def test_no_form_is_taken_without_our_token(world_with_all: World, csrf: str):
    world = world_with_all
    admin = sign_in(world, "ada")
    before, form = state(world), form_for_all(world, csrf)
    for rule, method, path in routes(world):
        if method == "POST" and rule.endpoint != "desk.sign_in":
            assert admin.post(path, data=form).status_code == 400, path
    assert state(world) == before


def test_whoever_has_yet_to_choose_a_password_does_nothing_else(world_with_all: World):
    world = world_with_all
    world.adapters.accounts.set_password("ada", PASSWORD, by=EVE, must_change=True, now_ms=1)
    ada = sign_in(world, "ada")
    form = form_for_all(world, token(ada.get("/desk/password").text))
    before = state(world)
    for rule, method, path in routes(world):
        if rule.endpoint in OWN | BY_ADDRESS:
            continue
        answer = ada.open(path, method=method, data=form if method == "POST" else None)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/password"), path
    assert state(world) == before
