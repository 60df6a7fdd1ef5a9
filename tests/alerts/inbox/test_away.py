"""A link of the chain is away: what fired meanwhile arrives when it is back, once. Real Prometheus, Alertmanager and inbox."""

from __future__ import annotations

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.alerts.inbox.service import Inbox, Server, ask, site_yaml
from tests.waiting import free_ports, until

MakeInbox = Callable[..., Inbox]
MakeServer = Callable[..., Server]
RULES: list[dict[str, Any]] = [
    {"alert": name, "expr": "vector(42) > 0", "labels": {"severity": "critical"}} for name in ("First", "Second", "Third")
]


def counted(server: Server, name: str, **labels: str) -> float:
    """The sum of a server's counter over all series with these labels."""
    series = re.findall(rf"^{name}({{[^}}]*}})? (\S+)$", ask(f"{server.url}/metrics").text, re.MULTILINE)
    return sum(float(value) for found, value in series if all(f'{key}="{wanted}"' in found for key, wanted in labels.items()))


def post_alerts(alertmanager: Server, *names: str) -> None:
    body = json.dumps([{"labels": {"alertname": name, "severity": "warning"}} for name in names]).encode()
    assert ask(f"{alertmanager.url}/api/v2/alerts", "POST", body, {"Content-Type": "application/json"}).status == 200


def arrived(inbox: Inbox) -> Counter[str]:
    return Counter(item["alertname"] for item in inbox.notifications("?limit=1000"))


def test_while_alertmanager_is_away_prometheus_keeps_what_fires_and_says_it_again(
    make_inbox: MakeInbox, make_server: MakeServer
) -> None:
    inbox = make_inbox()
    alertmanager = make_server("alertmanager", inbox.url)
    alertmanager.stop()
    prometheus = make_server("prometheus", alertmanager.url, RULES)
    until("sending failed more than once", lambda: counted(prometheus, "prometheus_notifications_errors_total") >= 2, 30)
    assert arrived(inbox) == {}
    back = time.time()
    alertmanager.start()
    wanted = {rule["alert"]: 1 for rule in RULES}
    until("every alert arrives", lambda: arrived(inbox) == wanted, 30)
    sent = counted(prometheus, "prometheus_notifications_sent_total")
    until("Prometheus said them again", lambda: counted(prometheus, "prometheus_notifications_sent_total") >= sent + 6, 30)
    assert arrived(inbox) == wanted
    for incident in inbox.incidents():  # it is told since when, not since when somebody was there to hear of it
        assert datetime.fromisoformat(incident["fired_at"]).timestamp() < back
        assert inbox.timeline(incident["id"]).count("delivered") == 1


def test_while_the_inbox_is_away_alertmanager_keeps_it_and_delivers_once(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    port = str(free_ports(1)[0])
    alertmanager = make_server("alertmanager", f"http://127.0.0.1:{port}")
    inbox = make_inbox(site_yaml(alertmanager=alertmanager.url), start=False, own_process=True)
    inbox.start(port)
    post_alerts(alertmanager, "Before")
    until("one is there", lambda: arrived(inbox) == {"Before": 1}, 30)
    inbox.stop(signal.SIGKILL)
    names = [f"During{number}" for number in range(5)]
    post_alerts(alertmanager, *names)
    failed = "alertmanager_notification_requests_failed_total"
    until("every delivery failed", lambda: counted(alertmanager, failed, integration="webhook") >= len(names), 30)
    inbox.start(port)
    wanted = dict.fromkeys(("Before", *names), 1)
    until("they arrive late", lambda: set(arrived(inbox)) == set(wanted), 60)
    post_alerts(alertmanager, "Before", *names, "After")  # as Prometheus goes on saying what fires
    until("a later one is there too", lambda: "After" in arrived(inbox), 30)
    assert arrived(inbox) == wanted | {"After": 1}
