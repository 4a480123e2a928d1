"""The preview of a campaign in a real Chromium: it counts on while the page is open."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support import browser
from tests.support.browser import Desk

pytestmark = browser.needed


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_page_counts_on_by_itself_until_it_knows_how_many_there_are(desk: Desk, language: str):
    said = "toxicity=0.6 friends buy the finest jam pots of clear glass today"
    wrote = desk.flagged(*[f"{said} {n}" for n in range(12)])
    page = desk.page(locale=language)
    with page.expect_response("**/desk/campaign/count**") as counted:
        page.goto(f"{desk.url}/desk/campaign?comment={wrote[0]}&kind=text")
    assert counted.value.json()["next"] is None
    expect(page.locator("#amount")).to_have_text(
        {"en": "12 comments", "de": "12 Kommentare"}[language]
    )
    expect(page.locator('[data-count="flagged"]')).to_have_text("12")
    expect(page.locator("#uncounted")).to_be_hidden()
