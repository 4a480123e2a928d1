"""One comment's page in a real Chromium: what a moderator writes there, and going on by keys."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from moderation.comment import Author
from moderation.endpoint import Endpoint
from moderation.events import EventType
from tests.support import browser
from tests.support.actors import ADA
from tests.support.browser import Desk, fits, press

pytestmark = browser.needed


def allowed(desk: Desk) -> None:
    """Let moderators edit and reply, with an endpoint that hears it and two saved texts."""
    world = desk.world
    site = replace(
        world.site, edits=True, replies=True, saved_texts=("Thank you!", "Please be kind.")
    )
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(site, was=world.site, by=ADA, now_ms=now)
    hook = Endpoint("", site.id, "https://blog.example/hook", events=(EventType.REPLY,))
    world.adapters.add_endpoint(hook, by=ADA, admin=True)


def test_by_keys_alone_a_comment_is_edited_approved_undone_and_left_for_the_next(desk: Desk):
    allowed(desk)
    one, other = desk.flagged("toxicity=0.6 call me at 555-0100", "toxicity=0.7 other")
    page = desk.page()
    press(page, "Enter")
    page.wait_for_url(f"**/comments/{one}**")
    press(page, "e")
    expect(page.locator("textarea[name=content]")).to_be_focused()
    press(page, "Control+A")
    page.keyboard.type("toxicity=0.6 call me")
    press(page, "Tab")
    press(page, "Enter")
    expect(page.locator("#messages")).to_contain_text("The text was changed")
    page.click("summary:has-text('ada changed this text')")
    expect(page.locator(".original del")).to_have_text(" at 555-0100")
    press(page, "u")
    expect(page.locator("textarea[name=content]")).to_have_value("toxicity=0.6 call me")
    press(page, "a")
    expect(page.locator("#messages")).to_contain_text("Approved: 1 comment.")
    press(page, "u")
    expect(page.locator(".head .status")).to_have_text("flagged")
    page.click("main a:has-text('Back to the queue')")
    expect(page.locator(f"#c-{one}")).to_contain_text("ada changed this text")
    page.goto(f"{desk.url}/desk/comments/{one}")
    press(page, "s")
    expect(page.locator("#messages")).to_contain_text("Marked as spam: 1 comment.")
    press(page, "n")
    page.wait_for_url(f"**/comments/{other}**")
    press(page, "r")
    expect(page.locator("#messages")).to_contain_text("Rejected: 1 comment.")
    press(page, "j")
    expect(page.locator("#messages")).to_contain_text("No other comment waits.")
    assert [desk.status(each) for each in (one, other)] == ["spam", "rejected"]
    assert desk.world.adapters.comments.get(one).original.content.endswith("555-0100")


def test_keys_decide_nothing_while_somebody_types(desk: Desk):
    allowed(desk)
    (one,) = desk.flagged("toxicity=0.7 hello")
    page = desk.page()
    page.goto(f"{desk.url}/desk/comments/{one}")
    for box in ("#reply", "#note", "input[name=note]"):
        page.locator(box).press_sequentially("ars nju e")
    expect(page.locator("#note")).to_have_value("ars nju e")
    assert desk.status(one) == "flagged"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_reply_with_a_saved_text_approves_and_stands_there_with_its_delivery(
    desk: Desk, width: int
):
    allowed(desk)
    (one,) = desk.flagged("toxicity=0.7 a question")
    page = desk.page(viewport={"width": width, "height": 800}, has_touch=True)
    page.goto(f"{desk.url}/desk/comments/{one}")
    page.fill("#reply", "Yes. ")
    page.select_option("select[data-into='#reply']", "Thank you!")
    expect(page.locator("#reply")).to_have_value("Yes. Thank you!")
    expect(page.locator("#reply")).to_be_focused()
    page.tap("button:has-text('Approve and reply')")
    expect(page.locator("#messages")).to_contain_text("Your reply is on its way")
    expect(page.locator(".remarks")).to_contain_text("Yes. Thank you!")
    expect(page.locator(".remarks")).to_contain_text("on its way")
    assert desk.status(one) == "approved"
    page.fill("#note", "She is a regular.")
    page.tap("button:has-text('Add the note')")
    expect(page.locator("section:has(#notes) .remarks")).to_contain_text("She is a regular.")
    fits(page, "a comment with a note")


def test_what_was_typed_is_not_lost_when_somebody_was_faster(desk: Desk):
    allowed(desk)
    (one,) = desk.flagged("toxicity=0.7 first")
    page = desk.page()
    page.goto(f"{desk.url}/desk/comments/{one}")
    desk.world.adapters.revise(one, "toxicity=0.7 second", revision=1, by=ADA)
    press(page, "e")
    page.fill("textarea[name=content]", "toxicity=0.7 my own words")
    page.click("button:has-text('Change the text')")
    expect(page.locator(".message.problem")).to_contain_text("changed meanwhile")
    expect(page.locator("textarea[name=content]")).to_have_value("toxicity=0.7 my own words")
    expect(page.locator("article .text").first).to_contain_text("second")


def test_the_tally_says_what_one_decided_and_where_one_finds_it(desk: Desk):
    desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(8)])
    page = desk.page()
    for left in range(7, 0, -1):
        press(page, "a")
        expect(page.locator("#waiting")).to_have_text(str(left))
    page.reload()
    expect(page.locator(".tally")).to_contain_text("You decided 7 today")
    page.click("text=Your tally")
    expect(page.locator(".tiles")).to_contain_text("7")
    expect(page.locator(".tiles dd").nth(2)).to_have_text(re.compile(r"^\d+ sec$"))


def test_hostile_words_in_notes_replies_and_texts_are_shown_as_they_are(desk: Desk):
    allowed(desk)
    evil = "</textarea><script>alert(1)</script>{{7*7}}\u202e"
    world = desk.world
    (accepted,) = world.submit(f"toxicity=0.6 {evil}", author=Author(evil[:100]))
    world.screen()
    world.adapters.note(accepted.id, evil, by=ADA)
    world.adapters.revise(accepted.id, f"toxicity=0.6 {evil} {evil}", revision=1, by=ADA)
    page = desk.page()
    page.goto(f"{desk.url}/desk/comments/{accepted.id}")
    expect(page.locator(".remarks .text")).to_contain_text("<script>alert(1)</script>{{7*7}}")
    page.click(".original summary")
    expect(page.locator(".original ins").first).to_be_visible()
    assert evil in page.locator("textarea[name=content]").input_value()
