"""`predictive-analysis`: the log return over the horizon, its direction, and the interval that holds it with 90 %.

A regression on trend, technical indicators, flows and sentiment, in units of the horizon's usual move. The baseline is a random
walk: no drift, the past's distribution of moves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stream.analysis.market import FAST, MID, SLOW, Pace, Symbol
from stream.analysis.messages import Forecast
from stream.analysis.models.base import Features, Figures, NotReadyError, Outcome, View, forecast_of
from stream.analysis.online import numbers
from stream.analysis.pool import Pool
from stream.analysis.regression import MISS, Regression
from stream.messages import MARKET, ONCHAIN

NAMES = ("trend_fast", "trend_mid", "trend_slow", "rsi", "macd", "vwap", "flow", "value", "mood")
NORMAL = 1.645  # standard deviations on either side that hold 90 % of a normal distribution


class Predictive:
    """The model for one horizon."""

    def __init__(self) -> None:
        self.regression = Regression(NAMES)
        self.moves = Pool()

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        return self.regression.samples

    def features(self, view: View) -> Features | None:
        """Figures without a unit, and `scale`: the usual log return over the horizon."""
        symbol = view.symbol
        if symbol.steps < MID:
            return None
        return technical(symbol) | {"mood": symbol.mood() or 0.0, "scale": symbol.sigma(view.seconds)}

    def expect(self, features: Features) -> Figures:
        """The point, in units of scale."""
        return {"point": self.regression.point(features)}

    def forecast(self, features: Features, expected: Figures) -> Forecast:
        """The log return; the probability is that of a rise."""
        if not self.regression.ready:
            raise NotReadyError
        point = expected["point"]
        lower, upper = self.regression.quantiles.interval()
        rises = self.regression.quantiles.pool.above(-point)
        return forecast_of(0.0, features["scale"], (point + lower, point, point + upper), rises)

    def baseline(self, features: Features) -> Forecast:
        """A random walk."""
        return random_walk(self.moves, features["scale"])

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:  # noqa: ARG002  # the protocol's
        """The log return."""
        change = symbol.change(made_ms, due_ms)
        return None if change is None else Outcome(change, change)

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:  # noqa: ARG002  # the protocol's
        """Whether it rose."""
        return outcome > 0

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened."""
        move = outcome.value / features["scale"]
        self.regression.learn(features, expected["point"], move)
        self.moves.add(move)

    def state(self) -> dict[str, Any]:
        """All it knows."""
        return {"regression": self.regression.state(), "moves": self.moves.values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.regression = Regression.restored(NAMES, state["regression"])
        self.moves = Pool(numbers(state, "moves"))


def random_walk(moves: Pool, scale: float) -> Forecast:
    """No drift; the interval of past moves, a normal distribution's while there are too few."""
    if not moves.ready:
        return forecast_of(0.0, scale, (-NORMAL, 0.0, NORMAL), 0.5)
    return forecast_of(0.0, scale, (moves.lower(MISS / 2), 0.0, moves.upper(MISS / 2)), moves.above(0.0))


def technical(symbol: Symbol) -> dict[str, float]:
    """Trend over three times, indicators, the distance from the window's mean price, flows to exchanges, and MVRV."""
    inflow, outflow = symbol.figure(ONCHAIN, "exchange_inflow") or 0.0, symbol.figure(ONCHAIN, "exchange_outflow") or 0.0
    step = symbol.slow.volatility(symbol.seconds) * math.sqrt(symbol.seconds)
    vwap, rsi = symbol.figure(MARKET, "vwap"), symbol.figure(MARKET, "rsi")
    value, histogram = symbol.figure(ONCHAIN, "mvrv"), symbol.figure(MARKET, "histogram")
    return {
        "trend_fast": _trend(symbol.fast, FAST, step),
        "trend_mid": _trend(symbol.mid, MID, step),
        "trend_slow": _trend(symbol.slow, SLOW, step),
        "rsi": 0.0 if rsi is None else rsi / 50 - 1,
        "macd": 0.0 if histogram is None else math.tanh(histogram / symbol.price / step / 10),
        "vwap": math.log(symbol.price / vwap) / step if vwap else 0.0,
        "flow": (inflow - outflow) / (inflow + outflow) if inflow + outflow > 0 else 0.0,
        "value": math.log(value) if value and value > 0 else 0.0,
    }


def _trend(pace: Pace, steps: int, step: float) -> float:
    """The mean return of `steps` steps, in standard deviations of such a mean."""
    return pace.drift() * math.sqrt(steps) / step
