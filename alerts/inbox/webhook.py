"""Alertmanager's webhook body, version "4" (Alertmanager 0.25 to 0.34), as checked types. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from metrics.stack import SEVERITIES

WATCHDOG = "Watchdog"
_YEAR_ONE = 1  # Go's zero time: "not set"

Moment = Annotated[datetime, Meta(tz=True)]
Text = dict[str, str]


class MalformedError(ValueError):
    """The body is not Alertmanager's; the text says where and what was expected."""


class Alert(Struct, frozen=True, rename="camel"):
    """One alert of a notification; unknown fields are ignored, because newer versions add some."""

    status: Literal["firing", "resolved"]
    labels: Text
    annotations: Text
    starts_at: Moment
    ends_at: Moment | None = None
    generator_url: str = field(default="", name="generatorURL")
    fingerprint: Annotated[str, Meta(min_length=1, max_length=64)] = ""

    @property
    def name(self) -> str:
        """Its alertname; empty when it has none."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """One of the appliance's severities; a foreign or missing one counts as a warning, so that it is not overlooked."""
        given = self.labels.get("severity", "")
        return given if given in SEVERITIES else "warning"

    @property
    def started(self) -> float:
        """Unix time at which it began to fire."""
        return self.starts_at.timestamp()

    @property
    def ended(self) -> float | None:
        """Unix time at which it ended; None while it fires."""
        if self.ends_at is None or self.ends_at.year <= _YEAR_ONE:
            return None
        return self.ends_at.timestamp()


class Notification(Struct, frozen=True, rename="camel"):
    """One delivery: the alerts of a group."""

    version: Literal["4"]
    group_key: str
    receiver: str
    status: Literal["firing", "resolved"]
    alerts: Annotated[list[Alert], Meta(min_length=1)]


def parse(body: bytes) -> Notification:
    """The notification in `body` (JSON). Raises MalformedError for everything that Alertmanager does not send."""
    try:
        notification = msgspec.json.decode(body, type=Notification)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"not a notification of Alertmanager (version 4): {error}") from error
    for alert in notification.alerts:
        if not alert.fingerprint:
            raise MalformedError("not a notification of Alertmanager (version 4): an alert lacks its fingerprint")
        if alert.starts_at.year <= _YEAR_ONE:
            raise MalformedError("not a notification of Alertmanager (version 4): an alert lacks its startsAt")
    return notification


def digest(alert: Alert) -> str:
    """What tells two deliveries of one alert apart: its status, labels, annotations and times."""
    return hashlib.sha256(msgspec.json.encode(alert, order="sorted")).hexdigest()
