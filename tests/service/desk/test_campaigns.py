"""Cleaning up a campaign at the desk, published comments included, and taking it back."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from moderation import ids
from moderation.campaign import CleanUpState, Trait
from moderation.comment import Author, Status
from moderation.errors import Conflict
from moderation.store import campaigns as store
from moderation.store import keys
from moderation.store.campaigns import MOST_CLEAN_UPS_OF_A_SITE
from moderation.treatment import SubjectKind
from moderation.workflow import campaigns
from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA, BOB
from tests.support.world import World

TEXT = "Friends, cheap jam pots of the finest glass are waiting today at {} for clever buyers {}"


@pytest.fixture
def admin(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return sign_in(world, "ada")


def campaign(world: World, number: int = 5) -> list[str]:
    """Return the ids of comments of one campaign: from many addresses, some published, some held."""
    wrote = []
    for n in range(number):
        text = TEXT.format(f"https://shop{n % 2}.jampots.example.org/{n}", f"spam=0.{55 * (n % 2)}")
        author = Author(f"Seller {n}", f"{n}@mail{n}.example", ip=f"198.51.100.{n % 250}")
        wrote.append(world.submit(text, author=author)[0].id)
    world.submit("An honest word about jam pots", author=Author("Lisa", ip="203.0.113.9"))
    world.screen()
    return wrote


def statuses(world: World, ids: list[str]) -> set[Status]:
    return {one.status for one in world.adapters.comments.get_many(ids)}


def begin(client: FlaskClient, comment: str, kind: str, value: str = "", **more: object):
    asked = {"comment": comment, "kind": kind, "value": value}
    page = client.get("/desk/campaign", query_string=asked)
    form = {
        **asked, "csrf_token": token(page.text), "decision": "spam",
        "status": ["approved", "flagged", "pending"], **more,
    }  # fmt: skip
    return page, client.post("/desk/campaign", data=form)


@pytest.mark.parametrize("trait", ["domain", "text"])
def test_one_decision_reaches_all_that_share_a_trait_published_or_not(
    world: World, admin: FlaskClient, trait: str
):
    wrote = campaign(world)
    value = "shop0.jampots.example.org" if trait == "domain" else ""
    page, answer = begin(admin, wrote[0], trait, value)
    assert answer.status_code == 302
    mine = wrote[::2] if trait == "domain" else wrote
    assert f"{len(mine)} comments" in page.text
    assert statuses(world, mine) == {Status.SPAM}
    assert world.adapters.comments.counts(world.site.id)["spam"] == len(mine)


def test_a_preview_counts_ten_at_first_and_the_page_goes_on_until_all_are_counted(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    """Each is read, since texts that share the rarest words may say something else; none is counted twice."""
    monkeypatch.setattr(campaigns, "_READ_AND_COUNTED", 7)
    wrote = campaign(world, 25)
    strange = " ".join(sorted(TEXT.split())) + " with many other words that nobody else has said"
    world.submit(strange, author=Author("Eve"))
    world.screen()
    asked = {"comment": wrote[0], "kind": "text"}
    page = admin.get("/desk/campaign", query_string=asked).text
    assert amount(page) == "10 or more"
    assert "All of them are decided" in page
    following, steps = html.unescape(re.search(r'data-next="([^"]+)"', page)[1]), []
    while following:
        counted = admin.get(following).get_json()
        steps.append(counted["amount"])
        following = counted["next"]
    assert steps == ["17 or more", "24 or more", "25 comments"]
    assert counted["whole"] is True
    assert counted["counts"] == {
        "approved": "13", "flagged": "12", "pending": "0", "rejected": "0", "spam": "0",
    }  # fmt: skip


def test_a_preview_counts_about_a_thousand_at_most(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(campaigns, "COUNTED", 10)
    wrote = campaign(world, 25)
    page = admin.get("/desk/campaign", query_string={"comment": wrote[0], "kind": "text"}).text
    assert amount(page) == "10 or more"
    assert "data-next" not in page


def test_what_the_index_tells_for_sure_is_counted_at_once(world: World, admin: FlaskClient):
    wrote = campaign(world, 25)
    asked = {"comment": wrote[0], "kind": "domain", "value": "shop0.jampots.example.org"}
    page = admin.get("/desk/campaign", query_string=asked).text
    assert amount(page) == "13 comments"
    assert "All of them are decided" not in page


def amount(page: str) -> str:
    """Return how many comments a preview says that there are."""
    return re.search(r'id="amount"[^>]*>([^<]*)<', page)[1]


def test_a_clean_up_is_undone_before_any_blog_was_told(world: World, admin: FlaskClient):
    wrote = campaign(world)
    before = [one.status for one in world.adapters.comments.get_many(wrote)]
    _, answer = begin(admin, wrote[0], "text")
    where = answer.headers["Location"]
    page = admin.get(where).text
    assert "Done" in page
    admin.post(f"{where}/undo", data={"csrf_token": token(page)})
    assert [one.status for one in world.adapters.comments.get_many(wrote)] == before
    assert "Taken back" in admin.get(where).text
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 10**6)
    types = [event.type for event in world.adapters.comments.events(world.site.id)]
    assert "comment.spam" not in types


def test_who_was_told_that_a_comment_is_published_is_told_that_it_is_withdrawn(
    world: World, admin: FlaskClient
):
    wrote = campaign(world)
    begin(admin, wrote[0], "text")
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 10**6)
    events = [(e.type, e.subject_id) for e in world.adapters.comments.events(world.site.id)]
    assert {comment for kind, comment in events if kind == "comment.spam"} == set(wrote)


def test_after_the_blog_was_told_undoing_publishes_again(world: World, admin: FlaskClient):
    wrote = campaign(world)
    before = dict(zip(wrote, world.adapters.comments.get_many(wrote), strict=True))
    _, answer = begin(admin, wrote[0], "text")
    where = answer.headers["Location"]
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 10**6)
    admin.post(f"{where}/undo", data={"csrf_token": token(admin.get(where).text)})
    for comment_id, was in before.items():
        expected = Status.APPROVED if was.status is Status.APPROVED else Status.SPAM
        assert statuses(world, [comment_id]) == {expected}


def test_a_long_clean_up_goes_on_by_steps_where_it_was_cut_off(world: World):
    """Each step is bounded; a worker that died in one loses nothing."""
    wrote = campaign(world, 250)
    adapters = world.adapters
    begun = campaigns.clean_up(
        world.site.id, Trait("text"), wrote[0], campaigns.Decision.SPAM, by=ADA,
        comments=adapters.comments, accounts=adapters.accounts, clock=adapters.clock,
    )  # fmt: skip
    first = adapters.step_clean_up(begun.id)
    assert (first.state, first.decided) == (CleanUpState.RUNNING, campaigns.STEP)
    with adapters.comments.cleaning(begun.id) as mine:
        assert mine
        assert adapters.step_clean_up(begun.id) == first  # somebody else is at it
    adapters.comments.save_clean_up(replace(first, cursor="", decided=0))  # as if it had died
    assert adapters.clean_up_rest() == 1
    assert statuses(world, wrote) == {Status.SPAM}
    assert adapters.comments.uncleaned() == []
    adapters.undo_clean_up(begun.id)
    with pytest.raises(Conflict):
        adapters.undo_clean_up(begun.id)
    adapters.clean_up_rest()
    assert statuses(world, wrote) == {Status.APPROVED, Status.FLAGGED}


def test_a_clean_up_that_cannot_be_read_stops_no_other(world: World):
    wrote, adapters = campaign(world), world.adapters
    for value in ("shop0.jampots.example.org", "shop1.jampots.example.org"):
        campaigns.clean_up(
            world.site.id, Trait(SubjectKind.DOMAIN, value), wrote[0], campaigns.Decision.SPAM, by=ADA,
            comments=adapters.comments, accounts=adapters.accounts, clock=adapters.clock,
        )  # fmt: skip
    broken, whole = adapters.comments.uncleaned()
    shard = adapters.comments.shard_of(broken)
    adapters.redis.set(keys.CLEAN_UP(shard, ids.shorten(broken)), "{")
    assert adapters.clean_up_rest() == 1
    assert adapters.comments.clean_up(whole).state is CleanUpState.DONE


def test_what_somebody_decided_since_stays_when_a_clean_up_is_taken_back(
    world: World, admin: FlaskClient
):
    wrote = campaign(world)
    _, answer = begin(admin, wrote[0], "text")
    where = answer.headers["Location"]
    world.adapters.review(wrote[0], campaigns.Decision.REJECT, by=BOB)
    admin.post(f"{where}/undo", data={"csrf_token": token(admin.get(where).text)})
    assert statuses(world, wrote[:1]) == {Status.REJECTED}


def test_taking_back_a_clean_up_publishes_no_text_that_was_edited_since(
    world: World, admin: FlaskClient
):
    wrote = campaign(world)
    _, first = begin(admin, wrote[0], "text")
    was = world.adapters.comments.get(wrote[0])
    edited = replace(was.draft, content=f"{was.content} spam=0.6")
    world.adapters.edit(wrote[0], edited, by=BOB)
    world.screen()
    assert statuses(world, wrote[:1]) == {Status.FLAGGED}
    begin(admin, wrote[0], "text")
    world.adapters.comments.release(0, now_ms=world.adapters.clock.now_ms() + 10**6)
    where = first.headers["Location"]
    admin.post(f"{where}/undo", data={"csrf_token": token(admin.get(where).text)})
    assert statuses(world, wrote[:1]) == {Status.SPAM}


def test_the_trait_can_be_blocked_in_the_same_step(world: World, admin: FlaskClient):
    wrote = campaign(world)
    begin(admin, wrote[0], "domain", "shop0.jampots.example.org", block="1")
    (late,) = world.submit("once more: https://shop0.jampots.example.org/x")
    world.screen()
    assert statuses(world, [late.id]) == {Status.REJECTED}


def test_a_moderator_cleans_up_nothing_of_another_site(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    wrote = campaign(world)
    world.add_moderator("mia", sites=[other.id])
    client = sign_in(world, "mia")
    assert client.get("/desk/campaign", query_string={"comment": wrote[0]}).status_code == 404
    form = {"comment": wrote[0], "kind": "text", "decision": "spam", "status": "approved"}
    form["csrf_token"] = token(client.get("/desk/people").text)
    assert client.post("/desk/campaign", data=form).status_code == 404


def test_a_site_has_five_clean_ups_at_work_at_most_and_an_installation_some_more(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(campaigns, "STEP", 0)  # none is ever done
    wrote, comments = campaign(world), world.adapters.comments
    for _ in range(MOST_CLEAN_UPS_OF_A_SITE):
        assert begin(admin, wrote[0], "text")[1].status_code == 302
    refused = begin(admin, wrote[0], "text")[1]
    assert refused.status_code == 409
    assert "5 clean-ups are at work here; wait until one is done" in refused.text
    assert len(comments.uncleaned()) == MOST_CLEAN_UPS_OF_A_SITE
    monkeypatch.setattr(store, "MOST_CLEAN_UPS", MOST_CLEAN_UPS_OF_A_SITE)
    other = world.adapters.accounts.add_site("other", now_ms=1)
    theirs = world.comment("spam=0.6 elsewhere", site=other)
    assert "in all; wait" in begin(admin, theirs.id, "text")[1].text
    assert len(comments.uncleaned()) == MOST_CLEAN_UPS_OF_A_SITE


def test_a_trait_that_is_not_the_comments_own_is_refused(world: World, admin: FlaskClient):
    wrote = campaign(world)
    _, answer = begin(admin, wrote[0], "domain", "example.com")
    assert answer.status_code == 400
    assert re.search("approved|flagged", str(statuses(world, wrote)))


@pytest.mark.parametrize("host", ["intranet", "printer.lan", "10.0.0.7", "jam.invalid"])
def test_a_comment_that_links_to_no_public_domain_has_a_campaign_and_a_page(
    world: World, admin: FlaskClient, host: str
):
    """The page shows the host, and offers no action on it that would be refused."""
    comment = world.comment(f"toxicity=0.6 see http://{host}/x and https://jam.co.uk/y")
    page = admin.get(f"/desk/comments/{comment.id}").text
    assert f"<b>{host}</b>" in page
    assert "value=jam.co.uk" in page
    assert f"value={host}" not in page
    page = admin.get("/desk/campaign", query_string={"comment": comment.id})
    assert page.status_code == 200
    assert "jam.co.uk" in page.text
