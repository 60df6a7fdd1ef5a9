"""A real Prometheus that scrapes itself, and a stand-in for Grafana before it (standin.py says what that is)."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.dashboards.grafana import standin
from tests.dashboards.preview import world
from tests.waiting import free_ports, until


@pytest.fixture(scope="package")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.prometheus(tmp_path_factory.mktemp("prometheus"), {"nobody": free_ports(1)[0]}) as url:
        query = urllib.parse.quote("count(rate(prometheus_http_requests_total[4s])) + count(up) - 1")
        until("rates", lambda: json.loads(world.get(f"{url}/api/v1/query?query={query}")[1])["data"]["result"], 30)
        yield url


@pytest.fixture
def grafana(prometheus: str) -> Iterator[standin.StandIn]:
    with standin.running(prometheus) as made:
        yield made
