"""Prices: last, OHLC, VWAP, change and volume over the window, the same over 24 h, and indicators over bars."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from metrics.instruments import Instruments
from stream.messages import MARKET, Update
from stream.processors.bars import Bars, Day
from stream.processors.base import Processor, Shape, amount, fixed, plain, rounded
from stream.sources.base import RawMessage


class _Trade(NamedTuple):
    at_ms: int
    order: int
    price: Decimal
    quantity: float
    turnover: float


class MarketSymbol:
    """What is kept of one symbol."""

    def __init__(self, window_ms: int, bar_ms: int) -> None:
        self._window = window_ms
        self._trades: list[_Trade] = []
        self._order = 0
        self._bars = Bars(bar_ms, window_ms)
        self._day = Day()
        self._told: dict[str, tuple[int, Any]] = {}  # what the source itself says of 24 h and capitalisation, with its time

    def take(self, message: RawMessage) -> None:
        """Takes one trade, or the past."""
        payload = message.payload
        if "bars" in payload:
            self._past(payload["bars"], payload["bar_ms"])
            return
        price: Decimal = payload["price"]
        quantity = float(payload.get("quantity") or 0)
        self._order += 1
        value = float(price)
        insort(self._trades, _Trade(message.source_ms, self._order, price, quantity, value * quantity))
        self._bars.add(message.source_ms, value)
        self._day.add(message.source_ms, value, quantity)
        for name in ("volume_24h", "change_24h", "market_cap"):
            if name in payload and message.source_ms >= self._told.get(name, (0, None))[0]:
                self._told[name] = (message.source_ms, payload[name])

    def _past(self, bars: Sequence[tuple[int, float, float, float, float, float]], bar_ms: int) -> None:
        if not self._bars.empty:
            return  # after a reconnection: what was seen counts more than what is told of it
        for start, opened, _high, _low, close, volume in bars:
            self._day.add(start, close, volume, opened)
            if bar_ms == self._bars.bar_ms:
                self._bars.close(start, close)

    def update(self, symbol: str, newest_ms: int) -> Update | None:
        """What is told of the symbol; None before its first trade."""
        first = next((i for i, trade in enumerate(self._trades) if trade.at_ms > newest_ms - self._window), 0)
        del self._trades[:first]
        if not self._trades:
            return None
        last = self._trades[-1].price
        data = {"symbol": symbol, "price": plain(last), "time": newest_ms, "trades": len(self._trades)}
        data |= _window(self._trades)
        data |= self._longer(float(last))
        data |= self._indicators(last)
        return Update(MARKET, symbol, data, newest_ms, float(last))

    def _longer(self, price: float) -> dict[str, Any]:
        change, volume = self._day.change(price), self._day.volume
        found: dict[str, Any] = {
            "change_24h": rounded(change),
            "volume_24h": None if volume is None else amount(volume),
            "market_cap": None,
        }
        for name, (_, value) in self._told.items():
            found[name] = rounded(value) if name == "change_24h" else plain(value)
        return found

    def _indicators(self, price: Decimal) -> dict[str, Any]:
        known, decimals = self._bars.indicators(), _decimals(price) + 2
        return {
            "bar_seconds": self._bars.bar_ms // 1000,
            "rsi": rounded(known.rsi),
            "ma50": None if known.ma50 is None else fixed(known.ma50, decimals),
            "ma200": None if known.ma200 is None else fixed(known.ma200, decimals),
            "macd": rounded(known.macd.macd),
            "signal": rounded(known.macd.signal),
            "histogram": rounded(known.macd.histogram),
        }


def _window(trades: list[_Trade]) -> dict[str, Any]:
    prices = [trade.price for trade in trades]
    volume = sum(trade.quantity for trade in trades)
    vwap = sum(trade.turnover for trade in trades) / volume if volume else None
    return {
        "open": plain(prices[0]),
        "high": plain(max(prices)),
        "low": plain(min(prices)),
        "close": plain(prices[-1]),
        "change": rounded(float(prices[-1] / prices[0] - 1) * 100),
        "volume": amount(volume),
        "vwap": None if vwap is None else fixed(vwap, _decimals(prices[-1]) + 2),
    }


def _decimals(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)


class MarketProcessor(Processor):
    """The processor of prices; bars are `bar_ms` long."""

    name = "market"
    room = MARKET

    def __init__(self, shape: Shape, bar_ms: int, counts: Instruments | None = None) -> None:
        super().__init__(shape, counts)
        self._bar_ms = bar_ms

    def new_symbol(self) -> MarketSymbol:
        """What is kept of a new symbol."""
        return MarketSymbol(self.shape.window_ms, self._bar_ms)
