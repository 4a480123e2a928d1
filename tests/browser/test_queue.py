"""The queue in a real Chromium: where the eye is, what can be undone, what is seen of a comment."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from moderation.comment import Author, Post
from moderation.workflow.screening import Limits
from tests.support import browser
from tests.support.browser import Desk, press

pytestmark = browser.needed

PLACE = """() => {
  const [box, bar] = [".comment.current", "#bar"].map((one) => document.querySelector(one).getBoundingClientRect());
  return { id: document.querySelector(".comment.current").id, top: box.top, bottom: box.bottom, bar: bar.top };
}"""


def decisions(desk: Desk, ids: list[str]) -> int:
    return sum(desk.status(one) != "flagged" for one in ids)


@pytest.mark.parametrize("width, height", [(1280, 720), (360, 740), (1920, 1080)])
def test_fifty_comments_are_decided_by_keys_and_the_eye_stays_in_its_place(
    desk: Desk, width: int, height: int
):
    """The chosen comment never lies under the bar, and from the second on it stands where the last stood."""
    texts = [f"toxicity=0.6 number {n} " + "and on it goes " * (n % 7 * 6) for n in range(55)]
    ids = desk.flagged(*texts)
    page = desk.page(viewport={"width": width, "height": height})
    tops, seen = [], set()
    for n in range(50):
        press(page, "ars"[n % 3])
        page.locator(".comment.current").wait_for()  # the next page loads by itself
        place = page.evaluate(PLACE)
        assert place["bottom"] <= place["bar"], (n, place)
        tops.append(place["top"])
        seen.add(place["id"])
    expect(page.locator("#waiting")).to_have_text("5")
    assert (len(seen), decisions(desk, ids)) == (50, 50)
    assert max(tops) - min(tops) < 130, "a long comment may move up, no further"
    moves = [abs(after - before) for before, after in pairwise(tops)]
    assert sum(move < 3 for move in moves) >= 25, tops


#: Every request of the page's script but the first waits until the test lets it go, as on a slow line.
SLOW_LINE = """() => {
  const send = window.fetch;
  const open = new Promise((go_on) => { window.goOn = go_on; });
  let sent = 0;
  window.fetch = async (...asked) => {
    if (sent++) await open;
    return send(...asked);
  };
}"""


def test_the_page_is_left_only_after_all_decisions_have_reached_the_desk(desk: Desk):
    """An empty queue loads again, and what a page has not sent yet is lost when it is left."""
    ids = desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(3)])
    page = desk.page()
    page.evaluate(SLOW_LINE)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {urlsplit(one.url).path}"))
    for key in "ars":
        press(page, key)
    expect(page.locator("#said")).to_have_text("Approved: 1 comment.")
    page.evaluate("goOn()")
    page.wait_for_selector("text=All done.")
    assert sorted(map(desk.status, ids)) == ["approved", "rejected", "spam"]
    sent = [one for one in asked if one.endswith(("/decide", "/queue"))]
    assert sent[:4] == [*["POST /desk/decide"] * 3, "GET /desk/queue"]


def test_a_decided_comment_folds_to_a_line_that_says_as_what_and_can_be_undone(desk: Desk):
    ids = desk.flagged("toxicity=0.7 first", "toxicity=0.6 second", "toxicity=0.55 third")
    page = desk.page()
    for key in "rs":
        press(page, key)
    folds = page.locator(".fold")
    expect(folds).to_have_count(2)
    expect(folds.nth(0)).to_contain_text("Rejected")
    expect(folds.nth(1)).to_contain_text("Spam")
    assert all(box["height"] < 50 for box in [fold.bounding_box() for fold in folds.all()])
    folds.nth(0).get_by_role("button", name="Undo").click()
    expect(folds).to_have_count(1)
    assert sorted(map(desk.status, ids)) == ["flagged", "flagged", "spam"]
    press(page, "a")
    expect(page.locator("#said")).to_have_text("Approved: 1 comment.")
    assert sorted(map(desk.status, ids)) == ["approved", "flagged", "spam"]


def test_decisions_are_undone_one_after_the_other_even_after_a_reload(desk: Desk):
    ids = desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(4)])
    page = desk.page()
    for key in "ars":
        press(page, key)
    expect(page.locator("#waiting")).to_have_text("1")
    expect(page.locator(".deeper")).to_have_text("and 2 before it")
    page.reload()
    expect(page.locator(".take-back")).to_contain_text(" s")
    for left in (1, 0):
        expect(page.locator(".comment.current")).to_have_count(1)  # its script has run
        press(page, "u")
        expect(page.locator(".comment:not(.gone)")).to_have_count(3 - left)
    assert sorted(map(desk.status, ids)) == ["approved", "flagged", "flagged", "flagged"]


@pytest.mark.parametrize("settings", [{"undo_seconds": 1.0}])
def test_nothing_offers_to_undo_what_cannot_be_undone_any_more(desk: Desk, settings: dict):
    desk.flagged("toxicity=0.6 one", "toxicity=0.6 two")
    page = desk.page()
    press(page, "a")
    expect(page.locator(".fold")).to_have_count(1)
    expect(page.locator(".fold button")).to_have_count(0)
    expect(page.locator(".take-back")).to_be_hidden()
    expect(page.locator(".fold")).to_contain_text("Approved")
    press(page, "u")
    expect(page.locator("#said")).to_have_text("There is nothing to undo any more.")


def test_a_thumb_decides_and_undoes_on_a_phone(desk: Desk):
    ids = desk.flagged("toxicity=0.6 one", "toxicity=0.55 two")
    page = desk.page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page.tap("button.approve")
    expect(page.locator("#said")).to_have_text("Approved: 1 comment.")
    assert sorted(map(desk.status, ids)) == ["approved", "flagged"]
    page.tap(".take-back")
    expect(page.locator(".fold")).to_have_count(0)
    assert decisions(desk, ids) == 0
    sizes = [one.bounding_box() for one in page.locator("#bar button:visible").all()]
    assert all(min(box["width"], box["height"]) >= 40 for box in sizes)


def test_a_long_comment_says_how_much_there_is_more_and_a_key_shows_it(desk: Desk):
    end = "https://the-end.example/buy"
    desk.flagged("toxicity=0.6 " + "word " * 400 + end)
    page = desk.page()
    rest = page.locator(".rest")
    expect(rest).to_contain_text("840 more characters")
    expect(page.locator(".text")).not_to_contain_text(end)
    press(page, "m")
    expect(page.locator(".text")).to_contain_text(end)
    expect(rest).to_be_hidden()
    assert page.evaluate("document.activeElement.classList.contains('text')"), "arrows scroll it"
    place = page.evaluate(PLACE)
    assert place["bottom"] <= place["bar"]
    press(page, "a")
    page.wait_for_selector("text=All done.")


def test_whatever_is_cut_by_its_height_says_so_too(desk: Desk):
    desk.flagged("toxicity=0.6 " + "line\n" * 60)
    page = desk.page()
    expect(page.locator(".rest")).to_contain_text("Show all of it")
    page.click(".rest a")
    expect(page.locator(".rest")).to_be_hidden()


def two_sites(desk: Desk) -> tuple[str, str]:
    world = desk.world
    other = world.adapters.accounts.add_site("other", now_ms=1)
    desk.flagged("toxicity=0.6 at home")
    world.submit("toxicity=0.7 abroad", "toxicity=0.8 far abroad", site=other)
    for shard in world.adapters.comments.shards:
        world.adapters.screen(shard, holder="test:1", limits=Limits(linger_seconds=0))
    return world.site.id, other.id


def shows(page: Page, *texts: str) -> None:
    """Wait until the queue shows comments with exactly these texts, in any order."""
    shown = page.locator(".comment .text")
    expect(shown).to_have_count(len(texts))
    assert sorted(one.split(" ", 1)[1] for one in shown.all_inner_texts()) == sorted(texts)


def test_one_queue_holds_the_comments_of_all_sites_and_the_switch_acts_at_once(desk: Desk):
    _, other = two_sites(desk)
    page = desk.page()
    shows(page, "at home", "abroad", "far abroad")
    expect(page.locator("#site option")).to_have_text(["All sites (3)", "demo (1)", "other (2)"])
    page.select_option("#site", other)
    page.wait_for_url("**site=*")
    shows(page, "abroad", "far abroad")
    page.goto(f"{desk.url}/desk/queue")
    shows(page, "abroad", "far abroad")  # the choice is remembered
    page.select_option("#site", "")
    expect(page.locator("#waiting")).to_have_text("3")
    press(page, "a")
    expect(page.locator("#waiting")).to_have_text("2")


def test_filters_are_remembered_until_they_are_cleared(desk: Desk):
    desk.flagged("toxicity=0.6 rude", "spam=0.6 cheap")
    page = desk.page()
    page.click("summary")
    page.select_option("select[name=label]", "spam")
    with page.expect_navigation():
        page.click("text=Apply")
    page.goto(f"{desk.url}/desk/overview")
    page.click("nav >> text=Queue")
    shows(page, "cheap")
    page.click("text=Clear")
    shows(page, "cheap", "rude")
    page.goto(f"{desk.url}/desk/queue")
    shows(page, "cheap", "rude")


def test_a_wide_screen_shows_fifteen_comments_and_more_as_rows(desk: Desk):
    desk.flagged(*[f"toxicity=0.6 number {n} " + "that goes on " * 25 for n in range(40)])
    page = desk.page(viewport={"width": 1920, "height": 1080})
    seen = page.evaluate(
        "() => [...document.querySelectorAll('.comment')].filter((one) => "
        "one.getBoundingClientRect().bottom <= document.querySelector('#bar').getBoundingClientRect().top).length"
    )
    assert seen >= 15
    press(page, "a")
    expect(page.locator("#waiting")).to_have_text("39")


def test_a_card_tells_who_wrote_it_and_its_head_opens_it(desk: Desk):
    world = desk.world
    sender = {
        "author": Author("Bob", "bob@mail.example"),
        "post": Post("https://blog.example/a", "A post"),
    }
    world.submit("toxicity=0.6 one", **sender)
    world.screen()
    page = desk.page()
    head = page.locator(".comment .line")
    expect(head).to_contain_text("bob@mail.example")
    expect(head).to_contain_text("first comment")
    expect(head.locator("a.out")).to_have_attribute("href", "https://blog.example/a")
    expect(page.locator(".reason")).to_have_text("60 % likely toxic; held from 50 %")
    box = head.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    page.wait_for_selector("text=Why it is flagged")
    world.submit("toxicity=0.6 two", **sender)
    world.screen()
    page.goto(f"{desk.url}/desk/queue")
    expect(page.locator(".comment", has_text="first comment")).to_have_count(0)
