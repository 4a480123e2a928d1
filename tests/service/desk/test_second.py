"""The second factor: set up, asked for, used once, bounded, and taken off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pyotp
import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from moderation.errors import NotFound
from moderation.factors import STEP_SECONDS
from moderation.store import keys
from moderation.store.accounts.links import Purpose
from service.desk import throttle
from tests.service.desk.test_desk import sign_in, token
from tests.service.desk.test_recovery import choose
from tests.support.actors import ADA
from tests.support.world import PASSWORD, World, make_world


class Clock:
    """A clock that stands still in the middle of a code's time, until a test puts it on."""

    def __init__(self, clock) -> None:
        step_ms = STEP_SECONDS * 1000
        self._at, self.ahead_ms = clock.now_ms() // step_ms * step_ms + step_ms // 2, 0

    def now_ms(self) -> int:
        return self._at + self.ahead_ms


@pytest.fixture
def world(redis_url: str, tmp_path) -> World:
    return timed(make_world(redis_url, tmp_path))


def timed(world: World) -> World:
    world.adapters = replace(world.adapters, clock=Clock(world.adapters.clock))
    return world


def later(world: World) -> None:
    """Let the app show its next code."""
    world.adapters.clock.ahead_ms += STEP_SECONDS * 1000


def send(client: FlaskClient, path: str, page: str = "/desk/account", **fields: str):
    return client.post(path, data={"csrf_token": token(client.get(page).text), **fields})


def set_up(world: World, client: FlaskClient) -> tuple[Callable[[], str], list[str]]:
    """Return what shows the app's code now, and the recovery codes."""
    page = send(client, "/desk/account/app", password=PASSWORD).text
    secret = re.search(r'id="secret"[^>]*>([^<]+)<', page)[1].replace(" ", "")
    link = re.search(r'name="token" value="([^"]+)"', page)[1]
    app = pyotp.TOTP(secret)

    def code() -> str:
        return app.at(world.adapters.clock.now_ms() // 1000)

    form = {"csrf_token": token(page), "token": link, "code": code()}
    answer = client.post("/desk/account/app/confirm", data=form)
    assert answer.status_code == 200, answer.text
    codes = re.search(r'<code id="codes">([^<]+)<', answer.text)[1].split()
    later(world)
    return code, codes


def give(client: FlaskClient, code: str):
    page = client.get("/desk/sign-in/second").text
    return client.post("/desk/sign-in/second", data={"csrf_token": token(page), "code": code})


def is_in(client: FlaskClient) -> bool:
    return client.get("/desk/queue").status_code == 200


@pytest.fixture
def ada(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return sign_in(world, "ada")


def test_a_password_alone_lets_nobody_in_once_an_app_is_set_up(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    assert is_in(ada), "the session in which it was set up goes on"
    client = sign_in(world, "ada")
    assert not is_in(client)
    assert client.get("/desk/account").status_code == 302
    answer = give(client, code())
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/queue")
    assert is_in(client)


def test_a_code_is_taken_once(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    first, second = sign_in(world, "ada"), sign_in(world, "ada")
    assert give(first, code()).status_code == 302
    assert give(second, code()).status_code == 401, "read over a shoulder, it is worth nothing"
    later(world)
    assert give(second, code()).status_code == 302


def test_of_those_who_send_one_code_at_once_one_gets_in(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    shown, won = code(), []

    def try_it() -> None:
        try:
            world.adapters.check_code("ada", shown, by=ADA)
            won.append(True)
        except NotFound:
            won.append(False)

    threads = [Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_the_code_that_set_an_app_up_signs_nobody_in(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    world.adapters.clock.ahead_ms -= STEP_SECONDS * 1000
    assert give(sign_in(world, "ada"), code()).status_code == 401


def test_each_recovery_code_works_once_and_new_ones_end_them(world: World, ada: FlaskClient):
    _, codes = set_up(world, ada)
    assert len(codes) == 10
    assert give(sign_in(world, "ada"), codes[0].upper().replace("-", " ")).status_code == 302
    assert give(sign_in(world, "ada"), codes[0]).status_code == 401
    assert "9 of 10 left" in ada.get("/desk/account").text
    assert world.adapters.accounts.audit(action="factor.recovered")[0].subject == "ada"
    assert send(ada, "/desk/account/codes", password="wrong one!").status_code == 422
    page = send(ada, "/desk/account/codes", password=PASSWORD).text
    assert codes[1] not in page
    assert give(sign_in(world, "ada"), codes[1]).status_code == 401


def test_codes_that_are_tried_are_bounded(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    clients = [sign_in(world, "ada"), sign_in(world, "ada")]
    statuses = [give(clients[n % 2], "000000").status_code for n in range(7)]
    assert statuses == [401] * 4 + [429] * 3, "the one that set the app up counts, too"
    assert give(clients[0], code()).status_code == 429, "nor the right one"
    world.adapters.accounts.set_password("ada", "another good password", by=ADA, now_ms=1)
    again = sign_in(world, "ada", "another good password")
    assert give(again, code()).status_code == 302, "a thief of the password is shut out"


def test_one_new_password_after_another_allows_no_more_than_90_codes_a_day(world: World):
    """A reader of somebody's mailbox can set their password, and could try 2,000 codes a day."""
    world.add_moderator("ada", admin=True)
    with world.client().application.test_request_context():
        for number in range(18):
            for _ in range(5):
                throttle.spend_code("ada")
            new = f"another password {number}"
            world.adapters.accounts.set_password("ada", new, by=ADA, now_ms=1)
        with pytest.raises(TooManyRequests):
            throttle.spend_code("ada")


def test_the_right_code_forgets_the_wrong_ones(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    for _ in range(3):
        client = sign_in(world, "ada")
        assert [give(client, "000000").status_code for _ in range(3)] == [401] * 3
        assert give(client, code()).status_code == 302
        later(world)


def test_nobody_is_asked_for_a_code_without_the_password(world: World, ada: FlaskClient):
    set_up(world, ada)
    client = world.client()
    answer = client.get("/desk/sign-in/second")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/sign-in")


def test_a_half_session_ends_with_the_password(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    client = sign_in(world, "ada")
    page = client.get("/desk/sign-in/second").text
    world.adapters.accounts.set_password("ada", "another good password", by=ADA, now_ms=1)
    form = {"csrf_token": token(page), "code": code()}
    answer = client.post("/desk/sign-in/second", data=form)
    assert answer.headers["Location"] == "/desk/sign-in"
    assert not is_in(client)


def test_an_invitation_and_a_reset_pass_by_no_second_factor(world: World, ada: FlaskClient):
    code, _ = set_up(world, ada)
    client = world.client()
    link = world.adapters.make_link(Purpose.INVITATION, "ada")
    assert choose(client, f"/desk/invitation/{link}").headers["Location"] == "/desk/sign-in/second"
    assert not is_in(client)
    assert give(client, code()).status_code == 302
    assert is_in(client)


def test_other_sessions_end_when_a_second_factor_begins(world: World, ada: FlaskClient):
    other = sign_in(world, "ada")
    assert is_in(other)
    set_up(world, ada)
    assert not is_in(other)
    assert is_in(ada)


def test_a_wrong_first_code_sets_nothing_up(world: World, ada: FlaskClient):
    page = send(ada, "/desk/account/app", password=PASSWORD).text
    link = re.search(r'name="token" value="([^"]+)"', page)[1]
    form = {"csrf_token": token(page), "token": link, "code": "000000"}
    assert ada.post("/desk/account/app/confirm", data=form).status_code == 422
    assert not world.adapters.accounts.factors("ada")


def test_a_session_alone_neither_sets_an_app_up_nor_takes_it_off(world: World, ada: FlaskClient):
    assert send(ada, "/desk/account/app", password="wrong one!").status_code == 422
    set_up(world, ada)
    assert send(ada, "/desk/account/second/off", password="wrong one!").status_code == 422
    assert world.adapters.accounts.factors("ada")
    send(ada, "/desk/account/second/off", password=PASSWORD)
    assert not world.adapters.accounts.factors("ada")
    assert is_in(sign_in(world, "ada"))


def test_nobody_confirms_an_app_that_somebody_else_began(world: World, ada: FlaskClient):
    page = send(ada, "/desk/account/app", password=PASSWORD).text
    link = re.search(r'name="token" value="([^"]+)"', page)[1]
    world.add_moderator("bob", sites=[world.site.id])
    bob = sign_in(world, "bob")
    form = {"token": link, "code": "000000"}
    assert send(bob, "/desk/account/app/confirm", **form).headers["Location"] == "/desk/account"
    assert not world.adapters.accounts.factors("bob")


def test_an_administrator_takes_it_off_for_who_lost_it(world: World, ada: FlaskClient):
    world.add_moderator("bob", sites=[world.site.id])
    set_up(world, sign_in(world, "bob"))
    assert "Take off the second factor" in ada.get("/desk/moderators").text
    send(ada, "/desk/moderators/second-off", "/desk/moderators", name="bob")
    assert is_in(sign_in(world, "bob"))
    line = world.adapters.accounts.audit(action="factor.off")[0]
    assert (line.by.name, line.subject) == ("ada", "bob")
    assert "took off the second factor of" in ada.get("/desk/audit").text


def test_secrets_are_sealed_and_codes_digested(world: World, ada: FlaskClient):
    _, codes = set_up(world, ada)
    stored = world.adapters.redis.hget(keys.FACTORS(keys.GLOBAL), "ada").decode()
    secret = world.adapters.accounts.factors("ada").secret
    assert secret not in stored
    assert not any(one in stored or one.replace("-", "") in stored for one in codes)


def test_a_second_factor_goes_with_its_owner(world: World, ada: FlaskClient):
    world.add_moderator("bob", sites=[world.site.id])
    set_up(world, sign_in(world, "bob"))
    world.adapters.accounts.remove_moderator("bob", by=ADA, now_ms=1)
    world.add_moderator("bob", sites=[world.site.id])
    assert is_in(sign_in(world, "bob")), "a later moderator of that name has none"


@pytest.mark.parametrize(
    "wanted, admin, asked",
    [("optional", True, False), ("admins", True, True), ("admins", False, False), ("everyone", False, True)],
)  # fmt: skip
def test_a_second_factor_can_be_demanded(
    redis_url: str, tmp_path, wanted: str, admin: bool, asked: bool
):
    world = timed(make_world(redis_url, tmp_path, second_factor=wanted))
    world.add_moderator("ada", admin=admin, sites=[world.site.id])
    client = sign_in(world, "ada")
    assert is_in(client) is not asked
    if asked:
        assert (
            "Set up a second factor first" in client.get("/desk/queue", follow_redirects=True).text
        )
        set_up(world, client)
        assert is_in(client)
