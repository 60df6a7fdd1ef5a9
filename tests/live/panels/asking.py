"""Every query of every panel, asked of a running Prometheus with its variables put in as Grafana does.

Dashboards, panels and queries are those of the appliance's rendered files: what is added there is asked here.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dashboards.preview import interpolate
from dashboards.preview.ask import Ask, Prepared, Reader, prepared, understood
from dashboards.preview.interpolate import ALL, Value
from dashboards.preview.library import Library
from dashboards.preview.model import Dashboard, Panel
from dashboards.preview.prometheus import Prometheus, QueryError, Series
from metrics import durations
from tests.appliance import Appliance

SPAN = "now-5m"
_WIDTH = 300  # points of a range


@dataclass(frozen=True)
class Asked:
    """One query of a panel, with its variables put in, and what it was answered.

    `error` is Prometheus's refusal, `variables` are the names of those of its dashboard.
    """

    board: str
    panel: Panel
    query: Prepared
    found: list[Series]
    error: str = ""
    variables: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Where it stands, as people find it; the letter is Grafana's for the query."""
        return f"{self.board}: {self.panel.title} {self.query.target.ref_id}"

    @property
    def expr(self) -> str:
        """The query as the dashboard has it."""
        return self.query.target.expr

    @property
    def values(self) -> Iterator[float]:
        """All numbers of the answer."""
        for series in self.found:
            yield from (float(text) for _, text in ([series.value] if series.value else series.values))

    @property
    def has_data(self) -> bool:
        """Whether there is a number in the answer; NaN is none."""
        return any(not math.isnan(value) for value in self.values)

    @property
    def is_zero(self) -> bool:
        """Whether all that it shows is a line at 0."""
        return self.has_data and all(value == 0 for value in self.values if not math.isnan(value))


def ask(appliance: Appliance, *, listed: bool = False, only: Iterable[str] = (), at: float | None = None) -> list[Asked]:
    """Asks every query (`only`: at these places) for the five minutes before `at` (Unix time, or now), all variables at All.

    `listed`: every value of each variable is chosen by itself instead, which Grafana writes as `(a|b)`.
    """
    return asyncio.run(_ask(appliance, at, listed=listed, only=frozenset(only)))


async def _ask(appliance: Appliance, at: float | None, *, listed: bool, only: frozenset[str]) -> list[Asked]:
    interval = durations.seconds(appliance.site.scaled(appliance.site.prometheus.scrape_interval))
    library = Library(appliance.paths.rendered / "dashboards")
    made: list[Asked] = []
    async with Prometheus(appliance.url("prometheus")) as prometheus:
        reader = Reader(prometheus, interval)
        for board in library.dashboards.values():
            chosen, values = await _chosen(reader, board, at or time.time(), listed=listed)
            queries = [(panel, one) for panel in board.all_panels() for one in prepared(panel, chosen, values, interval)]
            asking = [
                _answered(prometheus, board, panel, one)
                for panel, one in queries
                if not only or f"{board.title}: {panel.title} {one.target.ref_id}" in only
            ]
            made += await asyncio.gather(*asking)
    return made


async def _chosen(reader: Reader, board: Dashboard, now: float, *, listed: bool) -> tuple[Ask, Mapping[str, Value]]:
    """The time range, and each variable's value: All, or its values one by one."""
    pairs = [("from", SPAN), ("to", "now"), ("width", str(_WIDTH))]
    question = understood(board, pairs, now)
    choices = await reader.choices(board, question)
    if listed:
        pairs += [
            (f"var-{one.variable.name}", value) for one in choices if ALL in one.selected and one.variable.multi
            for value, _ in one.options
        ]  # fmt: skip
        question = understood(board, pairs, now)
        choices = await reader.choices(board, question)
    problems = [*question.problems, *(problem for one in choices for problem in one.problems)]
    assert not problems, f"{board.title}: {problems}"
    return question, {one.variable.name: one.value for one in choices}


async def _answered(prometheus: Prometheus, board: Dashboard, panel: Panel, query: Prepared) -> Asked:
    found: list[Series] = []
    error = ""
    try:
        if query.target.is_instant or query.target.format == "table":
            found = await prometheus.instant(query.expr, query.over.end)
        else:
            found = await prometheus.range(query.expr, query.over, query.step)
    except QueryError as refused:
        error = str(refused)
    return Asked(board.title, panel, query, found, error, frozenset(one.name for one in board.templating.variables))


def annotation_queries(appliance: Appliance) -> Iterator[tuple[str, str]]:
    """(place, what Prometheus said against it) of every annotation query; an empty text where it said nothing."""
    for file in sorted((appliance.paths.rendered / "dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for one in board["annotations"]["list"]:
            if one.get("expr"):
                names = [variable["name"] for variable in board["templating"]["list"]]
                expr = interpolate.query(one["expr"], {name: Value((".*",), raw=True) for name in names})
                yield f"{board['title']}: {one['name']}", _refusal(appliance, expr)


def _refusal(appliance: Appliance, expr: str) -> str:
    try:
        appliance.query(expr)
    except OSError as error:
        return f"{expr}: {error}"
    return ""
