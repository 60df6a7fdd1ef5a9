"""Overview: is it fine? Then: the appliance, this machine, how alerting fares, what watching costs."""

from __future__ import annotations

from grafanalib import core

from dashboards import layout
from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query, States
from metrics import process, prometheus, stack, stack_signals
from metrics.model import Unit
from metrics.stack import DASHBOARD_OVERVIEW
from metrics.system import signals
from settings import Site, look


def dashboard(site: Site) -> core.Dashboard:
    """The dashboard; its variables offer every target that Prometheus scrapes."""
    panels = Panels(site, scope=("cluster", "instance"))
    rows = [_fine(panels), _services(panels)]
    return layout.dashboard(
        site,
        DASHBOARD_OVERVIEW,
        "Overview",
        "Is it fine? Alerts, targets, services, the machine, and alerting itself.",
        prometheus.UP,
        rows,
    )


def _fine(panels: Panels) -> Row:
    # The Watchdog (info) always fires, so this difference exists at 0 too, and needs no constant.
    firing = prometheus.ALERTS.select(alertstate="firing")
    alerts = firing.sum() - firing.where(severity="info").sum()
    down = stack_signals.TARGET_UP.expr.compare("== bool", 0).sum()
    services = stack.SERVICE_UP.select().min(by=("cluster", "instance", "service")).compare("== bool", 0).sum()
    return Row(
        "Is it fine?",
        [
            Cell(
                panels.stat(
                    "Firing alerts",
                    "Alerts that fire now, critical and warning. Normal: 0. The on-call inbox tells which, and what to do.",
                    Query(alerts, "alerts", scope=("cluster",)),
                    unit=Unit.COUNT,
                    worse_above=1,
                    none="no alert rule is evaluated",
                ),
                width=6, height=4,
            ),
            Cell(
                panels.stat(
                    "Targets down",
                    "Targets whose last scrape failed. Normal: 0. The table of targets below names them.",
                    Query(down, "targets"),
                    unit=Unit.COUNT,
                    worse_above=1,
                    none="no target is configured",
                ),
                width=6, height=4,
            ),
            Cell(
                panels.stat(
                    "Services down",
                    "Services of the appliance that do not run or do not answer. Normal: 0; a restart takes 10 s.",
                    Query(services, "services"),
                    unit=Unit.COUNT,
                    worse_above=1,
                    none="no health watcher answers",
                ),
                width=6, height=4,
            ),
            Cell(
                panels.stat(
                    "Alerting",
                    "Whether the Watchdog arrives in the inbox, through Prometheus and Alertmanager. BROKEN: nobody is told of "
                    "anything; begin with `make status`.",
                    Query(stack_signals.ALERTING_ALIVE, "alerting"),
                    states=States("alive", "BROKEN"),
                    none="the inbox does not answer",
                ),
                width=6, height=4,
            ),
        ],
    )  # fmt: skip


def _services(panels: Panels) -> Row:
    by = ("instance", "service")
    return Row(
        "Services and targets",
        [
            Cell(
                panels.table(
                    "Services",
                    "Each service of the appliance as its health watcher sees it. Normal: up, no restart. `make logs s=NAME` "
                    "shows the last words of one that restarts.",
                    by,
                    Column(stack.SERVICE_UP.select().min(by=by), "State", Unit.BOOL, states=States()),
                    Column(stack.SERVICE_START_TIME.select().max(by=by) * 1000, "Started", Unit.TIMESTAMP),
                    Column(stack.SERVICE_RESTARTS.increase("1h").sum(by=by), "Restarts in 1 h", Unit.COUNT,
                           signal=stack_signals.SERVICE_RESTARTS),
                    none="no health watcher answers",
                ),
                height=9,
            ),
        ],
    )  # fmt: skip
