"""Panels made from signals and expressions: units, thresholds, colours and descriptions come from the declarations.

Three kinds are enough: time series, stat, table. Everything a panel says is decided here; where it stands is `layout`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grafanalib import core

from metrics import catalog
from metrics.model import Signal, Unit
from metrics.query import Expr
from settings import Site, look

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
MAX_SERIES = 12
# Fixed order, so that the same thing looks the same everywhere; `text` is Grafana's black or white.
SERIES_COLOURS = (look.SERIES_DARK[0], look.SERIES_DARK[1], "text", look.SERIES_LIGHT[3])
_LEVELS = {"warning": look.WARNING, "critical": look.CRITICAL}


@dataclass(frozen=True)
class Query:
    """One query of a panel: an expression or a signal, how its series are called (`{{instance}}`), what narrows it.

    `scope` are the dashboard's variables that apply; None means those of its panels.
    """

    what: Expr | Signal
    legend: str = "{{instance}}"
    scope: tuple[str, ...] | None = None

    @property
    def expr(self) -> Expr:
        """What is asked: a recorded signal is read from its recording, which is what its alert compares."""
        if not isinstance(self.what, Signal):
            return self.what
        recorded = catalog.find(self.what.recorded_as) if self.what.recorded_as else None
        return recorded.select() if recorded else self.what.expr


@dataclass(frozen=True)
class States:
    """What the values of a 0-or-1 series mean, each with its word: colour alone tells nobody anything."""

    one: str = "up"
    zero: str = "DOWN"
    one_colour: str = look.OK
    zero_colour: str = look.CRITICAL


@dataclass(frozen=True)
class Column:
    """One value column of a table: its query, heading, and how its cells look."""

    what: Expr | Signal
    title: str
    unit: Unit
    states: States | None = None
    signal: Signal | None = None


@dataclass(frozen=True)
class Panels:
    """Builds the panels of one dashboard, whose variables are `scope`, under one site's thresholds."""

    site: Site
    scope: tuple[str, ...] = field(default=("cluster", "job", "instance"))

    def timeseries(
        self,
        title: str,
        description: str,
        *queries: Query,
        unit: Unit | None = None,
        signal: Signal | None = None,
        stacked: bool = False,
        most: float | None = None,
        states: Sequence[str] = (),
    ) -> core.TimeSeries:
        """A line for every series; with a `signal`, its thresholds as dashed lines. `most` is the axis' upper end.

        `states` are state colours, for queries in this order that count states; other queries take the series' colours.
        """
        signal = signal or _signal_of(queries)
        steps = self._steps(signal, "transparent") if signal else [_step("transparent")]
        return core.TimeSeries(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self._target(query, index) for index, query in enumerate(queries)],
            unit=(unit or _unit_of(queries)).grafana,
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
            valueMin=0,
            valueMax=most,
            overrides=_colours(queries, (*states, *SERIES_COLOURS)) if len(queries) > 1 else [],
            links=self._links(signal),
        )

    def stat(
        self, title: str, description: str, query: Query, *, unit: Unit | None = None, states: States | None = None,
        worse_above: float | None = None, none: str = "no data",
    ) -> core.Stat:  # fmt: skip
        """One number now. `states` gives 0 and 1 their words; `worse_above` makes anything above it critical."""
        signal = query.what if isinstance(query.what, Signal) else None
        if worse_above is not None:
            steps = [_step(look.OK), _step(look.CRITICAL, worse_above)]
        else:
            steps = self._steps(signal, look.OK) if signal and not states else [_step("text")]
        coloured = states is not None or len(steps) > 1
        return core.Stat(
            title=title,
            description=description,
            dataSource=DATASOURCE,
            targets=[self._target(query, 0, instant=True)],
            format=(unit or _unit_of((query,))).grafana,
            color={"mode": "thresholds"},
            colorMode="background" if coloured else "value",
            graphMode="none",
            thresholds=steps,
            mappings=[*(_mappings(states) if states else ()), _special(none)],
            noValue=none,
            reduceCalc="lastNotNull",
            orientation="auto",
            textMode="auto",
            links=self._links(signal),
        )

    def table(self, title: str, description: str, labels: Sequence[str], *columns: Column, none: str = "") -> core.Table:
        """A row for every combination of `labels`, a column for every query; all queries keep exactly these labels."""
        targets = [self._target(Query(column.what), index, table=True) for index, column in enumerate(columns)]
        several = len(columns) > 1
        names = {f"Value #{_ref(index)}" if several else "Value": column.title for index, column in enumerate(columns)}
        order = [*labels, *names]
        organize = {
            "excludeByName": {"Time": True},
            "indexByName": {name: index for index, name in enumerate(order)},
            "renameByName": names | {label: label.capitalize() for label in labels},
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
            sortBy=[core.TableSortByField(displayName=labels[0].capitalize(), desc=False)],
            extraJson={"fieldConfig": {"defaults": {"noValue": none or "-"}}},
        )

    def _column(self, column: Column) -> dict[str, Any]:
        properties: list[dict[str, Any]] = [{"id": "unit", "value": column.unit.grafana}]
        signal = column.signal or (column.what if isinstance(column.what, Signal) else None)
        if column.states:
            properties.append({"id": "mappings", "value": _mappings(column.states)})
        steps = self._steps(signal, look.OK) if signal and not column.states else []
        if len(steps) > 1:
            properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
        if column.states or len(steps) > 1:
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
        return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}

    def _target(self, query: Query, index: int, *, instant: bool = False, table: bool = False) -> core.Target:
        return core.Target(
            datasource=DATASOURCE,
            expr=query.expr.for_panel(self.scope if query.scope is None else query.scope),
            legendFormat=query.legend,
            refId=_ref(index),
            instant=instant or table,
            format="table" if table else "time_series",
        )

    def threshold(self, signal: Signal, level: str) -> float | None:
        """The signal's threshold of that level, as this site's override of its alert sets it."""
        override = self.site.alerts.get(signal.alerts.get(level, ""))
        declared: float | None = getattr(signal, level)
        return declared if override is None or override.threshold is None else override.threshold

    def _steps(self, signal: Signal, fine: str) -> list[dict[str, Any]]:
        """Grafana's threshold steps: each colour holds from its value upwards."""
        found = [(self.threshold(signal, level), colour) for level, colour in _LEVELS.items()]
        marks = sorted((value, colour) for value, colour in found if value is not None)
        if not signal.bad_below:
            return [_step(fine), *(_step(colour, value) for value, colour in marks)]
        colours = [*(colour for _, colour in marks), fine]
        return [_step(colour, value) for colour, value in zip(colours, [None, *(value for value, _ in marks)], strict=True)]

    def _links(self, signal: Signal | None) -> list[dict[str, Any]]:
        runbooks = f"{self.site.public(self.site.ports.inbox)}/runbooks"
        names = dict.fromkeys(signal.alerts.values()) if signal else {}
        return [{"title": f"Runbook {name}", "url": f"{runbooks}/{name}", "targetBlank": True} for name in names]


def _step(colour: str, value: float | None = None) -> dict[str, Any]:
    return {"color": colour, "value": value}


def _ref(index: int) -> str:
    return chr(ord("A") + index)


def _signal_of(queries: Sequence[Query]) -> Signal | None:
    first = queries[0].what
    return first if isinstance(first, Signal) and len(queries) == 1 else None


def _unit_of(queries: Sequence[Query]) -> Unit:
    units = {query.what.unit for query in queries if isinstance(query.what, Signal)}
    if len(units) != 1:
        raise ValueError(f"{len(units)} units in one panel: name the panel's unit")
    return units.pop()


def _colours(queries: Sequence[Query], colours: Sequence[str]) -> list[dict[str, Any]]:
    """A colour for each query that gives one series a machine; those with more series take the palette's."""
    named = (query.legend.replace("{{instance}}", "") for query in queries)
    return [
        {
            "matcher": {"id": "byFrameRefID", "options": _ref(index)},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for index, (legend, colour) in enumerate(zip(named, colours, strict=False))
        if "{{" not in legend
    ]


def _mappings(states: States) -> list[dict[str, Any]]:
    options = {
        "0": {"text": states.zero, "color": states.zero_colour, "index": 0},
        "1": {"text": states.one, "color": states.one_colour, "index": 1},
    }
    return [{"type": "value", "options": options}]


def _special(text: str) -> dict[str, Any]:
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": look.UNKNOWN, "index": 2}}}
