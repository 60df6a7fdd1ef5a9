"""What a person sees, in a real browser on the running appliance: no console error, no empty panel; pictures are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from compose import postgres
from metrics import stack, websocket
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.browser import dashboard_ready, page, unfold
from tests.live.busy import busy
from tests.waiting import until

PICTURES = CLONE / "var" / "pictures"
# Panels that have nothing to show on this appliance, and what would fill them.
QUIET = {
    "Certificate's time left": "no TLS is switched on",
    **dict.fromkeys(("Drift of outputs", "Drift of features"), "no day before this one: it comes when the others take long"),
    **dict.fromkeys(("Replica lag", "Standbys behind"), "no standby runs"),
    "Why the server cannot be asked": "it can be",
    "Why a server cannot be asked": "each can be",
    **dict.fromkeys(("Lag of replicas", "Links to primaries"), "no replica runs"),
    "Clusters": "no server is a node of one",
    "Failovers possible": "no server is a Sentinel",
    "Snapshots' age": "neither server saves snapshots",
    "Largest keys": "site.yaml names no keys",
}
# The same by version of the server: the first that it has, and what it cannot tell before or after.
FROM_17, FROM_16 = "Checkpoints up to 16", "I/O by process"
UP_TO_16 = "Checkpoints from 17 on"


@pytest.fixture(scope="module")
def pictures() -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="module")
def something_happens(appliance: Appliance) -> Iterator[None]:
    with busy(appliance):
        yield


def quiet() -> set[str]:
    """Panels that are silent on a server of this version."""
    version = max(postgres.installed())
    return {*QUIET, FROM_17 if version >= 17 else UP_TO_16, *(() if version >= 16 else (FROM_16,))}


@pytest.mark.parametrize("uid", stack.DASHBOARDS)
@pytest.mark.usefixtures("something_happens")
def test_no_panel_of_a_dashboard_is_empty(appliance: Appliance, browser: Browser, pictures: Path, uid: str) -> None:
    until("ten samples are there", lambda: (appliance.value("min(count_over_time(up[1h]))") or 0) >= 10, 30)
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    pongs = f"min_over_time({websocket.PING_DURATION.name}_count[2s]) > 0"
    until("the stream's client has answered a ping", lambda: appliance.value(pongs), 30)
    until("the partitions are known", lambda: appliance.value("min(pg_partitions_end_timestamp_seconds)"), 60)
    states = looked_at(appliance, browser, pictures, uid)
    # A scrape that came too late (at this pace it has a second) leaves a hole in what is of now: a person looks again, too.
    if empty(states):
        states = looked_at(appliance, browser, pictures, uid)
    assert len(states) > 10
    assert empty(states) == {}
    # The list stays honest; only a server that was away a moment ago may have left a trace.
    maybe = {"Why the server cannot be asked", "Why a server cannot be asked", "Drift of outputs", "Drift of features"}
    silent = quiet() - maybe
    assert {title for title, state in states.items() if state == "done" and title in silent} == set()


def looked_at(appliance: Appliance, browser: Browser, pictures: Path, uid: str) -> dict[str, str]:
    """The state of every panel of a dashboard, by title; pictures in both colour schemes are kept."""
    address = appliance.url("grafana", f"/d/{uid}?from=now-5m&to=now&refresh=off")
    with page(browser, address, color_scheme="light", viewport={"width": 1400, "height": 900}) as opened:
        dashboard_ready(opened)
        opened.screenshot(path=pictures / f"{uid}-light.png", full_page=True)
        unfold(opened)
        opened.screenshot(path=pictures / f"{uid}-light-unfolded.png", full_page=True)
        opened.emulate_media(color_scheme="dark")
        opened.screenshot(path=pictures / f"{uid}-dark-unfolded.png", full_page=True)
        panels = "all => all.map(one => [one.querySelector('h3').innerText, one.dataset.state])"
        return dict(opened.locator(".panel").evaluate_all(panels))


def empty(states: dict[str, str]) -> dict[str, str]:
    """Panels that show nothing though they should."""
    return {title: state for title, state in states.items() if state != "done" and title not in quiet()}


def test_the_inbox_opens(appliance: Appliance, browser: Browser, pictures: Path) -> None:
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    with page(browser, appliance.url("inbox", "/"), viewport={"width": 360, "height": 800}) as opened:
        expect(opened.locator("h1")).to_be_visible()
        opened.screenshot(path=pictures / "inbox-phone.png", full_page=True)
    with page(browser, appliance.url("inbox", "/runbooks/HighCPUUsage")) as opened:
        expect(opened.locator("h1").first).to_contain_text("High CPU Usage")
