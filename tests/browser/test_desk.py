"""The desk in a real Chromium: keys, bulk, undo, others' decisions, accessibility, hostile text."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support import browser, hostile
from tests.support.actors import ADA
from tests.support.browser import Desk, press

pytestmark = browser.needed


def test_a_moderator_decides_with_one_key_and_takes_it_back_with_another(desk: Desk):
    first, second = desk.flagged("toxicity=0.7 first", "toxicity=0.6 second")
    page = desk.page()
    press(page, "a")
    page.wait_for_selector("text=Approved: 1 comment")
    assert sorted([desk.status(first), desk.status(second)]) == ["approved", "flagged"]
    press(page, "u")
    expect(page.locator(".comment:not(.gone)")).to_have_count(2)
    assert [desk.status(first), desk.status(second)] == ["flagged", "flagged"]


def test_the_keys_speak_the_browsers_language(desk: Desk):
    """What scripts say comes from the page, by the number that the language asks for."""
    desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(3)])
    page = desk.page(locale="de-DE")
    for key in ("x", "j", "x"):
        press(page, key)
    expect(page.locator("#picked")).to_have_text("2 ausgewählt:")
    press(page, "a")
    page.wait_for_selector("text=2 Kommentare freigegeben.")
    press(page, "r")
    page.wait_for_selector("text=Alles erledigt.")


def test_many_are_selected_and_decided_at_once(desk: Desk):
    ids = desk.flagged(*[f"toxicity=0.6 number {n}" for n in range(4)])
    page = desk.page()
    for key in ("x", "j", "x", "j", "x", "s"):
        press(page, key)
    page.wait_for_selector("text=Marked as spam: 3 comments")
    assert sorted(map(desk.status, ids)) == ["flagged", "spam", "spam", "spam"]


def test_what_somebody_else_decides_leaves_the_page_by_itself(desk: Desk):
    ids = desk.flagged("toxicity=0.6 one", "toxicity=0.6 two")
    ada = desk.page("ada")
    eve = desk.page("eve")
    press(eve, "r")
    eve.wait_for_selector("text=Rejected: 1 comment")
    ada.wait_for_selector("text=Somebody else decided a comment")
    assert sorted(map(desk.status, ids)) == ["flagged", "rejected"]


def test_the_whole_queue_can_be_worked_without_javascript(desk: Desk):
    ids = desk.flagged("toxicity=0.6 one", "toxicity=0.6 two")
    page = desk.page(java_script_enabled=False)
    for box in page.locator(".pick input").all():
        box.check()
    page.click("button.approve")
    page.wait_for_selector("text=Approved: 2 comments")
    assert list(map(desk.status, ids)) == ["approved", "approved"]
    page.click("text=Undo")
    page.wait_for_selector("text=Undone: 2 decisions")
    assert list(map(desk.status, ids)) == ["flagged", "flagged"]


def test_hostile_comments_run_nothing_and_break_no_page(desk: Desk):
    """Three hundred of them: no script runs, no dialog opens, no request leaves, the layout holds."""
    drafts = hostile.drafts()
    assert len({draft.content for draft in drafts}) == 300
    comments, now = desk.world.adapters.comments, desk.world.adapters.clock.now_ms()
    accepted, _ = comments.accept(desk.world.site.id, drafts, backlog=10_000, now_ms=now)
    desk.world.screen()
    page = desk.page(viewport={"width": 390, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def opened(path: str) -> None:
        page.goto(desk.url + path, wait_until="domcontentloaded")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
        assert page.title().endswith("Winnow"), path
        assert page.locator("header.top nav").is_visible(), path

    for first in ("/desk/queue", "/desk/comments"):
        opened(first)
        pages = 1
        while (more := page.locator("a[rel=next]")).count():
            opened(more.get_attribute("href") or "")
            pages += 1
        assert pages == 10
    site = desk.world.site.id
    for path in ("/desk/overview", f"/desk/bulk?site={site}&kind=filter", "/desk/audit"):
        opened(path)
    for one in accepted:
        opened(f"/desk/comments/{one.id}")
    assert all(url.startswith(desk.url) for url in asked)


def test_a_new_owner_sees_the_first_comment_come_in(desk: Desk):
    """From no site to a comment of one's own, without leaving the page but for the terminal."""
    desk.world.adapters.accounts.remove_site(desk.world.site.id, by=ADA, now_ms=2)
    page = desk.page()
    page.fill("#name", "Garden notes")
    press(page, "Enter")
    key = page.locator("#key").inner_text()
    assert desk.world.ask("POST", "/v1/comments", {"content": "hello"}, key=key).status_code == 202
    desk.world.screen()
    page.click("text=A comment has come in")
    page.wait_for_selector("text=Why it is approved")
