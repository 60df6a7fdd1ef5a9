"""How many lines a panel can draw, what unit they have, and that neither has to be said where a declaration says it."""

from __future__ import annotations

import json
import math

import pytest
from grafanalib._gen import DashboardEncoder

from dashboards import build, layout, lint, parts, series
from dashboards.layout import Cell, Row
from dashboards.panels import Panels, Query
from metrics import app, feed, stack
from metrics.model import Signal, Unit
from metrics.query import Expr
from metrics.system import cpu, disk, memory, signals
from settings import Site
from settings.paths import CLONE

READS = disk.READ_BYTES.rate()


def drawn(*queries: Query) -> list[str]:
    panel = Panels(Site(), scope=()).timeseries("x", "y", *queries, unit=Unit.COUNT)
    return [target.expr for target in panel.targets]


READ = "rate(node_disk_read_bytes_total[$__rate_interval])"


def test_an_open_label_is_cut_to_what_the_reader_says_once_for_the_range() -> None:
    ranked = f"max_over_time(({READ})[$__range:$__interval] @ end())"
    assert drawn(Query(READS, "{{device}}")) == [f"{READ} and topk($top, {ranked})"]
    assert drawn(Query(READS), Query(READS)) == [f"{READ} and topk($top / 2, {ranked})"] * 2


def test_a_cut_of_one_s_own_becomes_the_reader_s() -> None:
    assert drawn(Query(READS.topk(3), "{{device}}")) == drawn(Query(READS, "{{device}}"))


def test_what_is_bad_below_keeps_the_smallest() -> None:
    assert "and bottomk($top, min_over_time((" in drawn(Query(signals.DISK_TIME_LEFT))[0]


def test_what_is_told_by_machine_is_cut_and_a_bar_is_ranked_now() -> None:
    assert "$top" in drawn(Query(READS.sum(by=("instance",))))[0]
    bars = Panels(Site(), scope=()).bargauge("x", "y", Query(READS.sum(by=("instance",))), unit=Unit.COUNT)
    assert [target.expr for target in bars.targets] == [f"topk($top, sum by (instance) ({READ}))"]


def test_more_open_queries_than_can_share_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6 can share"):
        drawn(*[Query(READS, "{{device}}")] * 7)


@pytest.mark.parametrize("expr", [cpu.SECONDS.rate().sum(by=("mode",)), feed.MESSAGES.rate().sum(by=("source",)), READS.sum()])
def test_what_is_few_stays_whole(expr: Expr) -> None:
    assert "topk" not in drawn(Query(expr))[0]


def test_the_number_follows_from_the_declaration() -> None:
    assert series.most("sum by (source, reason) (rate(feed_bad_messages_total[5m]))", ("source", "reason")) == 21
    assert series.most("sum by (device) (rate(node_disk_read_bytes_total[5m]))", ("device",)) == math.inf
    assert series.most("topk(5, node_disk_io_now)", ("device", "instance")) == 5
    assert series.most("topk($top / 5, node_disk_io_now)", ("device", "instance")) == 2
    assert series.most('up{job=~"$job"}', ("cluster", "job", "instance")) == math.inf
    assert series.most('up{job=~"$job"}', ("cluster", "job")) == 1


@pytest.mark.parametrize(
    ("what", "unit"),
    [
        (signals.CPU_USAGE, Unit.PERCENT),
        (READS, Unit.BYTES_PER_SECOND),
        (cpu.SECONDS.rate().sum(by=("mode",)), Unit.RATIO),
        (stack.SERVICE_RESTARTS.increase("1h").sum().apply("round").topk(3), Unit.COUNT),
        (stack.SERVICE_UP.select().count(by=("service",)), Unit.COUNT),
        (app.DURATION.quantile(0.95, by=("route",)), Unit.SECONDS),
        (stack.COLLECTOR_DURATION.select().over("max_over_time", "1h").max(), Unit.SECONDS),
    ],
)
def test_a_unit_follows_from_the_declaration(what: Expr | Signal, unit: Unit) -> None:
    assert parts.unit_of([Query(what)]) is unit


def test_a_unit_that_does_not_follow_must_be_named() -> None:
    with pytest.raises(ValueError, match="name the panel's unit"):
        parts.unit_of([Query(READS * 8)])
    with pytest.raises(ValueError, match="2 units in one panel"):
        parts.unit_of([Query(READS), Query(signals.CPU_USAGE)])


def test_the_line_that_contributing_shows_is_a_whole_panel() -> None:
    shown = (CLONE / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## A panel")[2]
    line = shown.partition("```python\n")[2].partition("```")[0].strip()
    panel = eval(line, {"panels": Panels(Site()), "Query": Query, "memory": memory})  # noqa: S307  # our own documentation
    board = layout.dashboard(
        Site(), [Row("Is it fine?", [Cell(panel)])], uid="x", title="X", description="Y", source=memory.MLOCKED
    )
    made = build.modern(json.loads(json.dumps(board, cls=DashboardEncoder)))
    assert lint.lint(made) == []
    assert next(lint.panels(made))["fieldConfig"]["defaults"]["unit"] == "bytes"
