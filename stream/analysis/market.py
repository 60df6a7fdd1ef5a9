"""What the models see of one symbol: its price on an even grid of time, and figures made from it. Pure; time is told.

Between two messages the last price stands. Volatilities are exponentially weighted (RiskMetrics Technical Document, 1996):
`v ← λ·v + (1 - λ)·r²` with λ = 1 - 1/N for N steps, in log return per square root of a second.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

from stream.messages import MARKET, ONCHAIN, SENTIMENT

# Steps over which the exponential means look back.
FAST, MID, SLOW = 10, 60, 600
_LEAST_VOLATILITY = 1e-7  # per √s: a price that stands still must not divide by zero
MOOD = ("fear_greed_index", "social_sentiment", "news_sentiment")


@dataclass(slots=True)
class Pace:
    """Exponential means over `steps` steps: of the squared return and of the return; unbiased from the first step on."""

    steps: int
    square: float = 0.0
    mean: float = 0.0
    weight: float = 0.0

    def add(self, change: float) -> None:
        """Takes one step's log return."""
        share = 1 / self.steps
        self.square += (change * change - self.square) * share
        self.mean += (change - self.mean) * share
        self.weight += (1 - self.weight) * share

    def volatility(self, seconds: float) -> float:
        """Log return per √s, `seconds` being the length of a step."""
        return max(math.sqrt(self.square / self.weight / seconds) if self.weight else 0.0, _LEAST_VOLATILITY)

    def drift(self) -> float:
        """The mean log return of a step."""
        return self.mean / self.weight if self.weight else 0.0


@dataclass(slots=True)
class Symbol:
    """One symbol: prices at the grid's times (`times` in ms), and the latest figures of each room."""

    step_ms: int
    keep: int
    times: deque[int] = field(default_factory=deque)
    logs: deque[float] = field(default_factory=deque)
    moods: deque[float | None] = field(default_factory=deque)
    price: float = 0.0
    newest_ms: int = 0
    latest: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    fast: Pace = field(default_factory=lambda: Pace(FAST))
    mid: Pace = field(default_factory=lambda: Pace(MID))
    slow: Pace = field(default_factory=lambda: Pace(SLOW))
    mood_slow: float | None = None
    steps: int = 0

    def take(self, room: str, data: Mapping[str, Any], at_ms: int) -> None:
        """Takes one update of a room; an older one than is known, or a price that is none, is left out."""
        if room != MARKET:
            self.latest[room] = data
            return
        price = float(data["price"])
        if at_ms < self.newest_ms or not (0 < price < math.inf):
            return
        if self.price:
            self.advance(at_ms - 1)  # up to here the price before stood
        self.price, self.newest_ms = price, at_ms
        self.latest[room] = data

    def advance(self, now_ms: int) -> None:
        """Fills the grid up to `now_ms`."""
        if not self.price:
            return
        last = self.times[-1] if self.times else now_ms - now_ms % self.step_ms - self.step_ms
        if now_ms - last > self.keep * self.step_ms:  # asleep for longer than anything is kept: begin anew
            self.times.clear()
            self.logs.clear()
            self.moods.clear()
            last = now_ms - now_ms % self.step_ms - self.step_ms
        log = math.log(self.price)
        for at in range(last + self.step_ms, now_ms + 1, self.step_ms):
            self._step(at, log)

    def _step(self, at: int, log: float) -> None:
        if self.logs:
            change = log - self.logs[-1]
            for pace in (self.fast, self.mid, self.slow):
                pace.add(change)
            self.steps += 1
        mood = self.mood()
        self.times.append(at)
        self.logs.append(log)
        self.moods.append(mood)
        if len(self.times) > self.keep:
            self.times.popleft()
            self.logs.popleft()
            self.moods.popleft()
        if mood is not None:
            before = mood if self.mood_slow is None else self.mood_slow
            self.mood_slow = before + (mood - before) / MID

    # -- what is asked of it -----------------------------------------------------------------------------------------
    @property
    def seconds(self) -> float:
        """The length of a step."""
        return self.step_ms / 1000

    def index(self, at_ms: int) -> int | None:
        """The grid's last place at or before a time; None where the grid does not reach."""
        if not self.times or not self.times[0] <= at_ms < self.times[-1] + self.step_ms:
            return None
        return min((at_ms - self.times[0]) // self.step_ms, len(self.times) - 1)

    def change(self, from_ms: int, to_ms: int) -> float | None:
        """The log return between two times; None where the grid does not hold both."""
        first, last = self.index(from_ms), self.index(to_ms)
        return None if first is None or last is None else self.logs[last] - self.logs[first]

    def realised(self, from_ms: int, to_ms: int) -> float | None:
        """Realised volatility between two times, log return per √s; None where the grid does not hold both."""
        first, last = self.index(from_ms), self.index(to_ms)
        if first is None or last is None or last <= first:
            return None
        path = islice(self.logs, first, last + 1)
        total = math.fsum((after - before) ** 2 for before, after in pairwise(path))
        return max(math.sqrt(total / ((last - first) * self.seconds)), _LEAST_VOLATILITY)

    def sigma(self, horizon: float) -> float:
        """The usual size of the log return over `horizon` seconds: the slow volatility times √horizon."""
        return self.slow.volatility(self.seconds) * math.sqrt(horizon)

    def mood(self) -> float | None:
        """Sentiment from -1 to 1: the mean of those of three indices that are known; None without any."""
        data = self.latest.get(SENTIMENT, {})
        values = [float(data[name]) for name in MOOD if data.get(name) is not None]
        if data.get(MOOD[0]) is not None:
            values[0] = values[0] / 50 - 1
        return max(-1.0, min(1.0, math.fsum(values) / len(values))) if values else None

    def mood_at(self, at_ms: int) -> float | None:
        """The sentiment that stood at a time; None where the grid does not reach, or none was known."""
        found = self.index(at_ms)
        return None if found is None else self.moods[found]

    def figure(self, room: str, name: str) -> float | None:
        """The latest value of a figure; None while it is not known."""
        value = self.latest.get(room, {}).get(name)
        return None if value is None else float(value)


class Market:
    """Every symbol; `keep_ms` of the past are held, on a grid of `step_ms`."""

    def __init__(self, step_ms: int, keep_ms: int) -> None:
        self.step_ms = step_ms
        self._keep = max(keep_ms // step_ms, SLOW)
        self.symbols: dict[str, Symbol] = {}
        self.newest: dict[str, int] = {}

    def take(self, room: str, data: Mapping[str, Any], at_ms: int) -> None:
        """Takes one update of a room, as the stream tells it."""
        if room not in (MARKET, ONCHAIN, SENTIMENT):
            return
        name = data["symbol"]
        symbol = self.symbols.get(name)
        if symbol is None:
            symbol = self.symbols[name] = Symbol(self.step_ms, self._keep)
        symbol.take(room, data, at_ms)
        self.newest[room] = max(self.newest.get(room, 0), at_ms)

    def advance(self, now_ms: int) -> None:
        """Fills every symbol's grid up to `now_ms`."""
        for symbol in self.symbols.values():
            symbol.advance(now_ms)
