"""The plan of partitions, over clocks that jump, calendars that change, gaps and rows that strayed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stream.store.upkeep.plan import MOST_CREATED, Partition, Period, Rules, Span, Table, floor, following, lead, plan

NOW = datetime(2026, 11, 28, 18, 30, tzinfo=UTC)
times = some.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001  # the zone comes after
periods = some.sampled_from(["day", "week", "month", "year"])
rules = some.builds(
    Rules, period=periods, ahead=some.integers(1, 5), retention=some.integers(1, 900).map(lambda days: timedelta(days=days)),
    drop=some.booleans(),
)  # fmt: skip


def applied(table: Table, now: datetime, wanted: Rules, filled: bool) -> Table:  # noqa: FBT001  # drawn
    """The table after its plan was carried out; strays that have a partition now are in it."""
    found = plan(table, now, wanted)
    kept = [partition for partition in table.partitions if partition not in found.drop]
    made = [Partition(create.name, create.span, empty=not filled) for create in found.create]
    spans = [partition.span for partition in (*kept, *made)]
    strays = tuple(day for day in table.strays if not any(span.start <= day < span.end for span in spans))
    return replace(table, partitions=(*kept, *made), strays=strays)


@settings(max_examples=150, deadline=None)
@given(some.lists(some.tuples(times, rules, some.booleans(), some.lists(times, max_size=3)), min_size=1, max_size=5))
def test_whatever_the_clock_and_the_settings_did(history: list[tuple[datetime, Rules, bool, list[datetime]]]) -> None:
    table = Table("t")
    for now, wanted, filled, strays in history:
        table = replace(table, strays=(*table.strays, *(floor(stray, "day") for stray in strays)))
        before = table
        table = applied(table, now, wanted, filled)

        spans = sorted(partition.span for partition in table.partitions)
        assert all(one.end <= next_one.start for one, next_one in pairwise(spans))
        assert all(span.start < span.end for span in spans)
        assert len({partition.name for partition in table.partitions}) == len(table.partitions)
        end = now
        for _ in range(wanted.ahead + 1):
            end = following(floor(end, wanted.period), wanted.period)
        if len(table.partitions) - len(before.partitions) < MOST_CREATED:
            assert lead(table, now) >= (end - now).total_seconds()
            assert plan(table, now, wanted).create == ()
        for gone in set(before.partitions) - set(table.partitions):
            assert wanted.drop
            assert gone.span.end <= now - wanted.retention


def days(first: datetime, count: int) -> tuple[Partition, ...]:
    starts = [first + timedelta(days=index) for index in range(count)]
    return tuple(Partition(f"t_{start:%Y%m%d}", Span(start, start + timedelta(days=1)), empty=False) for start in starts)


def test_a_clock_that_jumps_ahead_drops_nothing_but_what_the_data_outgrew() -> None:
    table, wanted = Table("t", days(NOW.replace(hour=0, minute=0), 10)), Rules("day", 1, timedelta(days=5), drop=True)
    assert [gone.name for gone in plan(table, NOW + timedelta(days=3650), wanted).drop] == [
        part.name for part in table.partitions[:5]
    ]
    assert plan(table, NOW - timedelta(days=3650), wanted).drop == ()


def test_what_has_had_its_time_is_told_unless_dropping_is_set() -> None:
    table, wanted = Table("t", days(datetime(2026, 11, 1, tzinfo=UTC), 27)), Rules("day", 1, timedelta(days=20))
    found = plan(table, NOW, wanted)
    assert found.drop == ()
    assert [partition.name for partition in found.expired] == [f"t_202611{day:02}" for day in range(1, 8)]
    assert plan(table, NOW, replace(wanted, drop=True)).drop == found.expired


def test_another_calendar_fills_the_time_around_what_is_there() -> None:
    month = Partition("t_20261101", Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)))
    created = plan(Table("t", (month,)), NOW, Rules("year", 1)).create
    assert [(one.name, one.span.start, one.span.end) for one in created] == [
        ("t_20260101_20261101", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
        ("t_20261201_20270101", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("t_20270101", datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
    ]


def test_rows_far_from_now_make_no_partitions() -> None:
    strays = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC), NOW - timedelta(days=300))
    created = plan(Table("t", strays=strays), NOW, Rules("month", 1)).create
    assert [one.name for one in created] == ["t_20260201", "t_20261101", "t_20261201"]


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [("day", "11-28", "11-29"), ("week", "11-23", "11-30"), ("month", "11-01", "12-01")],
)
def test_periods_follow_the_calendar(period: Period, start: str, end: str) -> None:
    assert floor(NOW, period) == datetime.fromisoformat(f"2026-{start}T00:00:00+00:00")
    assert following(floor(NOW, period), period) == datetime.fromisoformat(f"2026-{end}T00:00:00+00:00")


def test_leap_years_and_the_turn_of_the_year() -> None:
    assert following(datetime(2028, 2, 1, tzinfo=UTC), "month") == datetime(2028, 3, 1, tzinfo=UTC)
    assert following(datetime(2026, 12, 1, tzinfo=UTC), "month") == datetime(2027, 1, 1, tzinfo=UTC)
    assert following(datetime(2028, 1, 1, tzinfo=UTC), "year") == datetime(2029, 1, 1, tzinfo=UTC)
