"""Alerts and Notifications: what fires, who is told of it, how fast, and whether alerting itself works."""

from __future__ import annotations

from dashboards import alerting_detail, layout
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import Column, Panels, Query, States
from metrics import prometheus, stack, stack_signals
from metrics.model import Unit
from metrics.stack import DASHBOARD_ALERTS
from settings import Site, look

_ALERT = ("alertname", "severity", "alertstate", "instance")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer every target that Prometheus scrapes."""
    panels = Panels(site, scope=("cluster", "instance"))
    return layout.dashboard(
        site,
        [_fine(panels), _firing(panels), *alerting_detail.rows(panels)],
        uid=DASHBOARD_ALERTS,
        title="Alerts and Notifications",
        description="What fires, who is told of it, how fast, and does alerting itself work?",
        source=prometheus.UP,
    )


def firing_now(panels: Panels) -> Panel:
    """How many alerts fire; the Overview shows it too."""
    # The Watchdog (info) always fires, so this difference exists at 0 too, and needs no constant.
    firing = prometheus.ALERTS.select(alertstate="firing")
    alerts = firing.sum() - firing.where(severity="info").sum()
    return panels.stat(
        "Firing alerts",
        "Alerts that fire now, critical and warning. Normal: 0. The on-call inbox tells which, and what to do.",
        Query(alerts, "alerts", scope=("cluster",)), unit=Unit.COUNT, warn_above=1, none="no rule is evaluated",
    )  # fmt: skip


def alerting_alive(panels: Panels) -> Panel:
    """Whether the Watchdog arrives; the Overview shows it too."""
    return panels.stat(
        "Alerting",
        "Whether the Watchdog arrives in the inbox, through Prometheus and Alertmanager. Normal: alive. BROKEN: nobody is "
        "told of anything; begin with `make status`.",
        Query(stack_signals.ALERTING_ALIVE, "alerting"), states=States("alive", "BROKEN"), none="no inbox answers",
    )  # fmt: skip


def timeline(panels: Panels) -> Panel:
    """When which alert fired; the Overview shows it too."""
    firing = prometheus.ALERTS.select(alertstate="firing")
    critical, warning = (firing.where(severity=severity).max(by=("alertname",)) for severity in ("critical", "warning"))
    return panels.statetimeline(
        "What fires",
        "Which alerts fired when, each with its worst severity. Normal: nothing. Bands that begin together have one cause: begin "
        "with the first. The inbox has each one's runbook.",
        Query((critical * 2).binary("or", warning, ""), "{{alertname}}", scope=("cluster",)),
        states={1: ("warning", look.WARNING), 2: ("critical", look.CRITICAL)}, none="no alert fired",
    )  # fmt: skip


def _fine(panels: Panels) -> Row:
    suppressed = prometheus.AM_ALERTS.select(state="suppressed").sum()
    failed = prometheus.AM_NOTIFICATIONS_FAILED.increase("1h").sum().apply("round")
    found = [
        firing_now(panels),
        panels.stat(
            "Not acknowledged",
            "Firing alerts that nobody has taken. Normal: 0. Take them in the inbox.",
            Query(stack.INBOX_UNACKNOWLEDGED.select().sum(), "alerts"), unit=Unit.COUNT, warn_above=1, none="no inbox answers",
        ),
        alerting_alive(panels),
        panels.stat(
            "Failed in 1 h",
            "Notifications that a receiver did not take within an hour. Normal: 0. Notifications that fail names the receiver.",
            Query(failed, "notifications"), unit=Unit.COUNT, worse_above=1, none="no Alertmanager answers",
        ),
        panels.stat(
            "Silenced or inhibited",
            "Alerts that fire and of which nobody is told, for a silence or a worse alert. Normal: 0, or what you silenced. "
            "More: the inbox lists the silences; end one that covers too much.",
            Query(suppressed, "alerts"), unit=Unit.COUNT, none="no Alertmanager answers",
        ),
        panels.stat(
            "To the inbox, p95",
            "From the first bad sample to the inbox, 95 % of the last 24 h. Normal: `for` plus 20 s when critical, 45 s when "
            "warning. Above: Time to firing and Time of a notification tell which half is late.",
            Query(stack_signals.DELIVERY_P95, "p95"), none="no alert in 24 h",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=4, height=4) for panel in found])


def _firing(panels: Panels) -> Row:
    table = panels.table(
        "Alerts now",
        "Each alert that is pending or fires, the Watchdog left out. Normal: empty. Pending: its condition holds, its time "
        "is not over.",
        _ALERT,
        Column(prometheus.ALERTS.select(severity="!=info").count(by=_ALERT), "Series", Unit.COUNT),
        none="none",
    )
    return Row("What fires", [Cell(timeline(panels), width=14), Cell(table, width=10)])
