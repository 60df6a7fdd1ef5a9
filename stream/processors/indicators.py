"""Technical indicators over the closes of bars: incremental, each a value that `after` makes from the one before.

- simple moving average;
- RSI with Wilder's smoothing (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978): the first average is the plain
  mean of `period` changes, each later one `(before · (period - 1) + change) / period`;
- MACD (Gerald Appel): EMA of 12 less EMA of 26, the signal its EMA of 9; each EMA begins as the plain mean of its first
  `period` values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, Self


class Sma:
    """The mean of the last `period` values; the sum is kept exact by summing anew each `period` values."""

    def __init__(self, period: int) -> None:
        self._values: deque[float] = deque(maxlen=period)
        self._period = period
        self._sum = 0.0
        self._since = 0

    def add(self, value: float) -> None:
        """Takes one more value."""
        if len(self._values) == self._period:
            self._sum -= self._values[0]
        self._values.append(value)
        self._sum += value
        self._since += 1
        if self._since >= self._period:
            self._sum, self._since = sum(self._values), 0

    def peek(self, pending: Iterable[float] = ()) -> float | None:
        """The mean if the pending values came too; None while there are too few."""
        more = list(pending)[-self._period :]
        total = len(self._values) + len(more)
        if total < self._period:
            return None
        out = total - self._period
        gone = sum(self._values[index] for index in range(out))
        return (self._sum - gone + sum(more)) / self._period


@dataclass(frozen=True, slots=True)
class Ema:
    """An exponential mean, weight 2 / (period + 1), that begins as the plain mean of its first `period` values."""

    period: int
    count: int = 0
    total: float = 0.0

    @property
    def value(self) -> float | None:
        """The mean; None while there are too few values."""
        return self.total if self.count >= self.period else None

    def after(self, value: float) -> Self:
        """The mean with one more value."""
        count = self.count + 1
        if count < self.period:
            return replace(self, count=count, total=self.total + value)
        if count == self.period:
            return replace(self, count=count, total=(self.total + value) / self.period)
        return replace(self, count=count, total=self.total + (value - self.total) * 2 / (self.period + 1))


@dataclass(frozen=True, slots=True)
class Rsi:
    """Wilder's relative strength index, 0 to 100; 50 where nothing has moved."""

    period: int = 14
    last: float | None = None
    count: int = 0
    gain: float = 0.0
    loss: float = 0.0

    @property
    def value(self) -> float | None:
        """The index; None before `period` changes."""
        if self.count < self.period:
            return None
        moved = self.gain + self.loss
        return 100 * self.gain / moved if moved else 50.0

    def after(self, close: float) -> Self:
        """The index with one more close."""
        if self.last is None:
            return replace(self, last=close)
        change = close - self.last
        up, down, count = max(change, 0.0), max(-change, 0.0), self.count + 1
        if count < self.period:
            return replace(self, last=close, count=count, gain=self.gain + up, loss=self.loss + down)
        if count == self.period:
            gain, loss = (self.gain + up) / self.period, (self.loss + down) / self.period
        else:
            gain = (self.gain * (self.period - 1) + up) / self.period
            loss = (self.loss * (self.period - 1) + down) / self.period
        return replace(self, last=close, count=count, gain=gain, loss=loss)


class MacdValue(NamedTuple):
    """The line, its signal, and the difference; None while there are too few values."""

    macd: float | None
    signal: float | None
    histogram: float | None


@dataclass(frozen=True, slots=True)
class Macd:
    """Moving average convergence and divergence."""

    fast: Ema = Ema(12)
    slow: Ema = Ema(26)
    line: Ema = Ema(9)

    @property
    def value(self) -> MacdValue:
        """The three numbers of now."""
        fast, slow, signal = self.fast.value, self.slow.value, self.line.value
        macd = fast - slow if fast is not None and slow is not None else None
        return MacdValue(macd, signal, macd - signal if macd is not None and signal is not None else None)

    def after(self, close: float) -> Self:
        """The three with one more close."""
        fast, slow = self.fast.after(close), self.slow.after(close)
        line = self.line
        if fast.value is not None and slow.value is not None:
            line = line.after(fast.value - slow.value)
        return replace(self, fast=fast, slow=slow, line=line)
