"""Ranges and steps as Grafana reckons them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboards.preview import timerange
from dashboards.preview.timerange import Range

NOW = datetime(2026, 3, 31, 14, 25, 36, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "end", "expected"),
    [
        ("now", False, "2026-03-31T14:25:36"),
        ("now-6h", False, "2026-03-31T08:25:36"),
        ("now-1d/d", False, "2026-03-30T00:00:00"),
        ("now/d", False, "2026-03-31T00:00:00"),
        ("now/d", True, "2026-03-31T23:59:59.999"),
        ("now/h", False, "2026-03-31T14:00:00"),
        ("now/m", True, "2026-03-31T14:25:59.999"),
        ("now/w", False, "2026-03-29T00:00:00"),
        ("now/M", True, "2026-03-31T23:59:59.999"),
        ("now-1M", False, "2026-02-28T14:25:36"),
        ("now-1y/y", False, "2025-01-01T00:00:00"),
        ("now-1d+2h", False, "2026-03-30T16:25:36"),
        ("1774967136000", False, "2026-03-31T14:25:36"),
        ("2026-01-31T12:00", False, "2026-01-31T12:00:00"),
        ("2026-01-31", False, "2026-01-31T00:00:00"),
    ],
)
def test_reads_an_expression(expression: str, end: bool, expected: str) -> None:  # noqa: FBT001  # a column of the table
    assert timerange.instant(expression, NOW, 0, end=end) == pytest.approx(at(expected), abs=1e-6)


def test_days_begin_at_the_observers_midnight() -> None:
    assert timerange.instant("now/d", NOW, 120) == at("2026-03-30T22:00:00")
    assert timerange.instant("2026-01-31T12:00", NOW, 60) == at("2026-01-31T11:00:00")


@pytest.mark.parametrize(
    "expression",
    ["", "yesterday", "now-6", "now-6x", "now/q", "-1h", "now-99999y", "12", "nowhere", "now--1h", "0001-01-01T00:00+14:00"],
)
def test_refuses_what_is_no_time(expression: str) -> None:
    with pytest.raises(ValueError, match=r"no time|calendar"):
        timerange.instant(expression, NOW)


def test_refuses_an_empty_range() -> None:
    with pytest.raises(ValueError, match="before its end"):
        timerange.resolve("now", "now-1h", NOW)


@pytest.mark.parametrize(
    ("length", "width", "least", "expected"),
    [
        (6 * 3600, 600, 10, 30),
        (6 * 3600, 1000, 10, 20),
        (3600, 600, 10, 10),
        (300, 600, 10, 10),
        (300, 600, 0.5, 0.5),
        (86_400 * 7, 600, 10, 900),
    ],
)
def test_takes_grafanas_round_steps(length: float, width: int, least: float, expected: float) -> None:
    assert timerange.interval(Range(0, length), width, least) == expected


def test_a_step_never_asks_for_more_points_than_prometheus_gives() -> None:
    year = Range(0, 365 * 86_400)
    assert year.seconds / timerange.interval(year, 100_000, 1) <= timerange.MOST_POINTS


def test_the_rate_interval_spans_four_scrapes_or_a_step_and_one() -> None:
    assert timerange.rate_interval(10, 10) == 40
    assert timerange.rate_interval(5, 10) == 40
    assert timerange.rate_interval(60, 10) == 70


def test_aligns_to_the_step() -> None:
    assert timerange.aligned(Range(103, 1009), 10) == Range(100, 1000)


@pytest.mark.parametrize(
    ("value", "text"), [(40, "40s"), (60, "1m"), (90, "90s"), (3600, "1h"), (86_400, "1d"), (0.5, "500ms"), (1.5, "1500ms")]
)
def test_writes_durations_in_one_unit(value: float, text: str) -> None:
    assert timerange.written(value) == text


def test_reads_a_least_step() -> None:
    assert timerange.duration(">30s", 10) == 30
    assert timerange.duration("$__rate_interval", 10) == 10
