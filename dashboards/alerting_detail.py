"""The lower rows of Alerts and Notifications: how fast alerts come, who is told, what is held back, the dead-man switch."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query
from metrics import prometheus, stack, stack_signals
from metrics.model import Unit
from settings import look


def rows(panels: Panels) -> list[Row]:
    """Those rows, the most asked for first."""
    return [_times(panels), _notifications(panels), _inbox(panels), _events(panels), _held_back(panels), _path(panels)]


def _times(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Time to firing",
            "From the first bad sample to the alert's firing, over the last 24 h. Normal: the alert's `for` plus 10 s. "
            "Longer: Rule evaluation time of The Appliance Itself names the slow group.",
            Query(stack.INBOX_DETECTION.quantile(0.5, window="24h"), "p50"),
            Query(stack.INBOX_DETECTION.quantile(0.95, window="24h"), "p95"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Time to the inbox",
            "From the first bad sample to the inbox, of the alerts of the last 24 h. Normal: `for` plus 20 s when critical, "
            "45 s when warning. Longer while Time to firing is as ever: see Time of a notification.",
            Query(stack.INBOX_DELIVERY.quantile(0.5, window="24h"), "p50"),
            Query(stack.INBOX_DELIVERY.quantile(0.95, window="24h"), "p95"), unit=Unit.SECONDS,
        ),
        panels.heatmap(
            "Spread of times to firing",
            "How many alerts took how long to fire, over an hour. Normal: a band for each `for`. One that rises: rules are late.",
            stack.INBOX_DETECTION, window="1h", none="no alert in an hour",
        ),
        panels.heatmap(
            "Spread of times to the inbox",
            "How many alerts took how long to the inbox, over an hour. Normal: that of firing, 5 to 35 s higher. Far above: see "
            "Notifications.",
            stack.INBOX_DELIVERY, window="1h", none="no alert in an hour",
        ),
    ]  # fmt: skip
    cells = [Cell(panel, width=12) for panel in found]
    return Row("Detection and delivery", cells)


def _notifications(panels: Panels) -> Row:
    by = ("integration",)
    sent = prometheus.AM_NOTIFICATIONS.increase("1h").sum(by=by).apply("round")
    mean = prometheus.AM_LATENCY.mean(by=by, window="1h")
    found = [
        panels.timeseries(
            "Notifications by receiver",
            "Notifications that Alertmanager sent within an hour, by kind of receiver. Normal: `webhook`, the inbox, once a "
            "minute for the Watchdog. A receiver of yours without a line: `make notify-test r=NAME` tells what becomes of a "
            "notification.",
            Query(sent.compare(">", 0).topk(MAX_SERIES), "{{integration}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Notifications that fail",
            "Share of notifications that Alertmanager could not deliver, per kind of receiver. Normal: 0. `make logs "
            "s=alertmanager` names the receiver.",
            Query(stack_signals.NOTIFICATION_FAILURES, "{{integration}}"), most=1,
        ),
        panels.timeseries(
            "Time of a notification",
            "How long receivers took to take a notification, mean of an hour. Normal: below a second. No line: none was sent.",
            Query(mean.compare(">=", 0), "{{integration}}"), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Notifications", [Cell(panel, width=8) for panel in found])


def _inbox(panels: Panels) -> Row:
    arrived = stack.INBOX_NOTIFICATIONS.increase("1h").sum(by=("status",)).apply("round")
    found = [
        panels.timeseries(
            "Open alerts",
            "Alerts that fire, as the inbox knows them, and those that nobody has acknowledged. Normal: 0. Open the inbox.",
            *(Query(stack.INBOX_OPEN.select(severity=severity).sum(), severity) for severity in ("critical", "warning")),
            Query(stack.INBOX_UNACKNOWLEDGED.select().sum(), "not acknowledged"), unit=Unit.COUNT,
            states=(look.CRITICAL, look.WARNING),
        ),
        panels.timeseries(
            "Notifications in the last hour",
            "Notifications that arrived in the inbox within an hour. Normal: few, as many resolved as firing. Many: an alert "
            "flaps; tune it in site.yaml.",
            Query(arrived, "{{status}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Time since the last Watchdog",
            "Seconds since the Watchdog last arrived. Normal: a saw below 90 s. At 3 min alerting counts as broken.",
            Query(stack.WATCHDOG_AGE.select().max(by=("instance",))), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Inbox and Watchdog", [Cell(panel, width=8) for panel in found])


def _events(panels: Panels) -> Row:
    by = ("kind", "title", "instance")
    table = panels.table(
        "Latest events",
        "Deploys, load runs and the like of the last 24 h, as programs told the inbox. Normal: what you yourselves "
        "deployed. Did one come just before the fault?",
        by,
        Column(stack.EVENT_TIME.select().max(by=by) * 1000, "Began", Unit.TIMESTAMP),
        none="none",
    )
    counted = panels.timeseries(
        "Events by kind",
        "Events posted to the inbox within an hour. Normal: as many as you deploy. None at all: does the deploy script post?",
        Query(stack.EVENTS.increase("1h").sum(by=("kind",)).apply("round"), "{{kind}}"),
        unit=Unit.COUNT,
    )
    return Row("Events", [Cell(table), Cell(counted)], folded=True)


def _held_back(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Alerts in Alertmanager",
            "Alerts by state, the Watchdog among them. `suppressed`: silenced or inhibited by a worse one. Normal: 1 active. "
            "Many suppressed: begin with the firing alert that inhibits them.",
            Query(prometheus.AM_ALERTS.select().sum(by=("state",)), "{{state}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Silences",
            "Silences by state. Normal: few active. Many: tune the alerts in site.yaml instead.",
            Query(prometheus.AM_SILENCES.select().sum(by=("state",)), "{{state}}"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Silenced and inhibited", [Cell(panel, width=12) for panel in found], folded=True)


def _path(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Notifications dropped by Prometheus",
            "Alerts that no Alertmanager took. Normal: 0, but for the 5 s after a reload in which Prometheus knows none; what it "
            "drops then it sends again within a minute. Else: is Alertmanager up?",
            Query(stack_signals.NOTIFICATIONS_DROPPED),
        ),
        panels.timeseries(
            "Notifications that wait",
            "Alerts in Prometheus's queue to Alertmanager. Normal: 0. Growing: Alertmanager is slow or away.",
            Query(prometheus.NOTIFICATIONS_QUEUED.select().sum(by=("instance",))), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Deliveries refused",
            "Deliveries that the inbox refused, by reason, and those that it already had. Normal: 0. `unauthorized`: the token "
            "in Alertmanager's configuration is not the inbox's.",
            Query(stack.INBOX_REJECTED.rate().sum(by=("reason",)), "{{reason}}"),
            Query(stack.INBOX_DUPLICATES.rate().sum(), "already there"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("The way of an alert", [Cell(panel, width=8) for panel in found], folded=True)
