"""Incidents, notifications, silences and posted events as JSON. Times are RFC 3339 in UTC or null, lengths seconds or null."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerts.inbox.alertmanager import Silence
from alerts.inbox.listing import Event, Incident, Received
from alerts.inbox.posted import Posted
from alerts.inbox.signals import unit_of


def moment(at: float | None) -> str | None:
    """A Unix time as RFC 3339 with milliseconds."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _length(seconds: float | None) -> float | None:
    """To the millisecond, which is what Prometheus's times have."""
    return None if seconds is None else round(seconds, 3)


def incident(found: Incident, timeline: list[Event] | None = None) -> dict[str, Any]:
    """An incident; with its timeline where one is given."""
    shape: dict[str, Any] = {
        "id": found.id,
        "state": found.state,
        "alertname": found.alertname,
        "severity": found.severity,
        "fingerprint": found.fingerprint,
        "labels": found.labels,
        "annotations": found.annotations,
        "value": found.value or None,
        "unit": unit_of(found.labels).key or None,
        "first_bad_at": moment(found.first_bad_at),
        "first_bad_unknown": found.first_bad_unknown or None,
        "fired_at": moment(found.starts_at),
        "delivered_at": moment(found.delivered_at),
        "acknowledged_at": moment(found.acknowledged_at),
        "acknowledged_by": found.acknowledged_by or None,
        "resolved_at": moment(found.resolved_at),
        "resolved_delivered_at": moment(found.resolved_delivered_at),
        "detection_seconds": _length(found.detection),
        "delivery_seconds": _length(found.delivery),
    }
    if timeline is not None:
        shape["timeline"] = [_event(event) for event in timeline]
    return shape


def _event(found: Event) -> dict[str, Any]:
    return {
        "at": moment(found.at),
        "kind": found.kind,
        "who": found.who or None,
        "note": found.note or None,
        "count": found.count,
    }


def notification(found: Received) -> dict[str, Any]:
    """One notification as it arrived, with the incident it is about."""
    return {
        "id": found.id,
        "status": found.status,
        "received_at": moment(found.received_at),
        "alertname": found.incident.alertname,
        "severity": found.incident.severity,
        "incident": incident(found.incident),
    }


def posted(found: Posted) -> dict[str, Any]:
    """A posted event; `end` is null for what is a moment, or goes on."""
    return {
        "id": found.id,
        "kind": found.kind,
        "title": found.title,
        "start": moment(found.starts_at),
        "end": moment(found.ends_at),
        "tags": list(found.tags),
        "link": found.link or None,
    }


def silence(found: Silence) -> dict[str, Any]:
    """A silence, its matchers in the words that forms take."""
    return {
        "id": found.id,
        "state": found.state,
        "matchers": [str(matcher) for matcher in found.matchers],
        "starts_at": moment(found.starts_at.timestamp()),
        "ends_at": moment(found.ends_at.timestamp()),
        "by": found.created_by,
        "comment": found.comment,
    }
