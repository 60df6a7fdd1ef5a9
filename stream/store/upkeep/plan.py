"""What is to be done about a table's partitions: pure, from what is there and what time it is.

Partitions follow the calendar (UTC). What is there may follow another calendar, because the setting has changed: then the free
time around it is filled, and nothing ever overlaps. Time that jumps does no harm: nothing is dropped because of a clock alone,
the retention counts back from now or from the end of the newest partition that holds rows, whichever is earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

Period: TypeAlias = Literal["day", "week", "month", "year"]
MOST_CREATED = 50  # partitions of one table that one run makes: a source with wild times must not make thousands


@dataclass(frozen=True, order=True)
class Span:
    """A time from `start` (in) to `end` (out)."""

    start: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        """Whether they have time in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Partition:
    """A partition that is there, but for the default one."""

    name: str
    span: Span
    empty: bool = True


@dataclass(frozen=True)
class Table:
    """A partitioned table as it is: its partitions, and the days of which its default partition holds rows."""

    name: str
    partitions: tuple[Partition, ...] = ()
    strays: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What the settings want."""

    period: Period = "month"
    ahead: int = 3
    retention: timedelta = timedelta(days=400)
    drop: bool = False


@dataclass(frozen=True)
class Create:
    """Make a partition, and move there what the default one holds of its time."""

    name: str
    span: Span


@dataclass(frozen=True)
class Plan:
    """What to do with one table: make, drop; and what has had its time but stays."""

    create: tuple[Create, ...] = ()
    drop: tuple[Partition, ...] = ()
    expired: tuple[Partition, ...] = field(default=())


def floor(at: datetime, period: Period) -> datetime:
    """The start of the period that `at` is in."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def following(start: datetime, period: Period) -> datetime:
    """The start of the period after the one that begins at `start`."""
    if period in ("day", "week"):
        return start + timedelta(days=1 if period == "day" else 7)
    return floor(start + timedelta(days=32 if period == "month" else 370), period)


def plan(table: Table, now: datetime, rules: Rules) -> Plan:
    """What is to be done; doing it and asking again gives nothing to create."""
    taken = [partition.span for partition in table.partitions]
    wanted = [*_ahead(now, rules), *_of_strays(table.strays, now, rules)]
    create: list[Create] = []
    for span in sorted(set(wanted)):
        for gap in _gaps(span, taken):
            if len(create) < MOST_CREATED:
                taken.append(gap)
                create.append(Create(name_of(table.name, gap, rules.period), gap))
    expired = tuple(_expired(table, now, rules))
    return Plan(tuple(create), expired if rules.drop else (), () if rules.drop else expired)


def name_of(table: str, span: Span, period: Period) -> str:
    """A partition's name tells where it begins, and where it ends if that is not the calendar's."""
    whole = span == Span(floor(span.start, period), following(floor(span.start, period), period))
    return f"{table}_{span.start:%Y%m%d}" + ("" if whole else f"_{span.end:%Y%m%d}")


def lead(table: Table, now: datetime) -> float:
    """Seconds from `now` for which partitions are there without a gap; 0 when now has none."""
    reached = now
    for span in sorted(partition.span for partition in table.partitions):
        if span.start <= reached < span.end:
            reached = span.end
    return (reached - now).total_seconds()


def _ahead(now: datetime, rules: Rules) -> Iterator[Span]:
    """The period that is, and those ahead."""
    start = floor(now, rules.period)
    for _ in range(rules.ahead + 1):
        end = following(start, rules.period)
        yield Span(start, end)
        start = end


def _of_strays(strays: Iterable[datetime], now: datetime, rules: Rules) -> Iterator[Span]:
    """The periods of rows in the default partition, as far as they lie within the retention and not beyond what is made ahead."""
    last = max(_ahead(now, rules)).end
    for stray in strays:
        if now - rules.retention <= stray < last:
            start = floor(stray, rules.period)
            yield Span(start, following(start, rules.period))


def _gaps(span: Span, taken: Sequence[Span]) -> Iterator[Span]:
    """The parts of `span` that nothing has taken."""
    start = span.start
    for other in sorted(taken):
        if not span.overlaps(other):
            continue
        if other.start > start:
            yield Span(start, other.start)
        start = max(start, other.end)
    if start < span.end:
        yield Span(start, span.end)


def _expired(table: Table, now: datetime, rules: Rules) -> Iterator[Partition]:
    filled = [partition.span.end for partition in table.partitions if not partition.empty]
    reference = min(now, max(filled, default=now))
    for partition in sorted(table.partitions, key=lambda one: one.span):
        if partition.span.end <= reference - rules.retention:
            yield partition
