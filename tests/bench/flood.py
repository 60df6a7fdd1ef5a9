"""Ten thousand alerts at once: does the desk stay up, and how many notifications do people get?

    python -m tests.bench.flood [--alerts 10000] [--names 20]

Posted to a real Alertmanager as Prometheus does it, 64 at a time, under the rendered configuration at its real times: the inbox,
and a chat as a second receiver. Both are asked for their health all the while. Exit 1 when one of them did not answer, an alert
did not arrive, or notifications were 50 or more.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.alerts.inbox.service import Inbox, site_yaml
from tests.alerts.notified import Alertmanager, alert, listening, running
from tests.waiting import free_ports, until

MOST, WATCHED, BATCH = 50, 90.0, 64  # notifications; seconds after the last post; alerts in one request of Prometheus's
NOTES = {
    "title": "Service Down",
    "description": "The health watcher has found it dead or without an answer for 1 minute; restarting did not help. " * 3,
    "impact": "This part of the appliance does not work.",
    "steps": "1. `make status` shows its state.\n2. A port in use or a full disk stands in the log.\n3. `make up` starts it.",
    "after": "1 minute",
    "runbook_url": "http://localhost:9095/runbooks/ServiceDown",
    "dashboard_url": "http://localhost:3000/d/watchfloor-overview?from=now-1h&to=now",
}


@dataclass
class Health:
    """Answers of the two servers: how long the slowest took, and what failed."""

    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    def ask(self, *urls: str) -> None:
        for url in urls:
            began = time.monotonic()
            try:
                urllib.request.urlopen(url, timeout=10).close()
            except OSError as error:
                self.failed.append(f"{url}: {error}")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.asked += 1


def flood(count: int, names: int) -> list[dict[str, Any]]:
    """That many alerts, of so many names, each at a place of its own; they have just begun."""
    now = {"startsAt": datetime.now(UTC).isoformat()}
    return [
        alert(f"Flood{number % names}", instance=f"web-{number}", severity=("critical", "warning")[number % names % 2],
              annotations=NOTES | {"summary": f"flood {number % names} on web-{number}"}) | now
        for number in range(count)
    ]  # fmt: skip


def main() -> int:
    """Prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--names", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watchfloor-") as place, listening() as chat:
        port, folder = free_ports(1)[0], Path(place)
        text = f"ports: {{inbox: {port}}}\nreceivers: [{{type: webhook, name: chat, url: '{chat.url('/chat')}'}}]"
        with running(folder, text) as alertmanager:
            inbox = Inbox(folder / "inbox", site_yaml(alertmanager=alertmanager.url), own_process=True)
            inbox.prepare()
            inbox.start(str(port))
            try:
                return measure(alertmanager, inbox, flood(options.alerts, options.names), lambda: len(chat.of("/chat")))
            finally:
                inbox.stop()


def measure(alertmanager: Alertmanager, inbox: Inbox, alerts: list[dict[str, Any]], heard: Callable[[], int]) -> int:
    """The flood, and what came of it."""
    assert inbox.process
    health, urls = Health(), (f"{alertmanager.url}/-/ready", f"{inbox.url}/readyz", f"{inbox.url}/")
    peak: dict[str, float] = {}
    processes = {"inbox": psutil.Process(inbox.process.pid), "Alertmanager": psutil.Process(alertmanager.pid)}

    def look() -> bool:
        health.ask(*urls)
        for name, process in processes.items():
            peak[name] = max(peak.get(name, 0), process.memory_info().rss / 2**20)
        return True

    began = time.monotonic()
    for number in range(-(-len(alerts) // BATCH)):
        alertmanager.post(*alerts[number * BATCH : (number + 1) * BATCH])
        if number % 20 == 0:
            look()
    posted = time.monotonic() - began
    arrived = until("every alert is in the inbox", lambda: look() and inbox_holds(inbox, len(alerts)), 120, every=0.5) - began
    while time.monotonic() < began + posted + WATCHED:
        look()
        time.sleep(1)
    sent = alertmanager.begun()
    print(f"{len(alerts)} alerts of {len({one['labels']['alertname'] for one in alerts})} names posted in {posted:.1f} s")
    print(f"all in the inbox after {arrived:.1f} s")
    print(f"notifications over {WATCHED:.0f} s: {sent:.0f} ({heard()} to the chat)")
    print(f"health: {health.asked} questions, {len(health.failed)} failed, slowest {health.slowest:.2f} s", *health.failed[:3])
    print("peak RSS: " + ", ".join(f"{name} {size:.0f} MB" for name, size in peak.items()))
    return int(bool(health.failed) or sent >= MOST)


def inbox_holds(inbox: Inbox, count: int) -> float:
    """Now, once so many alerts are open in the inbox; 0.0 before."""
    held = sum(
        inbox.metric(f'watchfloor_inbox_open_alerts{{severity="{severity}"}}') or 0 for severity in ("critical", "warning")
    )
    return time.monotonic() if held >= count else False


if __name__ == "__main__":
    raise SystemExit(main())
