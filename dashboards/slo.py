"""SLO and Error Budget: are the promises kept, how fast is each budget spent, what is left, and what 30 days came to."""

from __future__ import annotations

from dashboards import layout
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import Column, Panels, Query, States
from metrics import prometheus
from metrics import slo_signals as ask
from metrics.model import Signal, Unit
from metrics.query import Expr
from metrics.slo import SLOS
from metrics.stack import DASHBOARD_SLO
from settings import Site

_BY = ("slo",)
# A stack of the last minutes has traffic and no figure yet; one that nobody asks has neither.
_NOTHING = "nothing measured yet"


def dashboard(site: Site) -> Dashboard:
    """The dashboard; objectives are of a cluster, so that job and instance narrow nothing."""
    panels = Panels(site, scope=("cluster",))
    return layout.dashboard(
        site,
        [_fine(panels), _burning(panels), _ratios(panels), _month(panels)],
        uid=DASHBOARD_SLO,
        title="SLO and Error Budget",
        description="What users were promised, whether they get it, and how much may still go wrong in these 30 days.",
        source=prometheus.UP,
    )


def _now(signal: Signal) -> Expr:
    return ask.recorded(signal).select().max(by=_BY)


def budgets(panels: Panels) -> Cell:
    """What is left of each budget, one figure each; the Overview shows it too."""
    left = panels.stat(
        "Error budget left",
        "What is left of the bad events that 30 days allow, for each objective. Normal: above a quarter. Below: risky changes "
        "wait. Below 0 the promise is broken: SLO and Error Budget tells since when. Measured every 4 min, where somebody asks.",
        Query(ask.BUDGET_LEFT, "{{slo}}"), none=_NOTHING,
    )  # fmt: skip
    return Cell(left, width=24, height=4)


def _fine(panels: Panels) -> Row:
    kept = ask.recorded(ask.RATIO_5M).select().compare("<= bool", ask.BUDGET.select())
    table = panels.table(
        "Objectives now",
        "Each objective: whether the last 5 min kept it, the share of bad events, what is allowed, and burn rates: how many "
        "times faster than allowed bad events come, the lower of both windows. Normal: kept, burn rates below 1. Coloured: "
        "above the threshold of the alert of that window; its runbook says what to do.",
        _BY,
        Column(kept.max(by=_BY), "Last 5 min", Unit.BOOL, states=States("kept", "MISSED")),
        Column(_now(ask.RATIO_5M), "Bad", Unit.RATIO, decimals=3),
        Column(ask.BUDGET.select().max(by=_BY), "Allowed", Unit.RATIO, decimals=2),
        *(Column(_now(signal), f"Burn, {_windows(signal)}", Unit.NONE, signal=signal) for signal in ask.PAIRS),
        none=_NOTHING,
    )  # fmt: skip
    return Row("Is it fine?", [budgets(panels), Cell(table, width=24, height=9)])


def _windows(signal: Signal) -> str:
    return signal.title.partition(", ")[2].replace(" and ", "/")


def _burning(panels: Panels) -> Row:
    what = {
        ask.BURN_1H: "Pages above the line: users are harmed now. Look at what changed when it rose.",
        ask.BURN_6H: "Pages above the line: too much to wait for the morning.",
        ask.BURN_1D: "Above the line a ticket is due: mend it this week.",
        ask.BURN_3D: "Above 1 the objective is missed in the end, if it goes on.",
    }
    found = [
        panels.timeseries(
            f"Burn rate, {_windows(signal)}",
            f"How many times faster than allowed bad events come: the lower of both windows. Normal: below 1. {said}",
            Query(signal, "{{slo}}"),
        )
        for signal, said in what.items()
    ]
    return Row("Burn rate", [Cell(panel, width=12, height=10) for panel in found])


def _ratios(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            f"Error ratio, {one.title}",
            f"Share of bad events, and what the objective allows. Promised: {one.means} Normal: below `allowed`. Above: "
            "the dashboard of that part tells which events.",
            *(
                Query(ask.recorded(signal).select(slo=one.name).max(), legend)
                for signal, legend in ((ask.RATIO_5M, "5 min"), (ask.RATIO_1H, "1 h"))
            ),
            Query(ask.BUDGET.select(slo=one.name).max(), "allowed", limit=True), unit=Unit.RATIO,
        )
        for one in SLOS
    ]  # fmt: skip
    return Row("Error ratio against the objective", [Cell(panel, width=6, height=7) for panel in found])


def _month(panels: Panels) -> Row:
    course = panels.timeseries(
        "Budget left over 30 days",
        "What is left of each budget: it falls with bad events, and rises when those of 30 days ago are forgotten. Normal: flat. "
        "Choose a range of 30 days to see what cost most.",
        Query(ask.BUDGET_LEFT, "{{slo}}"), least=None,
    )  # fmt: skip
    report = panels.table(
        "Report of 30 days",
        "What was promised and what users got, over 30 days or what was observed of them; the budget takes the rest as fine. "
        "Normal: reached is at least promised. A young stack's reached is of few events: look at what is left of the budget.",
        _BY,
        Column(ask.OBJECTIVE.select().max(by=_BY), "Promised", Unit.RATIO, decimals=2),
        Column((1 - ask.recorded(ask.RATIO_30D).select()).max(by=_BY), "Reached", Unit.RATIO, decimals=3),
        Column(_now(ask.OBSERVED), "Observed", Unit.SECONDS),
        Column(_now(ask.BUDGET_LEFT), "Budget left", Unit.RATIO, signal=ask.BUDGET_LEFT),
        none=_NOTHING,
    )  # fmt: skip
    return Row("30 days", [Cell(course, height=11), Cell(report, height=11)])
