"""Prices from an exchange by the ccxt library, an optional extra: trades as they happen, after the past as bars."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Mapping
from typing import Any

from stream.sources.base import Description, RawMessage, SourceError
from stream.sources.live import Link

_WARM_UP = 250  # bars asked for; exchanges give at most a few hundred at once


class CcxtTransport:
    """Watches the trades of `symbols` (the exchange's names and ours) at one exchange; `bar` is the length of bars in seconds."""

    drops_when_stale = True

    def __init__(self, exchange: str, symbols: Mapping[str, str], bar: float) -> None:
        self._name = exchange
        self._symbols = dict(symbols)
        self._bar = bar
        self.description = Description("ccxt", f"{exchange}, by ccxt")

    async def session(self, link: Link) -> None:
        """Brings trades until the connection ends, which it says by SourceError."""
        library = await asyncio.to_thread(_library)  # importing it takes seconds, in which clients must be served
        if self._name not in library.exchanges:
            raise SourceError("setup", f"{self._name} is no exchange whose trades ccxt can watch")
        exchange = getattr(library, self._name)({"newUpdates": True})
        try:
            if not exchange.has.get("watchTradesForSymbols"):
                raise SourceError(
                    "setup", f"ccxt cannot watch the trades of several symbols at {self._name}: take another exchange"
                )
            await exchange.load_markets()
            unknown = sorted(set(self._symbols) - set(exchange.symbols))
            if unknown:
                raise SourceError(
                    "setup", f"{self._name} does not know {', '.join(unknown)}: list its symbols in mapping.symbols"
                )
            link.connected()
            await self._past(exchange, link)
            while True:
                await self._trades(exchange, link)
        except library.NetworkError as error:
            raise SourceError("closed", f"{type(error).__name__}: {error}"[:300]) from error
        except library.BaseError as error:
            raise SourceError("protocol", f"{type(error).__name__}: {error}"[:300]) from error
        finally:
            await exchange.close()

    async def _trades(self, exchange: Any, link: Link) -> None:
        trades = await exchange.watch_trades_for_symbols(list(self._symbols))
        link.items(
            [
                {"symbol": trade["symbol"], "price": trade["price"], "quantity": trade["amount"], "time": trade["timestamp"]}
                for trade in trades
            ]
        )

    async def _past(self, exchange: Any, link: Link) -> None:
        """The last bars, where the exchange has bars of our length."""
        wanted = next((name for name in exchange.timeframes or () if exchange.parse_timeframe(name) == self._bar), None)
        if wanted is None or not exchange.has.get("fetchOHLCV"):
            return
        bar_ms, now_ms = round(self._bar * 1000), int(time.time() * 1000)
        for name, symbol in self._symbols.items():
            bars = [bar for bar in await exchange.fetch_ohlcv(name, wanted, limit=_WARM_UP) if bar[0] + bar_ms <= now_ms]
            if bars:
                payload = {"symbol": symbol, "bar_ms": bar_ms, "bars": bars}
                link.item(RawMessage("market", payload, now_ms, bars[-1][0] + bar_ms))


def _library() -> Any:
    """Ccxt's asynchronous half. Raises SourceError when the extra is not installed."""
    try:
        return importlib.import_module("ccxt.pro")
    except ImportError as error:
        raise SourceError(
            "setup", "ccxt is not installed: install the extra `ccxt`, or give a ws:// or http:// endpoint"
        ) from error
