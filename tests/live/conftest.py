"""One appliance for all tests of this folder: real servers, started by the product's own controller."""

from collections.abc import Iterator

import pytest

from metrics import stack, websocket
from tests.appliance import Appliance, get
from tests.live.busy import SETTINGS, busy
from tests.waiting import until


@pytest.fixture(scope="package")
def appliance() -> Iterator[Appliance]:
    with Appliance(factor=0.1, settings=SETTINGS) as running:
        until("every target has been scraped", lambda: all_up(running), 30)
        yield running


@pytest.fixture(scope="package")
def under_load(appliance: Appliance) -> Iterator[Appliance]:
    """The same while people and programs use it, until the package's tests are over: whoever asks for it comes last."""
    with busy(appliance):
        until("ten samples are there", lambda: (appliance.value("min(count_over_time(up[1h]))") or 0) >= 10, 30)
        until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
        pongs = f"min_over_time({websocket.PING_DURATION.name}_count[2s]) > 0"
        until("the stream's client has answered a ping", lambda: appliance.value(pongs), 30)
        until("the partitions are known", lambda: appliance.value("min(pg_partitions_end_timestamp_seconds)"), 60)
        yield appliance


def all_up(appliance: Appliance) -> bool:
    """Whether Prometheus's last scrape of every target succeeded."""
    targets = get(appliance.url("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
    return bool(targets) and all(target["health"] == "up" for target in targets)
