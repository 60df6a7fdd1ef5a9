"""One alert on its whole way, by a real fault: what `make drill` does, at a twentieth of the time."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.appliance import Appliance
from tests.drills.catalogue import find
from tests.drills.run import run


@pytest.fixture
def quick() -> Iterator[Appliance]:
    with Appliance(factor=0.05, settings={"workload": False}) as running:
        yield running


@pytest.fixture
def deaf_to_load() -> Iterator[Appliance]:
    """An appliance on which other tests may keep the processors busy: a drill fails when foreign alerts come beside it."""
    quiet = {name: {"enabled": False} for name in ("HighCPUUsage", "CriticalCPUUsage")}
    with Appliance(factor=0.05, settings={"alerts": quiet, "workload": False}) as running:
        yield running


def test_a_stopped_exporter_pages_is_delivered_and_resolves(deaf_to_load: Appliance) -> None:
    listed = json.loads(subprocess.check_output([sys.executable, "-m", "alerts", "list", "--json"], text=True))
    drill = find("TargetDown")
    assert drill
    result = run(deaf_to_load, drill, next(alert for alert in listed if alert["name"] == "TargetDown"))
    assert result.passed, result
    assert result.times.pending


@pytest.mark.alone
def test_burning_cpu_pages_is_delivered_and_resolves(quick: Appliance) -> None:
    listed = json.loads(subprocess.check_output([sys.executable, "-m", "alerts", "list", "--json"], text=True))
    drill = find("CriticalCPUUsage")
    assert drill
    result = run(quick, drill, next(alert for alert in listed if alert["name"] == "CriticalCPUUsage"))
    assert result.delivery <= result.budget, result
