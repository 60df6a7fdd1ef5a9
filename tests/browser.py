"""A real browser for tests, pictures and measurements: Debian's Chromium without its window, driven by Playwright.

The shell is the same engine and needs less than half of the processor time that `chromium --headless` needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

# Of what a page is expected to show; by default it is 5 s, in which a busy machine may stand still.
expect.set_options(timeout=20_000)
# As root there is no sandbox; the rest keeps it from asking for anything outside.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium-headless-shell"), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def heard(message: ConsoleMessage) -> list[str]:
    """What the console was told; not that the machine's interfaces changed: other tests make some, and the page asks again."""
    return [] if "net::ERR_NETWORK_CHANGED" in message.text else [f"{message.type}: {message.text}"]


@contextmanager
def page(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """A page at `address`; leaving it fails on any word in the console, script error or violation of the policy."""
    context = browser.new_context(**options)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.extend(heard(message)))
    opened.on("pageerror", lambda error: said.append(f"error: {error}"))
    opened.goto(address)
    yield opened
    context.close()
    assert said == [], said


def dashboard_ready(opened: Page) -> None:
    """Waits until a dashboard of the preview has drawn every visible panel."""
    opened.locator("html[data-ready=true]").wait_for(state="attached", timeout=20_000)


def unfold(opened: Page) -> None:
    """Opens every folded row of a dashboard and waits until its panels are drawn."""
    folded = opened.locator("h2 button[aria-expanded=false]")
    while folded.count():
        folded.first.click()
    expect(opened.locator(".panel[data-state=loading]")).to_have_count(0, timeout=20_000)
    dashboard_ready(opened)
