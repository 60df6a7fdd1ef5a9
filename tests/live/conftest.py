"""One appliance for all tests of this folder: real servers, started by the product's own controller."""

from collections.abc import Iterator

import pytest

from tests.appliance import Appliance, get
from tests.live.busy import SETTINGS
from tests.waiting import until


@pytest.fixture(scope="package")
def appliance() -> Iterator[Appliance]:
    with Appliance(factor=0.1, settings=SETTINGS) as running:
        until("every target has been scraped", lambda: all_up(running), 30)
        yield running


def all_up(appliance: Appliance) -> bool:
    """Whether Prometheus's last scrape of every target succeeded."""
    targets = get(appliance.url("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
    return bool(targets) and all(target["health"] == "up" for target in targets)
