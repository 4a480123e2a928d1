"""Signing in: strangers try little and keep nobody out; what is open can be seen and ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from moderation.store.accounts import REFUSED_LINES
from service.desk.base import DESK
from service.front.pool import GATE
from tests.service.desk.test_desk import sign_in, token
from tests.service.desk.test_notices import feed_of
from tests.support.actors import ADA
from tests.support.world import PASSWORD, World

HERE, THERE, ELSEWHERE = "192.0.2.1", "198.51.100.1", "203.0.113.1"


@pytest.fixture
def strict(world_of: Callable[..., World]) -> World:
    """A Winnow whose limit on sign-ins is low."""
    world = world_of(login_rate="3/hour")
    world.add_moderator("ada", admin=True)
    return world


def try_in(client: FlaskClient, password: str, address: str, name: str = "ada") -> int:
    there = {"REMOTE_ADDR": address}
    csrf = token(client.get("/desk/sign-in", environ_base=there).text)
    form = {"csrf_token": csrf, "name": name, "password": password}
    return client.post("/desk/sign-in", data=form, environ_base=there).status_code


def hammer(world: World, addresses: int, *, name: str = "ada") -> list[int]:
    """Try wrong passwords from a number of addresses until none of them may try any more."""
    return [
        try_in(world.client(), "wrong", f"203.0.113.{n}", name)
        for n in range(1, addresses + 1)
        for _ in range(4)
    ]


def test_one_address_may_try_a_few_passwords(strict: World):
    assert [try_in(strict.client(), "wrong", HERE) for _ in range(5)] == [401] * 3 + [429] * 2
    assert try_in(strict.client(), PASSWORD, HERE) == 429


def test_an_ipv6_network_is_one_address(strict: World):
    tries = [try_in(strict.client(), "wrong", f"2001:db8:1:2::{n}") for n in range(1, 6)]
    assert tries == [401] * 3 + [429] * 2
    assert try_in(strict.client(), "wrong", "2001:db8:1:3::1") == 401


def test_many_addresses_together_guess_no_faster(strict: World):
    tries = hammer(strict, 10)
    assert tries.count(401) <= 18
    assert try_in(strict.client(), "wrong", "198.51.100.9") == 429


def test_strangers_keep_nobody_out_of_a_browser_that_signed_in_before(strict: World):
    browser = strict.client()
    assert try_in(browser, PASSWORD, HERE) == 302
    hammer(strict, 10)
    for address in (HERE, ELSEWHERE, "203.0.113.1"):  # the strangers' own, too
        browser.delete_cookie("winnow")
        assert try_in(browser, PASSWORD, address) == 302


def test_strangers_keep_nobody_out_of_an_address_that_signed_in_before(strict: World):
    assert try_in(strict.client(), PASSWORD, HERE) == 302
    hammer(strict, 10)
    assert try_in(strict.client(), PASSWORD, THERE) == 429
    assert try_in(strict.client(), PASSWORD, HERE) == 302


def test_a_known_browser_helps_with_no_other_name_and_not_for_ever(strict: World):
    strict.add_moderator("bob")
    browser = strict.client()
    assert try_in(browser, PASSWORD, HERE) == 302
    assert [try_in(browser, "wrong", THERE, "bob") for _ in range(4)] == [401] * 3 + [429]
    assert [try_in(browser, "wrong", THERE) for _ in range(4)] == [401] * 3 + [429]
    strict.adapters.accounts.set_password("ada", PASSWORD, by=ADA, now_ms=1)
    browser.delete_cookie("winnow")
    assert try_in(browser, PASSWORD, THERE) == 429


def test_the_form_that_changes_a_password_is_limited(strict: World):
    client = strict.client()
    assert try_in(client, PASSWORD, HERE) == 302
    form = {"old": "wrong", "new": "another long one", "again": "another long one"}

    def change() -> int:
        csrf = token(client.get("/desk/password").text)
        return client.post("/desk/password", data={"csrf_token": csrf, **form}).status_code

    assert [change() for _ in range(5)] == [401] * 3 + [429] * 2


def test_refused_sign_ins_wash_nothing_off_the_audit_trail(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    before = world.adapters.accounts.audit()
    for n in range(REFUSED_LINES + 500):
        world.adapters.accounts.note_refused_sign_in(f"mallory {n}", now_ms=n)
    try_in(world.client(), "wrong", HERE, "mallory <b>")
    assert world.adapters.accounts.audit() == before
    assert len(world.adapters.accounts.refused_sign_ins(limit=10_000)) < REFUSED_LINES + 200
    shown = client.get("/desk/audit").text
    assert "mallory &lt;b&gt;" in shown


def opened(client: FlaskClient) -> str:
    return client.get("/desk/access").text


def end(client: FlaskClient, kind: str, **fields: str) -> Any:
    csrf = token(opened(client))
    return client.post(f"/desk/access/{kind}", data={"csrf_token": csrf, **fields})


def ids(page: str) -> list[str]:
    return re.findall(r'name="id" value="([^"]+)"', page)


def test_a_moderator_sees_and_ends_their_own_sessions(world: World):
    world.add_moderator("bob")
    here, there = sign_in(world, "bob"), sign_in(world, "bob")
    page = opened(here)
    assert page.count("<b>Session</b>") == 2
    assert page.count("this one") == 1
    other = next(one for one in ids(page) if f'{one}"' in opened(there) and _is_here(there, one))
    assert end(here, "session", name="bob", id=other).status_code == 302
    assert there.get("/desk/queue").status_code == 302
    assert here.get("/desk/queue").status_code == 200
    assert opened(here).count("<b>Session</b>") == 1


def _is_here(client: FlaskClient, session: str) -> bool:
    item = opened(client).partition("this one")[2]
    return ids(item)[:1] == [session]


def test_an_admin_ends_anybodys_and_a_moderator_nobody_elses(world: World):
    world.add_moderator("ada", admin=True)
    world.add_moderator("bob")
    ada, bob = sign_in(world, "ada"), sign_in(world, "bob")
    assert "tests" not in opened(bob)
    assert end(bob, "session", name="ada", id="x").status_code == 403
    assert end(bob, "token", id="x").status_code == 403
    (session,) = [one.id for one in world_sessions(world, "bob")]
    assert end(ada, "session", name="bob", id=session).status_code == 302
    assert bob.get("/desk/queue").status_code == 302
    line = world.adapters.accounts.audit()[0]
    assert (line.action, line.subject) == ("session.end", "bob")


def world_sessions(world: World, name: str) -> Any:
    desk, accounts = world.app.extensions[DESK], world.adapters.accounts
    return desk.sessions(name, accounts.session_epoch(name))


def test_a_moderator_has_a_bounded_number_of_sessions(world: World):
    world.add_moderator("bob")
    first = sign_in(world, "bob")
    for _ in range(20):
        sign_in(world, "bob")
    assert len(world_sessions(world, "bob")) == 20
    assert first.get("/desk/queue").status_code == 302


@pytest.mark.parametrize("what", ["password", "disabled", "removed", "ended"])
def test_a_feed_ends_with_what_ends_its_owners_access(world: World, what: str):
    world.add_moderator("ada", admin=True)
    world.add_moderator("bob")
    ada, bob = sign_in(world, "ada"), sign_in(world, "bob")
    path, accounts = feed_of(bob), world.adapters.accounts
    assert world.client().get(path).status_code == 200
    match what:
        case "password":
            accounts.set_password("bob", PASSWORD, by=ADA, now_ms=1)
        case "disabled":
            person = accounts.moderator("bob")
            off = replace(person, disabled=True)
            accounts.save_moderator(off, was=person, by=ADA, now_ms=1)
            accounts.save_moderator(person, was=off, by=ADA, now_ms=1)
        case "removed":
            accounts.remove_moderator("bob", by=ADA, now_ms=1)
            world.add_moderator("bob")
        case "ended":
            assert "Private feed" in opened(ada)
            assert end(ada, "feed", name="bob").status_code == 302
    assert world.client().get(path).status_code == 404
    assert not world.adapters.notices.has_feed("bob")


def test_an_admin_ends_a_token(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    page = opened(client)
    assert "tests" in page
    (kept,) = world.adapters.accounts.tokens()
    assert end(client, "token", id=kept.id).status_code == 302
    assert world.adapters.accounts.tokens() == []


def test_the_gate_reads_no_form(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    answer = client.post(
        f"/desk/sites/{world.site.id}/settings",
        environ_overrides={GATE: True, "CONTENT_LENGTH": "5000000"},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.headers["Winnow-Gate"] == "keyed"
