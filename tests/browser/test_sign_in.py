"""Signing in in a real Chromium: a forgotten password, a second factor, and pages that anybody can use."""

from __future__ import annotations

import re
from dataclasses import replace

import pyotp
import pytest
from playwright.sync_api import Page, expect

from moderation.actor import OPERATOR
from moderation.store.accounts.links import OneTimeLink, Purpose
from tests.support import browser
from tests.support.browser import Desk, press, sound
from tests.support.world import PASSWORD

pytestmark = browser.needed


@pytest.fixture
def settings() -> dict[str, object]:
    return {"smtp_url": "smtp://127.0.0.1:1"}


def set_up(page: Page, desk: Desk) -> pyotp.TOTP:
    """Set an app up by keys and clicks, as a person would; return what shows its codes."""
    page.goto(f"{desk.url}/desk/account")
    page.locator("details:has(#app-password) summary").click()
    page.fill("#app-password", PASSWORD)
    press(page, "Enter")
    page.wait_for_selector("img.qr")
    return pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))


@pytest.mark.parametrize(
    "scheme, width, language",
    [("light", 360, "en-US"), ("light", 1280, "de-DE"), ("dark", 360, "de-DE"), ("dark", 1280, "en-US")],
)  # fmt: skip
def test_every_page_of_signing_in_is_accessible_and_fits_its_width(
    desk: Desk, scheme: str, width: int, language: str
):
    adapters = desk.world.adapters
    view = {
        "color_scheme": scheme, "viewport": {"width": width, "height": 800}, "locale": language,
    }  # fmt: skip
    adapters.set_address("ada", f"{'long' * 15}@{'mail' * 12}.example", by=OPERATOR)
    desk.world.add_moderator("n" * 100)
    confirm = OneTimeLink("ada", adapters.accounts.link_epoch("ada"), "ada@mail.example")
    links = {one: adapters.make_link(one, "n" * 100) for one in Purpose}
    stranger = desk.browser.new_context(**view).new_page()
    for path in (
        "sign-in", "lost-password", f"reset/{links[Purpose.RESET]}", "reset/none",
        f"invitation/{links[Purpose.INVITATION]}",
        f"address/{adapters.links.make(Purpose.ADDRESS, confirm)}",
    ):  # fmt: skip
        stranger.goto(f"{desk.url}/desk/{path}")
        sound(stranger, stranger.url)
    page = desk.page("ada", **view)
    app = set_up(page, desk)
    sound(page, page.url)
    page.fill("#code", "000000")
    press(page, "Enter")
    page.wait_for_selector("#code-wrong")
    sound(page, page.url)
    page.fill("#code", app.now())
    press(page, "Enter")
    expect(page.locator("#codes")).to_be_visible()
    sound(page, page.url)
    page.goto(f"{desk.url}/desk/account")
    for summary in page.locator("details summary").all():
        summary.click()
    sound(page, page.url)
    sign_in(stranger, desk)
    sound(stranger, stranger.url)


def sign_in(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/desk/sign-in")
    page.fill("#name", "ada")
    page.fill("#password", PASSWORD)
    press(page, "Enter")
    page.wait_for_selector("#code")


def test_a_recovery_code_signs_in_by_keyboard_alone(desk: Desk):
    page = desk.page("ada")
    app = set_up(page, desk)
    page.fill("#code", app.now())
    press(page, "Enter")
    codes = page.locator("#codes").inner_text().split()
    other = desk.browser.new_context().new_page()
    sign_in(other, desk)
    expect(other.locator("#code")).to_be_focused()
    other.keyboard.type(codes[3])
    press(other, "Enter")
    other.wait_for_url("**/desk/queue*")


@pytest.mark.parametrize(
    "scheme, width, language, label",
    [("light", 1280, "en-US", "Reject"), ("dark", 360, "de-DE", "Ablehnen")],
)
def test_a_link_in_an_e_mail_decides_by_one_press_without_a_script(
    desk: Desk, scheme: str, width: int, language: str, label: str
):
    """As on a phone whose mail app opens pages without one; nobody is signed in before or after."""
    adapters, site = desk.world.adapters, desk.world.site
    adapters.accounts.save_site(replace(site, mail_links=True), was=site, by=OPERATOR, now_ms=1)
    adapters.set_address("ada", "ada@mail.example", by=OPERATOR)
    (held,) = desk.flagged(f"toxicity=0.6 http://spam.example/ {'long' * 80} <b>words</b>")
    ada = adapters.accounts.moderator("ada")
    letter = adapters.mail_lines(ada, ada.email, since_ms=0)
    path = re.search(r"(/desk/act/\S+)", letter)[1]
    context = desk.browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, locale=language
    )
    seen = context.new_page()
    asked: list[str] = []
    seen.on("request", lambda request: asked.append(request.url))
    seen.goto(desk.url + path)
    sound(seen, seen.url)
    assert all(url.startswith(desk.url) for url in asked), "nothing of anybody else's is loaded"
    assert desk.status(held) == "flagged"
    plain = desk.browser.new_context(locale=language, java_script_enabled=False).new_page()
    plain.goto(desk.url + path)
    with plain.expect_navigation():
        plain.get_by_role("button", name=label, exact=True).click()
    plain.wait_for_selector("text=ada")
    assert desk.status(held) == "rejected"
    seen.reload()
    expect(seen.locator("button[name=decision]")).to_have_count(0)
    sound(seen, seen.url)
    plain.goto(f"{desk.url}/desk/queue")
    assert "/desk/sign-in" in plain.url
