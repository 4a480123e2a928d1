"""Deciding by a link in an e-mail: one press, for one comment and one person, with an end."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from moderation.comment import Author, Comment, Decision
from service.desk import throttle
from tests.service.desk.test_desk import sign_in, token
from tests.service.desk.test_second import Clock
from tests.service.desk.test_words import english
from tests.support.actors import ADA
from tests.support.world import PASSWORD, World

DAY_MS = 86_400_000


@pytest.fixture
def world(world: World) -> World:
    allow(world)
    world.add_moderator("ada", admin=True)
    add(world, "bob")
    return world


def add(world: World, name: str) -> None:
    world.add_moderator(name, sites=[world.site.id])
    world.adapters.accounts.set_email(name, "bob@mail.example", by=ADA, now_ms=1)


def allow(world: World, *, links: bool = True) -> None:
    site = world.adapters.accounts.site(world.site.id)
    changed = replace(site, mail_links=links)
    world.adapters.accounts.save_site(changed, was=site, by=ADA, now_ms=1)


def link(world: World, comment: Comment, name: str = "bob") -> str:
    """Return the path of a link by which somebody decides a comment."""
    person = world.adapters.accounts.moderator(name)
    lines = world.adapters.mail_lines(person, person.email, since_ms=0)
    paths = re.findall(r"http://127\.0\.0\.1:8025(/desk/act/\S+)", lines)
    (path,) = [one for one in paths if of(world, one) == comment.id]
    return path


def of(world: World, path: str) -> str:
    """Return the id of the comment that a link is for."""
    return world.adapters.opened_by_mail(path.rpartition("/")[2])[1].id


def press(client: FlaskClient, path: str, decision: str = "approve", **more: str):
    page = client.get(path).text
    version = re.search(r'name="version" value="(\d+)"', page)
    form = {"csrf_token": token(page), "decision": decision}
    return client.post(path, data=form | {"version": version[1] if version else "0"} | more)


def status(world: World, comment: Comment) -> str:
    return world.adapters.comments.get(comment.id).status


@pytest.mark.parametrize("decision, became", [("approve", "approved"), ("reject", "rejected"), ("spam", "spam")])  # fmt: skip
def test_one_press_decides_as_the_links_owner(world: World, decision: str, became: str):
    comment = world.comment("toxicity=0.6 held <b>words</b>")
    path, client = link(world, comment), world.client()
    page = client.get(path).text
    assert "held &lt;b&gt;words&lt;/b&gt;" in page
    assert "likely toxic" in page
    assert "You decide as bob" in page
    answer = press(client, path, decision)
    assert answer.status_code == 200
    assert "by bob (by e-mail link)" in answer.text
    decided = world.adapters.comments.get(comment.id)
    assert decided.status == became
    assert (decided.history[-1].by.name, decided.history[-1].by.via) == ("bob", "mail")
    assert client.get("/desk/queue").status_code == 302, "nobody is signed in by a link"


def test_the_page_speaks_the_browsers_language(world: World):
    comment, client = world.comment("toxicity=0.6 held"), world.client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = client.get(link(world, comment)).text
    assert "Sie entscheiden als bob" in page
    assert english(page) == []
    assert "per E-Mail-Link" in press(client, link(world, comment)).text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_scanner_that_opens_a_link_decides_nothing(world: World, method: str):
    comment = world.comment("toxicity=0.6 held")
    path = link(world, comment)
    for query in ("", "?decision=approve", "?decision=approve&version=1"):
        world.client().open(path + query, method=method)
    assert status(world, comment) == "flagged"


def test_no_form_is_taken_that_the_page_did_not_make(world: World):
    comment = world.comment("toxicity=0.6 held")
    path, client = link(world, comment), world.client()
    form = {"decision": "approve", "version": str(comment.version)}
    assert client.post(path, data=form).status_code == 400
    other = token(world.client().get(path).text)
    assert client.post(path, data=form | {"csrf_token": other}).status_code == 400
    assert press(client, path, "publish").status_code == 400
    assert status(world, comment) == "flagged"


def test_a_link_is_for_one_comment_and_one_person(world: World):
    comment, other = world.comment("toxicity=0.6 one"), world.comment("toxicity=0.6 two")
    path = link(world, comment)
    signed = path.rpartition("/")[2]
    payload, _, signature = signed.rpartition(".")
    forged = [
        f"{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        payload,
        f"{payload}.",
        f".{signature}",
    ]
    forged.append(f"{link(world, other).rpartition('/')[2].rpartition('.')[0]}.{signature}")
    forged.append(base64.urlsafe_b64encode(b'["x","ada","0.0",9e99]').decode() + "." + signature)
    forged += ["x", "." * 50, "a" * 5000]
    for one in forged:
        assert world.client().get(f"/desk/act/{one}").status_code == 404, one
    press(world.client(), path)
    assert (status(world, comment), status(world, other)) == ("approved", "flagged")


def test_whoever_is_signed_in_does_not_act_but_the_links_owner_does(world: World):
    comment = world.comment("toxicity=0.6 held")
    press(sign_in(world, "ada"), link(world, comment, "bob"))
    assert world.adapters.comments.get(comment.id).history[-1].by.name == "bob"


def test_the_page_says_what_somebody_else_decided_and_takes_no_press(world: World):
    comment = world.comment("toxicity=0.6 held")
    path, client = link(world, comment), world.client()
    page = client.get(path).text
    world.adapters.review(comment.id, Decision.SPAM, by=ADA)
    form = {"csrf_token": token(page), "decision": "approve", "version": str(comment.version)}
    answer = client.post(path, data=form)
    assert answer.status_code == 409
    assert "<b>spam</b> by ada" in answer.text
    assert 'name="decision"' not in answer.text
    assert 'name="decision"' not in client.get(path).text
    assert status(world, comment) == "spam"


def test_a_press_counts_only_for_the_text_that_was_shown(world: World):
    comment = world.comment("toxicity=0.6 held")
    path, client = link(world, comment), world.client()
    page = client.get(path).text
    world.adapters.edit(comment.id, replace(comment.draft, content="toxicity=0.7 worse"), by=ADA)
    world.screen()
    form = {"csrf_token": token(page), "decision": "approve", "version": str(comment.version)}
    for version in (str(comment.version), "", "-1", "none"):
        answer = client.post(path, data=form | {"version": version})
        assert answer.status_code == 409
        assert "has changed since" in answer.text
    assert status(world, comment) == "flagged"
    assert press(client, path).status_code == 200


def gone(world: World, path: str, comment: Comment) -> bool:
    client = world.client()
    page = client.get("/desk/sign-in").text
    form = {"csrf_token": token(page), "decision": "approve", "version": str(comment.version)}
    refused = (client.get(path).status_code, client.post(path, data=form).status_code) == (404, 404)
    return refused and status(world, comment) == "flagged"


def test_what_ends_a_link(world: World, subtests):
    comment = world.comment("toxicity=0.6 held")
    accounts = world.adapters.accounts

    def fresh() -> str:
        path = link(world, comment)
        assert world.client().get(path).status_code == 200
        return path

    with subtests.test("a new password"):
        path = fresh()
        accounts.set_password("bob", PASSWORD, by=ADA, now_ms=1)
        assert gone(world, path, comment)
    with subtests.test("the owner's wish"):
        path = fresh()
        bob = sign_in(world, "bob")
        form = {"csrf_token": token(bob.get("/desk/account").text)}
        bob.post("/desk/account/links/revoke", data=form)
        assert gone(world, path, comment)
        assert accounts.audit(action="links.revoke")[0].subject == "bob"
    with subtests.test("another e-mail address: somebody else may read the old one"):
        path = fresh()
        world.adapters.set_address("bob", "else@mail.example", by=ADA)
        assert gone(world, path, comment)
    with subtests.test("their site taken away, looked up at the press"):
        path, person = fresh(), accounts.moderator("bob")
        accounts.save_moderator(replace(person, sites=()), was=person, by=ADA, now_ms=1)
        assert gone(world, path, comment)
        accounts.save_moderator(person, was=replace(person, sites=()), by=ADA, now_ms=1)
    with subtests.test("the site's permission taken back"):
        path = fresh()
        allow(world, links=False)
        assert gone(world, path, comment)
        allow(world)
    with subtests.test("being disabled"):
        path, person = fresh(), accounts.moderator("bob")
        off = replace(person, disabled=True)
        accounts.save_moderator(off, was=person, by=ADA, now_ms=1)
        assert gone(world, path, comment)
        accounts.save_moderator(person, was=off, by=ADA, now_ms=1)
        assert gone(world, path, comment), "nor is it good again afterwards"
    with subtests.test("being removed, also where somebody has that name later"):
        path = fresh()
        accounts.remove_moderator("bob", by=ADA, now_ms=1)
        assert gone(world, path, comment)
        add(world, "bob")
        assert gone(world, path, comment)


def test_a_link_ends_after_a_week(world: World):
    comment = world.comment("toxicity=0.6 held")
    path = link(world, comment)
    world.adapters = replace(world.adapters, clock=Clock(world.adapters.clock))
    world._app = None
    world.adapters.clock.ahead_ms = 7 * DAY_MS - 60_000
    assert world.client().get(path).status_code == 200
    world.adapters.clock.ahead_ms = 7 * DAY_MS + 60_000
    assert gone(world, path, comment)


def test_the_page_leaks_nothing_and_is_kept_by_nobody(world: World):
    comment = world.comment("toxicity=0.6 http://spam.example/x.png")
    answer = world.client().get(link(world, comment))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r'(?:href|src|action)="https?:', answer.text), "nothing of anybody else's"


def test_it_works_over_https_without_a_referrer(world: World):
    comment = world.comment("toxicity=0.6 held")
    path, client = link(world, comment), world.client()
    at = {"base_url": "https://localhost"}
    page = client.get(path, **at).text
    form = {"csrf_token": token(page), "decision": "approve", "version": str(comment.version)}
    assert client.post(path, data=form, **at).status_code == 200
    assert status(world, comment) == "approved"


def test_pages_that_one_network_opens_are_bounded(world: World, monkeypatch):
    comment, client = world.comment("toxicity=0.6 held"), world.client()
    path = link(world, comment)
    statuses = [client.get("/desk/act/made-up").status_code for _ in range(60)]
    assert set(statuses) == {404}
    assert client.get(path).status_code == 429
    elsewhere = world.client()
    elsewhere.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert elsewhere.get(path).status_code == 200
    assert throttle._ACT_RATE == "60/minute"


def test_a_long_text_and_a_long_name_are_shown_in_bounds(world: World):
    add(world, "\N{GRINNING FACE}" * 100)
    accepted = world.submit("toxicity=0.6 " + "x" * 20_000, author=Author(name="n" * 200))[0]
    world.screen()
    comment = world.adapters.comments.get(accepted.id)
    answer = world.client().get(link(world, comment, "\N{GRINNING FACE}" * 100))
    assert answer.status_code == 200
    assert len(answer.text) < 20_000
    assert "15,013 more characters" in answer.text
