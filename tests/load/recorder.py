"""What a test saw: counts by second, latencies in HdrHistograms, reasons of failures; and the outcome that is told."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from tests.load.pace import Paced

_LONGEST = 60_000_000  # µs; a longer one counts as so long
_DIGITS = 3
SHARES = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100)


def used() -> float:
    """Seconds of a core that this process has used, and its children that have ended: pgbench, wrk."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def histogram() -> HdrHistogram:
    """An empty one, of microseconds."""
    return HdrHistogram(1, _LONGEST, _DIGITS)


@dataclass
class Figures:
    """Latencies in ms."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    p999: float
    longest: float

    @classmethod
    def of(cls, seen: HdrHistogram) -> Figures:
        """The figures of a histogram; zeros of an empty one."""
        if not seen.get_total_count():
            return cls(0, 0, 0, 0, 0, 0, 0)
        p50, p95, p99, p999 = (seen.get_value_at_percentile(share) / 1000 for share in (50, 95, 99, 99.9))
        return cls(seen.get_total_count(), seen.get_mean_value() / 1000, p50, p95, p99, p999, seen.get_max_value() / 1000)


@dataclass
class Outcome:
    """What came of one test; rates a second, latencies ms, times Unix seconds.

    `offered`, `sent` and `achieved` are rates of the open loop; of a closed one, users who should come, who came, and answers a
    second. `generator` is the share of a core that the generator itself used. `step`: which of several of one test it was.
    """

    name: str
    title: str
    unit: str
    users: int
    share: float
    factor: float
    began: float
    seconds: float
    offered: float
    sent: float
    achieved: float
    open_loop: bool
    failed: int
    reasons: dict[str, int]
    lost: int
    doubled: int
    latency: Figures
    kinds: dict[str, Figures]
    beside: dict[str, Figures]
    curve: list[tuple[float, float]]
    seen: dict[str, list[tuple[float, float]]]
    generator: float
    late: float
    hit_ratio: float | None = None
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    step: str = ""

    @property
    def label(self) -> str:
        """What tells its figures from those of the same test at another step."""
        return f"{self.name} {self.step}".strip()

    @property
    def error_rate(self) -> float:
        """Failures and losses of all, 0 to 1; nothing at all is a failure."""
        bad = self.failed + self.lost
        return bad / (self.latency.count + bad) if self.latency.count + bad else 1.0

    @property
    def held_back(self) -> bool:
        """Whether the generator sent less than 99 % of what it should have."""
        return self.sent < 0.99 * self.offered

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self) | {"error_rate": self.error_rate, "generator_limited": self.held_back}


class Recorder:
    """Counts while a test runs. Latencies come in seconds."""

    def __init__(self) -> None:
        self.began, self._start = time.time(), time.perf_counter()
        self._used = used()
        self.kinds: dict[str, HdrHistogram] = {}
        self.beside: dict[str, HdrHistogram] = {}
        self.reasons: Counter[str] = Counter()
        self.lost = self.doubled = 0
        self.sent_at: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()
        self._sums: Counter[int] = Counter()
        self.paced = Paced()
        self.hit_ratio: float | None = None
        self.interrupted = False
        self.notes: list[str] = []
        self._end: float | None = None
        self._last = 0.0

    def answered(self, kind: str, seconds: float) -> None:
        """An answer that is good."""
        self._last = time.perf_counter() - self._start
        second = int(self._last)
        self._answered[second] += 1
        micros = min(_LONGEST, max(1, round(seconds * 1e6)))
        self._sums[second] += micros
        self._of(self.kinds, kind).record_value(micros)

    def aside(self, kind: str, seconds: float) -> None:
        """How long something beside the test's own took, such as a handshake."""
        self._of(self.beside, kind).record_value(min(_LONGEST, max(1, round(seconds * 1e6))))

    def failure(self, reason: str, count: int = 1) -> None:
        """An answer that is none, or a wrong one."""
        self.reasons[reason] += count
        self.failures[int(time.perf_counter() - self._start)] += count

    def sent(self) -> None:
        """A request left."""
        self.sent_at[int(time.perf_counter() - self._start)] += 1

    def restart(self) -> None:
        """What was until now was preparation."""
        self.began, self._start, self._used = time.time(), time.perf_counter(), used()

    def stop(self) -> None:
        """What comes from now on takes no time of the test's."""
        self._end = self._end or time.perf_counter()

    def timed(self, kind: str, micros: int) -> None:
        """An answer that a generator of its own timed; `at` tells of its second."""
        self._of(self.kinds, kind).record_value(min(_LONGEST, max(1, micros)))

    def at(self, second: int, answers: int, mean: float) -> None:
        """What a generator of its own told of a second; the mean in seconds."""
        self._answered[second] += answers
        self._sums[second] += round(answers * mean * 1e6)

    @staticmethod
    def _of(place: dict[str, HdrHistogram], kind: str) -> HdrHistogram:
        found = place.get(kind)
        if found is None:
            found = place[kind] = histogram()
        return found

    def outcome(self, name: str, title: str, unit: str, *, users: int, share: float, factor: float, open_loop: bool) -> Outcome:
        """What was seen until now."""
        took = (self._end or time.perf_counter()) - self._start
        planned = self.paced.seconds or took
        all_, seconds = histogram(), max(took, 1e-9)
        for one in self.kinds.values():
            all_.add(one)
        latency = Figures.of(all_)
        span = range(int(took) + 1)
        return Outcome(
            name, title, unit, users, share, factor, self.began, took,
            offered=self.paced.offered / planned if open_loop else self.paced.offered,
            sent=self.paced.sent / planned if open_loop else self.paced.sent,
            achieved=latency.count / max(planned, min(self._last, took), 1e-9), open_loop=open_loop,
            failed=sum(self.reasons.values()), reasons=dict(self.reasons.most_common()), lost=self.lost, doubled=self.doubled,
            latency=latency,
            kinds={kind: Figures.of(one) for kind, one in sorted(self.kinds.items())},
            beside={kind: Figures.of(one) for kind, one in sorted(self.beside.items())},
            curve=[(share_, all_.get_value_at_percentile(share_) / 1000) for share_ in SHARES] if latency.count else [],
            seen={
                "sent": [(second, self.sent_at[second]) for second in span] if self.sent_at else [],
                "answered": [(second, self._answered[second]) for second in span] if self._answered else [],
                "failed": [(second, self.failures[second]) for second in span],
                "mean": [(one, self._sums[one] / self._answered[one] / 1000) for one in span if self._answered[one]],
            },
            generator=(used() - self._used) / seconds, late=self.paced.latest * 1000,
            hit_ratio=self.hit_ratio, interrupted=self.interrupted, notes=self.notes,
        )  # fmt: skip
