"""The page of what a site has learned, in Chromium: taken back with a click, on a phone, too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from moderation.comment import Decision
from tests.support import browser
from tests.support.actors import ADA, EVE
from tests.support.browser import Desk, fits

pytestmark = browser.needed


def taught(desk: Desk) -> None:
    desk.world.comment("toxicity=0.4 an everyday remark")
    for n in range(6):
        desk.world.decide(f"toxicity=0.6 bad #{n}", Decision.REJECT, by=(ADA, EVE)[n % 2])
    desk.world.learn()


def test_what_was_learned_is_taken_back_with_a_click_and_learned_again_with_another(desk: Desk):
    taught(desk)
    page = desk.page()
    page.click("nav >> text=Learning")
    page.wait_for_url("**/desk/learning*")
    page.click("text=Show these comments")
    expect(page.locator("text=an everyday remark").first).to_be_visible()
    page.click("text=Roll back to the shared model")
    page.wait_for_selector("text=The shared model judges alone from now on.")
    assert desk.world.adapters.comments.progress(desk.world.site.id).current == 0
    page.click("text=Let it learn again")
    page.wait_for_selector("text=Later versions judge again where they do better.")
    page.click("text=Let it judge")
    page.wait_for_selector("text=Version s1 judges from now on.")


def test_decisions_that_are_left_out_are_counted_again_with_a_click(desk: Desk):
    taught(desk)
    known = desk.world.adapters.comments
    latest = known.progress(desk.world.site.id).latest
    known.note_attempt(desk.world.site.id, replace(latest, unproven={"moderator:eve": 3}))
    page = desk.page()
    page.click("nav >> text=Learning")
    reason = page.locator("#people ~ .acts", has_text="eve")
    expect(reason).to_contain_text("3 decisions on what the machine had settled are left out")
    reason.locator("text=Learn from again").click()
    page.wait_for_selector("text=Their decisions are learned from again.")
    expect(page.locator("tr", has_text="eve").first).to_contain_text("Counts, whatever they decide")
    assert known.progress(desk.world.site.id).vouched == ("moderator:eve",)


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "empty"])
def test_nothing_of_the_page_is_wider_than_a_phone(desk: Desk, learned: bool):
    if learned:
        taught(desk)
    page = desk.page(viewport={"width": 360, "height": 740}, locale="de-DE")
    page.goto(f"{desk.url}/desk/learning")
    expect(page.locator("text=Was urteilt").first).to_be_visible()
    fits(page, "what was learned")
