"""Overview: is it fine? Then: the machines, the workload, the appliance, how alerting fares; what watching costs is folded."""

from __future__ import annotations

from dashboards import layout, overview_detail, system, websocket
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import Column, Panels, Query, States
from metrics import prometheus, stack, stack_signals
from metrics.model import Unit
from metrics.stack import DASHBOARD_OVERVIEW
from settings import Site, look

_SERVICE = ("instance", "service")
_TARGET = ("instance", "job")
_TARGET_SCOPE = ("cluster", "job", "instance")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer every target that Prometheus scrapes. `job` narrows what is told per target."""
    panels = Panels(site, scope=("cluster", "instance"))
    machines = Row("Machines", [Cell(panel, width=6) for panel in system.machine(panels)])
    targets = Panels(site, scope=_TARGET_SCOPE)
    workload = Row("Workload", [Cell(panel, width=8) for panel in websocket.workload(panels)])
    rows = [
        _fine(panels),
        machines,
        *([workload] if site.workload else []),
        _services(panels, targets),
        _alerting(panels),
        *overview_detail.rows(panels, targets),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_OVERVIEW,
        title="Overview",
        description="Is it fine? Alerts, targets, services, the machines, the workload, and alerting itself.",
        source=prometheus.UP,
    )


def _fine(panels: Panels) -> Row:
    # The Watchdog (info) always fires, so this difference exists at 0 too, and needs no constant.
    firing = prometheus.ALERTS.select(alertstate="firing")
    alerts = firing.sum() - firing.where(severity="info").sum()
    down = stack_signals.TARGET_UP.expr.compare("== bool", 0).sum()
    services = stack.SERVICE_UP.select().min(by=("cluster", *_SERVICE)).compare("== bool", 0).sum()
    found = [
        panels.stat(
            "Firing alerts",
            "Alerts that fire now, critical and warning. Normal: 0. The on-call inbox tells which, and what to do.",
            Query(alerts, "alerts", scope=("cluster",)), unit=Unit.COUNT, worse_above=1, none="no rule is evaluated",
        ),
        panels.stat(
            "Targets down",
            "Targets whose last scrape failed. Normal: 0. The table of targets below names them.",
            Query(down, "targets", scope=_TARGET_SCOPE), unit=Unit.COUNT, worse_above=1, none="no target is configured",
        ),
        panels.stat(
            "Services down",
            "Services of the appliance that do not run or do not answer. Normal: 0; a restart takes 10 s. The table below "
            "names them.",
            Query(services, "services"), unit=Unit.COUNT, worse_above=1, none="no watcher answers",
        ),
        panels.stat(
            "Alerting",
            "Whether the Watchdog arrives in the inbox, through Prometheus and Alertmanager. BROKEN: nobody is told of anything; "
            "begin with `make status`.",
            Query(stack_signals.ALERTING_ALIVE, "alerting"), states=States("alive", "BROKEN"), none="no inbox answers",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _services(panels: Panels, targets: Panels) -> Row:
    services = panels.table(
        "Services",
        "Each service of the appliance as its health watcher sees it. Normal: up, no restart. `make logs s=NAME` shows the last "
        "words of one that restarts.",
        _SERVICE,
        Column(stack.SERVICE_UP.select().min(by=_SERVICE), "State", Unit.BOOL, states=States()),
        Column(stack.SERVICE_START_TIME.select().max(by=_SERVICE) * 1000, "Started", Unit.TIMESTAMP),
        Column(
            stack_signals.SERVICE_RESTARTS.expr.sum(by=_SERVICE).apply("round"), "Restarts in 1 h", Unit.COUNT,
            signal=stack_signals.SERVICE_RESTARTS,
        ),
    )  # fmt: skip
    scraped = targets.table(
        "Targets",
        "Each target that Prometheus scrapes. Normal: up, well below the scrape timeout, as many samples as yesterday. Down: "
        "Prometheus's page /targets shows the error.",
        _TARGET,
        Column(prometheus.UP.select().min(by=_TARGET), "State", Unit.BOOL, states=States()),
        Column(
            stack_signals.SCRAPE_DURATION.expr.max(by=_TARGET), "Scrape took", Unit.SECONDS, signal=stack_signals.SCRAPE_DURATION
        ),
        Column(prometheus.SCRAPE_SAMPLES.select().max(by=_TARGET), "Samples", Unit.COUNT),
        none="no target is configured",
    )  # fmt: skip
    return Row("Services and targets", [Cell(services, height=9), Cell(scraped, height=9)])


def _alerting(panels: Panels) -> Row:
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
        panels.stat(
            "Time to firing, p95",
            "From the first bad sample to the alert's firing, 95 % of the last 24 h. Normal: the alert's `for` plus 10 s.",
            Query(stack_signals.DETECTION_P95, "p95"), none="no alert in 24 h",
        ),
        panels.stat(
            "Time to the inbox, p95",
            "From the first bad sample to the inbox, 95 % of the last 24 h. Normal: `for` plus 20 s when critical, 45 s when "
            "warning.",
            Query(stack_signals.DELIVERY_P95, "p95"), none="no alert in 24 h",
        ),
    ]  # fmt: skip
    sizes = ((8, 8), (8, 8), (8, 8), (12, 4), (12, 4))
    return Row("Alerting", [Cell(panel, width, height) for panel, (width, height) in zip(found, sizes, strict=True)])
