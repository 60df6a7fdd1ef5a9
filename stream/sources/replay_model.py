"""The pure core of the embedded feed: real daily returns, drawn in blocks with a seed and scaled to the tick.

A tick of `t` days has the log return `mean · t + excess · √t`, `excess` being a real day's return less the mean. Days come in
blocks of consecutive ones (a block bootstrap), the same days for all symbols, so that volatility still clusters and symbols still
move together. The same seed gives the same series. Nothing here knows a clock.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import NamedTuple

from stream.sources.daily import SERIES, daily

DAY = 86_400.0  # seconds; the replayed market never closes
BLOCK = 20  # days drawn in a row
_TURNOVER = 0.02  # of the supply, a day
# Nominal levels at which symbols start, and their supply: the order of magnitude people expect, no quotes.
_LEVELS = {
    "BTC": (60_000.0, 19.7e6),
    "ETH": (3_000.0, 120.2e6),
    "SOL": (150.0, 465e6),
    "BNB": (580.0, 146e6),
    "XRP": (0.55, 56e9),
}
_OTHERS = (100.0, 10e6)


class Tick(NamedTuple):
    """One trade: price in nominal US dollars, quantity in units of the symbol, and the log return since the tick before."""

    symbol: str
    price: float
    quantity: float
    change: float
    activity: float


class Bar(NamedTuple):
    """The past in short: start in ms UTC, prices, volume in units of the symbol."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(slots=True)
class Line:
    """One symbol of the replay: which series it replays, where it stands, how many decimals its price has."""

    symbol: str
    series: str
    shift: int
    log: float
    supply: float
    decimals: int


def lines(symbols: list[str]) -> list[Line]:
    """One line a symbol; symbols beyond the number of series replay the same series on other days."""
    names, found = tuple(SERIES), []
    for index, symbol in enumerate(symbols):
        level, supply = _LEVELS.get(symbol, _OTHERS)
        decimals = max(2, 5 - math.floor(math.log10(level)))
        lane = index // len(names)
        shift = lane * 1009  # days, a prime: far beyond a block
        found.append(Line(symbol, names[index % len(names)], shift, math.log(level), supply, decimals))
    return found


def about(symbols: list[str]) -> str:
    """What the replay replays, in a sentence."""
    found = daily()
    whats = ", ".join(f"{line.symbol}: {SERIES[line.series]}" for line in lines(symbols))
    return f"Replay, no live data: daily returns of {found.first[:4]} to {found.last[:4]} scaled to the tick ({whats})"


class Bootstrap:
    """Days of the series in blocks drawn anew; endless."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a replay must be repeatable; nothing secret depends on it
        self._days = len(daily().activity)
        self._day, self._left = 0, 0

    def next_day(self) -> int:
        """The index of the next day."""
        if not self._left:
            self._day, self._left = self._random.randrange(self._days), BLOCK
        self._day, self._left = (self._day + 1) % self._days, self._left - 1
        return self._day

    def size(self) -> float:
        """How large the next trade is against the mean one."""
        return self._random.expovariate(1.0)


class ReplayModel:
    """An endless series of ticks; symbols take turns, `tick_seconds` apart."""

    def __init__(self, symbols: list[str], seed: int, tick_seconds: float) -> None:
        self.lines = lines(symbols)
        self.tick_seconds = tick_seconds
        self.ticks = 0
        self._span = tick_seconds * len(symbols) / DAY  # days between two ticks of one symbol
        self._root = math.sqrt(self._span)
        self._bootstrap = Bootstrap(f"{seed}/live")
        self._day = 0

    def next(self) -> Tick:
        """The next tick."""
        turn = self.ticks % len(self.lines)
        if turn == 0:
            self._day = self._bootstrap.next_day()
        self.ticks += 1
        line, found = self.lines[turn], daily()
        day = (self._day + line.shift) % len(found.activity)
        change = found.mean[line.series] * self._span + found.excess[line.series][day] * self._root
        line.log += change
        quantity = line.supply * _TURNOVER * self._span * found.activity[day] * self._bootstrap.size()
        return Tick(line.symbol, round(math.exp(line.log), line.decimals), quantity, change, found.activity[day])


def history(symbols: list[str], seed: int, end_ms: int, bar_seconds: float, count: int) -> dict[str, list[Bar]]:
    """The `count` bars of each symbol up to `end_ms` (a bar's end), the last of which closes where the ticks begin."""
    bootstrap, made = Bootstrap(f"{seed}/history"), lines(symbols)
    days = [bootstrap.next_day() for _ in range(count * _STEPS)]
    sizes = [bootstrap.size() for _ in range(count)]
    return {line.symbol: _bars(line, days, sizes, end_ms, bar_seconds) for line in made}


_STEPS = 4  # within a bar: enough for its high and low to differ from its ends


def _bars(line: Line, days: list[int], sizes: list[float], end_ms: int, bar_seconds: float) -> list[Bar]:
    found, span = daily(), bar_seconds / DAY
    mean, excess = found.mean[line.series] * span / _STEPS, found.excess[line.series]
    root = math.sqrt(span / _STEPS)
    path, log = [0.0], 0.0
    for day in days:
        log += mean + excess[(day + line.shift) % len(excess)] * root
        path.append(log)
    prices = [round(math.exp(line.log + value - log), line.decimals) for value in path]
    bars, start = [], end_ms - round(len(sizes) * bar_seconds * 1000)
    for index, size in enumerate(sizes):
        within = prices[index * _STEPS : (index + 1) * _STEPS + 1]
        activity = found.activity[(days[index * _STEPS] + line.shift) % len(excess)]
        volume = line.supply * _TURNOVER * span * activity * (0.5 + 0.5 * size)
        bars.append(Bar(start + round(index * bar_seconds * 1000), within[0], max(within), min(within), within[-1], volume))
    return bars
