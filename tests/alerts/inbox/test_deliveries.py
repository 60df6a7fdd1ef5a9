"""What arrives: kept once, refused with a reason, counted; a real process, a real database."""

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.alerts.inbox.service import TOKEN, Inbox, alert, ask, delivery
from tests.waiting import until

MakeInbox = Callable[..., Inbox]


def rejected(inbox: Inbox, reason: str) -> float | None:
    return inbox.metric(f'watchfloor_inbox_rejected_total{{reason="{reason}"}}')


def counted(inbox: Inbox, status: str, severity: str) -> float | None:
    return inbox.metric(f'watchfloor_inbox_notifications_total{{status="{status}",severity="{severity}"}}')


def test_a_group_becomes_one_incident_an_alert(inbox: Inbox) -> None:
    answer = inbox.post(delivery(alert(), alert("DiskFull", severity="critical"), alert("Odd", severity="")))
    assert (answer.status, answer.json) == (200, {"new": 3, "duplicates": 0, "watchdog": False})
    assert [(item["alertname"], item["severity"], item["status"]) for item in inbox.notifications()] == [
        ("Odd", "warning", "firing"),
        ("DiskFull", "critical", "firing"),
        ("HighCPUUsage", "warning", "firing"),
    ]
    assert inbox.notifications()[2]["incident"]["fired_at"] == "2026-11-22T09:00:00.123Z"
    assert counted(inbox, "firing", "warning") == 2
    assert inbox.metric('watchfloor_inbox_open_alerts{severity="critical"}') == 1
    assert inbox.metric('watchfloor_inbox_open_alerts{severity="info"}') == 0
    assert inbox.metric("watchfloor_inbox_unacknowledged_alerts") == 3


def test_a_retried_delivery_is_one_entry(inbox: Inbox) -> None:
    body = delivery(alert())
    assert inbox.post(body).json == {"new": 1, "duplicates": 0, "watchdog": False}
    assert inbox.post(body).json == {"new": 0, "duplicates": 1, "watchdog": False}
    assert len(inbox.notifications()) == 1
    assert inbox.metric("watchfloor_inbox_duplicates_total") == 1
    assert "renotified" not in inbox.timeline(1)


def test_from_firing_to_resolved(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    inbox.post(delivery(alert() | {"annotations": {"summary": "Now 97 %"}}))
    inbox.post(delivery(alert(status="resolved")))
    inbox.post(delivery(alert(status="resolved")))
    inbox.post(delivery(alert()))
    (incident,) = inbox.incidents()
    assert incident["state"] == "resolved"
    assert incident["resolved_at"] == "2026-11-22T09:07:00.000Z"
    assert [item["status"] for item in inbox.notifications()] == ["resolved", "firing"]
    assert inbox.timeline(incident["id"]) == ["firing", "resolved", "delivered", "renotified", "resolved_delivered"]
    assert counted(inbox, "resolved", "warning") == 1
    assert inbox.metric("watchfloor_inbox_unacknowledged_alerts") == 0


def test_a_resolution_without_its_firing_is_kept(inbox: Inbox) -> None:
    inbox.post(delivery(alert(status="resolved")))
    (incident,) = inbox.incidents("?state=resolved")
    timeline = inbox.get(f"/api/incidents/{incident['id']}").json["timeline"]
    assert timeline[-1]["note"] == "The firing notification never arrived."


def test_the_same_alert_at_another_time_is_another_incident(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    inbox.post(delivery(alert(status="resolved")))
    inbox.post(delivery(alert() | {"startsAt": "2026-11-22T10:00:00Z"}))
    assert [item["state"] for item in inbox.incidents()] == ["open", "resolved"]


def test_without_the_token_nothing_is_taken(inbox: Inbox) -> None:
    headers = ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xe9", f"Bearer {TOKEN}x")
    for count, header in enumerate(headers, start=1):
        answer = ask(f"{inbox.url}/api/alerts", "POST", delivery(alert()), {"Authorization": header})
        assert answer.status == 401, header
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert rejected(inbox, "unauthorized") == count
    assert inbox.notifications() == []


def test_a_body_that_is_not_alertmanagers(inbox: Inbox) -> None:
    for count, body in enumerate((b"not json", b'{"version": "4"}', delivery(alert() | {"status": "odd"})), start=1):
        answer = inbox.post(body)
        assert answer.status == 400
        assert answer.json["status"] == 400
        assert "version 4" in answer.json["detail"]
        assert rejected(inbox, "malformed") == count
    mixed = json.loads(delivery(alert(), alert("Other")))
    del mixed["alerts"][1]["labels"]
    assert inbox.post(json.dumps(mixed).encode()).status == 400
    assert inbox.notifications() == []


def test_a_body_too_large(inbox: Inbox) -> None:
    body = delivery(alert() | {"annotations": {"summary": "x" * (65 << 20)}})
    assert inbox.post(body).status == 413
    assert rejected(inbox, "too_large") == 1
    assert inbox.post(delivery(alert())).status == 200


def test_a_client_that_breaks_off_harms_nobody(inbox_process: Inbox) -> None:
    inbox = inbox_process
    parts = urlsplit(inbox.url)
    head = f"POST /api/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 5000\r\n\r\n{{"
    with socket.create_connection((parts.hostname, parts.port)) as broken:
        broken.sendall(head.encode())
    assert inbox.post(delivery(alert())).status == 200
    assert "Traceback" not in inbox.log


def test_hostile_labels_stay_text(inbox: Inbox) -> None:
    evil = "<script>alert(1)</script>\"'\n\u202e&amp;"
    inbox.post(delivery(alert(evil, instance=evil) | {
        "annotations": {"title": evil, "runbook_url": "javascript:alert(1)", "dashboard_url": "data:text/html,x", "x": evil},
        "generatorURL": "javascript:alert(2)",
    }))  # fmt: skip
    page = inbox.get("/")
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert 'href="javascript:' not in page.text
    assert 'href="data:' not in page.text
    assert inbox.notifications()[0]["alertname"] == evil


def test_the_listing_narrows_and_pages(inbox: Inbox) -> None:
    inbox.post(delivery(*(alert(f"Alert{number % 3}", instance=f"web-{number}") for number in range(30))))
    inbox.post(delivery(*(alert("Alert1", "resolved", instance=f"web-{number}") for number in range(1, 30, 3))))
    first = inbox.get("/api/notifications?limit=15").json
    second = inbox.get(f"/api/notifications?limit=15&before={first['next_before']}").json
    third = inbox.get(f"/api/notifications?limit=15&before={second['next_before']}").json
    numbers = [item["id"] for page in (first, second, third) for item in page["notifications"]]
    assert numbers == list(range(40, 0, -1))
    assert third["next_before"] is None
    assert len(inbox.notifications("?status=resolved")) == 10
    assert {item["alertname"] for item in inbox.notifications("?alertname=Alert2")} == {"Alert2"}
    assert len(inbox.notifications("?alertname=Alert1&status=firing")) == 10
    assert len(inbox.incidents("?state=open")) == 20
    assert len(inbox.incidents("?state=resolved&alertname=Alert1")) == 10
    assert inbox.incidents("?state=acknowledged") == []


def test_wrong_questions_are_told_so(inbox: Inbox) -> None:
    limits = ("limit=0", "limit=1001", "limit=x", "before=-1", "before=99999999999999999999")
    for query in (*(f"notifications?{limit}" for limit in limits), "notifications?status=open", "incidents?state=firing"):
        answer = inbox.get(f"/api/{query}")
        assert (answer.status, answer.json["title"]) == (400, "Bad Request"), query


def test_resolved_ones_past_the_retention_go_open_ones_stay(make_inbox: MakeInbox) -> None:
    kept = make_inbox('{"inbox": {"retention": "1h"}, "endpoints": {"prometheus": "http://127.0.0.1:1"}}')
    old = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T01:00:00Z"}
    kept.post(delivery(alert("OldResolved", "resolved") | old))
    kept.post(delivery(alert("OldOpen") | {"startsAt": "2020-01-01T00:00:00Z"}))
    kept.post(delivery(alert("NewResolved", "resolved") | {"endsAt": "2100-01-01T00:00:00Z"}))
    assert len(kept.notifications()) == 3
    kept.stop()
    kept.start()
    until("the old one is gone", lambda: len(kept.incidents()) == 2)
    assert {item["alertname"] for item in kept.incidents()} == {"OldOpen", "NewResolved"}
    assert {item["alertname"] for item in kept.notifications()} == {"OldOpen", "NewResolved"}
