"""What a person sees, in a real browser on the running appliance: no console error, no empty panel; pictures are kept."""

from concurrent.futures import ThreadPoolExecutor
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
    missing, states = empty(under_load, browser, pictures, uid)
    # A scrape that came too late (at this pace it has a second) leaves a hole in what is of now: a person looks again, too.
    if missing:
        missing, states = empty(under_load, browser, pictures, uid)
    assert len(states) > 10
    assert missing == {}


def looked_at(appliance: Appliance, browser: Browser, pictures: Path, uid: str) -> dict[str, str]:
    """The state of every panel of a dashboard, by title, all rows unfolded; a picture is kept."""
    address = appliance.url("grafana", f"/d/{uid}?from=now-5m&to=now&refresh=off")
    with page(browser, address, color_scheme="light", viewport={"width": 1400, "height": 900}) as opened:
        dashboard_ready(opened)
        unfold(opened)
        opened.screenshot(path=pictures / f"{uid}.png", full_page=True)
        panels = "all => all.map(one => [one.querySelector('h3').innerText, one.dataset.state])"
        return dict(opened.locator(".panel").evaluate_all(panels))


def empty(appliance: Appliance, browser: Browser, pictures: Path, uid: str) -> tuple[dict[str, str], dict[str, str]]:
    """Panels that show nothing, though one of their queries had data before, or no reason to have none; and all of them.

    Asked first: what comes for the first time between question and look (a drift, after its 1,000 values) is held against nobody.
    """
    # Playwright has this thread's event loop.
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(ask, appliance).result()
    excused = silent.reasons(appliance, asked)
    states = looked_at(appliance, browser, pictures, uid)
    should = {one.panel.title for one in asked if one.place not in excused}
    return {title: state for title, state in states.items() if state != "done" and title in should}, states


def test_the_inbox_opens(appliance: Appliance, browser: Browser, pictures: Path) -> None:
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    with page(browser, appliance.url("inbox", "/"), viewport={"width": 360, "height": 800}) as opened:
        expect(opened.locator("h1")).to_be_visible()
        opened.screenshot(path=pictures / "inbox-phone.png", full_page=True)
    with page(browser, appliance.url("inbox", "/runbooks/HighCPUUsage")) as opened:
        expect(opened.locator("h1").first).to_contain_text("High CPU Usage")
