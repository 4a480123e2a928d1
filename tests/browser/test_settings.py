"""Settings in a real Chromium: sliders, live what-if, lists, keys, people, with and without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint
from moderation.site import Site
from tests.support import browser
from tests.support.actors import EVE
from tests.support.browser import Desk, press, sound

pytestmark = browser.needed


def site(desk: Desk) -> Site:
    return desk.world.adapters.accounts.site(desk.world.site.id)


def policy(desk: Desk, **options: object) -> Page:
    page = desk.page(**options)
    page.goto(f"{desk.url}/desk/sites/{desk.world.site.id}/settings")
    page.click("#thresholds summary")
    return page


def test_a_slider_is_moved_by_keys_and_says_what_it_would_do(desk: Desk):
    for n in range(3):
        desk.flagged(f"toxicity=0.4 number {n}")
    page = policy(desk)
    slider = page.get_by_role("slider", name="Hold from toxicity")
    expect(slider).to_have_attribute("aria-valuetext", "50 %, the model’s own")
    slider.focus()
    for _ in range(2):
        press(page, "PageDown")
    expect(page.locator("#flag_at_toxicity")).to_have_value("29.8")
    expect(slider).to_have_attribute("aria-valuetext", "29.8 %")
    outlook = page.locator("#outlook")
    expect(outlook).to_contain_text("3 would end up elsewhere")
    expect(outlook).to_contain_text("Nothing is saved yet")
    outlook.get_by_text("What changes").click()
    expect(outlook).to_contain_text("3: approved → flagged")
    assert site(desk).policy.flag_at == {}
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved.")
    assert site(desk).policy.flag_at == {"toxicity": 0.298}


def test_a_slider_speaks_the_browsers_language(desk: Desk):
    page = policy(desk, locale="de-DE")
    slider = page.get_by_role("slider", name="Zurückhalten ab Toxizität, Schieberegler")
    expect(slider).to_have_attribute("aria-valuetext", "50 %, Vorgabe des Modells")
    slider.focus()
    for _ in range(2):
        press(page, "PageDown")
    expect(slider).to_have_attribute("aria-valuetext", "29,8 %")
    expect(page.locator("#outlook")).to_contain_text("Noch ist nichts gespeichert.")


def test_both_ends_of_a_track_can_be_dragged_and_given_back_to_the_model(desk: Desk):
    page = policy(desk, viewport={"width": 1100, "height": 900})
    track = page.locator(".score").nth(1).locator(".slider")
    box = track.bounding_box()
    middle, inner = box["y"] + box["height"] / 2, box["width"] - 24
    for start, end in ((0.5, 0.2), (0.9, 0.7)):
        page.mouse.move(box["x"] + 12 + inner * start / 1.01, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 12 + inner * end / 1.01, middle, steps=5)
        page.mouse.up()
    values = [float(page.input_value(f"#{name}_toxicity")) for name in ("flag_at", "reject_at")]
    assert values == pytest.approx([20, 70], abs=1)
    page.get_by_role("button", name="Model’s own for toxicity").click()
    for name in ("#flag_at_toxicity", "#reject_at_toxicity"):
        expect(page.locator(name)).to_have_value("")


def test_save_shows_what_was_typed_last_before_it_saves_it(desk: Desk):
    """A click right after typing must not save a preview that was not shown yet."""
    desk.flagged("toxicity=0.4")
    page = policy(desk)
    page.fill("#flag_at_toxicity", "30")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Not saved yet")
    assert site(desk).policy.flag_at == {}
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved.")
    assert site(desk).policy.flag_at == {"toxicity": 0.3}


def test_the_lists_are_tried_without_losing_what_was_typed(desk: Desk):
    page = policy(desk)
    page.fill("#blocked_words", "casino\n/v[i1]agra/")
    page.fill("#sample", "V1agra, anybody?")
    page.get_by_role("button", name="Test the lists").click()
    expect(page.locator("#hits")).to_contain_text("blocked words, line 2: /v[i1]agra/")
    page.fill("#blocked_words", "casino\n/(/")
    page.get_by_role("button", name="Test the lists").click()
    expect(page.locator("#hits")).to_contain_text("Line 2: /(/ is not a pattern")
    expect(page.locator("#blocked_words")).to_have_value("casino\n/(/")
    assert site(desk).policy.blocked_words == ()


def test_a_policy_is_set_without_javascript(desk: Desk):
    desk.flagged("toxicity=0.4")
    page = policy(desk, java_script_enabled=False)
    assert page.locator("input[type=range]").count() == 0
    page.fill("#flag_at_toxicity", "30")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#outlook")).to_contain_text("1 would end up elsewhere")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved.")
    assert site(desk).policy.flag_at == {"toxicity": 0.3}
    page.fill("#blocked_words", "casino")
    page.fill("#sample", "the casino")
    page.get_by_role("button", name="Test the lists").click()
    expect(page.locator("#hits")).to_contain_text("line 1: casino")
    page.get_by_role("button", name=re.compile("Revert")).first.click()
    page.wait_for_selector("text=Reverted.")
    assert site(desk).policy.flag_at == {}


@pytest.mark.parametrize("width", [360, 1280])
def test_no_field_is_hidden_by_the_bar_below_once_it_has_the_focus(desk: Desk, width: int):
    """WCAG 2.2, 2.4.11: what has the focus can be seen."""
    page = policy(desk, viewport={"width": width, "height": 740})
    seen = 0
    for _ in range(60):
        press(page, "Tab")
        hidden = page.evaluate(
            """() => {
              const at = document.activeElement, bar = document.querySelector("#outlook");
              if (!bar.closest("form").contains(at) || bar.contains(at)) return null;
              const box = at.getBoundingClientRect();
              return box.top >= bar.getBoundingClientRect().top && at.id;
            }"""
        )
        assert not hidden, hidden
        seen += hidden is not None
    assert seen > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_of_settings_is_accessible_in_every_state(desk: Desk, scheme: str, width: int):
    accounts, here = desk.world.adapters.accounts, desk.world.site
    accounts.add_site("other", now_ms=1)
    desk.world.add_moderator("bob", sites=[here.id])
    accounts.add_endpoint(Endpoint("", here.id, "https://blog.example/hook"), by=EVE, now_ms=1)
    accounts.add_key(here.id, KeyKind.DOOR, expires_at=2, now_ms=1)
    desk.flagged("toxicity=0.4", "toxicity=0.6")
    page = policy(desk, color_scheme=scheme, viewport={"width": width, "height": 800})
    sound(page, "the policy")
    page.fill("#flag_at_toxicity", "30")
    page.fill("#blocked_words", "/(/")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Nothing was saved")
    sound(page, "a policy with a slip")
    page.fill("#blocked_words", "x")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("What changes").click()
    sound(page, "a what-if")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved.")
    sound(page, "a changed policy")
    page.goto(f"{desk.url}/desk/sites/{here.id}/site")
    sound(page, "the site")
    page.fill("#text_days_spam", "1")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=tick this")
    sound(page, "a site with a slip")
    page.goto(f"{desk.url}/desk/sites/{here.id}/keys")
    page.get_by_role("button", name="Make a key").click()
    page.wait_for_selector(".secret")
    page.get_by_text("Revoke…").first.click()
    sound(page, "keys")
    page.goto(f"{desk.url}/desk/moderators")
    for summary in page.locator("summary").all():
        summary.click()
    sound(page, "moderators")
    page.get_by_role("button", name="Invite bob to choose a new password").click()
    page.wait_for_selector("#invitation")
    sound(page, "an invitation")
    endpoint = accounts.endpoints(here.id)[0].id
    for path in (
        "/desk/audit", "/desk/model", f"/desk/sites/{here.id}/webhooks",
        f"/desk/sites/{here.id}/endpoints", f"/desk/endpoints/{endpoint}",
    ):  # fmt: skip
        page.goto(desk.url + path)
        sound(page, path)


def test_a_key_and_a_password_leave_no_trace_in_the_browser(desk: Desk):
    """Neither the cookie nor an address may carry what is shown once."""
    page = desk.page()
    page.goto(f"{desk.url}/desk/sites/{desk.world.site.id}/keys")
    page.get_by_role("button", name="Make a key").click()
    text = page.locator("#new-key").inner_text()
    cookies = str(page.context.cookies())
    assert text.startswith("wk_")
    assert text not in cookies
    assert text not in page.url
    page.goto(page.url)
    expect(page.get_by_role("button", name="Make a key")).to_be_visible()
    assert text not in page.content()


def test_a_preset_is_tried_by_keys_and_saved(desk: Desk):
    """The numbers open, filled in, with what they would do; nothing is saved before Save."""
    desk.flagged("toxicity=0.45", "toxicity=0.6")
    card = {
        "metrics": {
            "calibration": {
                "toxicity": {
                    "bins": [[0.02, 0.0, 900], [0.45, 0.5, 100], [0.65, 0.6, 50], [0.95, 0.9, 40]]
                }
            }
        }
    }
    type(desk.world.model).card = card
    try:
        page = desk.page()
        page.goto(f"{desk.url}/desk/sites/{desk.world.site.id}/settings")
        page.get_by_role("button", name="Try strict").focus()
        press(page, "Enter")
        expect(page.locator("#outlook")).to_contain_text("1 would end up elsewhere")
        assert float(page.input_value("#flag_at_toxicity")) < 50
        assert site(desk).policy.flag_at == {}
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_selector("text=Saved.")
        expect(page.locator(".presets .now")).to_contain_text("strict")
    finally:
        type(desk.world.model).card = {}
