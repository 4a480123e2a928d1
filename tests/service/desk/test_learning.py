"""The page of what a site has learned, and what the comment's own page says of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from moderation.comment import Decision
from service.desk import learning
from tests.support.actors import ADA, EVE
from tests.support.world import PASSWORD, World


def token(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


def signed_in(world: World, name: str) -> FlaskClient:
    client = world.client()
    csrf = token(client.get("/desk/sign-in").text)
    client.post("/desk/sign-in", data={"name": name, "password": PASSWORD, "csrf_token": csrf})
    return client


@pytest.fixture
def admin(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return signed_in(world, "ada")


def taught(world: World, number: int = 4) -> None:
    for n in range(number):
        world.decide(f"toxicity=0.6 bad #{n}", Decision.REJECT, by=(ADA, EVE)[n % 2])
    world.learn()


def test_a_site_without_decisions_is_told_what_to_do(world: World, admin: FlaskClient):
    page = admin.get("/desk/learning").text
    assert "The shared model judges alone." in page
    assert "the first decisions teach the most" in page
    assert "Nobody knows yet" in page
    assert "Versions" not in page


def test_a_young_site_is_told_which_order_of_the_queue_teaches_more(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    taught(world)
    page = admin.get("/desk/learning").text
    assert (
        "On average the first 50 decisions teach more in the order in which comments came" in page
    )
    link = re.search(r'<a href="([^"]*order=oldest)"', page)[1].replace("&amp;", "&")
    assert re.search(r'<option value="oldest" *selected', admin.get(link).text)
    monkeypatch.setattr(learning, "FIRST", 4)
    assert "teach more in the order" not in admin.get("/desk/learning").text


def test_it_says_what_judges_in_sentences_with_figures_and_links(world: World, admin: FlaskClient):
    moved = world.comment("toxicity=0.4")
    taught(world)
    page = re.sub(r"\s+", " ", admin.get("/desk/learning").text)
    assert "own head, version <b>s1</b>" in page
    assert (
        "It is fitted on 4 decisions. Agreement with you 50 % → <b>75 %</b> on the last 2" in page
    )
    assert "5 of the last 5 comments would go elsewhere." in page
    assert f"/desk/comments/{moved.id}" in page
    assert "ada" in page
    assert "eve" in page


def test_it_is_taken_back_and_resumed_with_a_button(world: World, admin: FlaskClient):
    taught(world)
    csrf = token(admin.get("/desk/learning").text)
    base = f"/desk/learning/{world.site.id}"
    page = admin.post(f"{base}/rollback", data={"csrf_token": csrf}, follow_redirects=True).text
    assert "The shared model judges alone from now on." in page
    assert "no later version takes its place by itself" in page
    again = {"csrf_token": csrf, "version": "1"}
    assert (
        "Version s1 judges"
        in admin.post(f"{base}/rollback", data=again, follow_redirects=True).text
    )
    admin.post(f"{base}/resume", data={"csrf_token": csrf})
    assert not world.adapters.comments.progress(world.site.id).pinned
    audit = admin.get("/desk/audit").text
    assert "rolled back what was learned for" in audit


def test_a_person_is_left_out_with_a_button(world: World, admin: FlaskClient):
    taught(world)
    csrf = token(admin.get("/desk/learning").text)
    path = f"/desk/learning/{world.site.id}/people"
    form = {"csrf_token": csrf, "person": "moderator:eve", "out": "1"}
    page = admin.post(path, data=form, follow_redirects=True).text
    assert "Learn from again" in page
    assert world.adapters.comments.progress(world.site.id).left_out == ("moderator:eve",)
    admin.post(path, data=form | {"out": "0"})
    assert world.adapters.comments.progress(world.site.id).left_out == ()


def test_a_moderator_sees_it_and_changes_nothing(world: World):
    taught(world)
    world.add_moderator("bob", sites=[world.site.id])
    bob = signed_in(world, "bob")
    page = bob.get("/desk/learning").text
    assert "Roll back" not in page
    csrf = token(page)
    for verb in ("rollback", "resume", "people"):
        sent = bob.post(f"/desk/learning/{world.site.id}/{verb}", data={"csrf_token": csrf})
        assert sent.status_code == 403
    assert world.adapters.comments.progress(world.site.id).current == 1


def test_agreement_between_people_is_of_like_comments_that_they_decided(
    world: World, admin: FlaskClient
):
    for decision, by in ((Decision.REJECT, ADA), (Decision.APPROVE, EVE)):
        world.decide(f"toxicity=0.6 same #{by.name}", decision, by=by)
    world.decide("toxicity=0.6 other", Decision.REJECT, by=ADA)
    world.learn()
    page = re.sub(r"\s+", " ", admin.get("/desk/learning").text)
    assert len(re.findall("<td[^>]*>0 of 1</td>", page)) == 2


def test_beside_a_comment_stand_the_decisions_on_those_like_it(world: World, admin: FlaskClient):
    for n, decision in enumerate((Decision.SPAM, Decision.SPAM, Decision.APPROVE)):
        world.decide(f"toxicity=0.6 offer #{n}", decision)
    world.learn()
    asked = world.comment("toxicity=0.6 offer #9")
    page = re.sub(r"\s+", " ", admin.get(f"/desk/comments/{asked.id}").text)
    assert "3 like this: 1 approved, 0 rejected, 2 marked as spam." in page


def test_a_decided_comment_says_that_it_is_learned_from(world: World, admin: FlaskClient):
    decided = world.decide("toxicity=0.6", Decision.REJECT)
    said = "learns from the decision on this comment"
    assert said in admin.get(f"/desk/comments/{decided.id}").text
    assert said not in admin.get(f"/desk/comments/{world.comment('fine').id}").text


def test_spot_checks_end_in_a_sentence_with_an_interval(world: World, admin: FlaskClient):
    world.adapters = replace(world.adapters, chance=lambda: 0.0)
    for n in range(12):
        text, decision = ("fine", Decision.APPROVE) if n % 4 else ("spam=0.95", Decision.SPAM)
        comment = world.comment(f"{text} {n}")
        world.adapters.review(comment.id, decision, by=ADA, hold_seconds=0)
    page = re.sub(r"\s+", " ", admin.get("/desk/learning").text)
    assert "Of good comments, <b>0 % to 33.6 %</b> were rejected." in page
    assert "From 12 spot checks" in page


def test_a_spot_check_shows_neither_verdict_nor_scores(world: World, admin: FlaskClient):
    world.adapters = replace(world.adapters, chance=lambda: 0.0)
    comment = world.comment("spam=0.95 unmistakable")
    for path in ("/desk/queue", f"/desk/comments/{comment.id}"):
        page = admin.get(path).text
        assert "unmistakable" in page
        assert "95 %" not in page
        assert "status spam" not in page
        assert "a person is to look at it" in page


def test_a_comment_that_the_head_moved_links_to_what_it_is_like(world: World, admin: FlaskClient):
    decided = [world.decide(f"toxicity=0.4 #{n}", Decision.REJECT) for n in range(4)]
    world.learn()
    moved = world.comment("toxicity=0.4 #again")
    page = admin.get(f"/desk/comments/{moved.id}").text
    assert "like 4 comment(s) that you rejected" in page
    assert all(f"/desk/comments/{one.id}" in page for one in decided)
    answer = world.ask("GET", f"/v1/comments/{moved.id}").json
    (like,) = [one for one in answer["reasons"] if one["code"] == "like_reject"]
    assert [link.rpartition("/")[2] for link in like["links"]] == [one.id for one in decided]
    assert like["values"]["number"] == 4


def test_who_is_set_aside_is_said_why_and_can_be_counted_all_the_same(
    world: World, admin: FlaskClient
):
    class Wary(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            fit = super().learn(lessons, current=current, vouched=vouched)
            return fit if 1 in vouched else replace(fit, contrary=((1, 0.21, 0.93),))

    taught(world)
    replace(world.adapters, learning=Wary).learn(world.site.id)
    page = admin.get("/desk/learning").text
    assert "decides the opposite of the others" in page
    assert "21 %" in page
    assert "93 %" in page
    form = {"csrf_token": token(page), "person": "moderator:eve", "out": "0"}
    admin.post(f"/desk/learning/{world.site.id}/people", data=form)
    assert "Counts, whatever they decide." in admin.get("/desk/learning").text
    shown = world.ask("GET", f"/v1/sites/{world.site.id}/learning").json
    assert shown["vouched"] == ["moderator:eve"]
    assert shown["latest"]["set_aside"] == {"moderator:eve": {"agreed": 0.21, "others": 0.93}}


def test_decisions_on_what_was_settled_that_are_left_out_are_named_and_can_be_counted(
    world: World, admin: FlaskClient
):
    """Leaving out all that the person decides stays possible."""

    class Doubting(world.adapters.learning):
        def learn(self, lessons, *, current, vouched=()):
            fit = super().learn(lessons, current=current, vouched=vouched)
            return fit if 1 in vouched else replace(fit, unproven=((1, 2),))

    taught(world)
    replace(world.adapters, learning=Doubting).learn(world.site.id)
    page = re.sub(r"\s+", " ", admin.get("/desk/learning").text)
    reason = re.search(r"<div class=.acts.><span><b>eve</b>: .*?</div>", page)[0]
    assert "2 decisions on what the machine had settled are left out" in reason
    assert "Learn from again" in reason
    assert "Leave out" in re.search(r'<th scope="row">eve.*?</tr>', page)[0]
    assert page.count("Learn from again") == 1
    shown = world.ask("GET", f"/v1/sites/{world.site.id}/learning").json
    assert shown["latest"]["unproven"] == {"moderator:eve": 2}
    form = {"csrf_token": token(page), "person": "moderator:eve", "out": "0"}
    admin.post(f"/desk/learning/{world.site.id}/people", data=form)
    page = admin.get("/desk/learning").text
    assert "Counts, whatever they decide." in page
    assert "are left out" not in page
