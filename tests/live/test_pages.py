"""What a person sees, in a real browser on the running appliance: no console error, no empty panel; pictures are kept."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from metrics import stack
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.browser import dashboard_ready, page, unfold
from tests.live.panels import silent
from tests.live.panels.asking import ask
from tests.waiting import until

PICTURES = CLONE / "var" / "pictures"


@pytest.fixture(scope="module")
def pictures() -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.mark.parametrize("uid", stack.DASHBOARDS)
def test_no_panel_of_a_dashboard_is_empty(under_load: Appliance, browser: Browser, pictures: Path, uid: str) -> None:
    """What is drawn is what was answered; `panels/test_targets.py` asks whether there is an answer."""

    states: dict[str, str] = {}
    found: dict[str, str] = {}

    def complete() -> bool:
        nonlocal states, found
        states = looked_at(under_load, browser, pictures, uid)
        found = empty(states, under_load)
        return not found

    # What comes for the first time between the look and the question (a drift, after its 1,000 values), and the hole that a late
    # scrape leaves in what is of now, are gone at the next look; an empty panel is not.
    with suppress(AssertionError):
        until("no panel is empty", complete, 45)
    assert len(states) > 10
    assert found == {}


def looked_at(appliance: Appliance, browser: Browser, pictures: Path, uid: str) -> dict[str, str]:
    """The state of every panel of a dashboard, by title, all rows unfolded; a picture is kept."""
    address = appliance.url("grafana", f"/d/{uid}?from=now-5m&to=now&refresh=off")
    with page(browser, address, color_scheme="light", viewport={"width": 1400, "height": 900}) as opened:
        dashboard_ready(opened)
        unfold(opened)
        opened.screenshot(path=pictures / f"{uid}.png", full_page=True)
        panels = "all => all.map(one => [one.querySelector('h3').innerText, one.dataset.state])"
        return dict(opened.locator(".panel").evaluate_all(panels))


def empty(states: dict[str, str], appliance: Appliance) -> dict[str, str]:
    """Panels that show nothing, though one of their queries has data or no reason to have none."""
    missing = {title: state for title, state in states.items() if state != "done"}
    if not missing:
        return {}
    # Playwright has this thread's event loop.
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(ask, appliance).result()
    excused = silent.reasons(appliance, asked)
    should = {one.panel.title for one in asked if one.place not in excused}
    return {title: state for title, state in missing.items() if title in should}


def test_the_inbox_opens(appliance: Appliance, browser: Browser, pictures: Path) -> None:
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    with page(browser, appliance.url("inbox", "/"), viewport={"width": 360, "height": 800}) as opened:
        expect(opened.locator("h1")).to_be_visible()
        opened.screenshot(path=pictures / "inbox-phone.png", full_page=True)
    with page(browser, appliance.url("inbox", "/runbooks/HighCPUUsage")) as opened:
        expect(opened.locator("h1").first).to_contain_text("High CPU Usage")
