"""People at the desk: whose comments are whose, how they are treated, and what is erased."""

from __future__ import annotations

import html
import json
import re

import pytest
from flask.testing import FlaskClient

from moderation.comment import Author, Status
from moderation.treatment import PersonRecord, Subject, SubjectKind, Treatment
from moderation.workflow import people
from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA
from tests.support.stored import stored_anywhere
from tests.support.world import World

LISA = Author("Lisa", "lisa@mail.example", ip="203.0.113.7")


@pytest.fixture
def admin(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return sign_in(world, "ada")


def add(world: World, content: str, author: Author = LISA) -> str:
    accepted = world.submit(content, author=author)[0]
    world.screen()
    return accepted.id


def status(world: World, comment_id: str) -> Status:
    return world.adapters.comments.get(comment_id).status


def treat(client: FlaskClient, world: World, kind: str, value: str, treatment: str, **more: str):
    form = {"site": world.site.id, "kind": kind, "value": value, "treatment": treatment, **more}
    page = client.get("/desk/person", query_string=form).text
    form["csrf_token"] = token(page)
    return client.post("/desk/person/treat", data=form, follow_redirects=True)


def section(page: str, heading: str) -> str:
    return page.partition(f"<h3>{heading}</h3>")[2].partition("</ul>")[0]


def test_only_the_same_e_mail_is_them_and_an_address_is_shared_by_name(
    world: World, admin: FlaskClient
):
    mine = add(world, "first")
    add(world, "second")
    add(world, "a stranger's", Author("Bob", "bob@mail.example", ip="203.0.113.7"))
    page = admin.get(f"/desk/comments/{mine}").text
    theirs, nearby = section(page, "Also by them"), section(page, "From the same address")
    assert "second" in theirs
    assert "stranger" not in theirs
    assert "Bob" in nearby
    assert "stranger" in nearby
    assert "second" not in nearby


def test_the_blogs_own_id_of_a_user_tells_who_they_are(world: World, admin: FlaskClient):
    mine = add(world, "first", Author("Lisa", "lisa@mail.example", id="42"))
    add(world, "second", Author("Lisa", "other@mail.example", id="42"))
    add(world, "typed her e-mail", Author("Eve", "lisa@mail.example"))
    theirs = section(admin.get(f"/desk/comments/{mine}").text, "Also by them")
    assert "second" in theirs
    assert "typed" not in theirs


@pytest.mark.parametrize(
    "kind, value",
    [
        ("email", "LISA@mail.example"),
        ("address", "203.0.113.7"),
        ("network", "203.0.113.0/28"),
        ("domain", "jams.example.org"),
        ("user", "42"),
    ],
)
def test_who_is_blocked_is_rejected_by_whatever_they_are_known(
    world: World, admin: FlaskClient, kind: str, value: str
):
    treat(admin, world, kind, value, "block")
    lisa = Author("Lisa", "lisa@mail.example", ip="203.0.113.7", id="42")
    mine = add(world, "see https://shop.jams.example.org", lisa)
    other = add(world, "hello", Author("Bob", "bob@mail.example", ip="198.51.100.1", id="4"))
    assert status(world, mine) is Status.REJECTED
    assert status(world, other) is Status.APPROVED
    judged = world.adapters.comments.get(mine).verdict
    assert [reason.code for reason in judged.reasons] == ["author_blocked"]


def test_who_is_held_waits_and_who_is_trusted_passes_unless_the_model_is_sure(
    world: World, admin: FlaskClient
):
    treat(admin, world, "email", "lisa@mail.example", "hold")
    assert status(world, add(world, "fine")) is Status.FLAGGED
    treat(admin, world, "email", "lisa@mail.example", "trust")
    assert status(world, add(world, "toxicity=0.6")) is Status.APPROVED
    assert status(world, add(world, "toxicity=0.95")) is Status.REJECTED


def test_a_link_to_a_domain_earns_nobody_trust(world: World, admin: FlaskClient):
    """A commenter who wants to be published could mention the domain."""
    page = admin.get("/desk/person", query_string={
        "site": world.site.id, "kind": "domain", "value": "example.org",
    }).text  # fmt: skip
    assert 'value="block"' in page
    assert 'value="trust"' not in page
    answer = treat(admin, world, "domain", "example.org", "trust")
    assert answer.status_code == 422
    assert status(world, add(world, "toxicity=0.6 https://example.org")) is Status.FLAGGED


def test_the_strictest_of_several_treatments_counts(world: World, admin: FlaskClient):
    treat(admin, world, "email", "lisa@mail.example", "trust")
    treat(admin, world, "network", "203.0.113.0/24", "hold")
    assert status(world, add(world, "fine")) is Status.FLAGGED


def test_a_treatment_ends_when_it_was_to(world: World, admin: FlaskClient):
    treat(admin, world, "email", "lisa@mail.example", "hold", days="1")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    ((record,), _) = comments.people(world.site.id)
    treat(admin, world, "email", "lisa@mail.example", "hold", days="keep", note="a note since")
    ((record,), _) = comments.people(world.site.id)
    assert record.counts(now)
    assert not record.counts(now + 86_400_000)
    treat(admin, world, "email", "lisa@mail.example", "hold", days="1")
    assert comments.forget_people(world.site.id, now_ms=now + 2 * 86_400_000) == 1
    assert status(world, add(world, "fine")) is Status.APPROVED


def test_a_note_is_shown_on_the_page_of_each_of_their_comments(world: World, admin: FlaskClient):
    mine = add(world, "hello")
    treat(admin, world, "email", "lisa@mail.example", "hold", note="sells jam")
    assert "sells jam" in admin.get(f"/desk/comments/{mine}").text
    assert "lisa@mail.example" in admin.get("/desk/people").text


def test_a_persons_data_is_found_exported_and_erased_with_a_receipt(
    world: World, admin: FlaskClient
):
    other = world.adapters.accounts.add_site("other", now_ms=world.adapters.clock.now_ms())
    mine = add(world, "marmalade")
    world.submit("elsewhere", author=LISA, site=other)
    treat(admin, world, "email", "lisa@mail.example", "hold", note="a note on her")
    asked = {"kind": "email", "value": "lisa@mail.example", "site": world.site.id}
    page = admin.get("/desk/person", query_string=asked).text
    assert "marmalade" in page
    assert "other" in page
    lines = admin.get("/desk/person/export", query_string=asked).text.splitlines()
    answer = [json.loads(line) for line in lines]
    assert [one["comment"]["content"] for one in answer if "comment" in one] == [
        "marmalade", "elsewhere",
    ]  # fmt: skip
    assert [one["person"]["note"] for one in answer if "person" in one] == ["a note on her"]
    assert answer[-1] == {"end": {"comments": 2, "records": 1}}, "the file is whole"
    receipt = admin.post("/desk/person/erase", data={**asked, "csrf_token": token(page)}).text
    assert re.search(r"<dt>Comments</dt><dd>2 ", receipt)
    assert status(world, mine) is Status.ERASED
    for words in ("lisa@mail", "marmalade", "elsewhere", "a note on her"):
        assert stored_anywhere(world.adapters.redis, words) == []
    assert world.adapters.accounts.audit(action="person.erase")[0].detail["comments"] == 2
    assert "Erased before" not in receipt
    receipt = admin.post("/desk/person/erase", data={**asked, "csrf_token": token(page)}).text
    assert "There was nothing to erase." in receipt
    assert "Erased before" in receipt


def test_an_erasure_that_takes_longer_is_seen_until_it_is_done(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(people, "STEP", 2)
    for n in range(7):
        add(world, f"text {n}")
    one = world.adapters.erase_person(
        [world.site.id], Subject.read("email", "lisa@mail.example"), by=ADA, seconds=0
    )
    assert "lisa@mail.example" in admin.get("/desk/people").text
    page = admin.get(f"/desk/erasures/{one.id}").text
    assert "Erasing…" in page
    assert "A worker goes on with it" in page
    world.adapters.erase_rest()
    page = admin.get(f"/desk/erasures/{one.id}").text
    assert re.search(r"<dt>Comments</dt><dd>7 ", page)
    assert "lisa@mail" not in page, "nothing of them is kept, not even here"
    assert "lisa@mail" not in admin.get("/desk/people").text
    world.add_moderator("mia", sites=[world.site.id])
    assert sign_in(world, "mia").get(f"/desk/erasures/{one.id}").status_code == 403


def test_all_who_are_treated_are_listed_by_pages_the_latest_first(world: World, admin: FlaskClient):
    comments = world.adapters.comments
    for n in range(230):
        subject = Subject(SubjectKind.EMAIL, f"p{n}@mail.example")
        comments.note_person(
            world.site.id, PersonRecord(subject, Treatment.BLOCK, None, "", ADA, n // 40)
        )
    names, path = [], f"/desk/people?site={world.site.id}"
    for _ in range(3):
        page = admin.get(path).text
        names.append(re.findall(r">(p\d+)@mail.example</a>", page))
        path = html.unescape((re.findall(r'href="([^"]+)" rel="next"', page) or [""])[0])
    assert [len(one) for one in names] == [100, 100, 30]
    listed = [int(one[1:]) for page in names for one in page]
    assert sorted(listed) == list(range(230))
    assert [n // 40 for n in listed] == sorted((n // 40 for n in range(230)), reverse=True)
    assert path == ""


def test_records_from_before_there_was_an_order_are_listed_and_end_too(world: World):
    comments, redis = world.adapters.comments, world.adapters.redis
    subject = Subject(SubjectKind.EMAIL, "old@mail.example")
    comments.note_person(world.site.id, PersonRecord(subject, Treatment.HOLD, 1000, "", ADA, 5))
    redis.delete(comments._latest(world.site.id), comments._ends(world.site.id))
    assert [one.subject for one in comments.people(world.site.id)[0]] == [subject]
    assert comments.forget_people(world.site.id, now_ms=2000) == 1
    assert comments.people(world.site.id) == ([], None)


def test_who_is_no_administrator_exports_and_erases_nobody(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    client = sign_in(world, "mia")
    asked = {"kind": "email", "value": "lisa@mail.example", "site": world.site.id}
    page = client.get("/desk/person", query_string=asked)
    assert page.status_code == 200
    assert client.get("/desk/person/export", query_string=asked).status_code == 403
    form = {**asked, "csrf_token": token(page.text)}
    assert client.post("/desk/person/erase", data=form).status_code == 403


def test_nobody_treats_people_at_a_site_that_is_not_theirs(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.add_moderator("mia", sites=[world.site.id])
    client = sign_in(world, "mia")
    form = {"site": other.id, "kind": "email", "value": "a@b.example", "treatment": "block"}
    form["csrf_token"] = token(client.get("/desk/people").text)
    assert client.post("/desk/person/treat", data=form).status_code == 404


def test_what_names_nobody_is_said(world: World, admin: FlaskClient):
    for kind, value in (
        ("network", "10.0.0.0/2"),
        ("address", "x"),
        ("domain", "nope"),
        ("y", "z"),
    ):
        asked = {"site": world.site.id, "kind": kind, "value": value}
        assert admin.get("/desk/person", query_string=asked).status_code == 422
