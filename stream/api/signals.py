"""Trading signals: four indicators vote, and their sum is told with its reasons. Pure.

The votes are the textbook ones (J. Welles Wilder 1978 for the RSI's 30 and 70; Gerald Appel for the MACD's histogram; crossing
moving averages). What they are worth is measured nowhere here: they are signals, not forecasts.
"""

from __future__ import annotations

from collections.abc import Iterator

from stream.api.types import Currency, Signal, Word

_OVERSOLD, _OVERBOUGHT = 30.0, 70.0
_VOTES = 4
_CLEAR = 2  # of the votes, more for than against


def signal(currency: Currency) -> Signal | None:
    """The signal of a symbol; None while no indicator is known."""
    market = currency.market
    if market is None:
        return None
    votes = list(_votes(currency))
    if not votes:
        return None
    balance = sum(vote for vote, _ in votes)
    word: Word = "buy" if balance >= _CLEAR else "sell" if balance <= -_CLEAR else "hold"
    strength = min(1.0, abs(balance) / _VOTES)
    return Signal(
        symbol=currency.symbol,
        signal=word,
        strength=strength,
        reasons=[why for _, why in votes],
        price=market.price,
        at=market.at,
    )


def _votes(currency: Currency) -> Iterator[tuple[int, str]]:
    """+1 for buying, -1 for selling, 0 for neither; each with its reason."""
    known, market = currency.technical, currency.market
    if known is None or market is None:
        return
    if known.rsi is not None:
        vote = 1 if known.rsi <= _OVERSOLD else -1 if known.rsi >= _OVERBOUGHT else 0
        yield vote, f"RSI {known.rsi:.1f}: {('overbought', 'neutral', 'oversold')[vote + 1]}"
    if known.histogram is not None:
        vote = (known.histogram > 0) - (known.histogram < 0)
        yield vote, f"MACD histogram {known.histogram:g}: momentum {('down', 'flat', 'up')[vote + 1]}"
    if known.ma50 is not None:
        above = float(market.price) >= float(known.ma50)
        yield 1 if above else -1, f"price {'above' if above else 'below'} its average of 50 bars"
        if known.ma200 is not None:
            above = float(known.ma50) >= float(known.ma200)
            yield 1 if above else -1, f"average of 50 bars {'above' if above else 'below'} that of 200"
