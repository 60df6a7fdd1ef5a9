"""Bar gauge, heatmap and state timeline: one bar a series, one cell a bucket and moment, one band a state.

grafanalib knows these kinds as Grafana 8 had them; what it lacks is given as `extraJson`, and `kinds` drops what is old.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grafanalib import core

from dashboards import parts
from dashboards.parts import DATASOURCE, Query, States, Words
from metrics.model import Histogram, Labels, Signal, Unit
from metrics.query import Rate, Selector
from settings import Site, look

# Cividis runs from blue to yellow and from dark to bright, so that it is read without telling red from green.
_HEAT = {
    "mode": "scheme",
    "scheme": "Cividis",
    "scale": "exponential",
    "exponent": 0.5,
    "steps": 64,
    "reverse": False,
    "fill": look.INFO,
}


@dataclass(frozen=True)
class Shapes:
    """The base of `Panels`: the site whose thresholds count, and the dashboard's variables that narrow each query."""

    site: Site
    scope: Labels = field(default=("cluster", "job", "instance"))

    def target(self, query: Query, index: int, *, instant: bool = False, table: bool = False, shape: str = "") -> core.Target:
        """A query as Grafana takes it; `shape` is its format where that is neither series nor table."""
        expr = query.expr.for_panel(self.scope if query.scope is None else query.scope)
        return core.Target(
            datasource=DATASOURCE,
            expr=expr,
            interval="" if instant or table else parts.least_step(expr),
            legendFormat=query.legend,
            refId=parts.ref(index),
            instant=instant or table,
            format=shape or ("table" if table else "time_series"),
        )

    def bargauge(
        self, title: str, description: str, query: Query, *, unit: Unit | None = None, signal: Signal | None = None,
        most: float | None = None, none: str = "",
    ) -> core.BarGauge:  # fmt: skip
        """A bar now for every series, coloured by the signal's thresholds; `most` is where a bar is full, else the longest is."""
        signal = signal or parts.signal_of((query,))
        steps = parts.steps(self.site, signal, look.OK) if signal else [parts.step(look.SERIES_DARK[0])]
        return core.BarGauge(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self.target(query, 0, instant=True) for query in parts.capped([query], instant=True)],
            format=(unit or parts.unit_of((query,))).grafana,
            min=0,
            max=most,
            thresholds=steps,
            orientation="horizontal",
            displayMode="basic",
            links=parts.links(self.site, signal),
            extraJson={"fieldConfig": {"defaults": {"noValue": none or "-"}}},
        )

    def heatmap(
        self, title: str, description: str, histogram: Histogram, *, scope: Labels | None = None, window: str = "",
        none: str = "nothing was observed", **matchers: str,
    ) -> core.Heatmap:  # fmt: skip
        """How many observations a second fell into each bucket: what the percentiles beside it leave out."""
        buckets = Rate("rate", Selector(histogram, f"{histogram.name}_bucket", tuple(matchers.items())), window)
        query = Query(buckets.sum(by=("le",)), "{{le}}", scope)
        return core.Heatmap(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self.target(query, 0, shape="heatmap")],
            extraJson={
                "options": {"color": _HEAT, "yAxis": {"unit": histogram.unit.grafana, "axisPlacement": "left", "reverse": False}},
                "fieldConfig": {"defaults": {"noValue": none}},
            },
        )

    def statetimeline(
        self, title: str, description: str, *queries: Query, states: States | Words = States(), none: str = "",  # noqa: B008
    ) -> core.StateTimeline:  # fmt: skip
        """A band for every series, in the word and colour of its value; a gap where there is none."""
        return core.StateTimeline(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self.target(query, index) for index, query in enumerate(parts.capped(queries, worst=parts.worst(states)))],
            mappings=parts.mappings(states),
            links=parts.links(self.site, parts.signal_of(queries)),
            fillOpacity=80,
            extraJson={"fieldConfig": {"defaults": {"unit": Unit.COUNT.grafana, "noValue": none or "-"}}},
        )
