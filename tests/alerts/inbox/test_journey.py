"""With real Prometheus and Alertmanager: from a bad sample to the inbox and back, and silences on the way."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.alerts.inbox.service import Inbox, Server, alert, ask, delivery, site_yaml
from tests.waiting import free_ports, until

MakeInbox = Callable[..., Inbox]
MakeServer = Callable[..., Server]
RULES: list[dict[str, Any]] = [
    {"alert": "AlwaysBad", "expr": "vector(42) > 0", "for": "1s", "labels": {"severity": "critical"}},
    {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "info"}},
]


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def wired(make_inbox: MakeInbox, make_server: MakeServer) -> tuple[Inbox, Server, Server]:
    """An inbox on a port that Alertmanager knows before it starts, Alertmanager, and Prometheus."""
    port = free_ports(1)[0]
    alertmanager = make_server("alertmanager", f"http://127.0.0.1:{port}")
    prometheus = make_server("prometheus", alertmanager.url, RULES)
    inbox = make_inbox(site_yaml(alertmanager=alertmanager.url, prometheus=prometheus.url), start=False)
    inbox.start(str(port))
    return inbox, alertmanager, prometheus


def test_from_the_first_bad_sample_to_the_inbox(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    inbox, _, prometheus = wired(make_inbox, make_server)
    until("a notification arrives", lambda: inbox.notifications("?alertname=AlwaysBad"), 30)
    until("it is timed", lambda: inbox.incidents()[0]["first_bad_at"])
    (incident,) = inbox.incidents()
    (active,) = (item for item in active_alerts(prometheus) if item["labels"]["alertname"] == "AlwaysBad")
    assert incident["labels"]["cluster"] == "test"
    assert abs(unix(incident["first_bad_at"]) - unix(active["activeAt"][:23] + "Z")) < 0.002
    assert incident["value"] == "4.2e+01"
    assert 0.99 <= incident["detection_seconds"] < 5.0  # startsAt comes in milliseconds
    assert incident["delivery_seconds"] >= incident["detection_seconds"]
    assert unix(incident["delivered_at"]) <= time.time()
    assert inbox.timeline(incident["id"])[:3] == ["first_bad", "firing", "delivered"]
    assert inbox.metric("watchfloor_inbox_detection_seconds_count") == 1
    assert abs((inbox.metric("watchfloor_inbox_delivery_seconds_sum") or 0) - incident["delivery_seconds"]) < 0.001
    until("the Watchdog arrives", lambda: inbox.metric("watchfloor_watchdog_age_seconds") is not None, 30)
    assert inbox.metric('watchfloor_inbox_rejected_total{reason="unauthorized"}') == 0


def test_silences_are_made_listed_and_ended(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    alertmanager = make_server("alertmanager")
    inbox = make_inbox(site_yaml(alertmanager=alertmanager.url))
    inbox.post(delivery(alert()))
    matchers = 'alertname="HighCPUUsage", instance=~"web-.+"'
    made = inbox.form("/silences", matchers=matchers, duration="2h", by="Ada", comment="<b>known</b>", incident="1")
    assert (made.status, made.headers["Location"]) == (303, "./#silences")
    (listed,) = inbox.get("/api/silences").json["silences"]
    assert (listed["state"], listed["by"], listed["comment"]) == ("active", "Ada", "<b>known</b>")
    assert sorted(listed["matchers"]) == ['alertname="HighCPUUsage"', 'instance=~"web-.+"']
    assert abs(unix(listed["ends_at"]) - time.time() - 7200) < 30
    (theirs,) = ask(f"{alertmanager.url}/api/v2/silences").json
    assert theirs["id"] == listed["id"]
    page = inbox.get("/").text
    assert "<strong>Silenced</strong> until" in page
    assert "&lt;b&gt;known&lt;/b&gt;" in page
    assert inbox.timeline(1)[-1] == "silenced"
    assert inbox.form(f"/silences/{listed['id']}/expire").status == 303
    until("it is over", lambda: inbox.get("/api/silences").json["silences"][0]["state"] == "expired")
    assert "<strong>Silenced</strong> until" not in inbox.get("/").text


def test_silences_by_program(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    inbox = make_inbox(site_yaml(alertmanager=make_server("alertmanager").url))
    wish = {"matchers": "alertname=X", "duration": "1h", "by": "Ada", "comment": "deploy"}
    made = inbox.call("POST", "/api/silences", wish)
    assert made.status == 201
    assert inbox.call("DELETE", f"/api/silences/{made.json['id']}").status == 204
    gone = inbox.call("DELETE", "/api/silences/00000000-0000-0000-0000-000000000000")
    assert gone.status in (404, 500, 502)
    assert "Alertmanager refuses" in gone.json["detail"]
    wrong = [
        {"duration": "soon"},
        {"duration": "0s"},
        {"duration": "400d"},
        {"matchers": ""},
        {"matchers": 'a=~"["'},
        {"comment": ""},
    ]
    for change in wrong:
        answer = inbox.call("POST", "/api/silences", wish | change)
        assert answer.status == 400, change
        assert answer.json["detail"]
    assert len(inbox.get("/api/silences").json["silences"]) == 1


def test_an_alertmanager_that_does_not_answer_is_told(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    page = inbox.get("/")
    assert page.status == 200
    assert "Silences are not known" in page.text
    assert "Alertmanager cannot be reached" in page.text
    assert inbox.get("/api/silences").status == 502
    answer = inbox.form("/silences", matchers="a=b", duration="1h", by="Ada", comment="x")
    assert answer.status == 502
    assert "the silence was not made: Alertmanager cannot be reached" in answer.text


def test_a_prometheus_that_does_not_answer_leaves_it_unknown(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    until("the reason is told", lambda: inbox.incidents()[0]["first_bad_unknown"])
    (incident,) = inbox.incidents()
    assert "Prometheus cannot be reached" in incident["first_bad_unknown"]
    assert (incident["first_bad_at"], incident["detection_seconds"]) == (None, None)
    assert inbox.metric("watchfloor_inbox_detection_seconds_count") == 0


def test_an_alert_that_prometheus_no_longer_knows(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    prometheus = make_server("prometheus", "http://127.0.0.1:1", RULES)
    inbox = make_inbox(site_yaml(prometheus=prometheus.url))
    inbox.post(delivery(alert("Unknown")))
    until("the reason is told", lambda: inbox.incidents()[0]["first_bad_unknown"] == "Prometheus no longer knows this alert")


def test_a_prometheus_that_comes_back_is_asked_again(make_inbox: MakeInbox, make_server: MakeServer) -> None:
    prometheus = make_server("prometheus", "http://127.0.0.1:1", RULES)
    prometheus.stop()
    inbox = make_inbox(site_yaml(prometheus=prometheus.url))
    labels = {"alertname": "AlwaysBad", "severity": "critical", "cluster": "test"}
    inbox.post(delivery(alert() | {"labels": labels, "startsAt": "2100-01-01T00:00:00Z"}))
    until("it is unknown", lambda: inbox.incidents()[0]["first_bad_unknown"])
    prometheus.start()
    until("it is known", lambda: inbox.incidents()[0]["first_bad_at"], 40)
    assert inbox.incidents()[0]["first_bad_unknown"] is None
    assert inbox.metric("watchfloor_inbox_delivery_seconds_count") == 1


def active_alerts(prometheus: Server) -> list[dict[str, Any]]:
    return list(ask(f"{prometheus.url}/api/v1/alerts").json["data"]["alerts"])
