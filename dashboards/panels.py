"""Panels made from signals and expressions: units, thresholds, colours and descriptions come from the declarations.

Time series, stat and table here; bar gauge, heatmap and state timeline in `shapes`. Everything a panel says is decided here;
where it stands is `layout`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib import core

from dashboards import parts
from dashboards.parts import DATASOURCE, SERIES_COLOURS, Column, Query, States
from dashboards.series import MAX_SERIES
from dashboards.shapes import Shapes
from metrics.model import Signal, Unit
from settings import look

__all__ = ["DATASOURCE", "MAX_SERIES", "Column", "Panels", "Query", "States"]


@dataclass(frozen=True)
class Panels(Shapes):
    """Builds the panels of one dashboard, whose variables are `scope`, under one site's thresholds."""

    def timeseries(
        self,
        title: str,
        description: str,
        *queries: Query,
        unit: Unit | None = None,
        signal: Signal | None = None,
        stacked: bool = False,
        least: float | None = 0,
        most: float | None = None,
        states: Sequence[str] = (),
    ) -> core.TimeSeries:
        """A line for every series; with a `signal`, its thresholds as dashed lines. `least` and `most` are the axis' ends.

        `states` are state colours, for queries in this order that count states; other queries take the series' colours.
        """
        signal = signal or parts.signal_of(queries)
        steps = parts.steps(self.site, signal, "transparent") if signal else [parts.step("transparent")]
        return core.TimeSeries(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self.target(query, index) for index, query in enumerate(parts.capped(queries))],
            unit=(unit or parts.unit_of(queries)).grafana,
            thresholds=steps,
            thresholdsStyleMode="dashed" if len(steps) > 1 else "off",
            stacking={"group": "A", "mode": "normal" if stacked else "none"},
            fillOpacity=60 if stacked else 8,
            lineWidth=0 if stacked else 2,
            showPoints="never",
            legendDisplayMode="table",
            legendCalcs=["lastNotNull", "mean", "max"],
            tooltipMode="multi",
            tooltipSort="desc",
            valueMin=least,
            valueMax=most,
            overrides=parts.colours(queries, (*states, *SERIES_COLOURS)) if len(queries) > 1 else [],
            links=parts.links(self.site, signal),
        )

    def stat(
        self, title: str, description: str, query: Query, *, unit: Unit | None = None, states: States | None = None,
        worse_above: float | None = None, warn_above: float | None = None, none: str = "no data", signal: Signal | None = None,
    ) -> core.Stat:  # fmt: skip
        """One number now. `states` gives 0 and 1 their words; from `worse_above` up it is critical, from `warn_above` a warning.

        A `signal` gives its thresholds to a query that is not the signal itself, such as the worst of several machines.
        """
        signal = query.what if isinstance(query.what, Signal) else signal
        limits = [parts.step(look.WARNING, warn_above)] if warn_above is not None else []
        limits += [parts.step(look.CRITICAL, worse_above)] if worse_above is not None else []
        if limits:
            steps = [parts.step(look.OK), *limits]
        else:
            steps = parts.steps(self.site, signal, look.OK) if signal and not states else [parts.step("text")]
        coloured = states is not None or len(steps) > 1
        return core.Stat(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self.target(one, 0, instant=True) for one in parts.capped([query], instant=True)],
            format=(unit or parts.unit_of((query,))).grafana,
            color={"mode": "thresholds"},
            colorMode="background" if coloured else "value",
            graphMode="none",
            thresholds=steps,
            mappings=[*(parts.mappings(states) if states else ()), parts.special(none)],
            noValue=none,
            reduceCalc="lastNotNull",
            orientation="auto",
            textMode="auto",
            links=parts.links(self.site, signal),
        )

    def table(self, title: str, description: str, labels: Sequence[str], *columns: Column, none: str = "") -> core.Table:
        """A row for every combination of `labels`, a column for every query; all queries keep exactly these labels."""
        targets = [self.target(Query(column.what, ""), index, table=True) for index, column in enumerate(columns)]
        several = len(columns) > 1
        names = {f"Value #{parts.ref(index)}" if several else "Value": column.title for index, column in enumerate(columns)}
        order = [*labels, *names]
        organize = {
            "excludeByName": {"Time": True},
            "indexByName": {name: index for index, name in enumerate(order)},
            "renameByName": names | {label: parts.heading(label) for label in labels},
        }
        merge = [{"id": "merge", "options": {}}] if several else []
        return core.Table(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=targets,
            transformations=[*merge, {"id": "organize", "options": organize}],
            overrides=[self._column(column) for column in columns],
            unit=Unit.NONE.grafana,
            sortBy=[core.TableSortByField(displayName=parts.heading(labels[0]), desc=False)],
            extraJson={"fieldConfig": {"defaults": {"noValue": none or "-"}}},
        )

    def _column(self, column: Column) -> dict[str, Any]:
        properties: list[dict[str, Any]] = [{"id": "unit", "value": column.unit.grafana}]
        if column.decimals is not None:
            properties.append({"id": "decimals", "value": column.decimals})
        signal = column.signal or (column.what if isinstance(column.what, Signal) else None)
        if column.states:
            properties.append({"id": "mappings", "value": parts.mappings(column.states)})
        steps = parts.steps(self.site, signal, look.OK) if signal and not column.states else []
        if len(steps) > 1:
            properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
        if column.states or len(steps) > 1:
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
        return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}

    def threshold(self, signal: Signal, level: str) -> float | None:
        """The signal's threshold of that level, as this site's override of its alert sets it."""
        return parts.threshold(self.site, signal, level)
