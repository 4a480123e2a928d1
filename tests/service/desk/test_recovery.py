"""Getting in again: a link for a new password, and an address that is confirmed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from moderation.store import keys
from moderation.store.accounts.links import Purpose
from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA
from tests.support.world import PASSWORD, World, make_world

NEW = "a password of my own"


@dataclass
class Post:
    """A mail server that keeps letters, or takes none."""

    letters: list[tuple[str, str, str]] = field(default_factory=list)
    away: bool = False

    def send(self, to: str, subject: str, text: str) -> None:
        if self.away:
            raise OSError("refused")
        self.letters.append((to, subject, text))


@pytest.fixture
def world(redis_url: str, tmp_path) -> World:
    return make_world(
        redis_url, tmp_path, smtp_url="smtp://127.0.0.1:1", public_url="https://winnow.example"
    )


@pytest.fixture
def post(world: World) -> Post:
    return Post()


def add(world: World, name: str = "ada", email: str = "ada@mail.example") -> None:
    world.add_moderator(name, sites=[world.site.id])
    if email:
        world.adapters.set_address(name, email, by=ADA)


def ask(client: FlaskClient, who: str):
    form = {"csrf_token": token(client.get("/desk/lost-password").text), "who": who}
    return client.post("/desk/lost-password", data=form)


def written(world: World, post: Post) -> list[tuple[str, str, str]]:
    """Return the letters that the worker writes now."""
    before = len(post.letters)
    world.adapters.write_letters(post)
    return post.letters[before:]


def link_in(letter: tuple[str, str, str]) -> str:
    """Return the path of the one link in a letter."""
    (link,) = re.findall(r"https://winnow\.example(/desk/\S+)", letter[2])
    return link


def choose(client: FlaskClient, path: str, password: str = NEW):
    form = {"csrf_token": token(client.get(path).text), "new": password, "again": password}
    return client.post(path, data=form)


@pytest.mark.parametrize("who", ["ada", "ADA", " ada ", "Ada@mail.example"])
def test_a_link_by_e_mail_chooses_a_password_once(world: World, post: Post, who: str):
    add(world)
    old, stranger = sign_in(world, "ada"), world.client()
    assert ask(stranger, who).status_code == 200
    (letter,) = written(world, post)
    assert letter[0] == "ada@mail.example"
    path = link_in(letter)
    for _ in range(2):
        assert "A new password for ada" in stranger.get(path).text, "opening it uses nothing up"
    assert old.get("/desk/queue").status_code == 200
    answer = choose(stranger, path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/sign-in")
    assert stranger.get("/desk/queue").status_code == 302, "nobody is signed in by a letter"
    assert old.get("/desk/queue").status_code == 302, "every session has ended"
    assert stranger.get(path).status_code == 404, "it works once"
    assert sign_in(world, "ada", NEW).get("/desk/queue").status_code == 200
    assert [one[1] for one in written(world, post)] == ["Your password was changed"]
    line = world.adapters.accounts.audit(action="moderator.password")[0]
    assert (line.by.name, line.by.via, line.subject) == ("ada", "reset", "ada")


def test_the_answer_is_the_same_for_whoever_exists_and_whoever_does_not(world: World, post: Post):
    add(world)
    add(world, "eve", email="")
    pages = set()
    for who in ("ada", "ada@mail.example", "eve", "nobody", "nobody@mail.example"):
        answer = ask(world.client(), who)
        pages.add((answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)))
    assert len(pages) == 1
    assert {to for to, _, _ in written(world, post)} == {"ada@mail.example"}


def test_whoever_asks_neither_looks_anybody_up_nor_makes_a_link(world: World):
    """The time that an answer takes must not show whether the account exists."""
    add(world)
    ask(world.client(), "ada")
    redis = world.adapters.redis
    assert not list(redis.scan_iter(f"{keys.tag(keys.GLOBAL)}link:*"))
    assert b"ada" not in redis.lindex(keys.OUTBOX(keys.GLOBAL), 0), "what waits is sealed"


def test_links_are_kept_as_digests(world: World, post: Post):
    add(world)
    ask(world.client(), "ada")
    secret = link_in(written(world, post)[0]).rpartition("/")[2]
    redis = world.adapters.redis
    (key,) = redis.scan_iter(f"{keys.tag(keys.GLOBAL)}link:*")
    assert secret.encode() not in key + redis.get(key)
    assert 3500 < redis.ttl(key) <= 3600


def test_a_link_ends_with_another_password_another_address_and_the_account(
    world: World, post: Post
):
    accounts, client = world.adapters.accounts, world.client()
    add(world)

    def fresh() -> str:
        world.adapters.ask_reset("ada")
        path = link_in(written(world, post)[-1])
        assert client.get(path).status_code == 200
        return path

    path = fresh()
    accounts.set_password("ada", "another good password", by=ADA, now_ms=1)
    assert client.get(path).status_code == 404
    path = fresh()
    world.adapters.set_address("ada", "else@mail.example", by=ADA)
    written(world, post)
    assert client.get(path).status_code == 404
    path = fresh()
    accounts.remove_moderator("ada", by=ADA, now_ms=1)
    assert client.get(path).status_code == 404
    add(world)
    assert client.get(path).status_code == 404, "nor for a later moderator of that name"


def test_a_disabled_moderator_gets_no_link(world: World, post: Post):
    add(world)
    accounts = world.adapters.accounts
    person = accounts.moderator("ada")
    accounts.save_moderator(replace(person, disabled=True), was=person, by=ADA, now_ms=1)
    world.adapters.ask_reset("ada")
    assert written(world, post) == []


def test_a_link_for_one_thing_opens_no_other(world: World):
    add(world)
    client = world.client()
    secret = world.adapters.make_link(Purpose.RESET, "ada")
    for page in ("invitation", "address"):
        assert client.get(f"/desk/{page}/{secret}").status_code == 404
    assert client.get(f"/desk/reset/{secret}").status_code == 200


def test_no_link_is_built_from_the_host_that_a_request_names(world: World, post: Post):
    add(world)
    client = world.client()
    page = client.get("/desk/lost-password", headers={"Host": "evil"}).text
    form = {"csrf_token": token(page), "who": "ada"}
    client.post(
        "/desk/lost-password", data=form, headers={"Host": "evil", "X-Forwarded-Host": "evil"}
    )
    assert "evil" not in "".join(written(world, post)[0])


def test_wishes_are_bounded_for_a_name_and_for_an_address(world: World):
    add(world)
    client = world.client()
    statuses = [ask(client, "ada").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    elsewhere = world.client()
    elsewhere.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    refused = ask(elsewhere, "ADA")
    assert refused.status_code == 429, "the same name from elsewhere"
    assert int(refused.headers["Retry-After"]) > 0
    assert ask(elsewhere, "eve").status_code == 200


def test_a_letter_that_no_server_takes_is_tried_again_for_an_hour(world: World, post: Post):
    add(world)
    world.adapters.ask_reset("ada")
    post.away = True
    assert written(world, post) == []
    post.away = False
    assert len(written(world, post)) == 1
    assert written(world, post) == []


@pytest.mark.parametrize("path", ["reset", "invitation"])
def test_a_secret_address_leaks_to_no_other_page_and_to_no_log(
    world: World, monkeypatch, path: str
):
    add(world)
    purpose = Purpose(path)
    secret = world.adapters.make_link(purpose, "ada")
    client = world.client()
    answer = client.get(f"/desk/{path}/{secret}")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    monkeypatch.setattr(type(world.adapters.links), "read", lambda *_: 1 / 0)
    with capture_logs() as lines:
        assert client.get(f"/desk/{path}/{secret}").status_code == 500
    assert [line["path"] for line in lines] == [f"/desk/{path}/…"]


def test_a_form_with_a_secret_address_works_over_https_without_a_referrer(world: World):
    add(world)
    client = world.client()
    path = f"/desk/reset/{world.adapters.make_link(Purpose.RESET, 'ada')}"
    at = {"base_url": "https://winnow.example"}
    form = {"csrf_token": token(client.get(path, **at).text), "new": NEW, "again": NEW}
    assert client.post(path, data=form | {"csrf_token": "x"}, **at).status_code == 400
    assert client.post(path, data=form, **at).status_code == 302


def set_address(client: FlaskClient, email: str, password: str = PASSWORD):
    form = {"csrf_token": token(client.get("/desk/account").text), "email": email}
    return client.post(
        "/desk/account/address", data=form | {"password": password}, follow_redirects=True
    )


def test_an_address_is_used_once_its_owner_has_confirmed_it(world: World, post: Post):
    add(world, email="old@mail.example")
    client, accounts = sign_in(world, "ada"), world.adapters.accounts
    assert "is wrong" in set_address(client, "new@mail.example", "not the password").text
    assert "Open it to confirm" in set_address(client, "new@mail.example").text
    (letter,) = written(world, post)
    assert letter[0] == "new@mail.example"
    path, phone = link_in(letter), world.client()
    page = phone.get(path).text
    assert accounts.moderator("ada").email == "old@mail.example", "opening it confirms nothing"
    assert "new@mail.example" in phone.post(path, data={"csrf_token": token(page)}).text
    assert accounts.moderator("ada").email == "new@mail.example"
    assert phone.get(path).status_code == 404
    assert [(to, subject) for to, subject, _ in written(world, post)] == [
        ("old@mail.example", "Your e-mail address was changed")
    ]
    assert accounts.audit(action="moderator.email")[0].by.via == "address"


def test_a_link_sent_to_a_mistaken_address_ends_once_the_right_one_is_known(
    world: World, post: Post
):
    """A stranger who gets an invitation, or is asked to confirm, must not have the account by it."""
    add(world, email="typo@mail.example")
    world.adapters.invite("ada")
    world.adapters.ask_address("ada", "second-typo@mail.example")
    world.adapters.ask_address("ada", "ada@mail.example")
    invitation, typo, right = map(link_in, written(world, post))
    stranger = world.client()
    form = {"csrf_token": token(stranger.get(right).text)}
    assert stranger.post(right, data=form).status_code == 200
    for path in (invitation, typo):
        assert stranger.get(path).status_code == 404
    assert world.adapters.accounts.moderator("ada").email == "ada@mail.example"


def test_what_is_no_address_is_refused_and_none_forgets_it(world: World):
    add(world)
    client = sign_in(world, "ada")
    for bad in ("ada", "ada@", "a@b\nBcc: x@y.example", "<x@y.example>"):
        assert set_address(client, bad).status_code == 422
    assert world.adapters.accounts.moderator("ada").email == "ada@mail.example"
    set_address(client, "")
    assert world.adapters.accounts.moderator("ada").email == ""


def test_who_is_invited_with_an_address_gets_the_link_by_e_mail_too(world: World, post: Post):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    form = {"csrf_token": token(client.get("/desk/moderators").text), "role": "moderator"}
    form |= {"name": "bob", "email": "bob@mail.example", "sites": "*"}
    page = client.post("/desk/moderators", data=form)
    assert "The invitation was sent to bob@mail.example" in page.text
    (letter,) = written(world, post)
    assert letter[0] == "bob@mail.example"
    assert choose(world.client(), link_in(letter)).headers["Location"] == "/desk/queue"
    refused = client.post("/desk/moderators", data=form | {"name": "cyd", "email": "cyd"})
    assert refused.status_code == 422


def test_an_administrator_sets_anothers_address(world: World, post: Post):
    add(world, "bob", email="")
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada")
    form = {"csrf_token": token(client.get("/desk/moderators").text), "name": "bob"}
    client.post("/desk/moderators/address", data=form | {"email": "bob@mail.example"})
    assert world.adapters.accounts.moderator("bob").email == "bob@mail.example"


def test_without_a_mail_server_the_page_says_what_to_do_instead(redis_url: str, tmp_path):
    world = make_world(redis_url, tmp_path)
    page = world.client().get("/desk/lost-password").text
    assert "moderator reset-link NAME" in page
    add(world, email="")
    assert "nobody can confirm it" in set_address(sign_in(world, "ada"), "a@b.example").text
