"""A real Chromium at a real desk."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.support.waiting import PATIENCE_SECONDS
from tests.support.world import PASSWORD, World

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def _playwrights_own() -> str | None:
    """Return the Chromium that `playwright install chromium` left, if it did."""
    place = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    found = sorted(Path(place).glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or _playwrights_own()
needed = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: the desk was not tried in a browser"
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def press(page: Page, key: str) -> None:
    """Press *key* once the page's script listens: words of a new page are seen before its script has run."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)


def sound(page: Page, where: str) -> None:
    """Fail unless axe-core finds nothing and nothing needs scrolling sideways, once the page is here whole.

    Its words may be seen before its styles are: colours and widths are others then.
    """
    page.wait_for_load_state("load")
    found = Axe().run(page)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    fits(page, where)


def fits(page: Page, where: str) -> None:
    """Fail if the page, once it is here whole, or a table of it needs scrolling sideways."""
    page.wait_for_load_state("load")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where} is {wide} px too wide"
    tables = page.evaluate(
        "[...document.querySelectorAll('main table')].map((one) => one.parentElement)"
        ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML.slice(0, 150))"
    )
    assert not tables, f"{where}: wider than its place: {tables}"


@dataclass
class Desk:
    world: World
    url: str
    browser: Browser

    def page(self, name: str = "ada", **options: object) -> Page:
        """Return a page of a browser of their own, in which *name* is signed in."""
        page = self.browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        page.goto(self.url)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        # "load" comes after the page's script has run, so that no key is pressed too early.
        with page.expect_navigation(url="**/desk/queue*", wait_until="load"):
            page.click("button.primary")
        return page

    def flagged(self, *texts: str) -> list[str]:
        accepted = self.world.submit(*texts)
        self.world.screen()
        return [one.id for one in accepted]

    def status(self, comment_id: str) -> str:
        return self.world.adapters.comments.get(comment_id).status


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _whole(app: WSGIApplication) -> WSGIApplication:
    """Answer from memory: werkzeug's server leaves a file open if its reader resets the connection."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        parts = app(environ, start_response)
        try:
            return [b"".join(parts)]
        finally:
            if hasattr(parts, "close"):
                parts.close()

    return answer


@pytest.fixture
def settings() -> dict[str, object]:
    """Settings of the desk's Winnow, for a test to choose: what it takes back it has a minute for."""
    return {"undo_seconds": 60.0, "bulk_undo_seconds": 60.0}


@pytest.fixture
def desk(
    chromium: Browser, world_of: Callable[..., World], settings: dict[str, object]
) -> Iterator[Desk]:
    world = world_of(**settings)
    world.add_moderator("ada", admin=True)
    world.add_moderator("eve", admin=True)
    server = make_server("127.0.0.1", 0, _whole(world.app), threaded=True)
    server.daemon_threads = False  # so that closing waits for the last answer
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Desk(world, f"http://127.0.0.1:{server.port}", chromium)
    for context in chromium.contexts:
        context.close()
    server.shutdown()
    thread.join()
