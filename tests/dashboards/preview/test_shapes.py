"""Bar gauges, heatmaps and state timelines: what is drawn of given answers."""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.preview import shapes
from dashboards.preview.frames import Answer, Grid
from dashboards.preview.model import Panel, Target
from dashboards.preview.prometheus import Series
from dashboards.preview.timerange import Range

GRID = Grid(Range(0, 40), 10)
STEPS = [{"color": "#009E73", "value": None}, {"color": "#E69F00", "value": 70}, {"color": "#D55E00", "value": 90}]


def panel(kind: str, options: dict[str, Any] | None = None, **defaults: Any) -> Panel:
    return msgspec.convert({"id": 1, "type": kind, "options": options or {}, "fieldConfig": {"defaults": defaults}}, Panel)


def answer(
    *values: list[str | None], labels: list[dict[str, str]], form: str = "time_series", legend: str = "{{le}}{{job}}"
) -> Answer:
    found = [
        Series(metric, values=[(10.0 * index, text) for index, text in enumerate(row) if text is not None])
        for row, metric in zip(values, labels, strict=True)
    ]
    return Answer(Target(expr="x", format=form), "x", legend, found)


def test_a_bar_is_its_share_of_the_way_and_has_its_thresholds_on_it() -> None:
    one = panel("bargauge", unit="percent", min=0, max=100, thresholds={"mode": "absolute", "steps": STEPS})
    made = shapes.bargauge(one, [answer(["75"], ["12.5"], labels=[{"job": "a"}, {"job": "b"}])], GRID, 0)
    assert [(item["name"], item["share"], item["state"], item["text"]) for item in made["items"]] == [
        ("a", 0.75, "warning", "75%"), ("b", 0.125, "ok", "12.5%"),
    ]  # fmt: skip
    assert [(mark["share"], mark["state"]) for mark in made["items"][0]["marks"]] == [(0.7, "warning"), (0.9, "critical")]


def test_without_ends_the_longest_bar_is_full() -> None:
    made = shapes.bargauge(panel("bargauge"), [answer(["4"], ["1"], labels=[{"job": "a"}, {"job": "b"}])], GRID, 0)
    assert [item["share"] for item in made["items"]] == [1, 0.25]


def test_cumulative_buckets_are_taken_apart_from_the_lowest_up() -> None:
    labels = [{"le": "+Inf"}, {"le": "0.5"}, {"le": "0.01"}]
    given = answer(["10", "10"], ["7", "6"], ["3", "6.5"], labels=labels, form="heatmap")
    one = panel("heatmap", {"calculate": False, "yAxis": {"unit": "s"}, "cellValues": {"unit": "ops"}})
    made = shapes.heatmap(one, [given], GRID, 0)
    assert [row["name"] for row in made["rows"]] == ["up to 10 ms", "10 ms to 500 ms", "above 500 ms"]
    assert [row["values"][:3] for row in made["rows"]] == [[3, 6.5, None], [4, 0, None], [3, 4, None]]
    assert (made["most"], made["unit"], made["count"]) == (6.5, "ops", 5)


def test_a_heatmap_without_an_observation_says_so() -> None:
    given = answer(["0", "0"], ["0", "0"], labels=[{"le": "1"}, {"le": "+Inf"}], form="heatmap")
    made = shapes.heatmap(panel("heatmap", noValue="nobody asks"), [given], GRID, 0)
    assert (made["rows"], made["none"]) == ([], "nobody asks")
    computed = shapes.heatmap(panel("heatmap", {"calculate": True}), [given], GRID, 0)
    assert "open in Grafana" in computed["none"]


def test_equal_states_are_one_band_and_a_gap_divides_them() -> None:
    mappings = [
        {"type": "value", "options": {"0": {"text": "DOWN", "color": "#D55E00"}, "1": {"text": "up", "color": "#009E73"}}}
    ]
    given = answer(["1", "1", "0", None, "0"], labels=[{"job": "a"}])
    made = shapes.statetimeline(panel("state-timeline", mappings=mappings), [given], GRID, 0)
    assert made["rows"] == [{"name": "a", "spans": [(0, 1, 0), (2, 2, 1), (4, 4, 1)]}]
    assert [(state["text"], state["state"]) for state in made["states"]] == [("up", "ok"), ("DOWN", "critical")]


def test_values_without_a_mapping_are_written_in_their_unit() -> None:
    made = shapes.statetimeline(panel("state-timeline", unit="percent"), [answer(["50"], labels=[{"job": "a"}])], GRID, 0)
    assert made["states"] == [{"text": "50%", "state": "", "color": ""}]
