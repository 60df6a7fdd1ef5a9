"""Market conditions past their limits: moves, volume, sentiment, risk. Pure: callers give the time, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from settings.api import Conditions as Limits
from stream.api.types import Condition, Currency, Sentiment

_FAST, _SLOW = 60.0, 3600.0  # seconds: the last minute beside the last hour
_LEARNED = 600.0  # seconds, before a usual volume is known


class Surge:
    """The volume of the last minute over the usual one: two means that forget exponentially, of what comes a second."""

    def __init__(self) -> None:
        self._at = self._began = -1.0
        self._fast = self._slow = 0.0

    def add(self, now: float, volume: float) -> None:
        """Takes what was traded a second, as seen at `now`."""
        if self._at < 0:
            self._at = self._began = now
            self._fast = self._slow = volume
            return
        passed, self._at = max(0.0, now - self._at), max(now, self._at)
        self._fast += (volume - self._fast) * (1 - math.exp(-passed / _FAST))
        self._slow += (volume - self._slow) * (1 - math.exp(-passed / _SLOW))

    @property
    def times(self) -> float | None:
        """How many times the usual volume; None while the usual one is not known."""
        return self._fast / self._slow if self._at - self._began >= _LEARNED and self._slow > 0 else None


def conditions(currency: Currency, surge: float | None, limits: Limits) -> Iterator[Condition]:
    """What of a symbol is past its limit; `surge` is how many times its usual volume it trades, None where unknown."""
    market = currency.market
    if market is not None and market.change_24h is not None and abs(market.change_24h) >= limits.move_percent:
        change, limit = market.change_24h, limits.move_percent
        yield Condition(
            symbol=currency.symbol, kind="price-move", severity="critical" if abs(change) >= 2 * limit else "warning",
            message=f"{currency.symbol} has {'risen' if change > 0 else 'fallen'} by {abs(change):.1f} % in 24 h",
            value=change, limit=limit, unit="percent", at=market.at,
        )  # fmt: skip
    if market is not None and surge is not None and surge >= limits.volume_times:
        limit = limits.volume_times
        yield Condition(
            symbol=currency.symbol, kind="volume", severity="critical" if surge >= 2 * limit else "warning",
            message=f"{currency.symbol} trades {surge:.1f} times its usual volume",
            value=round(surge, 3), limit=limit, unit="times", at=market.at,
        )  # fmt: skip
    if currency.sentiment is not None:
        yield from _sentiment(currency.symbol, currency.sentiment, limits)
    yield from _risk(currency, limits)


def _sentiment(symbol: str, known: Sentiment, limits: Limits) -> Iterator[Condition]:
    index = known.fear_greed_index
    if index is None or limits.fear_below < index < limits.greed_above:
        return
    fear = index <= limits.fear_below
    yield Condition(
        symbol=symbol, kind="sentiment", severity="warning",
        message=f"Extreme {'fear' if fear else 'greed'} about {symbol}: the index is {index:.0f}",
        value=index, limit=limits.fear_below if fear else limits.greed_above, unit="index", at=known.at,
    )  # fmt: skip


def _risk(currency: Currency, limits: Limits) -> Iterator[Condition]:
    known, chain, symbol = currency.technical, currency.onchain, currency.symbol
    if chain is not None and chain.mvrv is not None and chain.mvrv >= limits.mvrv_above:
        yield Condition(
            symbol=symbol, kind="risk", severity="critical",
            message=f"Holders of {symbol} sit on gains: market value is {chain.mvrv:.2f} times realized value",
            value=chain.mvrv, limit=limits.mvrv_above, unit="ratio", at=chain.at,
        )  # fmt: skip
    if known is None or known.rsi is None or 100 - limits.rsi_above < known.rsi < limits.rsi_above:
        return
    over = known.rsi >= limits.rsi_above
    yield Condition(
        symbol=symbol, kind="risk", severity="warning",
        message=f"{symbol} is {'overbought' if over else 'oversold'}: its RSI is {known.rsi:.0f}",
        value=known.rsi, limit=limits.rsi_above if over else 100 - limits.rsi_above, unit="index", at=known.at,
    )  # fmt: skip
