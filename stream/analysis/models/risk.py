"""`risk-assessment`: the volatility that will be realised over the horizon, value at risk, and expected shortfall.

- Volatility: a regression of its logarithm on those of four pasts, as deviations from the last window's (heterogeneous
  autoregression, Corsi, A Simple Approximate Long-Memory Model of Realized Volatility, 2009). The baseline is persistence.
- Value at risk and expected shortfall at 95 %: filtered historical simulation (Barone-Adesi, Giannopoulos & Vosper, 1999): past
  moves, each divided by the volatility that had been forecast for it, times the forecast of now. Beside it the normal one.
- The backtest is Kupiec's (Techniques for Verifying the Accuracy of Risk Measurement Models, 1995): `kupiec`.

Figures are losses as positive log returns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stream.analysis.market import MID, Symbol
from stream.analysis.messages import Forecast
from stream.analysis.models.base import Features, Figures, NotReadyError, Outcome, View
from stream.analysis.online import numbers
from stream.analysis.pool import Pool
from stream.analysis.regression import MISS, Regression

NAMES = ("fast", "mid", "slow", "mood")
TAIL = 0.05
_NORMAL_TAIL, _NORMAL_SHORTFALL = 1.645, 2.063  # of a standard normal distribution at 95 %
_USUAL_CHANGE = 0.6  # of the log volatility: what 90 % of windows stay within, while too few are known


class Risk:
    """The model for one horizon."""

    def __init__(self) -> None:
        self.regression = Regression(NAMES)
        self.changes = Pool()
        self.tails = Pool()

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        return self.regression.samples

    def features(self, view: View) -> Features | None:
        """Log volatilities as deviations from `anchor`, that of the last window as long as the horizon."""
        symbol, step = view.symbol, view.symbol.seconds
        last = symbol.realised(view.before_ms, view.now_ms)
        if last is None or symbol.steps < MID:
            return None
        anchor = math.log(last)
        paces = {"fast": symbol.fast, "mid": symbol.mid, "slow": symbol.slow}
        return {name: math.log(pace.volatility(step)) - anchor for name, pace in paces.items()} | {
            "mood": symbol.mood() or 0.0,
            "anchor": anchor,
            "root": math.sqrt(view.seconds),
        }

    def expect(self, features: Features) -> Figures:
        """The log volatility's change, and what follows from it: value at risk and expected shortfall, empirical and normal."""
        point = self.regression.point(features)
        size = math.exp(features["anchor"] + point) * features["root"]
        cut = self.tails.lower(TAIL) if self.tails.ready else -_NORMAL_TAIL
        mean = self.tails.mean_below(cut) if self.tails.ready else -_NORMAL_SHORTFALL
        return {
            "point": point,
            "value_at_risk": max(-cut, 0.0) * size,
            "expected_shortfall": max(-mean, 0.0) * size,
            "normal_value_at_risk": _NORMAL_TAIL * size,
            "normal_expected_shortfall": _NORMAL_SHORTFALL * size,
        }

    def forecast(self, features: Features, expected: Figures) -> Forecast:
        """Volatility in log return per √s; the probability is that of a rise above the last window's."""
        if not self.regression.ready:
            raise NotReadyError
        point = expected["point"]
        lower, upper = self.regression.quantiles.interval()
        rises = self.regression.quantiles.pool.above(-point)
        return _forecast(features, (point + lower, point, point + upper), rises)

    def baseline(self, features: Features) -> Forecast:
        """Persistence: the last window's volatility, give or take what it used to change."""
        if not self.changes.ready:
            return _forecast(features, (-_USUAL_CHANGE, 0.0, _USUAL_CHANGE), 0.5)
        span = (self.changes.lower(MISS / 2), 0.0, self.changes.upper(MISS / 2))
        return _forecast(features, span, self.changes.above(0.0))

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:  # noqa: ARG002  # the protocol's
        """The volatility that was realised."""
        value, change = symbol.realised(made_ms, due_ms), symbol.change(made_ms, due_ms)
        return None if value is None or change is None else Outcome(value, change)

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:  # noqa: ARG002  # the protocol's
        """Whether volatility rose."""
        return math.log(outcome) > features["anchor"]

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened."""
        change = math.log(outcome.value) - features["anchor"]
        self.regression.learn(features, expected["point"], change)
        self.changes.add(change)
        self.tails.add(outcome.change / (math.exp(features["anchor"] + expected["point"]) * features["root"]))

    def state(self) -> dict[str, Any]:
        """All it knows."""
        return {"regression": self.regression.state(), "changes": self.changes.values, "tails": self.tails.values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.regression = Regression.restored(NAMES, state["regression"])
        self.changes, self.tails = Pool(numbers(state, "changes")), Pool(numbers(state, "tails"))


def _forecast(features: Features, span: tuple[float, float, float], probability: float) -> Forecast:
    lower, point, upper = (math.exp(features["anchor"] + part) for part in span)
    return Forecast(point=point, lower=min(lower, point), upper=max(upper, point), probability=probability)


def kupiec(breaches: int, days: int, share: float = TAIL) -> float:
    """The p-value of Kupiec's test that `breaches` of `days` losses above the value at risk fit its `share`; 1 without days.

    The likelihood ratio is χ² distributed with one degree of freedom: p = erfc(√(LR / 2)).
    """
    if not days:
        return 1.0
    seen = breaches / days
    ratio = _log_likelihood(breaches, days, seen) - _log_likelihood(breaches, days, share)
    return math.erfc(math.sqrt(max(ratio, 0.0)))


def _log_likelihood(breaches: int, days: int, share: float) -> float:
    hit = breaches * math.log(share) if breaches else 0.0
    return hit + ((days - breaches) * math.log(1 - share) if days - breaches else 0.0)
