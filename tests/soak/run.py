"""A soak: the load runs, and every notification beside the Watchdog is written down.

So are what was pending for a while, and how memory and files of our own processes ran.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psutil

from settings.paths import CLONE
from tests.appliance import Appliance, get
from tests.soak.slopes import GROWS, SHORT, Slope, restarted, slopes

EVERY = 1.0  # seconds between two looks
FIRST = 60.0  # seconds until somebody must have been answered


@dataclass
class Outcome:
    """What a soak saw: seconds, shares of the whole machine's processors (0 to 100), alerts by name with how often."""

    seconds: float = 0.0
    cpu: list[float] = field(default_factory=list)
    messages: int = 0
    answers: int = 0
    failed: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    slopes: list[Slope] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)

    @property
    def growing(self) -> list[Slope]:
        """What grows by more than it may."""
        return [slope for slope in self.slopes if slope.verdict == GROWS]

    @property
    def untold(self) -> list[Slope]:
        """What the soak was too short for."""
        return [slope for slope in self.slopes if slope.verdict == SHORT]

    @property
    def mean_cpu(self) -> float:
        """Mean share of the machine that was busy, 0 to 100."""
        return sum(self.cpu) / len(self.cpu) if self.cpu else 0.0


@contextmanager
def loaded(appliance: Appliance, clients: int, rate: float) -> Iterator[dict[str, int]]:
    """The load, from its first answer on; the dict is filled at its end: messages, answers, failed."""
    command = [sys.executable, "-m", "tests.soak.load", "--url", appliance.url("stream")]
    command += ["--clients", str(clients), "--rate", str(rate)]
    found: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CLONE) as load:
        try:
            assert load.stdout
            answered, _, _ = select.select([load.stdout], [], [], FIRST)
            assert answered, f"nobody was answered within {FIRST:g} s: the stream refuses the load"
            assert load.stdout.readline() == "ready\n", "the load ended before anybody was answered"
            yield found
        finally:
            load.send_signal(signal.SIGTERM)
            said, _ = load.communicate(timeout=30)
    found.update(json.loads(said))


def soak(appliance: Appliance, seconds: float, clients: int, rate: float, tell: Callable[[Outcome], None]) -> Outcome:
    """Watches a running appliance under the load for that long; `tell` hears of it about once a minute."""
    outcome = Outcome()
    with loaded(appliance, clients, rate) as found:
        began = time.time()  # what its start takes is no load
        _watch(appliance, began, seconds, outcome, tell)
    outcome.messages, outcome.answers, outcome.failed = found["messages"], found["answers"], found["failed"]
    outcome.seconds = time.time() - began
    outcome.sent = sent(appliance, began)
    outcome.slopes, outcome.restarted = slopes(appliance, outcome.seconds), restarted(appliance, outcome.seconds)
    return outcome


def _watch(appliance: Appliance, began: float, seconds: float, outcome: Outcome, tell: Callable[[Outcome], None]) -> None:
    psutil.cpu_percent()
    told = time.monotonic()
    while time.time() - began < seconds:
        time.sleep(EVERY)
        outcome.cpu.append(psutil.cpu_percent())
        for alert in get(appliance.url("prometheus", "/api/v1/alerts"))["data"]["alerts"]:
            name = alert["labels"]["alertname"]
            if alert["state"] == "pending":
                outcome.pending[name] = outcome.pending.get(name, 0) + 1
        if time.monotonic() - told >= 60:
            told, outcome.seconds, outcome.sent = time.monotonic(), time.time() - began, sent(appliance, began)
            tell(outcome)


def sent(appliance: Appliance, since: float) -> dict[str, int]:
    """Alerts that reached the inbox after that Unix time, and how many incidents each has; not the Watchdog."""
    found: dict[str, int] = {}
    incidents: list[dict[str, Any]] = get(appliance.url("inbox", "/api/incidents?limit=1000"))["incidents"]
    for incident in incidents:
        name = incident["alertname"]
        if name != "Watchdog" and datetime.fromisoformat(incident["delivered_at"]).timestamp() >= since:
            found[name] = found.get(name, 0) + 1
    return found
