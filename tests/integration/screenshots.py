"""``make screenshots``: every page of the desk, as a moderator with work to do sees it.

Starts a Winnow of its own with the shipped model, fills it with `winnow demo seed`, and writes
docs/screenshots/*.png with Debian's Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browser import CHROMIUM, FLAGS
from tests.support.receiver import Receiver
from tests.support.service import ROOT, Running, running
from tests.support.waiting import wait_until

SHOTS = ROOT / "docs" / "screenshots"
WIDE, PHONE = {"width": 1180, "height": 860}, {"width": 360, "height": 760}


def pages(winnow: Running) -> dict[str, str]:
    """Return each page's name and path."""
    site = winnow.cli("site", "show", "demo")
    held = winnow.ask("GET", "/v1/queue?limit=5")[1]["items"]
    mixed = next((one for one in held if len(one["content"]) > 60), held[0])
    of_site = f"/desk/sites/{site['id']}"
    return {
        "queue": "/desk/queue",
        "comment": f"/desk/comments/{mixed['id']}",
        "recent": "/desk/comments",
        "bulk": f"/desk/bulk?site={site['id']}&kind=filter&why=spam",
        "overview": "/desk/overview",
        "policy": f"{of_site}/settings",
        "site": f"{of_site}/site",
        "keys": f"{of_site}/keys",
        "webhooks": f"{of_site}/webhooks",
        "first-steps": f"{of_site}/start",
        "moderators": "/desk/moderators",
        "audit": "/desk/audit",
        "model": "/desk/model",
        "notices": "/desk/notices",
        "password": "/desk/password",
        "account": "/desk/account",
        "docs": "/docs",
    }


def sign_in(page: Page, winnow: Running) -> None:
    """Sign in as the administrator of the first start."""
    page.goto(f"{winnow.url}/desk/sign-in")
    page.fill("#name", "admin")
    page.fill("#password", winnow.password)
    with page.expect_navigation(url="**/desk/queue*", wait_until="load"):
        page.click("button.primary")


def prepare(winnow: Running, receiver: Receiver) -> None:
    """Fill the demo site, decide a little, and give it an endpoint."""
    url = receiver.url("/hook")
    winnow.run("endpoint", "add", "demo", url, "--allow-private")
    winnow.run("demo", "seed", "--count", "300")
    winnow.run("site", "set", "demo", "edits=yes")
    for one in winnow.ask("GET", "/v1/queue?limit=40")[1]["items"][::5]:
        word = "spam" if one["scores"]["spam"] > 0.5 else "approve"
        winnow.ask("POST", f"/v1/comments/{one['id']}/decision", {"decision": word})
    wait_until(lambda: receiver.requests, message="a webhook")


def at_work(page: Page, winnow: Running) -> None:
    """Show the queue after ten decisions by keys."""
    page.goto(f"{winnow.url}/desk/queue")
    left = int(page.locator("#waiting").inner_text())
    for key in "arsaararsa":
        page.keyboard.press(key)
    expect(page.locator("#waiting")).to_have_text(str(left - 10))
    page.screenshot(path=SHOTS / "queue-at-work.png")
    print("docs/screenshots/queue-at-work.png")
    page.goto(f"{winnow.url}/desk/tally")
    page.screenshot(path=SHOTS / "tally.png")
    print("docs/screenshots/tally.png")


def main() -> int:
    """Write every picture; return 0."""
    if CHROMIUM is None:
        print("Chromium is not installed: no pictures were taken", file=sys.stderr)
        return 1
    SHOTS.mkdir(exist_ok=True)
    options: list[tuple[str, dict[str, Any]]] = [
        ("", {"viewport": WIDE, "color_scheme": "light"}),
        ("-dark", {"viewport": WIDE, "color_scheme": "dark"}),
        ("-phone", {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2}),
    ]
    with (
        tempfile.TemporaryDirectory() as data,
        Receiver() as receiver,
        running(Path(data) / "data", WINNOW_LOG_LEVEL="error") as winnow,
        sync_playwright() as playwright,
    ):
        prepare(winnow, receiver)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for suffix, context in options:
            page = browser.new_context(**context).new_page()
            if not suffix:
                page.goto(f"{winnow.url}/desk/sign-in")
                page.screenshot(path=SHOTS / "sign-in.png")
            sign_in(page, winnow)
            for name, path in pages(winnow).items():
                if suffix and name not in {"queue", "comment", "overview", "policy"}:
                    continue
                page.goto(winnow.url + path)
                page.screenshot(path=SHOTS / f"{name}{suffix}.png")
                print(f"docs/screenshots/{name}{suffix}.png")
            if not suffix:
                at_work(page, winnow)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
