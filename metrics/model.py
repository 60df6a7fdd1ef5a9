"""What a metric is: a name, a type, a unit, labels and a sentence of help.

A declaration is the only place where a metric's name stands. Its type decides which queries it offers: only a `Counter`
has `rate()`, only a `Histogram` has `quantile()`, so that a wrong query is a type error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from metrics.query import Expr, Function, Rate, Selector

RECORDING_RULE = "recording rule"  # the emitter of what Prometheus makes from other series


class Unit(Enum):
    """A unit: its key, and the format id by which Grafana draws it (https://grafana.com/docs, standard options)."""

    NONE = ("", "short")
    COUNT = ("count", "short")
    INFO = ("info", "short")
    BOOL = ("bool", "bool")
    RATIO = ("ratio", "percentunit")
    PERCENT = ("percent", "percent")
    SECONDS = ("seconds", "s")
    TIMESTAMP = ("timestamp", "dateTimeFromNow")
    BYTES = ("bytes", "bytes")
    BITS_PER_SECOND = ("bits_per_second", "bps")
    BYTES_PER_SECOND = ("bytes_per_second", "binBps")
    PER_SECOND = ("per_second", "ops")
    HERTZ = ("hertz", "hertz")
    CELSIUS = ("celsius", "celsius")
    VOLTS = ("volts", "volt")
    AMPERES = ("amperes", "amp")
    WATTS = ("watts", "watt")
    RPM = ("rpm", "rotrpm")

    def __init__(self, key: str, grafana: str) -> None:
        self.key = key
        self.grafana = grafana

    @property
    def per_second(self) -> Unit:
        """The unit of a counter's rate: seconds per second are a ratio, bytes become bytes per second."""
        return {Unit.BYTES: Unit.BYTES_PER_SECOND, Unit.SECONDS: Unit.RATIO}.get(self, Unit.PER_SECOND)


class Distribution(NamedTuple):
    """The state of one histogram child: observations per bucket (not cumulated, the last one is +Inf) and their sum."""

    counts: Sequence[int]
    sum: float


Labels: TypeAlias = tuple[str, ...]


class Keys:
    """The label values of many series, in order: what the rows of a table are called.

    Whoever scrapes a table keeps the object as long as the rows stay the same, so that their text is made once. Two objects are
    never equal.
    """

    __slots__ = ("__weakref__", "_rows")

    def __init__(self, rows: Sequence[Labels]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Labels]:
        return iter(self._rows)

    @property
    def rows(self) -> Sequence[Labels]:
        """Label values in declared order, row by row."""
        return self._rows


class Packed:
    """Integers' digits in one text, a line each, empty where there is no value: a tenth of the memory of as many objects."""

    __slots__ = ("_count", "text")

    def __init__(self, text: bytes, count: int) -> None:
        self.text = text
        self._count = count

    def __len__(self) -> int:
        return self._count

    def unpacked(self) -> list[bytes | None]:
        """Each one's digits. Raises ValueError when there are not as many as was said."""
        lines: list[bytes | None] = [*self.text.split(b"\n")] if self._count else []
        if len(lines) != self._count:
            raise ValueError(f"{len(lines)} values, not {self._count}")
        return lines if b"" not in lines else [line or None for line in lines]


class Column(NamedTuple):
    """One value for each of the keys: thousands of samples of one metric in one.

    Values are bytes, an integer's digits as the source wrote them, or numbers; None where there is no value.
    """

    keys: Keys
    values: Sequence[bytes | float | None] | Packed

    def unpacked(self) -> Sequence[bytes | float | None]:
        """The values as a sequence."""
        return self.values.unpacked() if isinstance(self.values, Packed) else self.values


# A plain tuple, because a scrape makes thousands of them: (metric, label values in declared order, value). A column brings its
# labels along.
Sample: TypeAlias = "tuple[Metric, Labels, float | Distribution | Column]"
Single: TypeAlias = "tuple[Metric, Labels, float | Distribution]"  # no column


@dataclass(frozen=True, eq=False)
class Metric:
    """One declared metric family.

    `closed` gives, label by label, the closed set of values a label may take: children over closed labels exist at 0
    from the start. `absent` says why a healthy system may not expose it. `internal` is the reason why one of our own
    families is neither drawn nor alerted on; `compat` marks an ecosystem name that is exposed for other people's
    dashboards and rules. `emitter` names the program that exposes it when it is not ours.
    """

    name: str
    help: str
    unit: Unit = Unit.NONE
    labels: Labels = ()
    closed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: str = ""
    internal: str = ""
    compat: bool = False
    emitter: str = ""

    @property
    def type(self) -> str:
        """The Prometheus type, in its own word."""
        return type(self).__name__.lower()

    @property
    def series(self) -> tuple[str, ...]:
        """The sample names under which it stands in Prometheus."""
        return (self.name,)

    def select(self, **matchers: str) -> Selector:
        """Its series, narrowed: `select(mode="idle")`; a value beginning with `=~`, `!~`, `!=` is that match."""
        return Selector(self, self.name, tuple(matchers.items()))


@dataclass(frozen=True, eq=False)
class Gauge(Metric):
    """A value that goes up and down."""

    def sample(self, value: float, *labels: str) -> Sample:
        """One sample of `value`, in the metric's unit, with label values in declared order."""
        return (self, labels, value)


@dataclass(frozen=True, eq=False)
class Counter(Metric):
    """A value that only grows, until its process restarts."""

    def sample(self, value: float, *labels: str) -> Sample:
        """One sample of the total so far, in the metric's unit, with label values in declared order."""
        return (self, labels, value)

    def rate(self, window: str = "", **matchers: str) -> Rate:
        """Growth per second; without a window, Grafana's interval in panels and the rule's window in rules."""
        return Rate("rate", self.select(**matchers), window)

    def increase(self, window: str = "", **matchers: str) -> Rate:
        """Growth over the window."""
        return Rate("increase", self.select(**matchers), window)


# Upper bounds in seconds that fit requests of a local service; from prometheus/client_golang DefBuckets.
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, eq=False)
class Histogram(Metric):
    """Observations counted in buckets of growing upper bound (seconds, bytes, …); +Inf is implied."""

    buckets: tuple[float, ...] = DURATION_BUCKETS

    @property
    def series(self) -> tuple[str, ...]:
        """The sample names under which it stands in Prometheus."""
        return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")

    def sample(self, value: Distribution, *labels: str) -> Sample:
        """One sample: `len(buckets) + 1` counts and the sum of all observations, in the metric's unit."""
        return (self, labels, value)

    def quantile(self, q: float, by: Labels = (), window: str = "", **matchers: str) -> Expr:
        """The q-quantile (0 to 1), interpolated within its bucket, over the window, per combination of `by`."""
        buckets = Selector(self, f"{self.name}_bucket", tuple(matchers.items()))
        summed = Rate("rate", buckets, window).sum(by=("le", *by))
        return Function("histogram_quantile", (repr(q), summed))

    def rate(self, window: str = "", **matchers: str) -> Rate:
        """Observations per second."""
        return Rate("rate", Selector(self, f"{self.name}_count", tuple(matchers.items())), window)

    def mean(self, by: Labels = (), window: str = "", **matchers: str) -> Expr:
        """The mean of the observations of the window, per combination of `by`."""
        total = Rate("rate", Selector(self, f"{self.name}_sum", tuple(matchers.items())), window).sum(by=by)
        return total / self.rate(window, **matchers).sum(by=by)


@dataclass(frozen=True, eq=False)
class Signal:
    """A question an operator asks, answered by one expression: what panels draw and alerts compare.

    `warning` and `critical` are the thresholds, in `unit`, that a panel draws and an alert compares with; a value is bad
    above them, or below them where `bad_below`. `minimum` and `maximum` bound what an override may set. `recorded_as`
    makes the expression a recording rule of that name (a gauge). `why` is the reason for the thresholds. `alerts` names, level
    by level, the alert that compares with that threshold, so that a panel draws what a site set for the alert. `every` is how
    often its recording and its alerts are evaluated; empty: as often as the site says.
    """

    title: str
    expr: Expr
    unit: Unit
    help: str
    warning: float | None = None
    critical: float | None = None
    bad_below: bool = False
    minimum: float = 0.0
    maximum: float = float("inf")
    recorded_as: str = ""
    why: str = ""
    alerts: Mapping[str, str] = field(default_factory=dict)
    every: str = ""


@dataclass(frozen=True, eq=False)
class Recording:
    """A counter or histogram that keeps its type under a second name, per source series (no sum before rate).

    Each source becomes one recording rule with its own constant labels added.
    """

    recorded_as: str
    help: str
    unit: Unit
    sources: tuple[tuple[Selector, tuple[tuple[str, str], ...]], ...]
