"""Searching, a person's page and a campaign in a real Chromium, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from moderation.campaign import traits_of
from moderation.comment import Author, Decision, Status
from moderation.treatment import Subject, SubjectKind
from moderation.workflow import campaigns, people
from tests.support.actors import ADA
from tests.support.browser import Desk, needed, press, sound

pytestmark = needed

LISA = Author("Lisa", "lisa@mail.example", ip="203.0.113.7")
SELLER = Author("Seller", "seller@mail.example", ip="198.51.100.4")


def test_a_campaign_is_found_and_cleaned_up_and_taken_back_by_keys(desk: Desk):
    desk.world.submit(*[f"honest words {n}" for n in range(4)], author=LISA)
    wrote = desk.world.submit(
        *[f"cheap jam pots at https://jampots.example.org/{n}" for n in range(6)], author=SELLER
    )
    desk.world.screen()
    page = desk.page()
    page.goto(f"{desk.url}/desk/comments")
    press(page, "/")
    page.keyboard.type("jam pots")
    with page.expect_navigation(wait_until="load"):  # and its script has run
        press(page, "Enter")
    expect(page.locator("#list .comment")).to_have_count(6)
    press(page, "j")
    press(page, "j")
    expect(page.locator(".comment.current")).to_contain_text("jampots.example.org/4")
    press(page, "Enter")
    page.wait_for_url("**/desk/comments/0*")
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("link", name="Clean up a campaign").press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("6 comments")
    with page.expect_navigation(wait_until="load"):
        press(page, "s")
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert {desk.status(one.id) for one in wrote} == {Status.SPAM}
    press(page, "u")
    expect(page.get_by_role("heading", name="Taken back")).to_be_visible()
    assert {desk.status(one.id) for one in wrote} == {Status.APPROVED}


def test_a_persons_page_is_reached_and_saved_by_keys(desk: Desk):
    desk.world.submit("hello", author=LISA)
    desk.world.screen()
    page = desk.page()
    page.goto(f"{desk.url}/desk/people")
    press(page, "/")
    page.keyboard.type("lisa@mail.example")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("lisa@mail.example")
    page.get_by_label("always hold").press("Space")
    page.get_by_label("Note for other moderators").press_sequentially("a regular")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("It counts from the next comment on")).to_be_visible()
    (later,) = desk.world.submit("hello again", author=LISA)
    desk.world.screen()
    assert desk.status(later.id) is Status.FLAGGED


@pytest.mark.parametrize(
    "width, scheme, language", [(360, "dark", "de-DE"), (1280, "dark", "en"), (360, "light", "en")]
)
def test_work_that_goes_on_is_followed_on_pages_that_are_accessible(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str, language: str
):
    """An erasure and a clean-up, two comments at a time: figures that grow, then the result."""
    monkeypatch.setattr(people, "STEP", 2)
    monkeypatch.setattr(campaigns, "STEP", 2)
    world = desk.world
    world.submit(*[f"honest words {n}" for n in range(5)], author=LISA)
    sold = world.submit(*[f"cheap jam pots, number {n}" for n in range(5)], author=SELLER)
    world.screen()
    page = desk.page(viewport={"width": width, "height": 800}, color_scheme=scheme, locale=language)
    lisa = Subject(SubjectKind.EMAIL, LISA.email)
    erasure = world.adapters.erase_person([world.site.id], lisa, by=ADA, seconds=0)
    seller = world.adapters.comments.get(sold[0].id)
    (trait,) = [one for one in traits_of(seller) if one.kind == "email"]
    campaign = world.adapters.clean_up(world.site.id, trait, seller.id, Decision.SPAM, by=ADA)
    for path, step, one in (
        ("erasures", world.adapters.step_erasure, erasure),
        ("campaign", world.adapters.step_clean_up, campaign),
    ):
        page.goto(f"{desk.url}/desk/{path}/{one.id}")
        going = page.locator("[data-goes-on]")
        before = going.inner_text()
        assert step(one.id).goes_on
        expect(going).not_to_have_text(before, use_inner_text=True)
        sound(page, path)
        while step(one.id).goes_on:
            pass
        expect(going).to_have_count(0)
        sound(page, path)
    page.goto(f"{desk.url}/desk/people")
    sound(page, "people")
