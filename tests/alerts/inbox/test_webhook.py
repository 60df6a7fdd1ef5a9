import json

import pytest

from alerts.inbox.webhook import MalformedError, digest, parse
from tests.alerts.inbox.service import alert, delivery


def test_all_alerts_of_a_group_are_read() -> None:
    found = parse(delivery(alert(), alert("DiskFull", "resolved", severity="critical")))
    assert [(item.name, item.status, item.severity) for item in found.alerts] == [
        ("HighCPUUsage", "firing", "warning"),
        ("DiskFull", "resolved", "critical"),
    ]
    assert found.alerts[0].started == pytest.approx(1795338000.123)
    assert found.alerts[0].ended is None
    assert found.alerts[1].ended == 1795338420.0


def test_fields_of_newer_versions_are_ignored() -> None:
    body = json.loads(delivery(alert()))
    body["notificationReason"] = "new"
    body["alerts"][0]["extra"] = {"nested": [1]}
    assert len(parse(json.dumps(body).encode()).alerts) == 1


def test_nanoseconds_and_offsets_are_read() -> None:
    body = delivery(alert() | {"startsAt": "2026-11-22T11:00:00.123456789+02:00"})
    assert parse(body).alerts[0].started == pytest.approx(1795338000.123457)


@pytest.mark.parametrize("severity", ["none", "", "page"])
def test_a_foreign_severity_counts_as_warning(severity: str) -> None:
    assert parse(delivery(alert(severity=severity))).alerts[0].severity == "warning"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"version":"4"}',
        b"[" * 100_000,
        delivery(alert(), version="3"),
        delivery(alert(), version=4),
        delivery(),
        delivery(alert() | {"status": "pending"}),
        delivery(alert() | {"labels": {"alertname": 5}}),
        delivery(alert() | {"labels": None}),
        delivery(alert() | {"startsAt": "yesterday"}),
        delivery(alert() | {"startsAt": "2026-11-22T09:00:00"}),
        delivery(alert() | {"startsAt": "0001-01-01T00:00:00Z"}),
        delivery(alert() | {"fingerprint": ""}),
        delivery(alert() | {"fingerprint": "x" * 65}),
        delivery(alert(), status="unknown"),
    ],
)
def test_what_is_not_alertmanagers_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="not a notification of Alertmanager"):
        parse(body)


def test_the_digest_follows_the_words_not_their_order() -> None:
    one = parse(delivery(alert())).alerts[0]
    turned = alert()
    turned["labels"] = dict(reversed(turned["labels"].items()))
    assert digest(one) == digest(parse(delivery(turned)).alerts[0])
    assert digest(one) != digest(parse(delivery(alert() | {"annotations": {"summary": "91 %"}})).alerts[0])
