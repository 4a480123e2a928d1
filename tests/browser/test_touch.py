"""The desk by thumb on a phone of 360 pixels: each thing that can be pressed, and that it is large enough."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from moderation.actor import OPERATOR
from moderation.comment import Author, Decision, Status
from moderation.endpoint import Endpoint
from moderation.events import EventType
from moderation.store.accounts.links import Purpose
from moderation.workflow.screening import Limits
from tests.support import browser
from tests.support.actors import ADA
from tests.support.browser import Desk
from tests.support.world import PASSWORD

pytestmark = browser.needed

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
#: The least width and height in CSS pixels: WCAG 2.2, 2.5.8 (AA), and 2.5.5 (AAA) for what decides.
LEAST, DECIDES = 24, 44
LISA = Author("Lisa", "lisa@mail.example", ip="203.0.113.7")
SELLER = Author("Seller", "seller@mail.example", ip="198.51.100.4")


@pytest.fixture
def settings() -> dict[str, object]:
    return {"undo_seconds": 60.0, "smtp_url": "smtp://127.0.0.1:1"}


def tap(one: Locator, *, least: int = LEAST) -> None:
    """Tap what is seen, and large enough for a thumb, within the width of the screen."""
    expect(one).to_be_visible()
    one.page.wait_for_load_state("load")  # its script listens
    one.scroll_into_view_if_needed()
    box = one.bounding_box()
    assert min(box["width"], box["height"]) >= least, box
    assert box["x"] >= 0, box
    assert box["x"] + box["width"] <= 360, box
    one.tap()


def button(page: Page, name: str, *, least: int = LEAST) -> None:
    tap(page.get_by_role("button", name=name, exact=True), least=least)


def link(page: Page, name: str) -> None:
    """Tap a link; one in a line of text may be lower than a button."""
    tap(page.get_by_role("link", name=name).first, least=14)


def fits(page: Page) -> None:
    page.wait_for_load_state("load")  # with its style sheet
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url


def test_the_queue_of_all_sites_is_worked_and_undone(desk: Desk):
    world = desk.world
    other = world.adapters.accounts.add_site("other", now_ms=1)
    end = "https://the-end.example/buy"
    (long,) = desk.flagged("toxicity=0.8 " + "word " * 400 + end)
    ids = desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(3)])
    world.submit("toxicity=0.7 abroad", site=other)
    for shard in world.adapters.comments.shards:
        world.adapters.screen(shard, holder="test:1", limits=Limits(linger_seconds=0))
    page = desk.page(**PHONE)
    expect(page.locator("#waiting")).to_have_text("5")
    page.select_option("#site", world.site.id)
    expect(page.locator("#waiting")).to_have_text("4")
    first = page.locator(f"#c-{long}")
    expect(first).not_to_contain_text(end)
    tap(first.locator(".rest a"), least=14)
    expect(first).to_contain_text(end)
    button(page, "Reject", least=DECIDES)
    expect(page.locator("#said")).to_have_text("Rejected: 1 comment.")
    for one in ids[:2]:
        tap(page.locator(f"#c-{one} .pick"))
    expect(page.locator(".comment input:checked")).to_have_count(2)
    button(page, "Spam", least=DECIDES)
    expect(page.locator("#waiting")).to_have_text("1")
    assert [desk.status(one) for one in (long, *ids)] == ["rejected", "spam", "spam", "flagged"]
    tap(page.locator(".take-back"), least=40)
    expect(page.locator("#waiting")).to_have_text("3")
    tap(first.get_by_role("button", name="Undo"))
    expect(page.locator("#waiting")).to_have_text("4")
    assert {desk.status(one) for one in (long, *ids)} == {"flagged"}
    fits(page)


def test_a_comment_is_opened_edited_approved_and_answered_and_the_next_one_follows(desk: Desk):
    world = desk.world
    site = replace(world.site, edits=True, replies=True, saved_texts=("Thank you!",))
    world.adapters.accounts.save_site(site, was=world.site, by=ADA, now_ms=1)
    hook = Endpoint("", site.id, "https://blog.example/hook", events=(EventType.REPLY,))
    world.adapters.add_endpoint(hook, by=ADA, admin=True)
    one, other = desk.flagged("toxicity=0.7 call me at 555-0100", "toxicity=0.6 other")
    page = desk.page(**PHONE)
    tap(page.locator(f"#c-{one} .open"), least=14)
    page.wait_for_url(f"**/comments/{one}**")
    tap(page.locator("summary", has_text="Edit the text"))
    page.fill("textarea[name=content]", "toxicity=0.7 call me")
    button(page, "Change the text")
    expect(page.locator("#messages")).to_contain_text("The text was changed")
    button(page, "Approve", least=DECIDES)
    expect(page.locator("#messages")).to_contain_text("Approved: 1 comment.")
    button(page, "Undo the decision")
    expect(page.locator(".head .status")).to_have_text("flagged")
    page.select_option("select[data-into='#reply']", "Thank you!")
    expect(page.locator("#reply")).to_have_value("Thank you!")
    button(page, "Approve and reply")
    expect(page.locator("#messages")).to_contain_text("Your reply is on its way")
    page.fill("#note", "She is a regular.")
    button(page, "Add the note")
    expect(page.locator(".remarks").last).to_contain_text("She is a regular.")
    fits(page)
    tap(page.locator("a[rel=next]"))
    page.wait_for_url(f"**/comments/{other}**")
    button(page, "Spam", least=DECIDES)
    expect(page.locator("#messages")).to_contain_text("Marked as spam: 1 comment.")
    assert [desk.status(each) for each in (one, other)] == ["approved", "spam"]


def test_a_campaign_is_searched_cleaned_up_and_taken_back_and_its_author_blocked_and_erased(
    desk: Desk,
):
    world = desk.world
    world.submit(*[f"honest words {n}" for n in range(3)], author=LISA)
    wrote = world.submit(*[f"cheap jam pots, number {n}" for n in range(4)], author=SELLER)
    world.screen()
    page = desk.page(**PHONE)
    tap(page.locator("nav a", has_text="All comments"))
    page.fill("#search", "jam pots")
    button(page, "Search")
    expect(page.locator("#list .comment")).to_have_count(4)
    tap(page.locator(".tabs a", has_text="approved"))
    expect(page.locator(".tabs a[aria-current]")).to_contain_text("approved")
    expect(page.locator("#list .comment")).to_have_count(4)
    tap(page.locator("#list .comment .meta a").last, least=14)
    page.wait_for_url("**/desk/comments/0*")
    link(page, "Clean up a campaign")
    tap(page.locator(".tabs a", has_text=SELLER.email))
    expect(page.get_by_role("heading", level=2).first).to_contain_text("4 comments")
    fits(page)
    button(page, "Mark as spam", least=DECIDES)
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert {desk.status(one.id) for one in wrote} == {Status.SPAM}
    tap(page.get_by_role("button", name="Undo"))
    expect(page.get_by_role("heading", name="Taken back")).to_be_visible()
    assert {desk.status(one.id) for one in wrote} == {Status.APPROVED}
    tap(page.locator("nav a", has_text="People"))
    page.fill("#search", SELLER.email)
    button(page, "Look up")
    tap(page.locator("label", has_text="block"))
    button(page, "Save")
    expect(page.get_by_text("It counts from the next comment on")).to_be_visible()
    fits(page)
    tap(page.locator("summary", has_text="Erase all of it"))
    button(page, "Erase for good", least=LEAST)
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    assert {desk.status(one.id) for one in wrote} == {Status.ERASED}


def test_a_site_is_made_a_preset_tried_and_a_channel_added(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    calibration = {"bins": [[0.02, 0.0, 900], [0.45, 0.5, 100], [0.65, 0.6, 50], [0.95, 0.9, 40]]}
    card = {"metrics": {"calibration": {"toxicity": calibration}}}
    monkeypatch.setattr(type(desk.world.model), "card", card)
    desk.flagged("toxicity=0.45", "toxicity=0.6")
    page = desk.page(**PHONE)
    tap(page.locator("nav a", has_text="Settings"))
    button(page, "Try strict")
    expect(page.locator("#outlook")).to_contain_text("1 would end up elsewhere")
    button(page, "Save", least=40)
    page.wait_for_selector("text=Saved.")
    expect(page.locator(".presets .now")).to_contain_text("strict")
    fits(page)
    tap(page.locator(".subnav a", has_text="New site"))
    page.fill("#name", "Garden notes")
    button(page, "Make the site and its key")
    key = page.locator("#key").inner_text()
    assert desk.world.ask("POST", "/v1/comments", {"content": "hello"}, key=key).status_code == 202
    desk.world.screen()
    tap(page.locator("text=A comment has come in"), least=14)
    page.wait_for_selector("text=Why it is approved")
    tap(page.locator(".who a", has_text="Notices"))
    page.fill("input[name=address]", "ada@mail.example")
    page.select_option("select[name=minutes]", "60")
    button(page, "Save")
    expect(page.locator(".things")).to_contain_text("ada@mail.example")
    button(page, "Make a feed")
    expect(page.locator("#feed-address")).to_contain_text("/desk/feed/")
    fits(page)


def test_an_invitation_is_followed_a_session_ended_and_a_comment_decided_from_an_e_mail(desk: Desk):
    adapters, site = desk.world.adapters, desk.world.site
    desk.world.add_moderator("mia", sites=[site.id])
    adapters.accounts.save_site(replace(site, mail_links=True), was=site, by=OPERATOR, now_ms=1)
    adapters.set_address("mia", "mia@mail.example", by=OPERATOR)
    token = adapters.make_link(Purpose.INVITATION, "mia")
    page = desk.browser.new_context(**PHONE).new_page()
    page.goto(f"{desk.url}/desk/invitation/{token}")
    fits(page)
    for box in page.locator("input[type=password]").all():
        box.fill(f"{PASSWORD} of mia")
    tap(page.locator("main form button").last, least=40)
    page.wait_for_url("**/desk/queue*")
    tap(page.locator(".who a", has_text="Access"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Access")
    fits(page)
    button(page, "End it")
    expect(page).to_have_url(re.compile("/desk/sign-in"))
    (held,) = desk.flagged("toxicity=0.6 held")
    mia = adapters.accounts.moderator("mia")
    path = re.search(r"(/desk/act/\S+)", adapters.mail_lines(mia, mia.email, since_ms=0))[1]
    page.goto(desk.url + path)
    fits(page)
    button(page, "Reject", least=DECIDES)
    expect(page.locator("button[name=decision]")).to_have_count(0)
    assert desk.status(held) == Decision.REJECT.status
