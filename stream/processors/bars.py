"""Prices over longer times: bars of one length with the indicators over their closes, and the last 24 hours."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from stream.processors.indicators import Macd, MacdValue, Rsi, Sma

DAY_MS = 86_400_000
_SLOT_MS = 60_000
_MOST_FILLED = 1_500  # bars; after a longer silence the indicators begin anew


@dataclass(order=True, slots=True)
class _Bar:
    start: int
    close: float = field(compare=False)
    newest: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Indicators:
    """What is known over the bars, the open one included; None while there are too few bars."""

    rsi: float | None
    ma50: float | None
    ma200: float | None
    macd: MacdValue


class Bars:
    """Closes of consecutive bars. A bar is closed when nothing can come for it any more: `grace_ms` after its end.

    Bars without a trade close where the one before them closed.
    """

    def __init__(self, bar_ms: int, grace_ms: int) -> None:
        self.bar_ms = bar_ms
        self._grace = grace_ms
        self._reset()

    def _reset(self) -> None:
        self._open: list[_Bar] = []
        self._closed: tuple[int, float] | None = None  # start and close of the last closed bar
        self._rsi, self._macd = Rsi(), Macd()
        self._ma50, self._ma200 = Sma(50), Sma(200)

    @property
    def empty(self) -> bool:
        """Whether nothing is known yet."""
        return self._closed is None and not self._open

    def add(self, at_ms: int, price: float) -> None:
        """Takes one trade; what comes for a closed bar is left out."""
        start = at_ms - at_ms % self.bar_ms
        if self._closed and start <= self._closed[0]:
            return
        latest = self._open[-1].start if self._open else self._closed[0] if self._closed else start
        if start - latest > _MOST_FILLED * self.bar_ms:
            self._reset()
        bar = next((bar for bar in reversed(self._open) if bar.start == start), None)
        if bar is None:
            insort(self._open, _Bar(start, price, at_ms))
        elif at_ms >= bar.newest:
            bar.close, bar.newest = price, at_ms
        self._advance(at_ms)

    def close(self, start: int, price: float) -> None:
        """Takes a whole bar of the past, in order of time."""
        if self._closed:
            before, stood = self._closed
            for silent in range(before + self.bar_ms, start, self.bar_ms):
                self._step(silent, stood)
        self._step(start, price)

    def _advance(self, now_ms: int) -> None:
        while self._open and self._open[0].start + self.bar_ms + self._grace <= now_ms:
            bar = self._open.pop(0)
            self.close(bar.start, bar.close)

    def _step(self, start: int, price: float) -> None:
        self._closed = (start, price)
        self._rsi, self._macd = self._rsi.after(price), self._macd.after(price)
        self._ma50.add(price)
        self._ma200.add(price)

    def _pending(self) -> Iterator[float]:
        """The closes of open bars so far, silent bars between them included."""
        start, price = self._closed or (self._open[0].start - self.bar_ms, 0.0)
        for bar in self._open:
            yield from (price for _ in range(start + self.bar_ms, bar.start, self.bar_ms))
            start, price = bar.start, bar.close
            yield price

    def indicators(self) -> Indicators:
        """The indicators of now."""
        pending = list(self._pending()) if self._open else []
        rsi, macd = self._rsi, self._macd
        for price in pending:
            rsi, macd = rsi.after(price), macd.after(price)
        return Indicators(rsi.value, self._ma50.peek(pending), self._ma200.peek(pending), macd.value)


@dataclass(slots=True)
class _Slot:
    start: int
    open: float
    close: float
    newest: int
    volume: float


class Day:
    """The last 24 hours, to the minute: the change of the price and the volume."""

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()
        self._before: float | None = None  # the price that stood when the first slot began
        self._volume: float | None = None  # the sum, once somebody has asked for it

    def add(self, at_ms: int, price: float, quantity: float, opened: float | None = None) -> None:
        """Takes one trade, or a whole bar of the past that opened at `opened`; what is older than 24 h is left out."""
        start = at_ms - at_ms % _SLOT_MS
        if not self._slots or start > self._slots[-1].start:
            self._slots.append(_Slot(start, price if opened is None else opened, price, at_ms, quantity))
            self._prune(start)
            self._volume = None
            return
        back = next((slot for slot in reversed(self._slots) if slot.start <= start), None)
        if back is None:
            return
        back.volume += quantity
        if self._volume is not None:
            self._volume += quantity
        if back.newest <= at_ms:
            back.close, back.newest = price, at_ms

    def _prune(self, newest: int) -> None:
        while self._slots[0].start <= newest - DAY_MS - _SLOT_MS:
            self._before = self._slots.popleft().close

    @property
    def complete(self) -> bool:
        """Whether 24 h, less a minute, have been seen."""
        if not self._slots:
            return False
        return self._before is not None or self._slots[-1].start - self._slots[0].start >= DAY_MS - _SLOT_MS

    @property
    def volume(self) -> float | None:
        """The volume of 24 h; None before so much has been seen."""
        if self._volume is None:
            self._volume = sum(slot.volume for slot in self._slots)
        return self._volume if self.complete else None

    def change(self, price: float) -> float | None:
        """Percent from the price of 24 h ago; None before so much has been seen."""
        if not self.complete:
            return None
        reference = self._slots[0].open if self._before is None else self._before
        return (price / reference - 1) * 100
