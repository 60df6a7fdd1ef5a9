"""One drill: inactive, fault, pending, firing, delivered, fault taken back, resolved; with the times of each step."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from alerts.routes import BURNING, GROUP_WAIT
from metrics import durations
from tests.appliance import Appliance, get
from tests.drills.drill import Drill
from tests.waiting import until

# Seconds allowed for the way itself, beside `for`, evaluation interval and group_wait.
TRANSPORT = 5.0
PATIENCE = 60.0
# No surprise beside any fault: whatever users feel burns an objective's budget, in windows of a tenth at once; and models of an
# appliance that was just made have learned nothing, which a tenth of `for` does not wait for.
EXPECTED = frozenset({*BURNING, "AIModelFallback"})


@dataclass
class Times:
    """Unix times of what was seen; None is what was not seen (a `for` of 0 has no pending)."""

    fault: float
    first_bad: float = 0.0
    pending: float | None = None
    firing: float = 0.0
    delivered: float = 0.0
    cleared: float = 0.0
    resolved: float = 0.0


@dataclass
class Result:
    """What a drill found. `budget` is the most that first bad sample to inbox may take, in seconds.

    Of the alerts that reached the inbox beside the drilled one, `beside` names the declared ones, `collateral` the others.
    """

    alert: str
    what: str
    factor: float
    severity: str
    budget: float
    times: Times
    collateral: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    @property
    def delivery(self) -> float:
        """Seconds from the first bad sample to the inbox."""
        return self.times.delivered - self.times.first_bad

    @property
    def passed(self) -> bool:
        """Whether it arrived in time and alone."""
        return self.delivery <= self.budget and not self.collateral

    def as_dict(self) -> dict[str, Any]:
        """For the report file."""
        return asdict(self) | {"delivery": self.delivery, "passed": self.passed}


def run(appliance: Appliance, drill: Drill, declared: dict[str, Any]) -> Result:
    """Runs one drill on a running appliance; `declared` is the alert as `python -m alerts list --json` gives it.

    AssertionError says which step never came.
    """
    factor = appliance.factor
    hold = durations.seconds(declared["for"])
    interval = durations.seconds(appliance.site.prometheus.evaluation_interval)
    wait = durations.seconds(GROUP_WAIT[declared["severity"]])
    budget = factor * (hold + interval + wait) + TRANSPORT
    until(f"{drill.alert} is inactive before the fault", lambda: not appliance.alerts(drill.alert), PATIENCE)
    began = time.time()
    with drill.fault(appliance):
        times = Times(fault=time.time())
        patience = factor * (hold + 600) + PATIENCE
        if hold:
            found = until(f"{drill.alert} is pending", lambda: _state(appliance, drill.alert, "pending"), patience)
            times.pending = time.time()
        found = until(f"{drill.alert} is firing", lambda: _state(appliance, drill.alert, "firing"), patience)
        times.firing, times.first_bad = time.time(), _unix(found["activeAt"])
        incident = until(f"{drill.alert} is in the inbox", lambda: _incident(appliance, drill.alert, began), budget + PATIENCE)
        times.delivered = _unix(incident["delivered_at"])
    times.cleared = time.time()
    until(f"{drill.alert} is resolved in the inbox", lambda: _resolved(appliance, incident["id"]), factor * 900 + PATIENCE)
    times.resolved = time.time()
    beside = {item["alertname"] for item in _incidents(appliance) if _unix(item["delivered_at"]) >= began}
    expected = drill.beside | EXPECTED
    undeclared = sorted(beside - {drill.alert} - expected)
    return Result(drill.alert, drill.what, factor, declared["severity"], budget, times, undeclared, sorted(beside & expected))


def _state(appliance: Appliance, name: str, state: str) -> dict[str, Any] | None:
    return next((alert for alert in appliance.alerts(name) if alert["state"] == state), None)


def _incidents(appliance: Appliance) -> list[dict[str, Any]]:
    return list(get(appliance.url("inbox", "/api/incidents?limit=1000"))["incidents"])


def _incident(appliance: Appliance, name: str, since: float) -> dict[str, Any] | None:
    found = [item for item in _incidents(appliance) if item["alertname"] == name and _unix(item["delivered_at"]) >= since]
    return found[-1] if found else None


def _resolved(appliance: Appliance, number: int) -> bool:
    return get(appliance.url("inbox", f"/api/incidents/{number}"))["resolved_delivered_at"] is not None


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
