"""Overrides, thresholds, mappings and reducers."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from dashboards.preview import fields
from dashboards.preview.model import FieldConfig, FieldOptions
from settings import look

STEPS = [{"color": look.OK}, {"color": "yellow", "value": 80}, {"color": look.CRITICAL, "value": 90}]


def config(**keys: Any) -> FieldConfig:
    return msgspec.convert(keys, FieldConfig)


def options(*overrides: dict[str, Any], **defaults: Any) -> FieldOptions:
    return msgspec.convert({"defaults": defaults, "overrides": list(overrides)}, FieldOptions)


def override(kind: str, wanted: Any, **properties: Any) -> dict[str, Any]:
    named = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": kind, "options": wanted}, "properties": named}


@pytest.mark.parametrize(
    ("kind", "wanted", "hit"),
    [
        ("byName", "used", True),
        ("byName", "us", False),
        ("byRegexp", "/^us/", True),
        ("byRegexp", "x$", False),
        ("byRegexp", "(", False),
        ("byFrameRefID", "B", True),
        ("byType", "number", True),
        ("byValue", "x", False),
    ],
)
def test_an_override_is_for_the_fields_it_names(kind: str, wanted: str, hit: bool) -> None:  # noqa: FBT001  # a column
    made = fields.configured(options(override(kind, wanted, unit="s"), unit="bytes"), fields.Field(name="used", ref_id="B"))
    assert made.unit == ("s" if hit else "bytes")


def test_an_override_reaches_into_custom_and_survives_nonsense() -> None:
    field = fields.Field(name="x")
    made = fields.configured(options(override("byName", "x", custom__lineWidth=3, displayName="X"), custom={"a": 1}), field)
    assert (made.custom, made.display_name) == ({"a": 1, "lineWidth": 3}, "X")
    assert fields.configured(options(override("byName", "x", decimals={"no": 1}), unit="s"), field).unit == "s"


@pytest.mark.parametrize(("value", "state"), [(79.9, "ok"), (80, "warning"), (90, "critical"), (-5, "ok"), (None, "unknown")])
def test_thresholds_judge(value: float | None, state: str) -> None:
    assert fields.judged(value, config(thresholds={"steps": STEPS})) == state


def test_one_colour_judges_nothing() -> None:
    assert fields.judged(5, config(thresholds={"steps": [{"color": "green"}]})) == ""


def test_percentages_count_between_min_and_max() -> None:
    half = config(min=0, max=200, thresholds={"mode": "percentage", "steps": [{"color": "green"}, {"color": "red", "value": 50}]})
    assert fields.bounds(half.thresholds, half) == [(-math.inf, "green"), (100, "red")]


@pytest.mark.parametrize(
    ("mapping", "value", "text"),
    [
        ({"type": "value", "options": {"0": {"text": "down"}}}, 0.0, "down"),
        ({"type": "value", "options": {"0.5": {"text": "half"}}}, 0.5, "half"),
        ({"type": "value", "options": {"0": {"text": "down"}}}, 1.0, "1"),
        ({"type": "range", "options": {"from": 1, "to": 5, "result": {"text": "few"}}}, 3.0, "few"),
        ({"type": "special", "options": {"match": "null+nan", "result": {"text": "gone"}}}, None, "gone"),
        ({"type": "special", "options": {"match": "nan", "result": {"text": "odd"}}}, math.nan, "odd"),
        ({"type": "regex", "options": {"pattern": "^4\\d\\d$", "result": {"text": "client error"}}}, 404.0, "client error"),
    ],
)
def test_mappings_speak(mapping: dict[str, Any], value: float | None, text: str) -> None:
    assert fields.text(value, config(mappings=[mapping]), 0) == text


def test_a_mapped_colour_is_a_state() -> None:
    mapped = config(mappings=[{"type": "value", "options": {"0": {"text": "down", "color": look.CRITICAL}}}])
    assert fields.judged(0, mapped) == "critical"


def test_reducers() -> None:
    values = [1.0, None, 3.0, None]
    found = {
        calc: fields.reduced(values, calc)
        for calc in ("lastNotNull", "last", "firstNotNull", "mean", "max", "min", "sum", "count", "range")
    }
    assert found == {
        "lastNotNull": 3,
        "last": None,
        "firstNotNull": 1,
        "mean": 2,
        "max": 3,
        "min": 1,
        "sum": 4,
        "count": 2,
        "range": 2,
    }
    assert fields.reduced([None], "mean") is None


def test_only_colours_reach_a_page() -> None:
    assert fields.color("#56B4E9") == "#56B4E9"
    assert fields.color("semi-dark-red") == look.CRITICAL
    assert fields.color("url(javascript:1)") == ""
