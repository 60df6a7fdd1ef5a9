"""Overview: is it fine, on one screen? What fires, the machines, the workload; the other dashboards have the detail."""

from __future__ import annotations

from dashboards import alerting, layout, slo, stack, system, websocket
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import Panels
from metrics import prometheus
from metrics.stack import DASHBOARD_OVERVIEW
from settings import Site


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer every target that Prometheus scrapes. `job` narrows what is told per target."""
    panels = Panels(site, scope=("cluster", "instance"))
    machines = Row("Machines", [Cell(panel, width=6, height=7) for panel in system.machine(panels)])
    promised = Row("What users were promised", [slo.budgets(Panels(site, scope=("cluster",)))])
    workload = Row("Workload", [Cell(panel, width=8, height=7) for panel in websocket.workload(panels)])
    return layout.dashboard(
        site,
        [
            _fine(panels),
            *([promised] if site.workload else []),
            machines,
            *([workload] if site.workload else []),
            _firing(panels),
        ],
        uid=DASHBOARD_OVERVIEW,
        title="Overview",
        description="Is it fine? What fires, the services, the machines and the workload, on one screen.",
        source=prometheus.UP,
    )


def _fine(panels: Panels) -> Row:
    where = "The Appliance Itself names them."
    found = [
        alerting.firing_now(panels),
        stack.targets_down(panels, where),
        stack.services_down(panels, where),
        alerting.alerting_alive(panels),
    ]
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _firing(panels: Panels) -> Row:
    return Row("What fires", [Cell(alerting.timeline(panels), width=24, height=7)])
