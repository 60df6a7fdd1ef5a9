"""Sentiment: four indices, smoothed by an exponential mean over event time, so that the order of arrival changes nothing."""

from __future__ import annotations

import math
from typing import Any

from stream.messages import SENTIMENT, Update
from stream.processors.base import Processor, rounded
from stream.sources.base import RawMessage

INDICES = ("fear_greed_index", "social_sentiment", "news_sentiment", "google_trends")


class TimedMean:
    """The mean of all values, each weighing exp(-age / τ): an EWMA for values at irregular times; `tau_ms` is τ."""

    def __init__(self, tau_ms: float) -> None:
        self._tau = tau_ms
        self._at = 0
        self._sum = self._weight = 0.0
        self.last: float | None = None

    def add(self, at_ms: int, value: float) -> None:
        """Takes a value of that time, which may lie before others."""
        if self.last is None or at_ms >= self._at:
            fade = math.exp((self._at - at_ms) / self._tau) if self.last is not None else 0.0
            self._sum, self._weight = self._sum * fade + value, self._weight * fade + 1
            self._at, self.last = at_ms, value
            return
        weight = math.exp((at_ms - self._at) / self._tau)
        self._sum, self._weight = self._sum + value * weight, self._weight + weight

    @property
    def value(self) -> float | None:
        """The mean; None before the first value."""
        return self._sum / self._weight if self._weight else None


class SentimentSymbol:
    """What is kept of one symbol."""

    def __init__(self, window_ms: int) -> None:
        self._means = {name: TimedMean(window_ms) for name in INDICES}

    def take(self, message: RawMessage) -> None:
        """Takes the indices that the item has."""
        for name, held in self._means.items():
            if name in message.payload:
                held.add(message.source_ms, float(message.payload[name]))

    def update(self, symbol: str, newest_ms: int) -> Update:
        """What is told of the symbol: the smoothed indices, and the latest as they came."""
        data: dict[str, Any] = {"symbol": symbol, "time": newest_ms}
        data |= {name: rounded(held.value) for name, held in self._means.items()}
        data["latest"] = {name: rounded(held.last) for name, held in self._means.items()}
        return Update(SENTIMENT, symbol, data, newest_ms, self._means["fear_greed_index"].value)


class SentimentProcessor(Processor):
    """The processor of sentiment."""

    name = "sentiment"
    room = SENTIMENT

    def new_symbol(self) -> SentimentSymbol:
        """What is kept of a new symbol."""
        return SentimentSymbol(self.shape.window_ms)
