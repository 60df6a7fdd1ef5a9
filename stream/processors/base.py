"""What every processor does: hold a bounded buffer, take items in the order of their own time, and count what is lost.

Pure: time is told, never asked. Subclasses say what an item does to its symbol, and what is told of a symbol.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from metrics import feed
from metrics.instruments import Instruments
from stream.messages import Update
from stream.sources.base import RawMessage

MOST_SYMBOLS = 500  # a source that invents symbols must not fill the memory


@dataclass(frozen=True, slots=True)
class Shape:
    """How much a processor holds, in items, how often it runs, and the window over which it aggregates, in ms."""

    buffer: int
    interval_ms: int
    window_ms: int


class Symbol(Protocol):
    """What a processor keeps of one symbol."""

    def take(self, message: RawMessage) -> None:
        """Takes one item; items come in the order of their time, but for late ones."""
        ...

    def update(self, symbol: str, newest_ms: int) -> Update | None:
        """What is to be told, `newest_ms` being the latest time of an item; None while there is nothing."""
        ...


class Processor:
    """The base of all processors; `counts` may be shared with other processors."""

    name: str
    room: str

    def __init__(self, shape: Shape, counts: Instruments | None = None) -> None:
        self.shape = shape
        self.counts = counts or Instruments(feed.COUNTED)
        self._waiting: deque[RawMessage] = deque()
        self._symbols: dict[str, Symbol] = {}
        self._newest: dict[str, int] = {}

    def new_symbol(self) -> Symbol:
        """What is kept of a symbol that has not been seen before."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """Items in the buffer."""
        return len(self._waiting)

    @property
    def symbols(self) -> int:
        """Symbols it knows."""
        return len(self._symbols)

    def add(self, message: RawMessage, now_ms: int = 0) -> None:  # noqa: ARG002  # part of the interface; no processor needs it yet
        """Puts one item into the buffer; when it is full, the oldest one goes.

        An item from further ahead of our clock than the window is taken as of its arrival: at its own time it would make
        whatever comes after it too late.
        """
        if message.source_ms > message.received_ms + self.shape.window_ms:
            message = replace(message, source_ms=message.received_ms)
        if len(self._waiting) >= self.shape.buffer:
            self._waiting.popleft()
            self.counts.inc(feed.DROPPED, self.name, "overflow")
        self._waiting.append(message)

    def flush(self, now_ms: int = 0) -> list[Update]:  # noqa: ARG002  # the same
        """Takes everything out of the buffer; returns one update for each symbol of which something was taken."""
        waiting = sorted(self._waiting, key=lambda message: message.source_ms)
        self._waiting.clear()
        touched = dict.fromkeys(message.payload["symbol"] for message in waiting if self._take(message))
        updates = (self._symbols[symbol].update(symbol, self._newest[symbol]) for symbol in touched)
        return [update for update in updates if update is not None]

    def _take(self, message: RawMessage) -> bool:
        symbol = message.payload["symbol"]
        kept = self._symbols.get(symbol)
        if kept is None:
            if len(self._symbols) >= MOST_SYMBOLS:
                self.counts.inc(feed.DROPPED, self.name, "symbols")
                return False
            kept = self._symbols[symbol] = self.new_symbol()
        newest = self._newest.setdefault(symbol, message.source_ms)
        if message.source_ms < newest - self.shape.window_ms:
            self.counts.inc(feed.DROPPED, self.name, "too_late")
            return False
        if message.source_ms < newest:
            self.counts.inc(feed.LATE, self.name)
        else:
            self._newest[symbol] = message.source_ms
        kept.take(message)
        return True


def fixed(value: float, decimals: int) -> str:
    """A price as a decimal string."""
    return f"{value:.{min(max(decimals, 0), 18)}f}"


def amount(value: float) -> str:
    """An amount as a decimal string, without zeros at its end."""
    text = f"{value:.8f}"
    return text.rstrip("0").rstrip(".")


def plain(value: Decimal) -> str:
    """A decimal as it came, without an exponent."""
    return format(value, "f")


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A figure to so many significant digits, because sixteen of them only cost bytes; None stays None."""
    if value is None or value == 0:
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def mean(values: Iterable[float]) -> float:
    """The mean of at least one value."""
    held = list(values)
    return math.fsum(held) / len(held)
