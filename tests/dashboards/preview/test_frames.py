"""From Prometheus's answers to drawable series, numbers and tables."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboards.preview import frames, tables
from dashboards.preview.frames import Answer, Grid
from dashboards.preview.model import Panel, Target
from dashboards.preview.prometheus import Series
from dashboards.preview.timerange import Range

GRID = Grid(Range(100, 140), 10)


def panel(**keys: Any) -> Panel:
    return msgspec.convert({"id": 1, "type": "timeseries"} | keys, Panel)


def answer(*found: Series, ref: str = "A", legend: str = "{{n}}", **keys: Any) -> Answer:
    return Answer(msgspec.convert({"refId": ref} | keys, Target), "expr", legend, list(found))


def test_gaps_and_what_is_no_number_are_null() -> None:
    series = Series({"n": "a"}, values=[(100, "1"), (120, "NaN"), (130, "+Inf"), (140, "2.5")])
    made = frames.timeseries(panel(), [answer(series)], GRID, 140)
    assert made["series"][0]["values"] == [1, None, None, None, 2.5]
    assert (made["start"], made["step"], made["count"]) == (100_000, 10_000, 5)


def test_the_legend_has_its_calculations_in_units() -> None:
    given = panel(fieldConfig={"defaults": {"unit": "bytes"}}, options={"legend": {"calcs": ["lastNotNull", "max", "wombat"]}})
    made = frames.timeseries(given, [answer(Series({"n": "a"}, values=[(100, "2048"), (110, "1024")]))], GRID, 140)
    assert made["calcs"] == ["Last", "Max"]
    assert made["series"][0]["calcs"] == ["1 KiB", "2 KiB"]


def test_a_second_unit_takes_the_second_axis() -> None:
    second = {"matcher": {"id": "byName", "options": "b"}, "properties": [{"id": "unit", "value": "s"}]}
    given = panel(fieldConfig={"defaults": {"unit": "bytes"}, "overrides": [second]})
    made = frames.timeseries(given, [answer(Series({"n": "a"}), Series({"n": "b"}))], GRID, 140)
    assert [series["second"] for series in made["series"]] == [False, True]


def test_thresholds_are_drawn_only_where_the_panel_draws_them() -> None:
    steps = {"steps": [{"color": "green"}, {"color": "red", "value": 90}]}
    drawn = panel(
        fieldConfig={"defaults": {"unit": "percent", "thresholds": steps, "custom": {"thresholdsStyle": {"mode": "line"}}}}
    )
    found = frames.timeseries(drawn, [], GRID, 0)["thresholds"]
    assert [(step["value"], step["state"], step["text"]) for step in found["steps"]] == [(90, "critical", "90%")]
    assert frames.timeseries(panel(fieldConfig={"defaults": {"thresholds": steps}}), [], GRID, 0)["thresholds"]["steps"] == []


@pytest.mark.parametrize(
    ("values", "stacking", "wanted"),
    [
        ([("a", "0.2", "1")], "none", (0, 1)),
        ([("a", "-0.5", "1.5")], "none", (-0.54, 1.54)),
        ([("a", "0.5", "0.8"), ("b", "0.5", "0.7")], "none", (0, 1)),
        ([("a", "0.5", "0.8"), ("b", "0.5", "0.7")], "normal", (0, 1.51)),
        ([], "normal", (0, 1)),
    ],
)
def test_an_axis_holds_what_lies_beyond_its_ends(
    values: list[tuple[str, str, str]], stacking: str, wanted: tuple[float, float]
) -> None:
    given = panel(fieldConfig={"defaults": {"min": 0, "max": 1, "custom": {"stacking": {"mode": stacking}}}})
    found = [Series({"n": name}, values=[(100, first), (110, second)]) for name, first, second in values]
    axis = frames.timeseries(given, [answer(*found)], GRID, 140)["axis"]
    assert (axis["min"], axis["max"]) == pytest.approx(wanted)


def test_more_series_than_can_be_told_apart_are_counted() -> None:
    many = [Series({"n": str(index)}) for index in range(frames.MOST_SERIES + 7)]
    made = frames.timeseries(panel(), [answer(*many)], GRID, 0)
    assert (len(made["series"]), made["more"]) == (frames.MOST_SERIES, 7)


def test_a_stat_reduces_and_judges() -> None:
    given = panel(
        type="stat",
        fieldConfig={"defaults": {"unit": "s", "thresholds": {"steps": [{"color": "green"}, {"color": "red", "value": 2}]}}},
    )
    made = frames.stat(given, [answer(Series({"n": "a"}, values=[(100, "1"), (130, "3")]))], GRID, 0)["items"]
    assert [(item["name"], item["text"], item["state"]) for item in made] == [("", "3 s", "critical")]
    assert made[0]["curve"] == [1, None, None, 3, None]


def test_an_instant_stat_has_no_curve_and_several_have_names() -> None:
    found = (Series({"n": "a"}, (140, "1")), Series({"n": "b"}, (140, "2")))
    made = frames.stat(panel(type="stat"), [answer(*found, instant=True)], GRID, 0)["items"]
    assert [(item["name"], item["value"], item["curve"]) for item in made] == [("a", 1, []), ("b", 2, [])]


def one(ref: str, **values: str) -> Answer:
    return answer(*(Series({"job": job, "host": "h"}, (140, value)) for job, value in values.items()), ref=ref, instant=True)


def names(made: dict[str, Any]) -> list[str]:
    return [column["name"] for column in made["columns"]]


def texts(made: dict[str, Any]) -> list[list[str]]:
    return [[cell.get("text", "time") for cell in row] for row in made["rows"]]


def test_a_table_merges_and_organizes() -> None:
    organize = {
        "excludeByName": {"Time": True, "host": True},
        "indexByName": {"Value #B": 0, "job": 1},
        "renameByName": {"Value #A": "Up"},
    }
    given = panel(type="table", transformations=[{"id": "merge"}, {"id": "organize", "options": organize}])
    made = tables.table(given, [one("A", x="1", y="0"), one("B", y="7")], 0)
    assert names(made) == ["Value #B", "job", "Up"]
    assert texts(made) == [["", "x", "1"], ["7", "y", "0"]]


def test_a_table_sorts_limits_and_names_what_it_cannot_do() -> None:
    steps = [
        {"id": "sortBy", "options": {"sort": [{"field": "Value", "desc": True}]}},
        {"id": "limit", "options": {"limitField": 2}},
        {"id": "pivot"},
    ]
    made = tables.table(panel(type="table", transformations=steps), [one("A", x="1", y="3", z="2")], 0)
    assert [row[2]["text"] for row in made["rows"]] == ["y", "z"]
    assert made["notes"] == ["the transformation 'pivot' is not applied here"]


def test_columns_have_units_states_and_may_be_hidden() -> None:
    unit = {
        "matcher": {"id": "byName", "options": "Value"},
        "properties": [{"id": "unit", "value": "s"}, {"id": "displayName", "value": "Took"}],
    }
    hidden = {"matcher": {"id": "byName", "options": "Time"}, "properties": [{"id": "custom.hidden", "value": True}]}
    made = tables.table(panel(type="table", fieldConfig={"overrides": [unit, hidden]}), [one("A", x="0.25")], 0)
    assert names(made) == ["host", "job", "Took"]
    assert texts(made) == [["h", "x", "250 ms"]]


def test_nothing_is_an_empty_table() -> None:
    assert tables.table(panel(type="table"), [answer(instant=True)], 0)["rows"] == []
