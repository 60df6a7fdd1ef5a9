"""The Appliance Itself: whether everything runs that watches, and what watching costs."""

from __future__ import annotations

from dashboards import layout, stack_detail
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import Column, Panels, Query, States
from metrics import process, prometheus, stack, stack_signals
from metrics.model import Unit
from metrics.stack import DASHBOARD_APPLIANCE
from settings import Site

_SERVICE = ("instance", "service")
_TARGET = ("instance", "job")
_TARGET_SCOPE = ("cluster", "job", "instance")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer every target that Prometheus scrapes. `job` narrows what is told per target."""
    panels, targets = Panels(site, scope=("cluster", "instance")), Panels(site, scope=_TARGET_SCOPE)
    return layout.dashboard(
        site,
        [_fine(panels), _services(panels, targets), *stack_detail.rows(panels, targets)],
        uid=DASHBOARD_APPLIANCE,
        title="The Appliance Itself",
        description="Does everything run that watches, and what does watching cost?",
        source=prometheus.UP,
    )


def _fine(panels: Panels) -> Row:
    failing = stack.COLLECTOR_SUCCESS.select().compare("== bool", 0).sum()
    found = [
        services_down(panels, "The table Services names them."),
        targets_down(panels, "The table Targets names them."),
        panels.stat(
            "Collectors failing",
            "Collectors whose last run failed or took too long. Normal: 0. The row Collectors names them.",
            Query(failing, "collectors"), unit=Unit.COUNT, worse_above=1, none="no exporter answers",
        ),
        panels.stat(
            "Processors in use",
            "Processors that all services together take. Normal: below 0.2 without load, the workload's included. More: CPU "
            "of the services names the busiest.",
            Query(process.CPU.rate().sum(), "processors"), unit=Unit.NONE, none="no service answers",
        ),
        panels.stat(
            "Memory in use",
            "Resident memory of all services together. Normal: below 1 GB, the workload's included. More: Memory of the "
            "services names the largest.",
            Query(process.RESIDENT.select().sum(), "memory"), unit=Unit.BYTES, none="no service answers",
        ),
        panels.stat(
            "Data on disk",
            "Bytes of Prometheus's finished blocks; the first comes after 3 h. Normal: at most prometheus.retention_size. At "
            "the limit the oldest data goes first: raise the limit if that is too early.",
            Query(prometheus.BLOCKS_BYTES.select().sum(), "data"), unit=Unit.BYTES, none="Prometheus does not tell",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=4, height=4) for panel in found])


def services_down(panels: Panels, where: str) -> layout.Panel:
    """How many services do not run; the Overview shows it too. `where` tells which panel names them."""
    down = stack.SERVICE_UP.select().min(by=("cluster", *_SERVICE)).compare("== bool", 0).sum()
    return panels.stat(
        "Services down",
        f"Services of the appliance that do not run or do not answer. Normal: 0; a restart takes 10 s. {where}",
        Query(down, "services"), unit=Unit.COUNT, worse_above=1, none="no watcher answers",
    )  # fmt: skip


def targets_down(panels: Panels, where: str) -> layout.Panel:
    """How many targets cannot be scraped; the Overview shows it too. `where` tells which panel names them."""
    down = stack_signals.TARGET_UP.expr.compare("== bool", 0).sum()
    return panels.stat(
        "Targets down",
        f"Targets whose last scrape failed. Normal: 0. {where}",
        Query(down, "targets", scope=_TARGET_SCOPE), unit=Unit.COUNT, worse_above=1, none="no target is configured",
    )  # fmt: skip


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
    over_time = panels.statetimeline(
        "Services over time",
        "When each service ran and answered. Normal: one unbroken band. A gap: its watcher was not scraped, so nobody knows.",
        Query(stack.SERVICE_UP.select().min(by=_SERVICE), "{{instance}} {{service}}"),
    )  # fmt: skip
    cells = [Cell(services, height=15), Cell(scraped, height=15), Cell(over_time, width=24, height=12)]
    return Row("Services and targets", cells)
