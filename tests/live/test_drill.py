"""Alerts on their whole way, by real faults: what `make drill` does, at a twentieth of the time, ten of them at one time."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance import Appliance
from tests.drills.catalogue import OF_LOAD, find
from tests.drills.drill import Drill
from tests.drills.feed_faults import sources
from tests.drills.run import run

# Ten that do not disturb one another and take no root, by eight faults; each is found within seconds.
TEN = (
    "TargetDown", "ServiceDown", "CacheEdgeAway", "CacheRedisAway", "RedisDown", "FeedSourceFailed", "DatabaseRowsLost",
    "PostgresDeadlocks", "WebSocketConnectionIssues", "WebSocketConnectionsLost",
)  # fmt: skip
# At a twentieth of the time, a second of work is a long one: a drill fails when foreign alerts come beside it.
DEAF = {name: {"enabled": False} for name in OF_LOAD}


@pytest.fixture
def quick() -> Iterator[Appliance]:
    with Appliance(factor=0.05, settings={"workload": False}) as running:
        yield running


@pytest.fixture
def deaf_to_load() -> Iterator[Appliance]:
    with Appliance(factor=0.05, settings={"alerts": DEAF, "stream": {"sources": sources()}}) as running:
        yield running


def declared() -> dict[str, dict[str, Any]]:
    listed = json.loads(subprocess.check_output([sys.executable, "-m", "alerts", "list", "--json"], text=True))
    return {alert["name"]: alert for alert in listed}


def drills(*names: str) -> list[Drill]:
    found = [drill for name in names if (drill := find(name))]
    assert len(found) == len(names)
    return found


@contextlib.contextmanager
def no_fault(_: Appliance) -> Iterator[None]:
    raise OSError("this machine has none")
    yield


@pytest.mark.alone  # nothing else may tell of anything: a machine that others keep busy has collectors that fail
def test_ten_alerts_page_are_delivered_and_resolve_whatever_becomes_of_another_fault(deaf_to_load: Appliance) -> None:
    *results, last = run(deaf_to_load, [*drills(*TEN), Drill("PostgresDown", "a fault that fails", no_fault)], declared())
    failed = [(one.alert, one.failure, one.collateral, one.delivery, one.budget) for one in results if not one.passed]
    assert failed == [], failed
    assert {result.alert for result in results if result.times.resolved} == set(TEN)
    assert (last.passed, last.failure) == (False, "no fault: this machine has none")


@pytest.mark.alone
def test_burning_cpu_pages_is_delivered_and_resolves(quick: Appliance) -> None:
    (result,) = run(quick, drills("CriticalCPUUsage"), declared())
    assert result.delivery <= result.budget, result
