"""Every page of the desk in a real Chromium, from the application's own map of them, at every size.

A new page is walked without being named here, unless it wants an id that tests/support/everything.py
does not have: then it fails by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page

from tests.support import browser
from tests.support.browser import Desk
from tests.support.everything import BETWEEN, OUTSIDE, fill, pages
from tests.support.world import PASSWORD

pytestmark = browser.needed

WIDTHS = (360, 1280, 1920)
MOST_BYTES = 100_000
#: The least height and width of what is pressed, in CSS pixels (WCAG 2.2, 2.5.8), but for links in a line of text.
LEAST_TARGET = 24
#: Runs axe-core; returns each rule that is violated, with the elements. Colours take it half of its time.
AXE = """(options) => axe.run(document, {resultTypes: ["violations"], elementRef: false, ...options}).then(
  (found) => found.violations.map(
    (one) => one.id + ": " + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")))"""
COLOURS = {"runOnly": ["color-contrast"]}
NO_COLOURS = {"rules": {"color-contrast": {"enabled": False}}}
#: What only a look at the page's boxes finds.
LAYOUT = """(least) => {
  const found = [], wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) {
    const out = [...document.querySelectorAll("main *, header *")].filter(
      (one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".tabs, nav, .full, .command"));
    found.push(`${wide} px too wide: ${out.slice(0, 3).map((one) => one.outerHTML.slice(0, 150)).join(" | ")}`);
  }
  for (const one of document.querySelectorAll("main *")) {
    const inside = one.scrollWidth - one.clientWidth;
    if (inside > 1 && /auto|scroll/.test(getComputedStyle(one).overflowX) && !one.closest(".tabs, nav, .command, pre"))
      found.push(`scrolls sideways by ${inside} px: ${one.outerHTML.slice(0, 150)}`);
  }
  for (const one of document.querySelectorAll("button, .top a, .button")) {
    const text = one.innerText.trim();
    if (!one.checkVisibility({visibilityProperty: true}) || !/^\\S+$/.test(text)) continue;
    const range = document.createRange();
    range.selectNodeContents(one);
    const lines = new Set([...range.getClientRects()].filter((box) => box.width).map((box) => Math.round(box.top / 8)));
    if (lines.size > 1) found.push(`broken word: ${text}`);
  }
  for (const one of document.querySelectorAll("button, input:not([type=hidden]), select, summary, nav a, .button, label.pick")) {
    if (!one.checkVisibility({visibilityProperty: true}) || one.closest(".slider")) continue;
    const label = one.matches("input[type=checkbox], input[type=radio]") && one.closest("label");
    const box = (label || one).getBoundingClientRect();
    if (box.width && Math.min(box.width, box.height) < least - .5)
      found.push(`target of ${Math.round(box.width)} x ${Math.round(box.height)} px: ${one.outerHTML.slice(0, 120)}`);
  }
  return found;
}"""
#: What a page weighs with its styles and scripts, its headings, its title.
FACTS = """() => ({
  bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, one) => sum + one.decodedBodySize, 0),
  headings: document.querySelectorAll("h1").length,
  title: document.title,
})"""
OPEN = "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"


@dataclass
class Walk:
    """A browser of somebody who is signed in, of a stranger, and of one who has given their password."""

    desk: Desk
    inside: Page
    outside: Page
    between: Page
    found: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, desk: Desk, language: str, scheme: str = "light") -> Walk:
        options = {
            "locale": language,
            "color_scheme": scheme,
            "viewport": {"width": WIDTHS[0], "height": 800},
        }

        def context() -> BrowserContext:
            made = desk.browser.new_context(**options)
            made.add_init_script(AXE_SCRIPT)
            return made

        inside, outside, between = (context().new_page() for _ in range(3))
        for page, name in ((inside, "ada"), (between, "fay")):
            page.goto(f"{desk.url}/desk/sign-in")
            page.fill("#name", name)
            page.fill("#password", PASSWORD)
            with page.expect_navigation(wait_until="load"):
                page.click("button.primary")
        return cls(desk, inside, outside, between)

    def load(self, endpoint: str, path: str) -> Page:
        """Load a page in the browser that may see it."""
        page = (
            self.between
            if endpoint == BETWEEN
            else self.outside
            if endpoint in OUTSIDE
            else self.inside
        )
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        answer = page.goto(self.desk.url + path)
        if (
            not answer
            or answer.status != 200
            or not page.url.startswith(self.desk.url + path.partition("?")[0])
        ):
            self.found.append(f"{path}: {answer and answer.status}, {page.url}")
        page.evaluate(OPEN)
        return page

    def look(self, page: Page, path: str, width: int) -> None:
        """Note what the boxes of a page show to be wrong at a width."""
        page.set_viewport_size({"width": width, "height": 1080 if width == WIDTHS[-1] else 800})
        self.found += [f"{path} at {width}: {one}" for one in page.evaluate(LAYOUT, LEAST_TARGET)]


@pytest.mark.parametrize(
    "width, scheme, options",
    [(360, "light", NO_COLOURS), (1280, "light", {}), (1920, "light", NO_COLOURS), (1280, "dark", COLOURS)],
    ids=["360", "1280", "1920", "dark"],
)  # fmt: skip
def test_every_page_is_accessible(desk: Desk, width: int, scheme: str, options: dict):
    """By axe-core, with everything unfolded; colours at one width, which no other width changes."""
    have = fill(desk.world, many=4, sites=2, moderators=2)
    walk = Walk.of(desk, "en", scheme)
    for endpoint, path in pages(desk.world, have):
        page = walk.load(endpoint, path)
        walk.look(page, path, width)
        walk.found += [f"{path} at {width}: {one}" for one in page.evaluate(AXE, options)]
    assert not walk.found, "\n".join(walk.found)


@pytest.mark.parametrize("language", ["en", "de-DE"])
def test_every_page_is_light_and_within_every_width(desk: Desk, language: str):
    """With 40 sites, 30 moderators and long words; words of German are longer, and its buttons wider."""
    have = fill(desk.world)
    walk = Walk.of(desk, language)
    for endpoint, path in pages(desk.world, have):
        page = walk.load(endpoint, path)
        facts = page.evaluate(FACTS)
        if facts["bytes"] >= MOST_BYTES or facts["headings"] != 1 or "Winnow" not in facts["title"]:
            walk.found.append(f"{path}: {facts}")
        for width in WIDTHS:
            walk.look(page, path, width)
    assert not walk.found, "\n".join(walk.found)
