"""What a person sees, in a real browser on the running appliance: no console error, no empty panel; pictures are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from metrics import stack, websocket
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.browser import dashboard_ready, page, unfold
from tests.listening import listening
from tests.waiting import until

PICTURES = CLONE / "var" / "pictures"
# Panels that have nothing to show on a machine where nothing has happened, and what would fill them.
QUIET = {
    "Time of panel queries, p95": "nobody has looked yet",
    "Certificate's time left": "no TLS is switched on",
    **dict.fromkeys(
        (
            "Lowest accuracy",
            "Model Accuracy",
            "Hit rate",
            "Brier score",
            "Width of intervals",
            "Interval score",
            "Accuracy with its confidence",
            "Value at risk exceeded",
        ),
        "fewer than 200 outcomes of a model that has learned enough were scored",
    ),
    "Refused share": "nobody asks the API",
    **dict.fromkeys(("Replica lag", "Standbys behind", "WAL kept for a slot"), "no replica runs"),
    "Why the server cannot be asked": "it can be",
    **dict.fromkeys(("What active connections wait for", "Who waits for whom"), "nobody waits"),
    "Why a server cannot be asked": "each can be",
    **dict.fromkeys(("Lag of replicas", "Links to primaries"), "no replica runs"),
    "Clusters": "no server is a node of one",
    "Failovers possible": "no server is a Sentinel",
    "Snapshots' age": "neither server saves snapshots",
    "Latency spikes": "the latency monitor is off",
    "Largest keys": "site.yaml names no keys",
    "Consumer groups behind": "the bus is read without groups",
    "Bloat": "the exporter's role, pg_monitor, may not see what PostgreSQL knows of columns",
    "Sequences": "none has given out half of its values",
    "Settings that wait for a restart": "none does",
    "Vacuums under way": "none runs just now",
    "Checkpoints up to 16": "PostgreSQL 17 and later count them elsewhere",
    "Checkpoints from 17 on": "PostgreSQL 16 and earlier count them elsewhere",
    "I/O by process": "PostgreSQL tells it from 16 on",
}


@pytest.fixture(scope="module")
def pictures() -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="module")
def listener(appliance: Appliance) -> Iterator[None]:
    with listening(appliance):
        yield


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("uid", stack.DASHBOARDS)
@pytest.mark.usefixtures("listener")
def test_no_panel_of_a_dashboard_is_empty(appliance: Appliance, browser: Browser, pictures: Path, uid: str, scheme: str) -> None:
    until("ten samples are there", lambda: (appliance.value("min(count_over_time(up[1h]))") or 0) >= 10, 30)
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    pongs = f"min_over_time({websocket.PING_DURATION.name}_count[2s]) > 0"
    until("the stream's client has answered a ping", lambda: appliance.value(pongs), 30)
    until("the partitions are known", lambda: appliance.value("min(pg_partitions_end_timestamp_seconds)"), 60)
    address = appliance.url("grafana", f"/d/{uid}?from=now-5m&to=now&refresh=off")
    with page(browser, address, color_scheme=scheme, viewport={"width": 1400, "height": 900}) as opened:
        dashboard_ready(opened)
        opened.screenshot(path=pictures / f"{uid}-{scheme}.png", full_page=True)
        unfold(opened)
        opened.screenshot(path=pictures / f"{uid}-{scheme}-unfolded.png", full_page=True)
        states = dict(
            opened.locator(".panel").evaluate_all("all => all.map(one => [one.querySelector('h3').innerText, one.dataset.state])")
        )
    assert len(states) > 10
    assert {title: state for title, state in states.items() if state != "done" and title not in QUIET} == {}


def test_the_inbox_opens(appliance: Appliance, browser: Browser, pictures: Path) -> None:
    until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    with page(browser, appliance.url("inbox", "/"), viewport={"width": 360, "height": 800}) as opened:
        expect(opened.locator("h1")).to_be_visible()
        opened.screenshot(path=pictures / "inbox-phone.png", full_page=True)
    with page(browser, appliance.url("inbox", "/runbooks/HighCPUUsage")) as opened:
        expect(opened.locator("h1").first).to_contain_text("High CPU Usage")
