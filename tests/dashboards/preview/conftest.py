"""One world for all tests of the preview: started once, its data there before the first test asks."""

from __future__ import annotations

import json
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.dashboards.preview import world
from tests.waiting import free_ports, until


class World(NamedTuple):
    """Addresses of what runs, and the preview's home."""

    prometheus: str
    preview: str
    home: Path


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    boards = home / "rendered" / "dashboards"
    boards.mkdir(parents=True)
    shutil.copy(world.KITCHEN, boards)
    (boards / "broken.json").write_text('{"uid": "b", "title": <b>', encoding="utf-8")
    nobody = free_ports(1)[0]
    with (
        world.hostile() as target,
        world.prometheus(home, {"hostile": target, "nobody": nobody}) as url,
        world.preview(home, url) as address,
    ):
        until("samples", lambda: sampled(url, 12), 40)
        yield World(url, address, home)


def calm(running: World) -> bool:
    """Whether the one target that nobody serves is all that is down: the others' last scrapes were not missed."""
    return len(json.loads(world.get(f"{running.preview}/api/status")[1])["alerts"]) == 1


def sampled(url: str, ago: int) -> bool:
    """Whether rates and alerts have values, also some seconds ago: a chart ends where its last whole step does."""
    own = 'process_cpu_seconds_total{job="prometheus"}'
    rates = ("hostile_total", "prometheus_http_requests_total", "prometheus_http_request_duration_seconds_bucket", own)
    query = " + ".join([*(f"count(rate({name}[4s] offset {ago}s))" for name in rates), "count(ALERTS)"])
    found = world.get(f"{url}/api/v1/query?query={urllib.parse.quote(query)}")[1]
    return bool(json.loads(found)["data"]["result"])
