"""An appliance that says it is shown to a network: its Prometheus wants a password, and who may ask it has one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from metrics import stack
from settings.paths import CLONE, PROMETHEUS_USER
from settings.secrets import prometheus_login
from stream.monitoring import Monitoring
from tests.appliance import Appliance
from tests.security.conftest import SETTINGS, Besieged
from tests.waiting import until

QUERY = f"/api/v1/query?query=up{{job=%22{stack.JOB_PROMETHEUS}%22}}"


@pytest.fixture(scope="module")
def shown() -> Iterator[Besieged]:
    with Appliance(factor=0.1, settings=SETTINGS | {"insecure": True}) as running:
        yield Besieged(running)


def _login(shown: Besieged) -> dict[str, str]:
    found = prometheus_login(shown.appliance.site, shown.appliance.paths, {})
    assert found
    return shown.header(*found)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/ready", "/graph", "/api/v1/query?query=up", "/api/v1/status/config"])
def test_nobody_is_answered_without_the_password(shown: Besieged, path: str) -> None:
    for headers in ({}, shown.header(PROMETHEUS_USER, "wrong"), shown.header("admin", "")):
        assert shown.ask("prometheus", path, headers=headers).status == 401
    assert shown.ask("prometheus", path, headers=_login(shown)).status in (200, 301, 302)


def test_the_appliances_own_services_are_answered(shown: Besieged) -> None:
    login = _login(shown)
    until("it scrapes itself", lambda: _values(shown, login) == ["1"], 20)
    assert shown.ask("grafana", "/readyz").text == "ready\n", "the preview asks it"
    through = shown.enter("/prometheus" + QUERY, headers=shown.basic())
    assert through.json["data"]["result"]
    environment = os.environ | {"WATCHFLOOR_HOME": str(shown.appliance.home), "WATCHFLOOR_SITE": str(shown.appliance.site_file)}
    command = [sys.executable, "-m", "alerts.why", "Watchdog"]
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert "firing since" in done.stdout, done.stderr


def _values(shown: Besieged, login: dict[str, str]) -> list[str]:
    return [one["value"][1] for one in shown.ask("prometheus", QUERY, headers=login).json["data"]["result"]]


def test_the_programming_interface_signs_in_too(shown: Besieged) -> None:
    async def asked() -> object:
        async with Monitoring(shown.appliance.site, paths=shown.appliance.paths) as monitoring:
            return await monitoring.metrics("up", time.time() - 10, time.time(), 5.0)

    assert asyncio.run(asked())
