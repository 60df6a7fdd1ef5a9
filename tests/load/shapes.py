"""The load tests as data: who does what how often for how long, and what is wanted of the answers.

A profile scales times (duration and ramps) by one factor, and may take a share of users and rates; weights and think times are
what users are, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt


@dataclass(frozen=True)
class Shape:
    """Arrivals over time: `rate` a second, reached within `up` seconds, held for `hold`, gone after `down`."""

    rate: float
    up: float
    hold: float
    down: float

    @property
    def seconds(self) -> float:
        """How long it all takes."""
        return self.up + self.hold + self.down

    @property
    def count(self) -> int:
        """How many arrivals there are."""
        return round(self.rate * (self.up / 2 + self.hold + self.down / 2))

    def due(self, number: int) -> float:
        """Seconds after the start at which arrival `number` (from 0) is due."""
        risen, left = self.rate * self.up / 2, self.count - number
        if number < risen:
            return sqrt(2 * self.up * number / self.rate)
        if left < self.rate * self.down / 2:
            return self.seconds - sqrt(2 * self.down * left / self.rate)
        return self.up + (number - risen) / self.rate


@dataclass(frozen=True)
class Listener:
    """What a client of a room does again and again: subscribe, think (s), receive so many messages, leave."""

    think: float
    receive: int


@dataclass(frozen=True)
class Limits:
    """What is wanted; ms, shares 0 to 1, and answers a second. None: nothing is."""

    mean: float | None = None
    p95: float | None = None
    errors: float = 0.01
    hit_ratio: float | None = None
    rate: float | None = None


@dataclass(frozen=True)
class LoadTest:
    """One test. `rate` 0: each user asks again when it was answered (closed loop). Times are seconds."""

    name: str
    title: str
    users: int
    rate: float
    weights: Mapping[str, int]
    limits: Limits
    unit: str = "requests"
    up: float = 0.0
    hold: float = 600.0
    down: float = 0.0
    listeners: Mapping[str, Listener] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.up + self.hold + self.down

    @property
    def shape(self) -> Shape:
        """When its requests are due; of a closed loop, when its users come."""
        return Shape(self.rate, self.up, self.hold, self.down)

    def scaled(self, factor: float, share: float) -> LoadTest:
        """The same in `factor` of the time by `share` of the users."""
        return replace(
            self, users=max(1, round(self.users * share)), rate=self.rate * share,
            up=self.up * factor, hold=self.hold * factor, down=self.down * factor,
        )  # fmt: skip


API_MIX = {"cryptocurrencies": 20, "dashboard": 30, "ai-analysis": 10, "trading-signals-fast": 25, "alerts-fast": 15}
MODELS_MIX = {
    "predictive-analysis": 30, "risk-assessment": 25, "sentiment-analysis": 20, "ensemble-decision": 15,
    "recommendation-generation": 10,
}  # fmt: skip
API_LIMITS = Limits(mean=100, p95=500)
TESTS = (
    LoadTest("api", "API", 1000, 5000, API_MIX, API_LIMITS),
    LoadTest(
        "websocket", "WebSocket", 1000, 0, {"market-data": 40, "onchain-data": 30, "sentiment-data": 30},
        Limits(mean=10, p95=50), unit="messages", up=120, hold=420, down=60,
        listeners={"market-data": Listener(1, 10), "onchain-data": Listener(2, 5), "sentiment-data": Listener(5, 2)},
    ),
    LoadTest(
        "database", "Database", 50, 0, {"select": 40, "insert": 20, "update": 20, "delete": 10, "join": 10},
        Limits(mean=50, p95=200), unit="transactions",
    ),
    # Of a hundred users each asks once a second; in the crowd, again as soon as it was answered.
    LoadTest("ai", "Models", 100, 100, MODELS_MIX, API_LIMITS),
    # Each client asks once a second.
    LoadTest(
        "cache", "Cache", 1000, 1000, {"get": 50, "set": 30, "delete": 10, "invalidate": 10}, Limits(hit_ratio=0.95),
        unit="operations", up=120, hold=480,
    ),
    LoadTest("peak", "Peak", 1000, 10_000, {k: v for k, v in API_MIX.items() if k != "ai-analysis"}, Limits(rate=10_000)),
    LoadTest("crowd", "Models without pause", 100, 0, MODELS_MIX, API_LIMITS),
    LoadTest("edge", "Edge", 64, 0, {"dashboard": 1}, Limits(mean=10, rate=100_000), hold=100),
)  # fmt: skip
OF_DESIGN = ("api", "websocket", "database", "ai", "cache")


@dataclass(frozen=True)
class Profile:
    """`factor` of the design's times, `share` of its users and rates."""

    name: str
    factor: float
    share: float = 1.0


PROFILES = {
    one.name: one for one in (Profile("full", 1), Profile("short", 0.1), Profile("ci", 1 / 60, 0.05))
}  # 10 min, 60 s, 10 s


def find(name: str) -> LoadTest | None:
    """The test of that name."""
    return next((test for test in TESTS if test.name == name), None)
